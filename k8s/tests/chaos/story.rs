//! A history by chance: what is wanted, and what happens meanwhile.

use std::time::Duration;

use double::{Chance, End};
use tokio::time::timeout;

use crate::caller::Caller;
use crate::check::{self, Checks};
use crate::world::{MOST_SILENT, NODES, World};

/// Steps of a history.
const N_STEPS: u64 = 30;
/// Tasks that are wanted at the same time at most, and the ranks of one.
const MOST_TASKS: usize = 4;
const MOST_RANKS: u64 = 3;
/// Rounds of the callers in a step at most, and the pause between two of them in which nothing happens.
const MOST_ROUNDS: u64 = 12;
const PERIOD: Duration = Duration::from_millis(20);
/// How long it may take until all is as it is wanted, once nothing fails any more.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a history may take while everything fails.
const LONGEST: Duration = Duration::from_secs(300);

/// Tells a history, and what was wrong in it.
pub(crate) async fn tell(seed: u64) -> Result<(), String> {
    let mut story = Story {
        world: World::new(seed).await,
        caller: Caller::new(seed),
        checks: Checks::default(),
        chance: Chance::of(seed, "story"),
        told: Vec::new(),
        n_tasks: 0,
    };
    let is_told = timeout(LONGEST, story.disturbed()).await.is_ok();
    story.calm();
    let settled = timeout(PATIENCE, story.settle()).await;
    let Story {
        world,
        caller,
        checks,
        told,
        ..
    } = story;
    let mut wrong: Vec<String> = checks.of_all(&world).into_iter().collect();
    if !is_told {
        wrong.push("it does not come to an end".to_owned());
    }
    if settled.is_err() {
        let missing = check::missing(&caller, &world).await.join(", ");
        wrong.push(format!("after {PATIENCE:?}: {missing}"));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "history {seed}:\n  {}\n  after: {}",
            wrong.join("\n  "),
            told.join(", ")
        )),
    }
}

struct Story {
    world: World,
    caller: Caller,
    checks: Checks,
    chance: Chance,
    told: Vec<String>,
    n_tasks: i64,
}

impl Story {
    /// Everything fails now and then.
    async fn disturbed(&mut self) {
        for _ in 0..N_STEPS {
            self.step();
            if self.chance.happens(0.05) {
                self.told.push("the platform is started again".to_owned());
                self.world.start_again();
            }
            for _ in 0..self.chance.among(1..MOST_ROUNDS + 1) {
                let disturbance = Disturbance::by(&mut self.chance);
                if let Some(disturbance) = disturbance {
                    self.told.push(format!("{disturbance:?}"));
                }
                let round = self.caller.round(&self.world, &mut self.checks);
                tokio::join!(round, disturb(&self.world, disturbance));
                self.pause().await;
            }
        }
    }

    /// From now on nothing fails any more. Of the nodes that are silent some come back, and the others never do.
    fn calm(&mut self) {
        self.told.push("calm".to_owned());
        self.world.calm();
        for node in self.silent() {
            if self.chance.happens(0.5) {
                self.told.push(format!("{node} is back"));
                self.world.hear(node);
            }
        }
    }

    /// Nothing fails any more.
    async fn settle(&mut self) {
        loop {
            // What begins to hang only now is found by whoever looks after the nodes.
            self.world.let_all_go();
            self.caller.round(&self.world, &mut self.checks).await;
            if { check::missing(&self.caller, &self.world).await }.is_empty() {
                return;
            }
            self.pause().await;
        }
    }

    /// Until something happens in the cluster, or the callers look again anyway.
    async fn pause(&self) {
        // It is never closed: the cluster is there.
        let _ = timeout(PERIOD, self.world.double.changes().changed()).await;
    }

    /// Something is wanted, or happens in the cluster.
    fn step(&mut self) {
        match self.chance.among(0..10) {
            0..3 if self.caller.tasks.len() < MOST_TASKS => {
                self.n_tasks += 1;
                let n_ranks = self.chance.among(1..MOST_RANKS + 1);
                let n_ranks = u32::try_from(n_ranks).expect("it is small");
                self.told
                    .push(format!("task {} with {n_ranks} begins", self.n_tasks));
                self.caller.begin(self.n_tasks, n_ranks);
            }
            3 | 4 => {
                let tasks: Vec<i64> = self.caller.tasks.keys().copied().collect();
                if let Some(task) = self.chance.one(&tasks) {
                    self.told.push(format!("task {task} is to end"));
                    self.caller.stop(*task);
                }
            }
            5 => self.container(),
            6..8 => self.node(),
            8 => {
                self.told.push("what hangs may go".to_owned());
                self.world.let_all_go();
            }
            _ => {}
        }
    }

    /// Something happens to a container that runs.
    fn container(&mut self) {
        let running = self.world.kubelets.journal().running();
        let running: Vec<_> = running.into_iter().map(|(pod, _)| pod).collect();
        let Some(pod) = self.chance.one(&running) else {
            return;
        };
        if self.chance.happens(0.5) {
            self.told.push(format!("{} ends", pod.name));
            self.world.kubelets.end(pod, End::of_code(3));
        } else {
            self.told.push(format!("{} is removed by force", pod.name));
            // It may have gone.
            let _ = self.world.double.lose(pod);
        }
    }

    /// A node goes silent, comes back, or is removed.
    fn node(&mut self) {
        let World {
            silent, removed, ..
        } = &self.world;
        let heard = NODES.into_iter().filter(|node| !silent.contains(node));
        let heard: Vec<_> = heard.collect();
        let (n_silent, n_removed) = (silent.len(), removed.len());
        let silent = self.silent();
        match self.chance.among(0..7) {
            0..4 if n_silent < MOST_SILENT => {
                if let Some(node) = self.chance.one(&heard) {
                    self.told.push(format!("{node} falls silent"));
                    self.world.silence(node);
                }
            }
            6 if n_removed == 0 => {
                if let Some(node) = self.chance.one(&silent) {
                    self.told.push(format!("{node} is removed"));
                    self.world.remove(node);
                }
            }
            _ => {
                if let Some(node) = self.chance.one(&silent) {
                    self.told.push(format!("{node} is back"));
                    self.world.hear(node);
                }
            }
        }
    }

    /// The nodes that are silent, and may come back.
    fn silent(&self) -> Vec<&'static str> {
        let World {
            silent, removed, ..
        } = &self.world;
        silent.difference(removed).copied().collect()
    }
}

/// What happens to the API server while something is asked of it.
#[derive(Debug, Clone, Copy)]
enum Disturbance {
    Restart,
    WatchesBreak,
    HistoryForgotten,
}

impl Disturbance {
    fn by(chance: &mut Chance) -> Option<Self> {
        match chance.among(0..60) {
            0 => Some(Self::Restart),
            1 => Some(Self::WatchesBreak),
            2 => Some(Self::HistoryForgotten),
            _ => None,
        }
    }
}

async fn disturb(world: &World, disturbance: Option<Disturbance>) {
    match disturbance {
        None => {}
        Some(Disturbance::Restart) => {
            world.double.restart().await.expect("the port is held");
        }
        Some(Disturbance::WatchesBreak) => world.double.break_watches(),
        Some(Disturbance::HistoryForgotten) => {
            world.double.break_watches();
            world.double.forget_history();
        }
    }
}
