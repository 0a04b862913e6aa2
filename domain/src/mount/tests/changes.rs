//! Rules are added, undone and warned of, in the database.

use super::*;
use crate::auth::Actor;
use crate::error::{Error, Result};
use crate::testing::TestApp;
use crate::user::{CreateUser, Role as UserRole};

struct Site {
    app: TestApp,
    ana: Actor,
}

impl Site {
    async fn new() -> Self {
        let app = TestApp::with_nodes(1).await;
        let (ana, _) = app.user("ana").await;
        for name in ["bob", "cleo"] {
            join(&app, name, "ops").await;
        }
        Self { app, ana }
    }

    async fn change(&self, rule: Definition, force: bool) -> Result<Outcome> {
        let (app, root) = (&self.app.app, &self.app.root);
        self.app
            .write(async |tx| change(tx, app, root, rule.clone(), force).await)
            .await
    }

    async fn add(&self, owner: &str, host: &str, mount: &str, conditions: &[&str]) -> Outcome {
        let rule = definition(Action::Add, owner, host, mount, conditions);
        self.change(rule, false).await.unwrap()
    }

    async fn remove(&self, owner: &str, host: &str, mount: &str, conditions: &[&str]) -> Outcome {
        let rule = definition(Action::Remove, owner, host, mount, conditions);
        self.change(rule, false).await.unwrap()
    }

    async fn all(&self) -> Vec<MountRule> {
        let db = self.app.app.reader();
        list(db, &self.app.root, Filter::default(), None, 100)
            .await
            .unwrap()
    }
}

async fn join(app: &TestApp, name: &str, group: &str) {
    let input = CreateUser {
        name: name.to_owned(),
        nick_name: None,
        shared_group: None,
        role: UserRole::Internal,
        active: true,
        uid: None,
        groups: vec![group.to_owned()],
    };
    let seed = name.bytes().map(u64::from).sum();
    let mut random: rand::rngs::StdRng = rand::SeedableRng::seed_from_u64(seed);
    let mut tx = app.app.begin().await.unwrap();
    crate::user::create(&mut tx, &app.root, input, &mut random)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[track_caller]
fn made(outcome: Outcome) -> MountRule {
    match outcome {
        Outcome::Made(row) => row,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn warned(outcome: Outcome) -> Vec<(WarningKind, Vec<String>)> {
    match outcome {
        Outcome::Warned(warnings) => warnings.into_iter().map(|it| (it.kind, it.users)).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_given_and_taken_again_leaves_nothing() {
    let site = Site::new().await;
    let row = made(site.add("ops", "/a", "/m", &["user.active"]).await);
    assert_eq!(
        (row.owners.0.as_slice(), row.active),
        (["ops".to_owned()].as_slice(), true)
    );
    let undone = site.remove("ops", "/a", "/m", &["user.active "]).await;
    assert_eq!(undone, Outcome::Undone(row));
    assert_eq!(site.all().await, []);
}

#[tokio::test]
async fn what_is_taken_and_given_again_leaves_what_there_was() {
    let site = Site::new().await;
    let group = made(site.add("ops", "/a", "/m", &[]).await);
    let taken = made(site.remove("bob", "/a", "/m", &[]).await);
    assert_eq!(
        site.add("bob", "/a", "/m", &[]).await,
        Outcome::Undone(taken)
    );
    assert_eq!(site.all().await, [group]);
}

#[tokio::test]
async fn of_a_rule_with_several_owners_only_the_one_is_taken() {
    let site = Site::new().await;
    let row = made(site.add("ops", "/a", "/m", &[]).await);
    // As an import brings it.
    let (app, id) = (&site.app, row.id);
    app.write(async |tx| {
        use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
        let mut row = row.clone().into_active_model();
        row.owners = Set(entity::Words(vec!["ops".to_owned(), "public".to_owned()]));
        row.update(tx.db()).await?;
        Ok(())
    })
    .await
    .unwrap();
    assert!(matches!(
        site.remove("ops", "/a", "/m", &[]).await,
        Outcome::Undone(_)
    ));
    let rest = site.all().await;
    assert_eq!(
        (rest[0].id, rest[0].owners.0.as_slice()),
        (id, ["public".to_owned()].as_slice())
    );
}

#[tokio::test]
async fn the_same_rule_twice_is_refused() {
    let site = Site::new().await;
    made(site.add("ops", "/a", "/m", &["1", "2"]).await);
    let mut again = definition(Action::Add, "ops", "/a", "/m", &["2", "1"]);
    (again.kind, again.read_only) = (Kind::Path, true);
    let refusal = site.change(again, true).await.unwrap_err();
    assert!(matches!(refusal, Error::Conflict(_)), "{refusal}");
    made(site.remove("ops", "/a*", "/m", &[]).await);
    let again = definition(Action::Remove, "ops", "/a*", "/m", &[]);
    assert!(site.change(again, true).await.unwrap_err().is_conflict());
}

#[tokio::test]
async fn what_is_probably_not_meant_is_warned_of_and_done_with_force() {
    use WarningKind::{
        AddBeatsRemove, AddsCancel, AlreadyThroughGroup, NotThroughGroup, UnknownOwner,
    };
    let site = Site::new().await;
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let unknown = site.add("nobody-here", "/a", "/m", &[]).await;
    assert_eq!(warned(unknown), [(UnknownOwner, vec![])]);

    made(site.add("ops", "/a", "/m", &[]).await);
    let twice = site.add("bob", "/a", "/m", &["user.active"]).await;
    assert_eq!(warned(twice), [(AlreadyThroughGroup, names(&["bob"]))]);
    let nothing = site.remove("ana", "/a", "/m", &[]).await;
    assert_eq!(warned(nothing), [(NotThroughGroup, names(&["ana"]))]);

    // Everybody is in `public`; bob and cleo are in `ops` too, where the same path has another source.
    let both = site.add("public", "/b", "/m", &[]).await;
    assert_eq!(warned(both), [(AddsCancel, names(&["bob", "cleo"]))]);
    let vain = site.remove("public", "/b", "/m", &[]).await;
    assert_eq!(warned(vain), [(AddBeatsRemove, names(&["bob", "cleo"]))]);
    // Conditions make another rank.
    made(site.add("public", "/b", "/m", &["user.active"]).await);
    // Conditions that do not contain each other may hold in different cases.
    made(site.add("public", "/c", "/m", &["user.user_id > 1"]).await);

    assert_eq!(site.all().await.len(), 3);
    let forced = definition(Action::Add, "public", "/b", "/m", &[]);
    let advice = advise(
        site.app.app.reader(),
        &site.app.app,
        &site.app.root,
        forced.clone(),
    );
    let advice = advice.await.unwrap();
    assert_eq!((advice.undoes, advice.warnings.len()), (None, 1));
    made(site.change(forced, true).await.unwrap());
}

#[tokio::test]
async fn a_configured_directory_counts_as_given_to_everybody() {
    let site = Site::new().await;
    let path = crate::testing::workspace();
    made(site.remove("ana", path, path, &[]).await);
}

#[tokio::test]
async fn only_administrators_change_rules_and_what_is_wrong_is_named() {
    let site = Site::new().await;
    let rule = definition(Action::Add, "ops", "/a", "/m", &[]);
    let (app, db) = (&site.app.app, site.app.app.reader());
    let refused = advise(db, app, &site.ana, rule.clone()).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)));
    let refused = list(db, &site.ana, Filter::default(), None, 1).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let joined = definition(Action::Add, "ops", "/a", "/m", &["'a or b'", "1 or 0"]);
    match site.change(joined, true).await {
        Err(Error::Invalid(problems)) => assert_eq!(problems[0].field, "conditions.1"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rules_are_listed_by_owner_path_and_page() {
    let site = Site::new().await;
    for (owner, path) in [("ops", "/a"), ("public", "/a"), ("ops", "/b")] {
        let rule = definition(Action::Add, owner, path, path, &[]);
        made(site.change(rule, true).await.unwrap());
    }
    let find = async |owner: Option<&str>, path: Option<&str>, after| {
        let filter = Filter {
            owner: owner.map(str::to_owned),
            mount_path: path.map(str::to_owned),
        };
        let found = list(site.app.app.reader(), &site.app.root, filter, after, 2);
        let found = found.await.unwrap().into_iter();
        let shown = found.map(|row| format!("{} {}", row.owners.0.join(","), row.mount_path));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(find(Some("ops"), None, None).await, ["ops /a", "ops /b"]);
    assert_eq!(find(Some("o_s"), None, None).await, Vec::<String>::new());
    assert_eq!(find(None, Some("/a"), None).await, ["ops /a", "public /a"]);
    let second = site.all().await[1].id;
    assert_eq!(find(None, None, Some(second)).await, ["ops /b"]);
}
