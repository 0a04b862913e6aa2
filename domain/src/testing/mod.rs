//! A platform for tests: real database, scripted runtime, a clock that stands still.
//!
//! `HAI_TEST_DATABASE` chooses PostgreSQL (its value is the address of a server on which databases may be created);
//! without it each test has a SQLite file of its own. `cargo xtask test` runs the tests both ways. `HAI_TEST_REDIS` is the
//! address of a Redis; tests of what needs one fail without it.

mod rows;

pub use rows::{pod_row, run_row, task_row};

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use entity::environment::Variables;
use entity::{Words, access_token};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, Database, EntityTrait, QueryFilter};
use serde_json::json;

use crate::app::{App, Settings};
use crate::auth::agent_token::KeyRing;
use crate::auth::{Actor, AgentActor, Token, sign_in};
use crate::clock::{Clock, TestClock};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::logs::LogStore;
use crate::metrics::Metrics;
use crate::mount::Mount;
use crate::node::Masks;
use crate::redis::Redis;
use crate::retention::Retention;
use crate::run::{Graces, Pod, RankReport, Run};
use crate::runtime::fake::FakeRuntime;
use crate::runtime::{NodeReport, RankKey};
use crate::setup::{self, FirstUser};
use crate::store::{Location, Store, Tx};
use crate::task::{self, Submit, Submits, Task, TaskId, TaskSpec};
use crate::user::{CreateUser, Role};
use crate::workers::{Janitor, Launcher, NodeWatcher, Scheduler, Supervisor, Worker};

/// The platform of one test.
pub struct TestApp {
    /// What use cases and workers get.
    pub app: App,
    /// Moves time.
    pub clock: Arc<TestClock>,
    /// Plays the nodes.
    pub runtime: Arc<FakeRuntime>,
    /// The first administrator.
    pub root: Actor,
    /// The first administrator's token.
    pub root_token: Token,
    _dir: tempfile::TempDir,
}

impl std::fmt::Debug for TestApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApp").finish_non_exhaustive()
    }
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of its own for one test.
///
/// # Panics
/// If the server of `HAI_TEST_DATABASE` does not make one.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tests learn of the database"
)]
pub async fn location(dir: &std::path::Path) -> Location {
    let Ok(server) = std::env::var("HAI_TEST_DATABASE") else {
        return Location::Sqlite(dir.join("platform.db"));
    };
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("hai_{}_{number}", std::process::id());
    let admin = Database::connect(&server)
        .await
        .expect("the test server answers");
    admin
        .execute_unprepared(&format!("CREATE DATABASE {name}"))
        .await
        .expect("the test server makes databases");
    admin.close().await.expect("the connection closes");
    let (address, _) = server
        .rsplit_once('/')
        .expect("the address ends with a database");
    Location::Postgres(format!("{address}/{name}"))
}

/// Address of the Redis of the tests, with the number of one of its databases. Tests that run at the same time share it:
/// one that others would disturb takes a number of its own.
///
/// # Panics
/// If `HAI_TEST_REDIS` names none.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tests learn of Redis"
)]
pub fn redis_url(database: u8) -> String {
    let server = std::env::var("HAI_TEST_REDIS").expect(
        "HAI_TEST_REDIS is the address of a Redis: run `cargo xtask test`, or `cargo xtask redis -- COMMAND`",
    );
    format!("{server}/{database}")
}

/// The Redis of the tests.
///
/// # Panics
/// If `HAI_TEST_REDIS` names none.
pub fn redis(database: u8) -> Redis {
    Redis::from_url(&redis_url(database)).expect("HAI_TEST_REDIS is an address")
}

impl TestApp {
    /// A platform with this many ready nodes in the group `training`.
    ///
    /// # Panics
    /// If it cannot be made.
    pub async fn with_nodes(count: u32) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let location = location(dir.path()).await;
        let store = Store::open(&location).await.expect("the database opens");
        let clock = Arc::new(TestClock::default());
        let runtime = Arc::new(FakeRuntime::new((1..=count).map(node).collect()));
        let mut random = StdRng::seed_from_u64(3);
        let masks = Masks::load(&store, clock.now(), &mut random)
            .await
            .expect("the database answers");
        let app = App {
            store,
            submits: Submits::default(),
            served_since: clock.now(),
            clock: clock.clone(),
            runtime: runtime.clone(),
            events: Events::default(),
            logs: LogStore::new(dir.path().join("log")),
            keys: Arc::new(KeyRing::generate(&mut StdRng::seed_from_u64(1))),
            masks,
            metrics: Metrics::default(),
            settings: Arc::new(settings(dir.path())),
            fence: None,
        };
        let first = FirstUser {
            name: "admin".to_owned(),
            uid: 1000,
        };
        NodeWatcher::new(app.clone())
            .tick()
            .await
            .expect("nodes are taken in");
        let root_token = setup::prepare(&app, first, &mut StdRng::seed_from_u64(2))
            .await
            .expect("the platform is prepared")
            .expect("it was empty");
        let root = sign_in(app.reader(), app.now(), root_token.reveal())
            .await
            .expect("the first administrator signs in");
        Self {
            app,
            clock,
            runtime,
            root,
            root_token,
            _dir: dir,
        }
    }

    /// A new user without groups, signed in.
    ///
    /// # Panics
    /// If the name is taken.
    pub async fn user(&self, name: &str) -> (Actor, Token) {
        let input = CreateUser {
            name: name.to_owned(),
            nick_name: None,
            shared_group: None,
            active: true,
            role: Role::Internal,
            uid: None,
            groups: Vec::new(),
        };
        let mut tx = self.app.begin().await.expect("the database is there");
        let seed = name.bytes().map(u64::from).sum();
        let (_, token) =
            crate::user::create(&mut tx, &self.root, input, &mut StdRng::seed_from_u64(seed))
                .await
                .expect("the user is created");
        tx.commit().await.expect("the database is there");
        let actor = sign_in(self.app.reader(), self.app.now(), token.reveal())
            .await
            .expect("the user signs in");
        (actor, token)
    }

    /// A new environment, which nobody may use yet.
    ///
    /// # Panics
    /// If there is one of the name.
    pub async fn environment(&self, name: &str) {
        let row = Environment {
            name: name.to_owned(),
            image: String::new(),
            variables: Variables::default(),
            python: String::new(),
            cuda: String::new(),
            schema_template: String::new(),
            hf_envs: Words(vec!["a".to_owned()]),
        };
        self.write(async |tx| crate::environment::add(tx, row.clone()).await)
            .await
            .expect("there is none of the name");
    }

    /// Revokes every token of a user.
    ///
    /// # Panics
    /// If the actor is no user.
    pub async fn revoke_tokens(&self, actor: &Actor) {
        let user = actor.user().expect("it is a user").id;
        let now = self.app.now();
        self.write(async |tx| {
            access_token::Entity::update_many()
                .col_expr(access_token::Column::RevokedAt, Expr::value(now))
                .filter(access_token::Column::UserId.eq(user))
                .exec(tx.db())
                .await?;
            Ok(())
        })
        .await
        .expect("the database is there");
    }

    /// The document of a task that would start, for tests to change.
    pub fn document(&self, name: &str, nodes: u32) -> serde_json::Value {
        json!({
            "version": 2,
            "name": name,
            "spec": {"workspace": workspace(), "entrypoint": "train.py"},
            "resource": {"node_count": nodes},
        })
    }

    /// Submits a document.
    ///
    /// # Errors
    /// As the use case.
    pub async fn submit_document(
        &self,
        actor: &Actor,
        document: serde_json::Value,
    ) -> Result<Task> {
        let spec = TaskSpec::from_json(&document)?;
        let input = Submit {
            spec,
            document,
            idempotency_key: None,
            act: None,
        };
        self.write(async |tx| task::submit(tx, &self.app, actor, input.clone()).await)
            .await
    }

    /// Writes, and once more if the database was away, as clients and agents do.
    ///
    /// # Errors
    /// As the work.
    #[expect(clippy::future_not_send, reason = "a test awaits it where it is")]
    pub async fn write<T>(&self, work: impl AsyncFn(&mut Tx) -> Result<T>) -> Result<T> {
        let attempt = async || {
            let mut tx = self.app.begin().await?;
            let done = work(&mut tx).await?;
            tx.commit().await?;
            Ok(done)
        };
        match attempt().await {
            Err(Error::Unavailable { .. }) => attempt().await,
            result => result,
        }
    }

    /// Submits a task of the administrator.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn submit(&self, name: &str, nodes: u32) -> Task {
        self.submit_document(&self.root, self.document(name, nodes))
            .await
            .expect("the task is accepted")
    }

    /// The row of a task as it is now.
    ///
    /// # Panics
    /// If there is none.
    pub async fn task(&self, id: TaskId) -> Task {
        task::get(self.app.reader(), &self.root, id)
            .await
            .expect("the task is there")
    }

    /// The newest run of a task with its pods, by rank.
    ///
    /// # Panics
    /// If there is none.
    pub async fn run(&self, id: TaskId) -> (Run, Vec<Pod>) {
        let page = crate::run::list(self.app.reader(), id, None, 1)
            .await
            .expect("the database is there");
        let run = page.runs.into_iter().next().expect("the task has a run");
        let pods = crate::run::pods_of(self.app.reader(), &[run.id])
            .await
            .expect("the database is there");
        (run, pods)
    }

    /// The agent of one rank of the newest run.
    pub async fn agent(&self, id: TaskId, rank: i32) -> Actor {
        let (run, _) = self.run(id).await;
        Actor::Agent(AgentActor {
            task: id,
            run: run.id,
            rank,
            expired: false,
        })
    }

    /// The key under which the runtime knows one rank of the newest run.
    pub async fn rank(&self, id: TaskId, rank: u32) -> RankKey {
        let (run, _) = self.run(id).await;
        RankKey {
            task: id.0,
            run: run.number,
            rank,
        }
    }

    /// The agents of all ranks register and, once the gate is open, start the command.
    ///
    /// # Panics
    /// If one is refused.
    pub async fn bring_up(&self, id: TaskId) {
        self.settle().await;
        let (_, pods) = self.run(id).await;
        for pod in &pods {
            let agent = self.agent(id, pod.rank).await;
            let (version, graces) = (protocol::PROTOCOL_VERSION, &self.app.settings.graces);
            self.write(async |tx| crate::run::register(tx, &agent, version, graces).await)
                .await
                .expect("the agent is accepted");
        }
        self.settle().await;
        for pod in &pods {
            self.report(id, pod.rank, true, None).await;
        }
        self.settle().await;
    }

    /// The agent of a rank reports.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn report(
        &self,
        id: TaskId,
        rank: i32,
        started: bool,
        exit: Option<protocol::RankExit>,
    ) {
        let agent = self.agent(id, rank).await;
        let report = RankReport {
            log_end: 0,
            started,
            suspend: None,
            exit,
        };
        self.write(async |tx| crate::run::report(tx, &agent, &report).await)
            .await
            .expect("the report is accepted");
    }

    /// The command of a rank exits with this code, and its agent leaves the record.
    pub async fn exit(&self, id: TaskId, rank: u32, code: i32) {
        let key = self.rank(id, rank).await;
        self.runtime.exit(&key, code);
    }

    /// All workers tick until none finds anything to do. A failed tick is repeated, as their driver does.
    ///
    /// # Panics
    /// If they never come to rest.
    pub async fn settle(&self) {
        let mut last = Ok(true);
        for _ in 0..50 {
            last = self.tick().await;
            if matches!(last, Ok(false)) {
                return;
            }
        }
        panic!("the workers do not come to rest: {last:?}");
    }

    /// Each worker ticks once. Says whether any changed anything.
    ///
    /// # Errors
    /// The first worker's that fails.
    pub async fn tick(&self) -> Result<bool> {
        // A start that is repeated changes nothing.
        let changes = || {
            let (started, killed) = (self.runtime.started(), self.runtime.killed());
            (
                self.app.store.faults.n_writes(),
                started.len(),
                killed.len(),
            )
        };
        let before = changes();
        let mut progress = NodeWatcher::new(self.app.clone()).tick().await?.progress;
        progress |= Scheduler::new(self.app.clone()).tick().await?.progress;
        progress |= Launcher::new(self.app.clone()).tick().await?.progress;
        progress |= Supervisor::new(self.app.clone()).tick().await?.progress;
        progress |= Janitor::new(self.app.clone()).tick().await?.progress;
        Ok(progress || before != changes())
    }
}

/// Where the documents of [`TestApp::document`] have their workspace.
pub fn workspace() -> &'static str {
    "/srv/code"
}

fn node(number: u32) -> NodeReport {
    NodeReport {
        name: format!("node-{number}"),
        group: "training".to_owned(),
        zone: None,
        ready: true,
        cpus: 8,
        memory_bytes: 1 << 33,
        gpus: 0,
    }
}

fn settings(dir: &std::path::Path) -> Settings {
    Settings {
        default_group: "training".to_owned(),
        mounts: vec![Mount {
            path: PathBuf::from(workspace()),
            read_only: false,
        }],
        workspaces: dir.join("workspaces"),
        python: dir.join("python"),
        graces: Graces::default(),
        start_limit: TimeDelta::minutes(3),
        reattach: TimeDelta::seconds(30),
        silence: Duration::from_secs(1800),
        period: Duration::from_secs(5),
        audit_keep: None,
        retention: Retention::default(),
    }
}
