//! What became of a rank, judged by its files and its processes.

use protocol::ExitRecord;

use super::process;
use super::ranks::Ranks;
use crate::runtime::{Observation, RankKey, RuntimeError};

/// What is known of a rank's agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    /// Nothing says that it was ever started, or it was a moment ago.
    Unknown,
    Running,
    Gone,
}

impl Ranks {
    /// What became of a rank.
    pub(super) fn inspect(&self, key: &RankKey) -> Result<Observation, RuntimeError> {
        let dir = self.dir(key);
        let failed = |error| RuntimeError::unavailable(format!("observe rank {key}"), error);
        let id = dir.agent().map_err(failed)?;
        let agent = match &id {
            None => Agent::Unknown,
            Some(id) if process::is_running(id, &self.boot_id) => Agent::Running,
            Some(_) => Agent::Gone,
        };
        let record = dir.exit_record().map_err(failed)?;
        if agent == Agent::Running && record.is_none() {
            return Ok(Observation::Alive); // By far the most frequent answer needs no look at all processes.
        }
        // Invariant: the processes are looked at after the record, because the agent writes its record when it has
        // ended what it started; and the record is looked for after the agent is gone, because then it is final.
        let has_strays = self.processes(key).map_err(failed)?.iter().any(|process| {
            id.as_ref()
                .is_none_or(|id| (process.pid, process.start_time) != (id.pid, id.start_time))
        });
        Ok(judge(agent, has_strays, record))
    }
}

fn judge(agent: Agent, has_strays: bool, record: Option<ExitRecord>) -> Observation {
    match (agent, has_strays, record) {
        (_, false, Some(record)) => Observation::Exited(record),
        (Agent::Unknown, false, None) => Observation::NotStarted,
        (Agent::Gone, false, None) => Observation::Vanished,
        // A process without a record of the spawn: the agent itself, which has not said yet who it is.
        (Agent::Unknown, true, None) | (Agent::Running, _, None) => Observation::Alive,
        // The agent ends what it started before it writes, but a process may have been born meanwhile.
        (Agent::Running, true, Some(_)) => Observation::Alive,
        (Agent::Unknown, true, Some(_)) | (Agent::Gone, true, _) => Observation::Orphaned,
    }
}
