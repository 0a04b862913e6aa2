//! The life of a pod, as its kubelet leads it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::watch;

use super::behaviour::{Behaviour, End, Fate};
use super::container::{Container, Trouble};
use super::plan::{Act, Plan};
use super::status::{EVICTED, State, View};
use super::volume::{self, Places};
use super::ward::{Kept, Report, Told, Ward, locked};
use crate::event::warn;
use crate::store::{Key, text};

/// How long the pauses between attempts to pull an image become, as a multiple of the first.
const MOST_PAUSES: u32 = 32;
/// What the kubelet says of a container that it does not find.
const UNKNOWN: End = End {
    code: 137,
    reason: Some("ContainerStatusUnknown"),
    message: None,
};

/// Cares for one pod.
pub(super) struct Care {
    pub(super) ward: Arc<Ward>,
    pub(super) node: String,
    pub(super) key: Key,
    pub(super) uid: String,
    pub(super) pod: Value,
    pub(super) told: watch::Receiver<Told>,
    pub(super) behaviour: Behaviour,
    pub(super) view: View,
    /// When its kubelet first saw it.
    pub(super) begun: DateTime<Utc>,
}

/// Which of the containers of a pod.
#[derive(Debug, Clone, Copy)]
struct Slot {
    is_init: bool,
    place: usize,
}

impl Care {
    /// Leads the pod until its object may go.
    pub(super) async fn lead(mut self) {
        if self.live().await.is_none() {
            self.give_up();
        }
        // It is told nothing more of that, if it cannot be written.
        let _ = self.ward.leave(&self.uid);
        self.report();
        self.ward.heard(&self.node).await;
        let may_hang = self.behaviour.hangs_on_delete;
        let is_to_go =
            |told: &Told| told.is_gone || (told.end.is_some() && (told.may_go || !may_hang));
        if self.told.wait_for(is_to_go).await.is_err() {
            return;
        }
        self.ward.heard(&self.node).await;
        self.ward.bury(&self.key, &self.uid);
        if let Some((options, _)) = self.ward.processes_of() {
            let places = options.places(&self.uid);
            // What cannot be removed goes with the directory of all.
            let _ = std::fs::remove_dir_all(places.pod);
        }
    }

    /// Runs its containers; none if it is over before they have.
    async fn live(&mut self) -> Option<()> {
        let has_run = self.pod["status"]["containerStatuses"][0]["state"]["running"].is_object();
        self.begin();
        if has_run {
            // Under an earlier kubelet, of which nothing is left.
            return None;
        }
        self.pause(self.begun + delta(self.behaviour.start_delay))
            .await?;
        self.report();
        let kept = self.prepare().await?;
        for place in 0..self.view.init.len() {
            let slot = Slot {
                is_init: true,
                place,
            };
            let end = self.run(slot, &kept).await?;
            if end.code != 0 || self.is_asked() {
                return (end.code != 0).then_some(());
            }
        }
        if self.view.containers.len() != 1 {
            self.cannot("other than one container is not known here")
                .await;
            return None;
        }
        self.pull().await?;
        let slot = Slot {
            is_init: false,
            place: 0,
        };
        self.run(slot, &kept).await.map(drop)
    }

    fn begin(&mut self) {
        let names = |part: &str| {
            let all = self.pod["spec"][part].as_array().into_iter().flatten();
            let names = all.map(|spec| spec["name"].as_str().unwrap_or_default().to_owned());
            names.collect::<Vec<_>>()
        };
        let (init, containers) = (names("initContainers"), names("containers"));
        let word = match init.is_empty() {
            true => "ContainerCreating",
            false => "PodInitializing",
        };
        let waiting = |names: Vec<String>| {
            let waiting = names.into_iter().map(|name| (name, State::waits(word)));
            waiting.collect::<Vec<_>>()
        };
        self.view.init = waiting(init);
        self.view.containers = waiting(containers);
    }

    /// Waits until the pod has an address, and its volumes are there.
    async fn prepare(&mut self) -> Option<Kept> {
        let mut changed = self.ward.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if self.view.pod_ip.is_none() {
                let joined = locked(&self.ward.network).join(&self.pod).ok().flatten();
                self.view.pod_ip = joined.map(|address| address.to_string());
            }
            if let (Some(_), Ok(kept)) = (&self.view.pod_ip, self.keep()) {
                return Some(kept);
            }
            tokio::select! {
                changed = changed.changed() => changed.ok()?,
                () = asked(&mut self.told, self.behaviour.hangs_on_delete) => return None,
            }
        }
    }

    fn keep(&self) -> Result<Kept, String> {
        let Some((options, _)) = self.ward.processes_of() else {
            return Ok(Kept::Nowhere);
        };
        let places = options.places(&self.uid);
        let find = |kind, name: &str| {
            let key = Key {
                kind,
                namespace: self.key.namespace.clone(),
                name: name.to_owned(),
            };
            self.ward.shared.lock().get(&key).ok()
        };
        let volumes = volume::prepare(&self.pod, &places, &find)?;
        Ok(Kept::Directories(places, volumes))
    }

    /// Pulls the image of its container.
    async fn pull(&mut self) -> Option<()> {
        let image = self.pod["spec"]["containers"][0]["image"].as_str();
        let image = image.unwrap_or_default().to_owned();
        let back_off = self.ward.options.back_off;
        for n in 0..self.behaviour.failed_pulls {
            let failed = format!("failed to pull and unpack image \"{image}\": not found");
            let tried = self.ward.now();
            let told = format!("Failed to pull image \"{image}\": {failed}");
            let shared = &self.ward.shared;
            // One whose object has gone nobody is warned of.
            let _ = shared.with(|store| warn(store, &self.key, "Failed", &told));
            self.waits("ErrImagePull", failed);
            self.pause(tried + delta(back_off / 10)).await?;
            let times = 2_u32.saturating_pow(n).min(MOST_PAUSES);
            let paused = self.ward.now();
            self.waits(
                "ImagePullBackOff",
                format!("Back-off pulling image \"{image}\""),
            );
            self.pause(paused + delta(back_off * times)).await?;
        }
        Some(())
    }

    /// Runs a container to its end, however it comes; none if it is over before it has begun.
    async fn run(&mut self, slot: Slot, kept: &Kept) -> Option<End> {
        let part = if slot.is_init {
            "initContainers"
        } else {
            "containers"
        };
        let spec = self.pod["spec"][part][slot.place].clone();
        if self.is_asked() {
            return None;
        }
        let started = tokio::select! {
            started = Container::start(&self.ward, kept, &spec, &self.behaviour) => started,
            () = asked(&mut self.told, self.behaviour.hangs_on_delete) => return None,
        };
        let since = self.ward.now();
        let end = match started {
            Ok(container) => self.attend(slot, container, since).await,
            Err(Trouble::Config(why)) => {
                self.cannot(&why).await;
                return None;
            }
            Err(Trouble::Start(why)) => End {
                code: 128,
                reason: Some("StartError"),
                message: Some(why),
            },
        };
        let ended = State::Ended {
            since: text(since),
            at: text(self.ward.now()),
            end: end.clone(),
        };
        self.set(slot, ended);
        self.report();
        Some(end)
    }

    /// Says that a container runs, and ends it when it is to end.
    async fn attend(&mut self, slot: Slot, mut container: Container, since: DateTime<Utc>) -> End {
        let is_simulated = matches!(container, Container::Simulated { .. });
        if slot.is_init && is_simulated {
            return End::default();
        }
        let is_main = !slot.is_init;
        if is_main {
            self.ward.note(&self.key, &self.uid, true);
        }
        let since_text = text(since);
        self.set(slot, State::Running { since: since_text });
        self.report();
        let mut plan = Plan {
            fate: { self.behaviour.fate.clone() }
                .filter(|_| is_main)
                .map(|(after, fate)| (since + delta(after), fate)),
            ..Plan::default()
        };
        let end = loop {
            tokio::select! {
                biased;
                end = container.ended() => break end,
                told = self.told.changed() => {
                    if told.is_err() {
                        container.kill();
                    }
                }
                () = self.ward.until(plan.next()) => {}
            }
            let told = self.told.borrow_and_update().clone();
            match plan.decide(&told, self.behaviour.hangs_on_delete, self.ward.now()) {
                Act::Nothing => {}
                Act::Ask => container.ask(),
                Act::Kill => container.kill(),
            }
        };
        if is_main {
            self.ward.note(&self.key, &self.uid, false);
        }
        match plan.met {
            Some(Fate::Ends(given)) => End {
                message: given.message.or(end.message),
                ..given
            },
            Some(Fate::Evicted(why)) => {
                self.view.why = Some((EVICTED, why));
                end
            }
            None => end,
        }
    }

    /// It is over, and containers of it never ran, or are not found.
    fn give_up(&mut self) {
        let now = text(self.ward.now());
        let told = self.told.borrow().fate.clone();
        let end = match told {
            Some(Fate::Evicted(why)) => {
                self.view.why = Some((EVICTED, why));
                return;
            }
            Some(Fate::Ends(end)) => end,
            None => End {
                message: Some(
                    "The container could not be located when the pod was terminated".to_owned(),
                ),
                ..UNKNOWN
            },
        };
        let View {
            init, containers, ..
        } = &mut self.view;
        for (_, state) in init.iter_mut().chain(containers) {
            if !matches!(state, State::Ended { .. }) {
                *state = State::Ended {
                    since: now.clone(),
                    at: now.clone(),
                    end: end.clone(),
                };
            }
        }
    }

    /// Waits until a moment; none if it is to end before.
    async fn pause(&mut self, until: DateTime<Utc>) -> Option<()> {
        tokio::select! {
            () = self.ward.until(Some(until)) => Some(()),
            () = asked(&mut self.told, self.behaviour.hangs_on_delete) => None,
        }
    }

    fn is_asked(&self) -> bool {
        is_to_end(&self.told.borrow(), self.behaviour.hangs_on_delete)
    }

    /// It never can run.
    async fn cannot(&mut self, why: &str) {
        self.waits("CreateContainerConfigError", why.to_owned());
        asked(&mut self.told, self.behaviour.hangs_on_delete).await;
    }

    fn waits(&mut self, reason: &'static str, message: String) {
        if let Some((_, state)) = self.view.containers.first_mut() {
            *state = State::Waiting {
                reason,
                message: Some(message),
            };
        }
        self.report();
    }

    fn set(&mut self, slot: Slot, state: State) {
        let all = match slot.is_init {
            true => &mut self.view.init,
            false => &mut self.view.containers,
        };
        all[slot.place].1 = state;
    }

    fn report(&self) {
        self.ward.report(Report {
            node: self.node.clone(),
            key: self.key.clone(),
            uid: self.uid.clone(),
            view: self.view.clone(),
        });
    }
}

/// Waits until a pod is to end.
async fn asked(told: &mut watch::Receiver<Told>, may_hang: bool) {
    // Without anybody who could tell it, too.
    let _ = told.wait_for(|told| is_to_end(told, may_hang)).await;
}

fn is_to_end(told: &Told, may_hang: bool) -> bool {
    let is_deleted = told.end.is_some() && (told.may_go || !may_hang);
    is_deleted || told.fate.is_some()
}

fn delta(time: Duration) -> TimeDelta {
    // What is longer than all there is is never over.
    TimeDelta::from_std(time).unwrap_or(TimeDelta::days(36_500))
}

impl super::options::ProcessOptions {
    fn places(&self, uid: &str) -> Places {
        Places {
            pod: self.root.join("pods").join(uid),
            claims: self.root.join("claims"),
        }
    }
}
