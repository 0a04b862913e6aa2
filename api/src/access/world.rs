//! A platform on which the owner has one of everything, and somebody who asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::Request;
use chrono::TimeDelta;
use domain::audit::Origin;
use domain::session::{self, Code, Ticket};
use domain::task::{Position, Snapshot, TaskId};
use futures_util::StreamExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::columns::{TEAM, Who};
use crate::auth::Bearer;
use crate::id;
use crate::testing::TestApi;

/// A platform for one who asks.
pub(super) struct World {
    pub(super) api: TestApi,
    /// What stands for `@name` in a question.
    ids: BTreeMap<&'static str, String>,
    /// A token of the owner.
    owner: Bearer,
}

impl World {
    /// The owner is a member, or a guest.
    pub(super) async fn new(is_guest: bool) -> Self {
        let api = TestApi::with_nodes(1).await;
        let start = Snapshot::now(api.platform.app.reader()).await.unwrap();
        let role = if is_guest { "EXTERNAL" } else { "INTERNAL" };
        let owner = user(&api, "ada", role, TEAM, "").await;
        user(&api, "gus", "EXTERNAL", "visitors", "").await;
        let mut world = Self {
            ids: BTreeMap::from([
                ("start", id::of_position(&Position::at(start))),
                ("protocol", protocol::PROTOCOL_VERSION.to_string()),
            ]),
            api,
            owner,
        };
        world.tasks().await;
        world.nodes().await;
        world.quotas_and_mounts().await;
        world.tokens().await;
        world
    }

    /// Somebody who asks; nobody if he has nothing to show.
    pub(super) async fn bearer(&self, who: Who) -> Option<Bearer> {
        let api = &self.api;
        let token = match who {
            Who::Nobody => return None,
            Who::Guest => return Some(user(api, "eve", "EXTERNAL", "others", "").await),
            Who::Member(team, group) => {
                return Some(user(api, "eve", "INTERNAL", team, group).await);
            }
            Who::Owner | Who::GuestOwner => return Some(self.owner.clone()),
            Who::Session => return Some(self.session().await.1),
            Who::Root => api.platform.root_token.reveal().to_owned(),
            Who::Scoped(scope) => self.token(&format!("scope: {scope}")).await.1,
            Who::Held => {
                user(api, "eve", "INTERNAL", "default", "").await;
                let held = "mutation { createAccessToken(input: { user: \"ada\", holder: \"eve\" }) { token } }";
                let made = api.root(held, json!({})).await;
                text(&made["createAccessToken"]["token"])
            }
            Who::Agent | Who::LateAgent => {
                let (app, task) = (&api.platform.app, self.running());
                let (run, _) = api.platform.run(task).await;
                let age = TimeDelta::days(if who == Who::LateAgent { 2 } else { 0 });
                app.keys.sign(task, run.id, 0, app.now() - age).unwrap()
            }
        };
        Some(Bearer::new(token))
    }

    /// The first answer to a question.
    pub(super) async fn ask(&self, who: Option<&Bearer>, operation: &str, ask: &str) -> Value {
        let request = Request::new(format!("{operation} {{ {} }}", self.filled(ask)));
        if operation != "subscription" {
            return answered(&self.api, who, request).await;
        }
        let engine = Arc::clone(&self.api.engine);
        let mut results = std::pin::pin!(engine.results(who.cloned(), request));
        let first = results.next().await.unwrap();
        serde_json::from_str(first.result()).unwrap()
    }

    /// The id of a thing.
    pub(super) fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    fn filled(&self, ask: &str) -> String {
        let fill = |ask: String, (name, id): (&&str, &String)| ask.replace(&format!("@{name}"), id);
        self.ids.iter().fold(ask.to_owned(), fill)
    }

    fn running(&self) -> TaskId {
        TaskId(self.ids["run"].parse().unwrap())
    }

    /// One runs, one is over, and the others wait for what is done to them.
    async fn tasks(&mut self) {
        for name in ["run", "over", "stop", "suspend", "resume", "rank", "shared"] {
            let id = submitted(&self.api, &self.owner, name).await;
            if name == "run" {
                self.api.platform.settle().await;
            }
            self.ids.insert(name, id);
        }
        for ask in [
            "stopTask(id: \"@over\") { id }",
            "shareTask(id: \"@shared\") { id }",
        ] {
            done(&self.ask(Some(&self.owner), "mutation", ask).await);
        }
    }

    async fn nodes(&self) {
        for name in ["spare-1", "spare-2", "spare-3", "spare-4"] {
            let create = format!(
                "createHost(input: {{ name: \"{name}\", group: \"training\" }}) {{ name }}"
            );
            self.root(&create).await;
        }
        self.root("createHost(input: { name: \"disabled-1\", group: \"training\", zone: \"z\", room: \"A\", flags: [\"old\"] }) { name }").await;
        for name in ["spare-4", "disabled-1"] {
            let disable =
                format!("disableNode(input: {{ name: \"{name}\", why: \"tests\" }}) {{ name }}");
            self.root(&disable).await;
        }
    }

    async fn quotas_and_mounts(&self) {
        self.api.platform.environment("secret").await;
        for owner in ["ada", "gus"] {
            self.root(&format!("setQuota(input: {{ owner: \"{owner}\", group: \"training\", priority: LOW, nodes: 1 }}) {{ nodes }}")).await;
            for resource in ["port", "cap:SYS_PTRACE", "train_environment:secret"] {
                self.root(&format!("setResourceQuota(input: {{ owner: \"{owner}\", resource: \"{resource}\", amount: 1 }}) {{ amount }}")).await;
            }
        }
        for path in ["/srv/y", "/srv/z"] {
            self.root(&format!("addMountRule(input: {{ hostPath: \"{path}\", mountPath: \"{path}\", owner: \"ada\", readOnly: true, force: true }}) {{ changed }}")).await;
        }
    }

    async fn tokens(&mut self) {
        for name in ["rotate", "revoke"] {
            let (id, _) = self.token("").await;
            self.ids.insert(name, id);
        }
        let made = self
            .root("createAccessToken(input: {}) { accessToken { id } }")
            .await;
        let id = text(&made["createAccessToken"]["accessToken"]["id"]);
        self.ids.insert("root", id);
        let (id, _) = self.session().await;
        self.ids.insert("session", id);
    }

    async fn root(&self, ask: &str) -> Value {
        self.api
            .root(&format!("mutation {{ {ask} }}"), json!({}))
            .await
    }

    /// Id and secret of a new token of the owner.
    async fn token(&self, input: &str) -> (String, String) {
        let make =
            format!("createAccessToken(input: {{ {input} }}) {{ accessToken {{ id }} token }}");
        let made = self.ask(Some(&self.owner), "mutation", &make).await;
        let made = &done(&made)["createAccessToken"];
        (text(&made["accessToken"]["id"]), text(&made["token"]))
    }

    /// Id of a new session of the owner, and what its browser shows.
    async fn session(&self) -> (String, Bearer) {
        let make = "createSessionCode(input: {}) { code }";
        let made = self.ask(Some(&self.owner), "mutation", make).await;
        let code = Code::read(&text(&done(&made)["createSessionCode"]["code"])).unwrap();
        let app = &self.api.platform.app;
        let mut tx = app.begin().await.unwrap();
        // Two sessions must not have the same secret.
        let mut random = StdRng::seed_from_u64(code.reveal().bytes().map(u64::from).sum());
        let opened = session::open(&mut tx, &app.keys, &code, "", &mut random)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let ticket = Ticket::read(&app.keys, opened.cookie.reveal()).unwrap();
        let bearer = Bearer::of_session(ticket, Origin::default());
        (opened.session.id.to_string(), bearer)
    }
}

/// A new user with a task, so that there is something to see for whoever may see his own only.
async fn user(api: &TestApi, name: &str, role: &str, team: &str, group: &str) -> Bearer {
    let groups: Vec<&str> = Some(group)
        .filter(|it| !it.is_empty())
        .into_iter()
        .collect();
    let create = "mutation ($input: CreateUserInput!) { createUser(input: $input) { token } }";
    let input = json!({ "name": name, "role": role, "sharedGroup": team, "groups": groups });
    let created = api.root(create, json!({ "input": input })).await;
    let bearer = Bearer::new(text(&created["createUser"]["token"]));
    if name == "eve" {
        submitted(api, &bearer, "own").await;
    }
    bearer
}

/// The id of a new task.
async fn submitted(api: &TestApi, bearer: &Bearer, name: &str) -> String {
    let submit = format!(
        "mutation {{ submitTask(input: {{ name: \"{name}\", spec: {{ workspace: \"/srv/code\", entrypoint: \"a.py\" }} }}) {{ id }} }}"
    );
    let answer = answered(api, Some(bearer), Request::new(submit)).await;
    text(&done(&answer)["submitTask"]["id"])
}

async fn answered(api: &TestApi, who: Option<&Bearer>, request: Request) -> Value {
    serde_json::from_str(&api.engine.execute(who, request).await.text).unwrap()
}

/// The data of an answer without errors.
fn done(answer: &Value) -> &Value {
    assert!(answer.get("errors").is_none(), "{answer:#}");
    &answer["data"]
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
