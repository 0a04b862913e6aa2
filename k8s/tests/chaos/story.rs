//! A history by chance: what is wanted, and what happens meanwhile.

use std::time::Duration;

use domain::runtime::RunKey;
use double::{Chance, End};
use protocol::FENCE_PERIOD;
use tokio::time::timeout;

use crate::caller::Caller;
use crate::check::{self, Checks};
use crate::world::World;

/// Steps of a history.
const N_STEPS: u64 = 30;
/// Runs that are wanted at the same time at most.
const MOST_RUNS: usize = 4;
/// Rounds of the callers in a step at most, and the pause between two of them in which nothing happens.
const MOST_ROUNDS: u64 = 12;
const PERIOD: Duration = Duration::from_millis(20);
/// How long it may take until all is as it is wanted, once nothing fails any more: 5 s, and what was lost without a word has to
/// be fenced off first.
const PATIENCE: Duration = Duration::from_secs(5 + 2 * FENCE_PERIOD.as_secs());
/// How long a history may take while everything fails.
const LONGEST: Duration = Duration::from_secs(300);

/// Tells a history, and what was wrong in it.
pub(crate) async fn tell(seed: u64) -> Result<(), String> {
    let mut story = Story {
        world: World::new(seed).await,
        caller: Caller::default(),
        checks: Checks::default(),
        chance: Chance::of(seed, "story"),
        told: Vec::new(),
        n_runs: 0,
    };
    let is_told = timeout(LONGEST, story.disturbed()).await.is_ok();
    story.world.double.calm();
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
    n_runs: i32,
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

    /// Nothing fails any more.
    async fn settle(&mut self) {
        loop {
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
        let keys: Vec<RunKey> = self.caller.runs.keys().copied().collect();
        match self.chance.among(0..6) {
            0 | 1 if keys.len() < MOST_RUNS => {
                self.n_runs += 1;
                let key = RunKey {
                    task: 1,
                    run: self.n_runs,
                };
                let n_ranks = u32::try_from(self.chance.among(1..5)).expect("it is small");
                self.told.push(format!("{key} with {n_ranks} begins"));
                self.caller.begin(key, n_ranks);
            }
            2 | 3 => {
                if let Some(key) = self.chance.one(&keys) {
                    self.told.push(format!("{key} is to end"));
                    self.caller.stop(key);
                }
            }
            4 => {
                let running = self.world.kubelets.journal().running();
                let running: Vec<_> = running.into_iter().map(|(pod, _)| pod).collect();
                if let Some(pod) = self.chance.one(&running) {
                    self.told.push(format!("{} ends", pod.name));
                    self.world.kubelets.end(pod, End::of_code(3));
                }
            }
            _ => {}
        }
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
