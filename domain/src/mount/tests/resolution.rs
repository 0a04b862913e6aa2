//! Which rule wins.

use super::*;

fn resolved(rules: &[Rule]) -> Resolution {
    resolve(rules, &ana(), None)
}

#[test]
fn the_ranks_go_from_groups_to_the_user_and_conditions_are_stronger_than_none() {
    let by_rank = [
        add(1, "public", "/group", "/m", &[]),
        add(2, "ops", "/group-if", "/m", &["1"]),
        add(3, "ana", "/own", "/m", &[]),
        add(4, "ana", "/own-if", "/m", &["1"]),
    ];
    for n in 1..=by_rank.len() {
        // The order of rows must not matter.
        let rules: Vec<Rule> = by_rank[..n].iter().rev().cloned().collect();
        let resolution = resolved(&rules);
        let winner = &by_rank[n - 1];
        assert_eq!(
            mounts(&resolution),
            [format!(
                "{} → /m by {}",
                winner.definition.host_path, winner.source
            )]
        );
        let weaker: Vec<Source> = by_rank[..n - 1].iter().map(|it| it.source).collect();
        assert_eq!(resolution.mounts[0].overrode, weaker);
        assert_eq!(resolution.conflicts, []);
    }
    let resolution = resolved(&by_rank);
    assert_eq!(*effect(&resolution, 1), Effect::Overridden(rule(2)));
    assert_eq!(*effect(&resolution, 4), Effect::Gives);
}

#[test]
fn what_is_for_others_is_not_looked_at() {
    let resolution = resolved(&[
        add(1, "bob", "/a", "/a", &[]),
        add(2, "root", "/b", "/b", &[]),
    ]);
    assert_eq!(resolution, Resolution::default());
}

#[test]
fn a_stronger_rule_takes_by_the_mount_path_whatever_is_mounted_there() {
    let resolution = resolved(&[
        add(1, "public", "/a", "/m", &[]),
        add(2, "public", "/b", "/n", &[]),
        remove(3, "ana", "/other", "/m", &[]),
    ]);
    assert_eq!(mounts(&resolution), ["/b → /n by rule 2"]);
    assert_eq!(*effect(&resolution, 1), Effect::Taken(rule(3)));
    assert_eq!(*effect(&resolution, 3), Effect::Takes(vec![rule(1)]));
}

#[test]
fn a_weaker_rule_takes_nothing_from_a_stronger_one() {
    let resolution = resolved(&[
        add(1, "ana", "/a", "/m", &[]),
        remove(2, "public", "/a", "/m", &[]),
    ]);
    assert_eq!(mounts(&resolution), ["/a → /m by rule 1"]);
    assert_eq!(*effect(&resolution, 2), Effect::Takes(Vec::new()));
    assert_eq!(resolution.conflicts, []);
}

#[test]
fn within_a_rank_giving_beats_taking_and_that_is_told() {
    let resolution = resolved(&[
        add(1, "public", "/a", "/m", &[]),
        remove(2, "ops", "/a", "/m", &[]),
    ]);
    assert_eq!(mounts(&resolution), ["/a → /m by rule 1"]);
    assert_eq!(
        resolution.conflicts,
        [Conflict {
            kind: ConflictKind::AddBeatsRemove,
            mount_path: "/m".to_owned(),
            sources: vec![rule(1), rule(2)],
        }]
    );
}

#[test]
fn within_a_rank_two_that_give_the_same_path_cancel_each_other_and_the_weaker_stays() {
    let resolution = resolved(&[
        add(1, "public", "/weak", "/m", &[]),
        add(2, "ana", "/a", "/m", &[]),
        add(3, "ana", "/b", "/m", &[]),
        add(4, "ana", "/c", "/n", &[]),
    ]);
    assert_eq!(
        mounts(&resolution),
        ["/weak → /m by rule 1", "/c → /n by rule 4"]
    );
    assert_eq!(*effect(&resolution, 2), Effect::Cancelled(vec![rule(3)]));
    assert_eq!(
        resolution.conflicts,
        [Conflict {
            kind: ConflictKind::AddsCancel,
            mount_path: "/m".to_owned(),
            sources: vec![rule(2), rule(3)],
        }]
    );
}

#[test]
fn a_star_takes_trees_of_weaker_ranks_by_either_path() {
    let weak = [
        add(1, "public", "/data/a", "/x", &[]),
        add(2, "public", "/data2", "/y", &[]),
        add(3, "public", "/other", "/mnt/z", &[]),
    ];
    for (host_path, mount_path, left) in [
        ("/data/*", "/none", vec![2, 3]),
        ("/data*", "/none", vec![3]),
        ("/none", "/mnt/*", vec![1, 2]),
        ("/data/*", "/mnt*", vec![2]),
        ("*", "/none", vec![]),
        // Without a star it is the mount path that counts, and only as a whole.
        ("/data", "/mnt", vec![1, 2, 3]),
        ("/none", "/x", vec![2, 3]),
    ] {
        let mut rules = weak.to_vec();
        rules.push(remove(9, "ana", host_path, mount_path, &[]));
        let ids: Vec<Source> = resolved(&rules).mounts.iter().map(|it| it.source).collect();
        let left: Vec<Source> = left.into_iter().map(rule).collect();
        let mut ids = ids;
        ids.sort_unstable();
        assert_eq!(ids, left, "{host_path} {mount_path}");
    }
}

#[test]
fn conditions_are_all_asked_and_the_one_that_fails_is_told() {
    let rules = [
        add(
            1,
            "public",
            "/a",
            "/a",
            &["user.role == 'internal'", "user.in_group('nobody')"],
        ),
        add(
            2,
            "public",
            "/b",
            "/b",
            &["user.role == 'internal'", "user.user_id > 1000"],
        ),
        add(3, "public", "/c", "/c", &["user.user_id < 'a'"]),
    ];
    let resolution = resolved(&rules);
    assert_eq!(mounts(&resolution), ["/b → /b by rule 2"]);
    let failed = "user.in_group('nobody')".to_owned();
    assert_eq!(*effect(&resolution, 1), Effect::NotMet(failed));
    let reason = "a number and a text have no order".to_owned();
    assert_eq!(*effect(&resolution, 3), Effect::Void(reason));
}

#[test]
fn what_speaks_of_a_task_waits_for_one() {
    let rules = [
        add(1, "public", "/t/{task.id}", "/t", &[]),
        add(2, "public", "/j", "/j", &["task.task_type == 'jupyter'"]),
        add(
            3,
            "public",
            "/o/{user.user_name}-{user.user_id}{{x}}",
            "/o",
            &["task is None"],
        ),
    ];
    let without = resolve(&rules, &ana(), None);
    assert_eq!(mounts(&without), ["/o/ana-1007{x} → /o by rule 3"]);
    assert_eq!(*effect(&without, 1), Effect::NeedsTask);
    assert_eq!(*effect(&without, 2), Effect::NeedsTask);
    let with = resolve(&rules, &ana(), Some(&training()));
    assert_eq!(mounts(&with), ["/t/42 → /t by rule 1"]);
}

#[test]
fn a_name_that_leads_elsewhere_voids_the_rule() {
    let mut task = training();
    task.name = "../../etc".to_owned();
    let rules = [add(1, "public", "/data/{task.nb_name}", "/d", &[])];
    let resolution = resolve(&rules, &ana(), Some(&task));
    assert_eq!(resolution.mounts, []);
    assert!(matches!(effect(&resolution, 1), Effect::Void(_)));
}

#[test]
fn an_imported_rule_that_makes_no_sense_counts_for_nothing_and_says_why() {
    let rules = [
        add(1, "public", "/{open('/etc/passwd').read()}", "/a", &[]),
        add(2, "public", "/b", "/b", &["not user.active"]),
        remove(3, "ana", "/{user.home}", "/c", &[]),
        add(4, "public", "/c", "/c", &[]),
    ];
    let resolution = resolved(&rules);
    assert_eq!(mounts(&resolution), ["/c → /c by rule 4"]);
    for (id, field) in [(1, "hostPath"), (2, "conditions.0"), (3, "hostPath")] {
        let Effect::Void(reason) = effect(&resolution, id) else {
            panic!("rule {id} counts");
        };
        assert!(reason.starts_with(field), "{reason}");
    }
}

#[test]
fn the_configuration_is_weaker_than_every_rule_and_never_cancelled_by_one() {
    let configured = |path: &str| {
        Rule::configured(&Mount {
            path: path.into(),
            read_only: false,
        })
    };
    // What would be a template elsewhere is a name in the configuration.
    let base = [
        configured("/srv"),
        configured("/srv"),
        configured("/{user}"),
    ];
    assert_eq!(resolved(&base).mounts.len(), 2);
    assert_eq!(resolved(&base).conflicts, []);
    let mut rules = base.to_vec();
    rules.push(add(1, "public", "/elsewhere", "/srv", &[]));
    rules.push(remove(2, "public", "/x", "/{{user}}", &[]));
    let resolution = resolved(&rules);
    assert_eq!(mounts(&resolution), ["/elsewhere → /srv by rule 1"]);
    assert_eq!(resolution.mounts[0].overrode, [Source::Configured]);
    assert_eq!(
        *effect(&resolution, 2),
        Effect::Takes(vec![Source::Configured])
    );
}

#[test]
fn the_example_of_the_manual_comes_out_as_it_says() {
    let resolution = resolved(&[
        add(1, "public", "/data", "/data", &[]),
        add(2, "ops", "/scratch/{user.user_name}", "/scratch", &[]),
        add(3, "ana", "/data/ana", "/data", &[]),
        remove(4, "ana", "/scratch/*", "/scratch", &[]),
        remove(5, "ops", "/data", "/data", &[]),
    ]);
    assert_eq!(mounts(&resolution), ["/data/ana → /data by rule 3"]);
    assert_eq!(*effect(&resolution, 1), Effect::Overridden(rule(3)));
    assert_eq!(*effect(&resolution, 2), Effect::Taken(rule(4)));
    assert_eq!(*effect(&resolution, 4), Effect::Takes(vec![rule(2)]));
    assert_eq!(*effect(&resolution, 5), Effect::Takes(Vec::new()));
    let conflicts = resolution.conflicts.iter().map(|it| it.sources.clone());
    assert_eq!(conflicts.collect::<Vec<_>>(), [vec![rule(1), rule(5)]]);
}
