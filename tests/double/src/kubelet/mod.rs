//! Kubelets: they follow the store, run the containers of the pods of their nodes, and say how those are.
//!
//! ```text
//! hand       nodes and pods that do what a test says, step by step, without any of what follows
//! mod        follows the store, and gives each pod somebody who cares for it: Kubelets
//! pod        the life of a pod        plan   when its container is asked to end, or killed
//! behaviour  how it goes, other than by its program                                    pure
//! container  a process, or nothing but the word that it runs
//! process    starts and ends processes        root, volume, network   where they are
//! status     what a kubelet says about a pod                                           pure
//! journal    what ran when                                                             pure
//! ward       what all of them share
//! ```

mod behaviour;
mod container;
mod hand;
mod journal;
mod network;
mod options;
mod plan;
mod pod;
mod process;
mod root;
mod status;
#[cfg(test)]
mod tests;
mod volume;
mod ward;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use behaviour::{Behave, Behaviour, End, Fate};
pub use journal::{Journal, Moment};
pub use options::{Binary, KubeletOptions, ProcessOptions};

use self::network::Network;
use self::pod::Care;
use self::process::{Processes, Programs};
use self::status::View;
use self::ward::{Air, CaredFor, Told, Ward, locked};
use crate::Double;
use crate::object::Kind;
use crate::store::{Key, Store, moment, text};

/// How often a node says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// All nodes are this machine.
const ADDRESS: &str = "127.0.0.1";
/// How long a pod may take to end that says nothing of it.
const USUAL_GRACE: TimeDelta = TimeDelta::seconds(30);

/// The kubelets of a cluster. When this is dropped, all that they started is killed, and the pods stay as they are.
#[derive(Debug)]
pub struct Kubelets {
    ward: Arc<Ward>,
    _work: JoinSet<()>,
}

impl Double {
    /// Lets kubelets run the pods.
    ///
    /// # Errors
    /// If pods are to run as processes, and this machine lacks what that needs: the error says which package has it.
    pub fn run_pods(&self, options: KubeletOptions) -> Result<Kubelets> {
        let mut network = Network::of(self.port());
        let mut programs = None;
        if let Some(processes) = &options.processes {
            programs = Some(Programs::find()?);
            let usual = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
            network
                .keep_names(&processes.hosts(), usual)
                .context("the directory of pods cannot be used")?;
        }
        let ward = Arc::new(Ward {
            shared: self.shared.clone(),
            options,
            programs,
            processes: Arc::new(Processes::default()),
            air: watch::Sender::new(Air::default()),
            ticked: watch::Sender::new(()),
            told: Mutex::default(),
            journal: Mutex::default(),
            network: Mutex::new(network),
        });
        let mut work = JoinSet::new();
        work.spawn(follow(Arc::clone(&ward)));
        Ok(Kubelets { ward, _work: work })
    }
}

impl Kubelets {
    /// Cuts a node off: its kubelet says nothing more, and hears of nothing. What runs there goes on.
    pub fn silence(&self, node: &str) {
        self.ward.air.send_modify(|air| {
            air.silent.insert(node.to_owned());
        });
        let now = text(self.ward.now());
        let condition = json!({
            "type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.", "lastTransitionTime": now,
        });
        let key = node_key(node);
        self.ward.shared.with(|store| {
            let mut status = store.get(&key).unwrap_or_default()["status"].clone();
            status["conditions"] = json!([condition]);
            // It may have been removed.
            let _ = store.set_status(&key, status);
        });
    }

    /// Connects a node again. It says what happened meanwhile, and does what it was told.
    pub fn hear(&self, node: &str) {
        self.ward.hear(node);
        self.ward
            .shared
            .with(|store| beat(store, node, &text(self.ward.now())));
    }

    /// Ends the container of a pod. One that is a process is killed, and reported so.
    pub fn end(&self, pod: &Key, end: End) {
        self.tell(pod, |told| told.fate = Some(Fate::Ends(end)));
    }

    /// Evicts a pod, for the reason that the sentence says.
    pub fn evict(&self, pod: &Key, why: &str) {
        let why = why.to_owned();
        self.tell(pod, |told| told.fate = Some(Fate::Evicted(why)));
    }

    /// Lets a pod end that hangs.
    pub fn let_go(&self, pod: &Key) {
        self.tell(pod, |told| told.may_go = true);
    }

    /// Says that the cluster's clock was moved.
    pub fn tick(&self) {
        self.ward.ticked.send_replace(());
    }

    /// What ran when.
    pub fn journal(&self) -> Journal {
        locked(&self.ward.journal).clone()
    }

    /// What ran when, behind so many moments.
    pub fn moments_since(&self, n_known: usize) -> Vec<Moment> {
        let journal = locked(&self.ward.journal);
        let moments = journal.moments().get(n_known..);
        moments.unwrap_or_default().to_vec()
    }

    /// Whether no pod is cared for: none is there, or none that they know of.
    pub fn is_idle(&self) -> bool {
        locked(&self.ward.told).is_empty()
    }

    fn tell(&self, pod: &Key, what: impl FnOnce(&mut Told)) {
        let told = locked(&self.ward.told);
        let of_name = told.values().filter(|it| it.key == *pod);
        // Of two of a name, the one that was there first is about to go.
        if let Some(newest) = of_name.max_by_key(|it| it.n) {
            newest.told.send_modify(what);
        }
    }
}

impl Drop for Kubelets {
    fn drop(&mut self) {
        self.ward.processes.close();
    }
}

/// Gives each pod of their nodes somebody who cares for it, and tells it what becomes of its object.
async fn follow(ward: Arc<Ward>) {
    let mut changed = ward.shared.changed.subscribe();
    let mut air = ward.air.subscribe();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let mut known = BTreeSet::new();
    let mut all = JoinSet::new();
    loop {
        changed.mark_unchanged();
        air.mark_unchanged();
        let seen = look(&ward, &known);
        known.extend(seen.new_nodes.iter().cloned());
        beat_all(&ward, seen.new_nodes.iter());
        for (uid, key, pod) in seen.new_pods {
            all.spawn(care(&ward, uid, key, pod));
        }
        tokio::select! {
            changed = changed.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            // It is never closed: we hold it.
            _ = air.changed() => {}
            _ = heartbeat.tick() => beat_all(&ward, known.iter()),
            Some(done) = all.join_next(), if !all.is_empty() => {
                if let Err(error) = done && error.is_panic() {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        }
    }
}

/// What is new.
#[derive(Debug)]
struct Seen {
    new_nodes: Vec<String>,
    new_pods: Vec<(String, Key, Value)>,
}

/// Looks through the store: tells the pods that are cared for what becomes of them, and finds new ones.
fn look(ward: &Ward, known: &BTreeSet<String>) -> Seen {
    let air = ward.air.borrow();
    let cared = locked(&ward.told);
    let store = ward.shared.lock();
    let chosen = &ward.options.nodes;
    let is_ours = |node: &str| chosen.is_empty() || chosen.iter().any(|it| it == node);
    let mut new_nodes = store.names(Kind::Node);
    new_nodes.retain(|node| is_ours(node) && !known.contains(node));
    let mut seen = Seen {
        new_nodes,
        new_pods: Vec::new(),
    };
    let mut there = BTreeSet::new();
    for (key, pod) in store.objects(Kind::Pod) {
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        if node.is_empty() || !is_ours(node) {
            continue;
        }
        there.insert(uid.to_owned());
        if air.silent.contains(node) {
            continue;
        }
        match cared.get(uid) {
            None if !is_over(pod) => {
                seen.new_pods
                    .push((uid.to_owned(), key.clone(), pod.clone()));
            }
            None => {}
            Some(it) => tell(
                &it.told,
                moment(&pod["metadata"]["deletionTimestamp"]),
                false,
            ),
        }
    }
    // A node that is not heard does not hear of it either.
    let of_silent = |node: &str| air.silent.contains(node);
    for (_, it) in cared
        .iter()
        .filter(|(uid, it)| !there.contains(*uid) && !of_silent(&it.node))
    {
        tell(&it.told, Some(ward.now() + USUAL_GRACE), true);
    }
    seen
}

fn tell(told: &watch::Sender<Told>, end: Option<DateTime<Utc>>, is_gone: bool) {
    told.send_if_modified(|told| {
        let before = told.clone();
        told.is_gone |= is_gone;
        // One that is gone cannot be given more time.
        told.end = match is_gone {
            true => told.end.or(end),
            false => end.or(told.end),
        };
        *told != before
    });
}

fn is_over(pod: &Value) -> bool {
    let phase = pod["status"]["phase"].as_str();
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Cares for a pod.
fn care(ward: &Arc<Ward>, uid: String, key: Key, pod: Value) -> impl Future<Output = ()> + use<> {
    let told = Told {
        end: moment(&pod["metadata"]["deletionTimestamp"]),
        ..Told::default()
    };
    let (tell, told) = watch::channel(told);
    let begun = ward.now();
    let node = pod["spec"]["nodeName"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mut cared = locked(&ward.told);
    let n = cared.values().map(|it| it.n + 1).max().unwrap_or_default();
    let cared_for = CaredFor {
        n,
        key: key.clone(),
        node: node.clone(),
        told: tell,
    };
    cared.insert(uid.clone(), cared_for);
    drop(cared);
    let care = Care {
        node,
        behaviour: ward.options.behave.of(&pod),
        view: View {
            host_ip: ADDRESS.to_owned(),
            since: text(begun),
            ..View::default()
        },
        ward: Arc::clone(ward),
        key,
        uid: uid.clone(),
        pod,
        told,
        begun,
    };
    let ward = Arc::clone(ward);
    async move {
        care.lead().await;
        locked(&ward.told).remove(&uid);
    }
}

/// Those of some nodes that are heard say that they are well.
fn beat_all<'a>(ward: &Ward, nodes: impl Iterator<Item = &'a String>) {
    // None falls silent before it is said.
    let air = ward.air.borrow();
    let now = text(ward.now());
    for node in nodes.filter(|node| !air.silent.contains(*node)) {
        ward.shared.with(|store| beat(store, node, &now));
    }
}

/// A node says that it is well.
fn beat(store: &mut Store, node: &str, now: &str) {
    let key = node_key(node);
    let mut status = store.get(&key).unwrap_or_default()["status"].clone();
    let before = status["conditions"].as_array().cloned().unwrap_or_default();
    let before = before
        .iter()
        .find(|it| it["type"] == "Ready" && it["status"] == "True");
    let since = before.and_then(|it| it["lastTransitionTime"].as_str());
    status["conditions"] = json!([{
        "type": "Ready", "status": "True", "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now, "lastTransitionTime": since.unwrap_or(now),
    }]);
    status["addresses"] = json!([
        {"type": "InternalIP", "address": ADDRESS}, {"type": "Hostname", "address": node},
    ]);
    // It may have been removed.
    let _ = store.set_status(&key, status);
}

fn node_key(name: &str) -> Key {
    Key {
        kind: Kind::Node,
        namespace: String::new(),
        name: name.to_owned(),
    }
}
