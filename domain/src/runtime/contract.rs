//! What every runtime does: one suite of behaviours, run for each adapter.

use std::future::Future;

use async_trait::async_trait;
use protocol::{Command, ExitRecord};

use super::{
    AgentToken, Container, Exposure, Killed, LaunchRank, Observation, RankKey, Reach, RunKey,
    Runtime, RuntimeError,
};

/// An adapter with the world around it, of which nothing is started yet.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The adapter.
    fn runtime(&self) -> &dyn Runtime;

    /// Name of a node.
    fn node(&self) -> String;

    /// How a rank is started here.
    fn launch(&self, key: RankKey) -> LaunchRank {
        sample_launch(key, &self.node())
    }

    /// Waits until the agent of a started rank works.
    async fn is_up(&self, rank: &RankKey);

    /// Lets the command of a rank end with `code`; returns when its agent has left.
    async fn finish(&self, rank: &RankKey, code: i32) -> ExitRecord;

    /// Lets a rank disappear without a record; returns when it has.
    async fn crash(&self, rank: &RankKey);

    /// Number of agents of a rank that run now.
    fn n_agents(&self, rank: &RankKey) -> usize;
}

/// A rank of a run with two, whose command does nothing.
pub fn sample_launch(key: RankKey, node: &str) -> LaunchRank {
    LaunchRank {
        key,
        run_world_size: 2,
        node: node.to_owned(),
        user: "ann".to_owned(),
        uid: 0,
        command: Command {
            workspace: "/".into(),
            line: "true".to_owned(),
            env: Vec::new(),
        },
        silence_secs: None,
        token: AgentToken::new("secret".to_owned()),
        log_dir: "/nonexistent".into(),
        container: Container::default(),
    }
}

/// A port that is reached by a path, and one that is reached by a port of every node.
pub fn sample_exposures() -> Vec<Exposure> {
    let exposure = |name: &str, port, reach| Exposure {
        name: name.to_owned(),
        port,
        reach,
    };
    vec![
        exposure("jupyter", 8888, Reach::Path("/ada/notes".to_owned())),
        exposure("ssh", 22, Reach::NodePort(None)),
    ]
}

/// Checks every behaviour, each with a new subject.
///
/// # Panics
/// If the adapter behaves differently.
pub async fn check<S: Subject, F: Future<Output = S>>(new: impl Fn() -> F) {
    nothing_is_there_at_first(&new().await).await;
    a_started_rank_is_alive_and_listed(&new().await).await;
    a_rank_is_started_once(&new().await).await;
    a_rank_that_ended_is_not_started_again(&new().await).await;
    a_rank_that_crashed_is_not_started_again(&new().await).await;
    a_killed_rank_leaves_nothing(&new().await).await;
    killing_what_has_ended_changes_nothing(&new().await).await;
    ranks_do_not_share_their_fate(&new().await).await;
    a_rank_is_forgotten_when_it_has_no_processes(&new().await).await;
    an_unknown_node_is_refused_for_ever(&new().await).await;
    each_run_has_a_meeting_point_of_its_own(&new().await).await;
}

const RANK: RankKey = RankKey {
    task: 42,
    run: 3,
    rank: 0,
};
const OTHER: RankKey = RankKey {
    task: 42,
    run: 3,
    rank: 1,
};

async fn start(subject: &dyn Subject, rank: RankKey) {
    subject
        .runtime()
        .start(&subject.launch(rank))
        .await
        .expect("a rank can be started");
    subject.is_up(&rank).await;
}

async fn observe(subject: &dyn Subject, rank: RankKey) -> Observation {
    subject
        .runtime()
        .observe(&rank)
        .await
        .expect("a rank can be observed")
}

async fn list(subject: &dyn Subject) -> Vec<RankKey> {
    let mut ranks = subject.runtime().list().await.expect("ranks can be listed");
    ranks.sort_unstable();
    ranks
}

async fn nothing_is_there_at_first(subject: &dyn Subject) {
    assert_eq!(observe(subject, RANK).await, Observation::NotStarted);
    assert_eq!(list(subject).await, []);
    let nodes = subject
        .runtime()
        .nodes()
        .await
        .expect("nodes can be listed");
    assert!(
        nodes
            .iter()
            .any(|node| node.name == subject.node() && node.ready && node.cpus > 0)
    );
}

async fn a_started_rank_is_alive_and_listed(subject: &dyn Subject) {
    subject
        .runtime()
        .start(&subject.launch(RANK))
        .await
        .expect("a rank can be started");
    assert_eq!(observe(subject, RANK).await, Observation::Alive, "at once");
    subject.is_up(&RANK).await;
    assert_eq!(
        observe(subject, RANK).await,
        Observation::Alive,
        "and later"
    );
    assert_eq!(list(subject).await, [RANK]);
}

async fn a_rank_is_started_once(subject: &dyn Subject) {
    let (runtime, launch) = (subject.runtime(), subject.launch(RANK));
    let (one, two) = tokio::join!(runtime.start(&launch), runtime.start(&launch));
    one.and(two).expect("a rank can be started");
    assert_eq!(subject.n_agents(&RANK), 1);
    subject.is_up(&RANK).await;
    runtime
        .start(&launch)
        .await
        .expect("starting again is nothing");
    assert_eq!(subject.n_agents(&RANK), 1);
}

async fn a_rank_that_ended_is_not_started_again(subject: &dyn Subject) {
    start(subject, RANK).await;
    let record = subject.finish(&RANK, 3).await;
    assert_eq!(record.exit.code, Some(3));
    assert_eq!(
        observe(subject, RANK).await,
        Observation::Exited(record.clone())
    );
    subject
        .runtime()
        .start(&subject.launch(RANK))
        .await
        .expect("starting again is nothing");
    assert_eq!(subject.n_agents(&RANK), 0);
    assert_eq!(observe(subject, RANK).await, Observation::Exited(record));
}

async fn a_rank_that_crashed_is_not_started_again(subject: &dyn Subject) {
    start(subject, RANK).await;
    subject.crash(&RANK).await;
    assert_eq!(observe(subject, RANK).await, Observation::Vanished);
    subject
        .runtime()
        .start(&subject.launch(RANK))
        .await
        .expect("starting again is nothing");
    assert_eq!(subject.n_agents(&RANK), 0);
    assert_eq!(observe(subject, RANK).await, Observation::Vanished);
    assert_eq!(
        list(subject).await,
        [RANK],
        "it is listed until it is forgotten"
    );
}

/// Kills a rank, until nothing of it is left.
async fn kill(subject: &dyn Subject, rank: RankKey) {
    let kill = || subject.runtime().kill(&rank);
    while kill().await.expect("a rank can be killed") == Killed::Going {
        tokio::task::yield_now().await;
    }
}

async fn a_killed_rank_leaves_nothing(subject: &dyn Subject) {
    // Never started, there, and gone already.
    kill(subject, RANK).await;
    start(subject, RANK).await;
    kill(subject, RANK).await;
    assert_eq!(subject.n_agents(&RANK), 0);
    assert_eq!(observe(subject, RANK).await, Observation::Vanished);
    kill(subject, RANK).await;
    assert_eq!(observe(subject, RANK).await, Observation::Vanished);
}

async fn killing_what_has_ended_changes_nothing(subject: &dyn Subject) {
    start(subject, RANK).await;
    let record = subject.finish(&RANK, 0).await;
    kill(subject, RANK).await;
    assert_eq!(observe(subject, RANK).await, Observation::Exited(record));
}

async fn ranks_do_not_share_their_fate(subject: &dyn Subject) {
    start(subject, RANK).await;
    start(subject, OTHER).await;
    assert_eq!(list(subject).await, [RANK, OTHER]);
    kill(subject, RANK).await;
    assert_eq!(observe(subject, OTHER).await, Observation::Alive);
    subject
        .runtime()
        .forget(&RANK)
        .await
        .expect("a killed rank can be forgotten");
    assert_eq!(list(subject).await, [OTHER]);
}

async fn a_rank_is_forgotten_when_it_has_no_processes(subject: &dyn Subject) {
    let runtime = subject.runtime();
    runtime
        .forget(&RANK)
        .await
        .expect("what was never started can be forgotten");
    start(subject, RANK).await;
    let refused = runtime.forget(&RANK).await;
    assert!(
        matches!(refused, Err(RuntimeError::Rejected { .. })),
        "it lives: {refused:?}"
    );
    assert_eq!(observe(subject, RANK).await, Observation::Alive);
    subject.finish(&RANK, 0).await;
    runtime
        .forget(&RANK)
        .await
        .expect("an ended rank can be forgotten");
    assert_eq!(observe(subject, RANK).await, Observation::NotStarted);
    assert_eq!(list(subject).await, []);
    runtime
        .forget(&RANK)
        .await
        .expect("forgetting again is nothing");
}

async fn an_unknown_node_is_refused_for_ever(subject: &dyn Subject) {
    let launch = LaunchRank {
        node: "no-such-node".to_owned(),
        ..subject.launch(RANK)
    };
    let refused = subject.runtime().start(&launch).await;
    assert!(
        matches!(refused, Err(RuntimeError::Rejected { .. })),
        "{refused:?}"
    );
    assert_eq!(observe(subject, RANK).await, Observation::NotStarted);
}

async fn each_run_has_a_meeting_point_of_its_own(subject: &dyn Subject) {
    let (one, two) = (RunKey { task: 42, run: 3 }, RunKey { task: 42, run: 4 });
    let nodes = [subject.node()];
    let meet = async |run: &RunKey| {
        subject
            .runtime()
            .rendezvous(run, &nodes)
            .await
            .expect("a run can meet")
    };
    let first = meet(&one).await;
    assert!(!first.addr.is_empty() && first.port > 0);
    assert_ne!(meet(&two).await, first);
    assert_eq!(meet(&one).await, first, "asking again gives the same");
}
