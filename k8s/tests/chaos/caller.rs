//! Who makes true what is wanted, and repeats what failed: as the scheduler, the launcher, the supervisor and the janitor do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::runtime::contract::sample_launch;
use domain::runtime::{Killed, LaunchRank, Observation, RankKey, RunKey, Runtime, RuntimeError};
use double::Chance;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::check::Checks;
use crate::world::{World, log_dir};

/// So long a rank may be missing before it is lost.
const REATTACH: Duration = Duration::from_secs(1);
/// So long all ranks of a run may take to begin.
const START_LIMIT: Duration = Duration::from_secs(1);

/// What is wanted, and what of it is known to be so.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The tasks that are to run, by number.
    pub(crate) tasks: BTreeMap<i64, Task>,
    pub(crate) runs: BTreeMap<RunKey, Run>,
    chance: Chance,
}

/// A task that is to run.
#[derive(Debug)]
pub(crate) struct Task {
    n_ranks: u32,
    n_runs: i32,
    /// Nodes on which a rank of it was lost.
    excluded: BTreeSet<String>,
}

/// A run that is open.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ranks: BTreeMap<RankKey, Known>,
    begun: Instant,
    /// Whether it is to end.
    pub(crate) is_draining: bool,
    /// Whether that is nobody's will, so that its task runs again.
    is_spoilt: bool,
}

/// What is known of a rank.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    node: String,
    /// Whether its agent has come forward.
    pub(crate) has_run: bool,
    /// Whether nothing of it is left, as far as is known.
    pub(crate) is_over: bool,
    is_lost: bool,
    /// Since when it cannot be found.
    missing_since: Option<Instant>,
}

impl Caller {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            tasks: BTreeMap::new(),
            runs: BTreeMap::new(),
            chance: Chance::of(seed, "caller"),
        }
    }

    /// A task is wanted.
    pub(crate) fn begin(&mut self, task: i64, n_ranks: u32) {
        let new = Task {
            n_ranks,
            n_runs: 0,
            excluded: BTreeSet::new(),
        };
        self.tasks.insert(task, new);
    }

    /// A task is not wanted any more.
    pub(crate) fn stop(&mut self, task: i64) {
        self.tasks.remove(&task);
        let runs = self.runs.iter_mut();
        runs.filter(|(key, _)| key.task == task)
            .for_each(|(_, run)| run.is_draining = true);
    }

    /// One step of each of those who make it true.
    pub(crate) async fn round(&mut self, world: &World, checks: &mut Checks) {
        self.place(world).await;
        self.launch(world, checks).await;
        self.supervise(world, checks).await;
        sweep(world, checks, &self.runs).await;
    }

    /// Plans a run for each task that has none, on nodes that are offered.
    async fn place(&mut self, world: &World) {
        let Ok(nodes) = world.runtime.nodes().await else {
            return;
        };
        let ready = nodes.into_iter().filter(|node| node.ready);
        let ready: Vec<String> = ready.map(|node| node.name).collect();
        let open: BTreeSet<i64> = self.runs.keys().map(|run| run.task).collect();
        for (number, task) in &mut self.tasks {
            if open.contains(number) {
                continue;
            }
            let mut free = ready.clone();
            free.retain(|node| !task.excluded.contains(node));
            // One that is silent counts as ready for a while. When nothing fails any more, there are none.
            free.retain(|node| world.is_disturbed() || !world.silent.contains(node.as_str()));
            let n_ranks = usize::try_from(task.n_ranks).expect("it is small");
            while free.len() > n_ranks {
                let place = self.chance.among(0..free.len() as u64);
                free.swap_remove(usize::try_from(place).expect("it is small"));
            }
            if free.len() < n_ranks {
                // Rather there than nowhere, the next time.
                task.excluded.clear();
                continue;
            }
            task.n_runs += 1;
            let key = RunKey {
                task: *number,
                run: task.n_runs,
            };
            self.runs.insert(key, Run::new(key, free));
        }
    }

    /// Starts what is wanted, again and again until its agent comes forward.
    async fn launch(&mut self, world: &World, checks: &mut Checks) {
        let journal = world.kubelets.journal();
        let mut launches = Vec::new();
        for run in self.runs.values_mut() {
            let n_ranks = run.ranks.len();
            for (key, known) in &mut run.ranks {
                let is_heard = !world.silent.contains(known.node.as_str());
                known.has_run |= is_heard && journal.n_starts(&World::pod(key)) > 0;
                if !run.is_draining && !known.has_run && !known.is_over {
                    launches.push(launch(*key, &known.node, n_ranks, world));
                }
            }
            let is_late = run.begun.elapsed() >= START_LIMIT;
            if is_late && !run.is_draining && !run.ranks.values().all(|known| known.has_run) {
                run.is_draining = true;
                run.is_spoilt = true;
            }
        }
        let started = world.runtime.start_all(&launches).await;
        for (launch, started) in launches.iter().zip(started) {
            // Its node may have been removed.
            let is_there = !world.removed.contains(launch.node.as_str());
            if let Err(RuntimeError::Rejected { reason }) = started
                && is_there
            {
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
                let is_orphan = seen == Observation::Orphaned && known.has_run;
                if is_orphan || (run.is_draining && !known.is_over) {
                    to_kill.push(*key);
                }
                // Without one of them the others are not wanted either.
                if known.is_over && !run.is_draining {
                    run.is_draining = true;
                    run.is_spoilt = known.is_lost;
                }
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
        self.close();
    }

    /// Closes the runs of which nothing is left.
    fn close(&mut self) {
        let is_over = |run: &Run| run.is_draining && run.ranks.values().all(|it| it.is_over);
        let over: Vec<RunKey> = { self.runs.iter() }
            .filter_map(|(key, run)| is_over(run).then_some(*key))
            .collect();
        for key in over {
            let Some(run) = self.runs.remove(&key) else {
                continue;
            };
            match self.tasks.get_mut(&key.task) {
                Some(task) if run.is_spoilt => {
                    let lost = run.ranks.into_values().filter(|known| known.is_lost);
                    task.excluded.extend(lost.map(|known| known.node));
                }
                _ => {
                    self.tasks.remove(&key.task);
                }
            }
        }
    }
}

impl Run {
    fn new(key: RunKey, nodes: Vec<String>) -> Self {
        let ranks = (0..).zip(nodes).map(|(rank, node)| {
            let RunKey { task, run } = key;
            let known = Known {
                node,
                has_run: false,
                is_over: false,
                is_lost: false,
                missing_since: None,
            };
            (RankKey { task, run, rank }, known)
        });
        Self {
            ranks: ranks.collect(),
            begun: Instant::now(),
            is_draining: false,
            is_spoilt: false,
        }
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
            Observation::Fenced => {
                self.is_lost = true;
                true
            }
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

fn launch(key: RankKey, node: &str, n_ranks: usize, world: &World) -> LaunchRank {
    LaunchRank {
        log_dir: log_dir(world.logs.path(), &key),
        run_world_size: u32::try_from(n_ranks).expect("it is small"),
        ..sample_launch(key, node)
    }
}
