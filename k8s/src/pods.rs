//! The pods that are there: as the watch tells it, and as we have just changed it.
//!
//! A watch comes late. What we have created is there at once, and what we have removed is gone at once, though the watch may
//! still tell of it for a while. A pod whose object vanished is remembered as what it was last: gone is not over.

use std::collections::{BTreeMap, BTreeSet};

use domain::runtime::{Observation, RankKey};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;

use crate::labels;
use crate::observe::observe;

/// What is known of all pods of ours.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    known: BTreeMap<RankKey, Known>,
    /// Pods that were removed by us, until the watch says so too.
    removed: BTreeSet<String>,
    /// What a list that goes on has shown so far.
    listed: BTreeMap<RankKey, Known>,
    /// All pods in it.
    in_list: BTreeSet<String>,
    /// Pods that were created or removed by us since it began: it may be older.
    since_list: BTreeSet<String>,
    is_complete: bool,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    uid: String,
    seen: Observation,
    /// Whether the object is still there.
    is_there: bool,
}

impl Pods {
    /// Whether everything that is there has been heard of.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Takes in what the watch tells.
    pub(crate) fn hear(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => {
                self.listed.clear();
                self.in_list.clear();
                self.since_list.clear();
            }
            Event::InitApply(pod) => {
                self.in_list.extend(pod.metadata.uid.clone());
                if let Some((key, known)) = self.read(&pod) {
                    self.listed.insert(key, known);
                }
            }
            Event::InitDone => self.replace(),
            Event::Apply(pod) => {
                if let Some((key, known)) = self.read(&pod) {
                    self.known.insert(key, known);
                }
            }
            Event::Delete(pod) => self.vanish(&pod),
        }
    }

    /// Takes in a pod that we have created, or found when we tried.
    pub(crate) fn created(&mut self, pod: &Pod) {
        if let Some((key, known)) = self.read(pod) {
            self.since_list.insert(known.uid.clone());
            // What the watch said of it is newer.
            let is_news = self.known.get(&key).is_none_or(|it| it.uid != known.uid);
            if is_news {
                self.known.insert(key, known);
            }
        }
    }

    /// Forgets a rank, whose pod we have removed or are about to.
    pub(crate) fn forget(&mut self, key: &RankKey) {
        if let Some(known) = self.known.remove(key).filter(|known| known.is_there) {
            self.since_list.insert(known.uid.clone());
            self.removed.insert(known.uid);
        }
    }

    /// What is known of a rank, if anything is.
    pub(crate) fn observe(&self, key: &RankKey) -> Option<&Observation> {
        self.known.get(key).map(|known| &known.seen)
    }

    /// The uid of a rank's pod whose object is there.
    pub(crate) fn uid(&self, key: &RankKey) -> Option<&str> {
        let known = self.known.get(key).filter(|known| known.is_there)?;
        Some(&known.uid)
    }

    /// Whether the object of a rank's pod is there.
    pub(crate) fn is_there(&self, key: &RankKey) -> bool {
        self.known.get(key).is_some_and(|known| known.is_there)
    }

    /// Whether the rank of a pod is over: its kubelet has said so.
    pub(crate) fn is_over(&self, key: &RankKey) -> bool {
        self.observe(key).is_none_or(is_over)
    }

    /// All ranks.
    pub(crate) fn keys(&self) -> impl Iterator<Item = RankKey> {
        self.known.keys().copied()
    }

    fn read(&self, pod: &Pod) -> Option<(RankKey, Known)> {
        let key = labels::rank(pod.metadata.labels.as_ref()?)?;
        let uid = pod.metadata.uid.clone()?;
        if self.removed.contains(&uid) {
            return None;
        }
        let seen = observe(pod);
        let is_there = true;
        Some((
            key,
            Known {
                uid,
                seen,
                is_there,
            },
        ))
    }

    fn replace(&mut self) {
        let (removed, in_list) = (&mut self.removed, &self.in_list);
        self.listed.retain(|_, known| !removed.contains(&known.uid));
        // What the list does not have any more is not told of again.
        removed.retain(|uid| in_list.contains(uid) || self.since_list.contains(uid));
        let before = std::mem::replace(&mut self.known, std::mem::take(&mut self.listed));
        for (key, mut known) in before {
            let is_new = self.since_list.contains(&known.uid);
            known.is_there &= is_new;
            self.known.entry(key).or_insert(known);
        }
        self.is_complete = true;
    }

    fn vanish(&mut self, pod: &Pod) {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        if self.removed.remove(uid) {
            return;
        }
        let Some((key, last)) = self.read(pod) else {
            return;
        };
        let known = self.known.entry(key).or_insert_with(|| last.clone());
        if known.uid == uid {
            // The last that is told of it may say how it ended.
            if is_over(&last.seen) {
                known.seen = last.seen;
            }
            known.is_there = false;
        }
    }
}

/// Whether nothing of a rank is left that could do anything.
pub(crate) fn is_over(seen: &Observation) -> bool {
    match seen {
        Observation::Exited(_) | Observation::Vanished | Observation::NotStarted => true,
        Observation::Alive | Observation::Orphaned | Observation::Stuck(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: RankKey = RankKey {
        task: 42,
        run: 3,
        rank: 0,
    };

    fn pod(uid: &str, is_over: bool) -> Pod {
        let state = match is_over {
            true => json!({"terminated": {"exitCode": 137}}),
            false => json!({"running": {}}),
        };
        let status = json!({"name": "rank", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
        serde_json::from_value(json!({
            "metadata": {"name": "hai-42-3-0", "uid": uid, "labels": labels::of_rank(&KEY, "ada")},
            "status": {"containerStatuses": [status]},
        }))
        .unwrap()
    }

    fn list(pods: &mut Pods, all: &[Pod]) {
        pods.hear(Event::Init);
        for pod in all {
            pods.hear(Event::InitApply(pod.clone()));
        }
        pods.hear(Event::InitDone);
    }

    #[test]
    fn what_we_have_created_is_there_before_the_watch_tells_it() {
        let mut pods = Pods::default();
        assert!(!pods.is_complete());
        pods.hear(Event::Init);
        pods.created(&pod("a", false));
        assert_eq!(pods.observe(&KEY), Some(&Observation::Alive));
        pods.hear(Event::InitDone);
        assert!(
            pods.is_complete() && pods.is_there(&KEY),
            "the list was older"
        );
        list(&mut pods, &[]);
        assert!(!pods.is_there(&KEY));
        assert_eq!(
            pods.observe(&KEY),
            Some(&Observation::Alive),
            "gone is not over"
        );
    }

    #[test]
    fn what_we_have_removed_is_gone_before_the_watch_tells_it() {
        let mut pods = Pods::default();
        list(&mut pods, &[pod("a", true)]);
        assert!(pods.is_over(&KEY));
        pods.forget(&KEY);
        for event in [Event::Apply(pod("a", true)), Event::Delete(pod("a", true))] {
            pods.hear(event);
            assert_eq!(pods.observe(&KEY), None);
        }
        // One of the same name is another one.
        pods.hear(Event::Apply(pod("b", false)));
        assert_eq!(pods.observe(&KEY), Some(&Observation::Alive));
    }

    #[test]
    fn what_we_have_removed_does_not_come_back_with_a_list() {
        let mut pods = Pods::default();
        list(&mut pods, &[pod("a", true)]);
        pods.forget(&KEY);
        list(&mut pods, &[pod("a", true)]);
        pods.hear(Event::Apply(pod("a", true)));
        assert_eq!(pods.observe(&KEY), None, "it is still about to go");
        // One that is removed while a list goes on, which has it.
        pods.hear(Event::Apply(pod("b", true)));
        pods.hear(Event::Init);
        pods.hear(Event::InitApply(pod("b", true)));
        pods.forget(&KEY);
        pods.hear(Event::InitDone);
        pods.hear(Event::Apply(pod("b", true)));
        assert_eq!(pods.observe(&KEY), None);
        list(&mut pods, &[]);
        assert!(pods.removed.is_empty(), "nobody will tell of it again");
    }

    #[test]
    fn what_we_find_out_late_does_not_undo_what_the_watch_has_told() {
        let mut pods = Pods::default();
        list(&mut pods, &[pod("a", true)]);
        pods.created(&pod("a", false));
        assert!(pods.is_over(&KEY));
    }

    #[test]
    fn a_pod_that_somebody_else_removes_is_over_only_if_it_was() {
        for (before, last, is_over) in [
            (false, false, false),
            (false, true, true),
            (true, true, true),
            (true, false, true),
        ] {
            let mut pods = Pods::default();
            list(&mut pods, &[pod("a", before)]);
            pods.hear(Event::Delete(pod("a", last)));
            assert_eq!((pods.is_there(&KEY), pods.is_over(&KEY)), (false, is_over));
            assert_eq!(pods.keys().count(), 1, "it is known until it is forgotten");
            pods.forget(&KEY);
            assert_eq!(pods.keys().count(), 0);
        }
    }

    #[test]
    fn what_is_not_ours_is_not_looked_at() {
        let mut foreign = pod("a", false);
        foreign.metadata.labels = None;
        let mut pods = Pods::default();
        list(&mut pods, &[foreign.clone()]);
        pods.hear(Event::Delete(foreign));
        assert_eq!(pods.keys().count(), 0);
    }
}
