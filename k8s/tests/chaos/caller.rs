//! Who makes true what is wanted, and repeats what failed: as the launcher, the supervisor and the janitor do.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use domain::runtime::contract::sample_launch;
use domain::runtime::{Killed, LaunchRank, Observation, RankKey, RunKey, Runtime, RuntimeError};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::check::Checks;
use crate::world::{NODES, World};

/// So long a rank may be missing before it is lost.
const REATTACH: Duration = Duration::from_secs(1);

/// What is wanted, and what of it is known to be so.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    pub(crate) runs: BTreeMap<RunKey, Run>,
}

/// A run that is open.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ranks: BTreeMap<RankKey, Known>,
    /// Whether it is to end.
    pub(crate) is_draining: bool,
}

/// What is known of a rank.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Known {
    /// Whether its agent has come forward.
    pub(crate) has_run: bool,
    /// Whether nothing of it is left, as far as is known.
    pub(crate) is_over: bool,
    /// Since when it cannot be found.
    missing_since: Option<Instant>,
}

impl Caller {
    /// A run is wanted.
    pub(crate) fn begin(&mut self, key: RunKey, n_ranks: u32) {
        let ranks = (0..n_ranks).map(|rank| {
            let RunKey { task, run } = key;
            (RankKey { task, run, rank }, Known::default())
        });
        let run = Run {
            ranks: ranks.collect(),
            is_draining: false,
        };
        self.runs.insert(key, run);
    }

    /// A run is not wanted any more.
    pub(crate) fn stop(&mut self, key: &RunKey) {
        if let Some(run) = self.runs.get_mut(key) {
            run.is_draining = true;
        }
    }

    /// One step of each of those who make it true.
    pub(crate) async fn round(&mut self, world: &World, checks: &mut Checks) {
        self.launch(world, checks).await;
        self.supervise(world, checks).await;
        sweep(world, checks, &self.runs).await;
    }

    /// Starts what is wanted, again and again until its agent comes forward.
    async fn launch(&mut self, world: &World, checks: &mut Checks) {
        let journal = world.kubelets.journal();
        let mut launches = Vec::new();
        for run in self.runs.values_mut() {
            let n_ranks = run.ranks.len();
            for (key, known) in &mut run.ranks {
                known.has_run |= journal.n_starts(&World::pod(key)) > 0;
                if !run.is_draining && !known.has_run && !known.is_over {
                    launches.push(launch(*key, n_ranks, world.logs.path()));
                }
            }
        }
        let started = world.runtime.start_all(&launches).await;
        for (launch, started) in launches.iter().zip(started) {
            if let Err(RuntimeError::Rejected { reason }) = started {
                checks.wrong(format!("the start of {} is rejected: {reason}", launch.key));
            }
        }
    }

    /// Looks at the ranks of all runs, ends what is to end, and closes what is over.
    async fn supervise(&mut self, world: &World, checks: &mut Checks) {
        let keys = self.runs.values().flat_map(|run| run.ranks.keys().copied());
        let keys: Vec<RankKey> = keys.collect();
        let seen = world.runtime.observe_all(&keys).await;
        let mut to_kill = Vec::new();
        for (key, seen) in keys.iter().zip(seen) {
            let Ok(seen) = seen else { continue };
            checks.look(key, &seen, world);
            let Some(run) = self.runs.get_mut(&key.run_key()) else {
                continue;
            };
            if let Some(known) = run.ranks.get_mut(key) {
                if known.take_in(&seen, run.is_draining) {
                    checks.is_over(key, world, "a look");
                }
                let is_orphan = seen == Observation::Orphaned;
                if is_orphan || (run.is_draining && !known.is_over) {
                    to_kill.push(*key);
                }
                // Without one of them the others are not wanted either.
                run.is_draining |= known.is_over;
            }
        }
        let killed = to_kill
            .iter()
            .map(async |key| world.runtime.kill(key).await);
        for (key, killed) in to_kill.iter().zip(join_all(killed).await) {
            if matches!(killed, Ok(Killed::Gone)) {
                checks.is_over(key, world, "kill");
            }
        }
        self.runs
            .retain(|_, run| !run.is_draining || !run.ranks.values().all(|known| known.is_over));
    }
}

impl Known {
    /// Takes in how it was seen, and says whether that means that it is over.
    fn take_in(&mut self, seen: &Observation, is_draining: bool) -> bool {
        let is_over = match seen {
            Observation::Alive | Observation::Stuck(_) | Observation::Orphaned => {
                self.missing_since = None;
                false
            }
            Observation::Exited(_) => true,
            // It is to be started, and will be.
            Observation::NotStarted if !self.has_run && !is_draining => false,
            Observation::NotStarted | Observation::Vanished => {
                let since = *self.missing_since.get_or_insert_with(Instant::now);
                is_draining || since.elapsed() >= REATTACH
            }
        };
        self.is_over |= is_over;
        is_over
    }
}

/// Removes what nobody wants.
async fn sweep(world: &World, checks: &mut Checks, open: &BTreeMap<RunKey, Run>) {
    let Ok(ranks) = world.runtime.list().await else {
        return;
    };
    let is_stray = |rank: &RankKey| !open.contains_key(&rank.run_key());
    let strays: Vec<RankKey> = ranks.into_iter().filter(is_stray).collect();
    let forgotten = world.runtime.forget_all(&strays).await;
    let resisting = { strays.iter().zip(forgotten) }.filter(|(_, forgotten)| forgotten.is_err());
    let killed = resisting.map(async |(rank, _)| (rank, world.runtime.kill(rank).await));
    for (rank, killed) in join_all(killed).await {
        if matches!(killed, Ok(Killed::Gone)) {
            checks.is_over(rank, world, "kill by the janitor");
            // It is tried again.
            let _ = world.runtime.forget(rank).await;
        }
    }
}

fn launch(key: RankKey, n_ranks: usize, logs: &Path) -> LaunchRank {
    let node = NODES[usize::try_from(key.rank).expect("it is small")];
    LaunchRank {
        log_dir: logs.join(format!("{}/{}/{}", key.task, key.run, key.rank)),
        run_world_size: u32::try_from(n_ranks).expect("it is small"),
        ..sample_launch(key, node)
    }
}
