//! What became of a rank, judged by its files and its processes.

use std::io;

use protocol::{ExitRecord, ProcessId};

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

/// What the files of a rank say.
struct Files {
    id: Option<ProcessId>,
    agent: Agent,
    record: Option<ExitRecord>,
}

impl Ranks {
    /// What became of a rank.
    pub(super) fn inspect(&self, key: &RankKey) -> Result<Observation, RuntimeError> {
        let mut seen = self.inspect_all(&[*key]);
        seen.pop()
            .unwrap_or_else(|| Err(RuntimeError::unavailable("observe a rank", "not looked at")))
    }

    /// What became of some ranks: the processes of the machine are listed once for all of them.
    pub(super) fn inspect_all(&self, keys: &[RankKey]) -> Vec<Result<Observation, RuntimeError>> {
        let files: Vec<_> = keys.iter().map(|key| self.files(key)).collect();
        // Invariant: the processes are looked at after the records, because an agent writes its record when it has
        // ended what it started; and a record is looked for after the agent is gone, because then it is final.
        let mut all = None;
        let judged = keys.iter().zip(files).map(|(key, files)| {
            let files = files.map_err(|error| failed(key, error))?;
            let Some(Files { id, agent, record }) = files else {
                return Ok(Observation::NotStarted);
            };
            if agent == Agent::Running && record.is_none() {
                return Ok(Observation::Alive); // By far the most frequent answer needs no look at all processes.
            }
            let all = all.get_or_insert_with(process::all).as_ref();
            let all =
                all.map_err(|error| failed(key, io::Error::new(error.kind(), error.to_string())))?;
            let has_strays = process::of_rank(all, self.dir(key).path())
                .iter()
                .any(|process| {
                    id.as_ref().is_none_or(|id| {
                        (process.pid, process.start_time) != (id.pid, id.start_time)
                    })
                });
            Ok(judge(agent, has_strays, record))
        });
        judged.collect()
    }

    /// What the files of a rank say; `None` if it has no directory: then nothing of it was ever started, because that
    /// is made before, and removed only when nothing is left.
    fn files(&self, key: &RankKey) -> io::Result<Option<Files>> {
        let dir = self.dir(key);
        if !dir.path().try_exists()? {
            return Ok(None);
        }
        let id = dir.agent()?;
        let agent = match &id {
            None => Agent::Unknown,
            Some(id) if process::is_running(id, &self.boot_id) => Agent::Running,
            Some(_) => Agent::Gone,
        };
        let record = dir.exit_record()?;
        Ok(Some(Files { id, agent, record }))
    }
}

fn failed(key: &RankKey, error: io::Error) -> RuntimeError {
    RuntimeError::unavailable(format!("observe rank {key}"), error)
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
