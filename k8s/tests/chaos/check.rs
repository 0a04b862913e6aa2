//! What must hold, whatever fails.

use std::collections::{BTreeMap, BTreeSet};

use domain::runtime::{Observation, RankKey, Runtime};
use double::{Journal, Kind};

use crate::caller::Caller;
use crate::world::World;

/// What was said, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    wrong: BTreeSet<String>,
    /// Ranks of which it was said that nothing runs, by whom, and how much had happened in the cluster until then.
    over: BTreeMap<RankKey, (&'static str, usize)>,
}

impl Checks {
    pub(crate) fn wrong(&mut self, what: String) {
        self.wrong.insert(what);
    }

    /// A rank was just seen so: in these states its node is free of it.
    pub(crate) fn look(&mut self, rank: &RankKey, seen: &Observation, world: &World) {
        let what = match seen {
            Observation::Alive | Observation::Stuck(_) | Observation::Orphaned => return,
            Observation::Exited(_) => "has ended",
            Observation::Vanished => "has vanished",
            Observation::NotStarted => "is not started",
        };
        if is_running(&world.kubelets.journal(), rank) {
            self.wrong(format!("{rank} {what}, and runs"));
        }
    }

    /// It was concluded that nothing of a rank runs, or will.
    pub(crate) fn is_over(&mut self, rank: &RankKey, world: &World, by: &'static str) {
        let journal = world.kubelets.journal();
        if is_running(&journal, rank) {
            self.wrong(format!("{rank} is over after {by}, and runs"));
        }
        self.over
            .entry(*rank)
            .or_insert((by, journal.moments().len()));
    }

    /// What was wrong in the whole history.
    pub(crate) fn of_all(mut self, world: &World) -> BTreeSet<String> {
        let journal = world.kubelets.journal();
        for pod in journal.doubled() {
            self.wrong(format!("{} ran twice at the same time", pod.name));
        }
        for (rank, (by, n_before)) in std::mem::take(&mut self.over) {
            let mut later = journal.moments()[n_before..].iter();
            let pod = World::pod(&rank);
            if later.any(|moment| moment.began && moment.pod == pod) {
                self.wrong(format!("{rank} was over after {by}, and was started then"));
            }
        }
        let pods: BTreeSet<_> = journal.moments().iter().map(|moment| &moment.pod).collect();
        for pod in pods {
            let n = journal.n_starts(pod);
            if n > 1 {
                self.wrong(format!("{} was started {n} times", pod.name));
            }
        }
        self.wrong
    }
}

fn is_running(journal: &Journal, rank: &RankKey) -> bool {
    let pod = World::pod(rank);
    journal.running().iter().any(|(running, _)| *running == pod)
}

/// What is not yet as it is wanted.
pub(crate) async fn missing(caller: &Caller, world: &World) -> Vec<String> {
    let journal = world.kubelets.journal();
    let mut missing: Vec<String> = Vec::new();
    let (mut pods, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    for (key, run) in &caller.runs {
        if run.is_draining {
            for rank in run.ranks.keys() {
                let seen = world.runtime.observe(rank).await;
                missing.push(format!("{rank} is not wanted, and is {seen:?}"));
            }
            continue;
        }
        secrets.insert(format!("hai-{key}"));
        for (rank, known) in &run.ranks {
            pods.insert(World::pod(rank).name);
            if !is_running(&journal, rank) {
                missing.push(format!("{rank} does not run ({known:?})"));
            }
        }
    }
    let running = journal.running().into_iter().map(|(pod, _)| pod.name);
    let strays = running.filter(|name| !pods.contains(name));
    missing.extend(strays.map(|name| format!("{name} still runs")));
    for (kind, wanted) in [(Kind::Pod, pods), (Kind::Secret, secrets)] {
        let there: BTreeSet<String> = world.double.names(kind).into_iter().collect();
        let strays = there.difference(&wanted);
        missing.extend(strays.map(|name| format!("{} {name} is left", kind.name())));
    }
    missing
}
