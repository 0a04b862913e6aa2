//! A runtime in memory for tests: it does what it is told and fails when it is told.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use protocol::{ExitCause, ExitRecord, PROTOCOL_VERSION, RankExit};

use super::{
    Killed, LaunchRank, NodeReport, Observation, RankEvent, RankKey, Rendezvous, RunKey, Runtime,
    RuntimeError, RuntimeKind, Visibility,
};
use crate::mount::{Kind, ResolvedMount};

/// A scripted runtime. Started ranks stay alive until the test says otherwise.
#[derive(Default)]
pub struct FakeRuntime {
    state: Mutex<State>,
}

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailAt {
    /// Before it has done anything.
    Request,
    /// When it has done everything: only the answer is lost.
    Response,
}

#[derive(Default)]
struct State {
    nodes: Vec<NodeReport>,
    ranks: BTreeMap<RankKey, Rank>,
    events: Vec<RankEvent>,
    meetings: Vec<RunKey>,
    started: Vec<RankKey>,
    killed: Vec<RankKey>,
    n_calls: u32,
    n_changes: u32,
    failing_call: Option<u32>,
    failing_change: Option<(u32, FailAt)>,
}

struct Rank {
    launch: LaunchRank,
    condition: Condition,
}

/// What is left of a rank.
enum Condition {
    Running,
    /// Processes without their agent.
    Orphaned(Option<ExitRecord>),
    /// No process.
    Gone(Option<ExitRecord>),
}

impl FakeRuntime {
    /// A runtime with these nodes.
    pub fn new(nodes: Vec<NodeReport>) -> Self {
        let runtime = Self::default();
        runtime.set_nodes(nodes);
        runtime
    }

    /// Replaces the nodes.
    pub fn set_nodes(&self, nodes: Vec<NodeReport>) {
        self.state().nodes = nodes;
    }

    /// Makes a node ready or not.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn set_ready(&self, node: &str, ready: bool) {
        let mut state = self.state();
        let found = state.nodes.iter_mut().find(|report| report.name == node);
        found
            .unwrap_or_else(|| panic!("there is no node `{node}`"))
            .ready = ready;
    }

    /// The ranks whose agents were started, in that order; one that was started before does not count again.
    pub fn started(&self) -> Vec<RankKey> {
        self.state().started.clone()
    }

    /// With what a rank was started, until it is forgotten.
    pub fn launched(&self, rank: &RankKey) -> Option<LaunchRank> {
        self.state().ranks.get(rank).map(|rank| rank.launch.clone())
    }

    /// The ranks that had processes when they were killed, in that order.
    pub fn killed(&self) -> Vec<RankKey> {
        self.state().killed.clone()
    }

    /// Ends a rank by itself, with this exit code.
    pub fn exit(&self, rank: &RankKey, code: i32) -> ExitRecord {
        let record = exit_record(code);
        self.end(rank, record.clone());
        record
    }

    /// Ends a rank with a record of one's own.
    pub fn end(&self, rank: &RankKey, record: ExitRecord) {
        self.set(rank, Condition::Gone(Some(record)));
    }

    /// Makes all processes of a rank disappear without a record.
    pub fn vanish(&self, rank: &RankKey) {
        self.set(rank, Condition::Gone(None));
    }

    /// Makes the agent of a rank disappear without a record; other processes stay.
    pub fn orphan(&self, rank: &RankKey) {
        self.set(rank, Condition::Orphaned(None));
    }

    /// Tells of something that went wrong with a rank.
    pub fn tell(&self, event: RankEvent) {
        self.state().events.push(event);
    }

    /// Number of calls of the port so far.
    pub fn n_calls(&self) -> u32 {
        self.state().n_calls
    }

    /// Number of calls so far that may change something.
    pub fn n_changes(&self) -> u32 {
        self.state().n_changes
    }

    /// Makes one call of the port fail before it has done anything: the `nth` from now on, from 1.
    pub fn fail_call(&self, nth: u32) {
        let mut state = self.state();
        state.failing_call = Some(state.n_calls + nth);
    }

    /// Makes one call fail that may change something: the `nth` from now on, from 1.
    pub fn fail_change(&self, nth: u32, at: FailAt) {
        let mut state = self.state();
        state.failing_change = Some((state.n_changes + nth, at));
    }

    fn set(&self, rank: &RankKey, condition: Condition) {
        let mut state = self.state();
        let found = state.ranks.get_mut(rank);
        found
            .unwrap_or_else(|| panic!("rank {rank} was not started"))
            .condition = condition;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call<T>(
        &self,
        effect: impl FnOnce(&mut State) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let mut state = self.state();
        state.n_calls += 1;
        let n_calls = state.n_calls;
        match state.failing_call.take_if(|nth| *nth == n_calls) {
            None => effect(&mut state),
            Some(_) => Err(scripted_failure()),
        }
    }

    fn change<T>(
        &self,
        effect: impl FnOnce(&mut State) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.call(|state| {
            state.n_changes += 1;
            let n_changes = state.n_changes;
            match state.failing_change.take_if(|(nth, _)| *nth == n_changes) {
                None => effect(state),
                Some((_, FailAt::Request)) => Err(scripted_failure()),
                Some((_, FailAt::Response)) => effect(state).and_then(|_| Err(scripted_failure())),
            }
        })
    }
}

#[async_trait]
impl Runtime for FakeRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Local
    }

    async fn nodes(&self) -> Result<Vec<NodeReport>, RuntimeError> {
        self.call(|state| Ok(state.nodes.clone()))
    }

    async fn rendezvous(&self, run: &RunKey, nodes: &[String]) -> Result<Rendezvous, RuntimeError> {
        self.change(|state| {
            let index = state
                .meetings
                .iter()
                .position(|met| met == run)
                .unwrap_or_else(|| {
                    state.meetings.push(*run);
                    state.meetings.len() - 1
                });
            let port = u16::try_from(20_000 + index).expect("no test has so many runs");
            let addr = nodes.first().cloned().unwrap_or_default();
            Ok(Rendezvous { addr, port })
        })
    }

    async fn start(&self, launch: &LaunchRank) -> Result<(), RuntimeError> {
        self.change(|state| {
            if !state.nodes.iter().any(|node| node.name == launch.node) {
                return Err(RuntimeError::rejected(format!(
                    "there is no node `{}`",
                    launch.node
                )));
            }
            if let Entry::Vacant(place) = state.ranks.entry(launch.key) {
                place.insert(Rank {
                    launch: launch.clone(),
                    condition: Condition::Running,
                });
                state.started.push(launch.key);
            }
            Ok(())
        })
    }

    async fn observe(&self, rank: &RankKey) -> Result<Observation, RuntimeError> {
        self.call(|state| {
            Ok(match state.ranks.get(rank).map(|rank| &rank.condition) {
                None => Observation::NotStarted,
                Some(Condition::Running) => Observation::Alive,
                Some(Condition::Orphaned(_)) => Observation::Orphaned,
                Some(Condition::Gone(Some(record))) => Observation::Exited(record.clone()),
                Some(Condition::Gone(None)) => Observation::Vanished,
            })
        })
    }

    async fn kill(&self, rank: &RankKey) -> Result<Killed, RuntimeError> {
        self.change(|state| {
            if let Some(found) = state.ranks.get_mut(rank) {
                let record = match &mut found.condition {
                    Condition::Gone(_) => return Ok(Killed::Gone),
                    Condition::Running => None,
                    Condition::Orphaned(record) => record.take(),
                };
                found.condition = Condition::Gone(record);
                state.killed.push(*rank);
            }
            Ok(Killed::Gone)
        })
    }

    async fn events(&self) -> Result<Vec<RankEvent>, RuntimeError> {
        self.call(|state| Ok(state.events.clone()))
    }

    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        self.call(|state| Ok(state.ranks.keys().copied().collect()))
    }

    async fn forget(&self, rank: &RankKey) -> Result<(), RuntimeError> {
        self.change(
            |state| match state.ranks.get(rank).map(|rank| &rank.condition) {
                Some(Condition::Running | Condition::Orphaned(_)) => Err(RuntimeError::rejected(
                    format!("rank {rank} still has processes"),
                )),
                Some(Condition::Gone(_)) | None => {
                    state.ranks.remove(rank);
                    Ok(())
                }
            },
        )
    }

    /// What is mounted under its own path is there, except below `/missing`.
    async fn visibility(&self, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>, RuntimeError> {
        let seen = mounts.iter().map(|mount| match mount.kind {
            Kind::ConfigMap | Kind::VolumeClaim => Visibility::Unsupported,
            _ if mount.host_path != mount.mount_path => Visibility::OtherPath,
            _ if mount.host_path.starts_with("/missing") => Visibility::Missing,
            _ if mount.read_only => Visibility::VisibleUnprotected,
            _ => Visibility::Visible,
        });
        Ok(seen.collect())
    }
}

/// The record of a command that ended by itself.
pub fn exit_record(code: i32) -> ExitRecord {
    ExitRecord {
        protocol_version: PROTOCOL_VERSION,
        exit: RankExit {
            cause: ExitCause::Command,
            code: Some(code),
            signal: None,
            message: None,
            suspend: None,
        },
        log_end: 0,
    }
}

fn scripted_failure() -> RuntimeError {
    RuntimeError::unavailable("answer", "the test wants it so")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::contract;
    use crate::runtime::contract::{Subject, sample_launch};

    #[async_trait]
    impl Subject for FakeRuntime {
        fn runtime(&self) -> &dyn Runtime {
            self
        }

        fn node(&self) -> String {
            "n1".into()
        }

        async fn is_up(&self, _rank: &RankKey) {}

        async fn finish(&self, rank: &RankKey, code: i32) -> ExitRecord {
            self.exit(rank, code)
        }

        async fn crash(&self, rank: &RankKey) {
            self.vanish(rank);
        }

        fn n_agents(&self, rank: &RankKey) -> usize {
            let running = |found: &Rank| matches!(found.condition, Condition::Running);
            let is_running = self.state().ranks.get(rank).is_some_and(running);
            if is_running {
                self.started()
                    .iter()
                    .filter(|started| *started == rank)
                    .count()
            } else {
                0
            }
        }
    }

    fn fake() -> FakeRuntime {
        let node = |name: &str| NodeReport {
            name: name.into(),
            group: "g".into(),
            zone: None,
            ready: true,
            cpus: 8,
            memory_bytes: 1 << 30,
            gpus: 8,
        };
        FakeRuntime::new(vec![node("n1"), node("n2")])
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        contract::check(async || fake()).await;
    }

    #[tokio::test]
    async fn an_orphaned_rank_stays_until_it_is_killed() {
        let fake = fake();
        let key = RankKey {
            task: 1,
            run: 1,
            rank: 0,
        };
        fake.start(&sample_launch(key, "n1")).await.unwrap();
        fake.orphan(&key);
        assert_eq!(fake.observe(&key).await.unwrap(), Observation::Orphaned);
        assert!(fake.forget(&key).await.is_err());
        assert_eq!(fake.kill(&key).await.unwrap(), Killed::Gone);
        assert_eq!(fake.observe(&key).await.unwrap(), Observation::Vanished);
        assert_eq!(fake.killed(), [key]);
    }

    #[tokio::test]
    async fn a_call_fails_before_or_after_its_effect() {
        for (at, started) in [(FailAt::Request, 0), (FailAt::Response, 1)] {
            let fake = fake();
            let key = RankKey {
                task: 1,
                run: 1,
                rank: 0,
            };
            fake.fail_change(1, at);
            fake.nodes().await.unwrap();
            let error = fake.start(&sample_launch(key, "n1")).await.unwrap_err();
            assert!(matches!(error, RuntimeError::Unavailable { .. }));
            assert_eq!(fake.started().len(), started);
            fake.start(&sample_launch(key, "n1")).await.unwrap();
            assert_eq!(fake.started(), [key]);
            assert_eq!(fake.n_calls(), 3);
        }
    }
}
