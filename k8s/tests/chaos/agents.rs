//! The agents in the containers that run, as far as they end them: each looks at its fence before it begins, and then every
//! period, whether its node is heard or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::runtime::RankKey;
use double::{End, Key, Kubelets};
use protocol::{FENCE_FILE, FENCE_PERIOD};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::world::{log_dir, rank_of};

/// How soon an agent begins, once its container runs.
const SOON: Duration = Duration::from_millis(5);

/// A container: its pod, and which of that name.
type Which = (Key, String);

pub(crate) struct Agents {
    seen: Arc<Mutex<Seen>>,
    kubelets: Arc<Kubelets>,
    logs: PathBuf,
    _work: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Seen {
    /// So many moments of the containers.
    n_known: usize,
    /// The containers that run, and when their agents looked last; none if they may not begin.
    running: BTreeMap<Which, Option<Instant>>,
    wrong: BTreeSet<String>,
}

/// What there is of a fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fence {
    Down,
    Raised,
    Missing,
}

impl Agents {
    pub(crate) fn start(kubelets: Arc<Kubelets>, logs: PathBuf) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut work = JoinSet::new();
        work.spawn({
            let (seen, kubelets, logs) = (Arc::clone(&seen), Arc::clone(&kubelets), logs.clone());
            async move {
                let mut soon = interval(SOON);
                soon.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    soon.tick().await;
                    locked(&seen).look(&kubelets, &logs);
                }
            }
        });
        Self {
            seen,
            kubelets,
            logs,
            _work: work,
        }
    }

    /// The ranks whose commands run.
    pub(crate) fn running(&self) -> BTreeSet<RankKey> {
        let mut seen = locked(&self.seen);
        seen.look(&self.kubelets, &self.logs);
        let begun = seen.begun().filter_map(|(pod, _)| rank_of(pod));
        begun.collect()
    }

    /// Whether the fence of a rank is raised.
    pub(crate) fn is_fenced(&self, rank: &RankKey) -> bool {
        fence(&self.logs, rank) == Fence::Raised
    }

    /// What was wrong with what they found.
    pub(crate) fn wrong(&self) -> BTreeSet<String> {
        locked(&self.seen).wrong.clone()
    }
}

impl Seen {
    fn look(&mut self, kubelets: &Kubelets, logs: &Path) {
        let new = kubelets.moments_since(self.n_known);
        self.n_known += new.len();
        for moment in new {
            let which = (moment.pod, moment.uid);
            match moment.began {
                true => self.begin(which, kubelets, logs),
                false => drop(self.running.remove(&which)),
            }
        }
        for ((pod, _), looked) in &mut self.running {
            let is_time = looked.is_some_and(|at| at.elapsed() >= FENCE_PERIOD);
            let Some(rank) = rank_of(pod).filter(|_| is_time) else {
                continue;
            };
            if fence(logs, &rank) != Fence::Down {
                kubelets.end(pod, End::of_code(137));
            }
            *looked = Some(Instant::now());
        }
    }

    fn begin(&mut self, which: Which, kubelets: &Kubelets, logs: &Path) {
        let Some(rank) = rank_of(&which.0) else {
            return;
        };
        let found = fence(logs, &rank);
        if found == Fence::Down {
            let is_same = |it: &RankKey| (it.task, it.rank) == (rank.task, rank.rank);
            let other = { self.begun() }
                .filter_map(|(pod, _)| rank_of(pod))
                .find(is_same);
            if let Some(other) = other {
                self.wrong.insert(format!("{rank} began while {other} ran"));
            }
            self.running.insert(which, Some(Instant::now()));
            return;
        }
        if found == Fence::Missing {
            self.wrong.insert(format!("{rank} began without a fence"));
        }
        kubelets.end(&which.0, End::of_code(137));
        self.running.insert(which, None);
    }

    /// The containers whose agents have begun.
    fn begun(&self) -> impl Iterator<Item = &Which> {
        let begun = self.running.iter().filter(|(_, looked)| looked.is_some());
        begun.map(|(which, _)| which)
    }
}

fn fence(logs: &Path, rank: &RankKey) -> Fence {
    match std::fs::read(log_dir(logs, rank).join(FENCE_FILE)) {
        Ok(content) if content.is_empty() => Fence::Down,
        Ok(_) => Fence::Raised,
        Err(_) => Fence::Missing,
    }
}

/// No step leaves it half changed, so a panic elsewhere does not matter.
fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
