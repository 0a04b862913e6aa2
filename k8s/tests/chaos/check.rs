//! What must hold, whatever fails.

use std::collections::{BTreeMap, BTreeSet};

use domain::runtime::{Observation, RankKey, Runtime};
use double::Kind;

use crate::caller::Caller;
use crate::world::World;

/// What was said, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    wrong: BTreeSet<String>,
    over: BTreeMap<RankKey, Over>,
}

/// That it was said of a rank that nothing of it runs.
#[derive(Debug)]
struct Over {
    by: &'static str,
    /// How much had happened in the cluster until then.
    n_before: usize,
    /// Whether its agent could not begin any more.
    is_fenced: bool,
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
            Observation::Fenced => "is fenced off",
            Observation::NotStarted => "is not started",
        };
        if world.agents.running().contains(rank) {
            self.wrong(format!("{rank} {what}, and runs"));
        }
    }

    /// It was concluded that nothing of a rank runs, or will.
    pub(crate) fn is_over(&mut self, rank: &RankKey, world: &World, by: &'static str) {
        if world.agents.running().contains(rank) {
            self.wrong(format!("{rank} is over after {by}, and runs"));
        }
        self.over.entry(*rank).or_insert_with(|| Over {
            by,
            n_before: world.kubelets.journal().moments().len(),
            is_fenced: world.agents.is_fenced(rank),
        });
    }

    /// What was wrong in the whole history.
    pub(crate) fn of_all(mut self, world: &World) -> BTreeSet<String> {
        self.wrong.extend(world.agents.wrong());
        let journal = world.kubelets.journal();
        for pod in journal.doubled() {
            self.wrong(format!("{} ran twice at the same time", pod.name));
        }
        for (rank, over) in std::mem::take(&mut self.over) {
            let mut later = journal.moments()[over.n_before..].iter();
            let pod = World::pod(&rank);
            if !over.is_fenced && later.any(|moment| moment.began && moment.pod == pod) {
                let by = over.by;
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

/// What is not yet as it is wanted.
pub(crate) async fn missing(caller: &Caller, world: &World) -> Vec<String> {
    let running = world.agents.running();
    let mut missing: Vec<String> = Vec::new();
    let (mut pods, mut secrets) = (BTreeSet::new(), BTreeSet::new());
    let mut wanted = BTreeSet::new();
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
            wanted.insert(*rank);
            pods.insert(World::pod(rank).name);
            if !running.contains(rank) {
                missing.push(format!("{rank} does not run ({known:?})"));
            }
        }
    }
    let waiting = caller.tasks.keys().filter(|task| {
        let mut runs = caller.runs.keys();
        !runs.any(|run| run.task == **task)
    });
    missing.extend(waiting.map(|task| format!("task {task} waits")));
    let strays = running.iter().filter(|rank| !wanted.contains(rank));
    missing.extend(strays.map(|rank| format!("{rank} still runs")));
    // Of a node that nobody hears, the cluster keeps what it has told to go.
    let out_of_reach = world.out_of_reach();
    for (kind, wanted) in [(Kind::Pod, pods), (Kind::Secret, secrets)] {
        let there: BTreeSet<String> = world.double.names(kind).into_iter().collect();
        let strays = there.difference(&wanted);
        let strays = strays.filter(|name| kind != Kind::Pod || !out_of_reach.contains(*name));
        missing.extend(strays.map(|name| format!("{} {name} is left", kind.name())));
    }
    missing.extend(unoffered(world).await);
    missing
}

/// Nodes that are heard and swept, and not offered.
async fn unoffered(world: &World) -> Vec<String> {
    let Ok(nodes) = world.runtime.nodes().await else {
        return vec!["nobody knows the nodes".to_owned()];
    };
    let is_silent = |name: &str| world.silent.contains(name);
    let idle = { nodes.into_iter() }.filter(|node| !node.ready && !is_silent(&node.name));
    idle.map(|node| format!("{} is not offered", node.name))
        .collect()
}
