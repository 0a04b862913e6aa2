//! What the kubelets of a cluster share.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::watch;

use super::behaviour::Fate;
use super::journal::Journal;
use super::network::Network;
use super::options::{KubeletOptions, ProcessOptions};
use super::process::{Processes, Programs};
use super::status::View;
use super::volume::Places;
use crate::Shared;
use crate::store::{Deletion, Key, text};

/// What the kubelets of a cluster share.
#[derive(Debug)]
pub(super) struct Ward {
    pub(super) shared: Shared,
    pub(super) options: KubeletOptions,
    pub(super) programs: Option<Programs>,
    pub(super) processes: Arc<Processes>,
    pub(super) air: watch::Sender<Air>,
    pub(super) ticked: watch::Sender<()>,
    /// The pods that are cared for, by uid.
    pub(super) told: Mutex<BTreeMap<String, CaredFor>>,
    pub(super) journal: Mutex<Journal>,
    pub(super) network: Mutex<Network>,
}

/// A pod that is cared for.
#[derive(Debug)]
pub(super) struct CaredFor {
    /// Higher than that of all that were there before.
    pub(super) n: u64,
    pub(super) key: Key,
    pub(super) node: String,
    pub(super) told: watch::Sender<Told>,
}

/// What a pod is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// That it is to end, and until when.
    pub(super) end: Option<DateTime<Utc>>,
    /// That its object is gone.
    pub(super) is_gone: bool,
    pub(super) fate: Option<Fate>,
    /// That it may end though it hangs.
    pub(super) may_go: bool,
}

/// Who is heard.
#[derive(Debug, Default)]
pub(super) struct Air {
    pub(super) silent: BTreeSet<String>,
    /// What was not heard, by uid.
    held: BTreeMap<String, Report>,
}

/// What is known of a pod.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) node: String,
    pub(super) key: Key,
    pub(super) uid: String,
    pub(super) view: View,
}

/// Where the volumes of a pod are.
#[derive(Debug)]
pub(super) enum Kept {
    Nowhere,
    Directories(Places, BTreeMap<String, PathBuf>),
}

impl Ward {
    pub(super) fn processes_of(&self) -> Option<(&ProcessOptions, &Programs)> {
        self.options.processes.as_ref().zip(self.programs.as_ref())
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.shared.now()
    }

    /// Waits until a moment of the cluster's clock; without one, for ever.
    pub(super) async fn until(&self, moment: Option<DateTime<Utc>>) {
        let Some(moment) = moment else {
            return pending().await;
        };
        let mut ticked = self.ticked.subscribe();
        // It is too far away, if it cannot be waited for, or has passed.
        while let Ok(left) = (moment - self.now()).to_std()
            && !left.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = ticked.changed() => {}
            }
        }
    }

    /// Says how a pod is, as soon as its node is heard.
    pub(super) fn report(&self, report: Report) {
        self.air.send_if_modified(|air| {
            if air.silent.contains(&report.node) {
                air.held.insert(report.uid.clone(), report);
            } else {
                self.write(&report);
            }
            false
        });
    }

    /// Lets a node be heard again. What it could not say it says now.
    pub(super) fn hear(&self, node: &str) {
        self.air.send_modify(|air| {
            let held = std::mem::take(&mut air.held);
            for (uid, report) in held {
                if report.node == node {
                    self.write(&report);
                } else {
                    air.held.insert(uid, report);
                }
            }
            air.silent.remove(node);
        });
    }

    /// Waits until a node is heard.
    pub(super) async fn heard(&self, node: &str) {
        let mut air = self.air.subscribe();
        // It is never closed: we hold it.
        let _ = air.wait_for(|air| !air.silent.contains(node)).await;
    }

    /// Nothing of a pod is left: its object may go.
    pub(super) fn bury(&self, key: &Key, uid: &str) {
        let now = Deletion {
            grace: Some(0),
            uid: Some(uid.to_owned()),
            ..Deletion::default()
        };
        // Somebody may have removed it.
        let _ = self.shared.with(|store| store.delete(key, &now));
    }

    pub(super) fn note(&self, pod: &Key, uid: &str, began: bool) {
        locked(&self.journal).note(pod, uid, began);
    }

    pub(super) fn leave(&self, uid: &str) -> io::Result<()> {
        locked(&self.network).leave(uid)
    }

    fn write(&self, report: &Report) {
        let Report { key, uid, view, .. } = report;
        let now = text(self.now());
        self.shared.with(|store| {
            let pod = store.get(key).unwrap_or(Value::Null);
            if pod["metadata"]["uid"] == uid.as_str() {
                let status = view.status(&pod, &pod["status"], &now);
                // It is there.
                let _ = store.set_status(key, status);
            }
        });
    }
}

/// No step leaves it half changed, so a panic elsewhere does not matter.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
