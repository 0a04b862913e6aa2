//! The pods that are there: as the watch tells it, and as we have just changed it.
//!
//! A watch comes late. What we have created is there at once, and what we have removed is gone at once, though the watch may
//! still tell of it for a while. A pod whose object vanished is remembered as what it was last: gone is not over. Over is what
//! the kubelet has said so of, and what was fenced off.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use domain::runtime::{Observation, RankKey};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;

use crate::labels;
use crate::observe::observe;

/// What is known of all pods of ours.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    known: BTreeMap<RankKey, Known>,
    /// Pods that were removed by us, until the watch says so too; with the node on which one may still run.
    removed: BTreeMap<String, Option<String>>,
    /// Ranks that can do no harm any more, whatever is seen of them.
    fenced: BTreeSet<RankKey>,
    /// Ranks that we have told to end.
    told: BTreeSet<RankKey>,
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
pub(crate) struct Known {
    /// Tells it from others of its name.
    pub(crate) uid: String,
    /// What its object says of the rank.
    pub(crate) seen: Observation,
    /// Whether the object is still there.
    pub(crate) is_there: bool,
    /// Whether somebody has told it to go.
    pub(crate) is_going: bool,
    /// Name of the node that it is pinned to.
    pub(crate) node: String,
    /// Where the logs of its run are.
    pub(crate) log_dir: Option<PathBuf>,
}

impl Pods {
    /// Whether everything that is there has been heard of.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Takes in what the watch tells, and says of which tasks it is news.
    pub(crate) fn hear(&mut self, event: Event<Pod>) -> BTreeSet<i64> {
        let keys = match &event {
            Event::Init | Event::InitApply(_) => BTreeSet::new(),
            Event::InitDone => self
                .known
                .keys()
                .chain(self.listed.keys())
                .copied()
                .collect(),
            Event::Apply(pod) | Event::Delete(pod) => {
                let labels = pod.metadata.labels.as_ref();
                labels.and_then(labels::rank).into_iter().collect()
            }
        };
        let look = |pods: &Self, key| {
            pods.known
                .get(key)
                .map(|known| (known.seen.clone(), known.is_there))
        };
        let before: Vec<_> = keys.iter().map(|key| look(self, key)).collect();
        self.take_in(event);
        let both = keys.iter().zip(before);
        let news = both.filter(|(key, before)| look(self, key) != *before);
        news.map(|(key, _)| key.task).collect()
    }

    fn take_in(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => {
                self.listed.clear();
                self.in_list.clear();
                self.since_list.clear();
            }
            Event::InitApply(pod) => {
                self.note_end(&pod);
                self.in_list.extend(pod.metadata.uid.clone());
                if let Some((key, known)) = self.read(&pod) {
                    self.listed.insert(key, known);
                }
            }
            Event::InitDone => self.replace(),
            Event::Apply(pod) => {
                self.note_end(&pod);
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

    /// Notes that we have told a rank to end.
    pub(crate) fn tell(&mut self, key: &RankKey) {
        self.told.insert(*key);
        if let Some(known) = self.known.get_mut(key) {
            known.is_going = true;
        }
    }

    /// Notes that a rank was fenced off: nothing of it is left that could do anything.
    pub(crate) fn fence(&mut self, key: &RankKey) {
        self.fenced.insert(*key);
    }

    /// Forgets a rank, whose pod we have removed or are about to.
    pub(crate) fn forget(&mut self, key: &RankKey) {
        self.fenced.remove(key);
        self.told.remove(key);
        if let Some(known) = self.known.remove(key).filter(|known| known.is_there) {
            self.since_list.insert(known.uid.clone());
            let may_run = !is_over(&known.seen);
            self.removed
                .insert(known.uid, may_run.then_some(known.node));
        }
    }

    /// The pod of a rank, if one is known.
    pub(crate) fn get(&self, key: &RankKey) -> Option<&Known> {
        self.known.get(key)
    }

    /// The uid of a rank's pod whose object is there.
    pub(crate) fn uid(&self, key: &RankKey) -> Option<&str> {
        let known = self.known.get(key).filter(|known| known.is_there)?;
        Some(&known.uid)
    }

    /// Whether a rank was fenced off.
    pub(crate) fn is_fenced(&self, key: &RankKey) -> bool {
        self.fenced.contains(key)
    }

    /// Whether nothing of a rank is left that could do anything.
    pub(crate) fn is_over(&self, key: &RankKey) -> bool {
        self.is_fenced(key) || self.known.get(key).is_none_or(|known| is_over(&known.seen))
    }

    /// All ranks.
    pub(crate) fn keys(&self) -> BTreeSet<RankKey> {
        self.known.keys().chain(&self.fenced).copied().collect()
    }

    /// Nodes on which something may still run that counts as over for us, or that somebody else has told to go: nothing
    /// else is to be started there before it has gone.
    pub(crate) fn unswept(&self) -> BTreeSet<&str> {
        let known = self.known.iter().filter(|(key, known)| {
            let is_ours_no_more =
                self.is_fenced(key) || (known.is_going && !self.told.contains(key));
            known.is_there && is_ours_no_more && !is_over(&known.seen)
        });
        let known = known.map(|(_, known)| known.node.as_str());
        known
            .chain(self.removed.values().flatten().map(String::as_str))
            .collect()
    }

    fn read(&self, pod: &Pod) -> Option<(RankKey, Known)> {
        let key = labels::rank(pod.metadata.labels.as_ref()?)?;
        let uid = pod.metadata.uid.clone()?;
        if self.removed.contains_key(&uid) {
            return None;
        }
        let selector = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.node_selector.as_ref());
        let annotations = pod.metadata.annotations.as_ref();
        let known = Known {
            uid,
            seen: observe(pod),
            is_there: true,
            is_going: pod.metadata.deletion_timestamp.is_some(),
            node: selector
                .and_then(|selector| selector.get(labels::HOSTNAME).cloned())
                .unwrap_or_default(),
            log_dir: annotations.and_then(labels::log_dir),
        };
        Some((key, known))
    }

    /// What the watch tells of a pod that we have removed: that its kubelet is done with it.
    fn note_end(&mut self, pod: &Pod) {
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        if let Some(node) = self.removed.get_mut(uid)
            && node.is_some()
            && is_over(&observe(pod))
        {
            *node = None;
        }
    }

    fn replace(&mut self) {
        let (removed, in_list) = (&mut self.removed, &self.in_list);
        self.listed
            .retain(|_, known| !removed.contains_key(&known.uid));
        // What the list does not have any more is not told of again.
        removed.retain(|uid, _| in_list.contains(uid) || self.since_list.contains(uid));
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
        if self.removed.remove(uid).is_some() {
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
        Observation::Exited(_)
        | Observation::Vanished
        | Observation::Fenced
        | Observation::NotStarted => true,
        Observation::Alive | Observation::Orphaned | Observation::Stuck(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen<'a>(pods: &'a Pods, key: &RankKey) -> Option<&'a Observation> {
        pods.get(key).map(|pod| &pod.seen)
    }

    fn is_there(pods: &Pods, key: &RankKey) -> bool {
        pods.get(key).is_some_and(|pod| pod.is_there)
    }

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
        assert_eq!(seen(&pods, &KEY), Some(&Observation::Alive));
        pods.hear(Event::InitDone);
        assert!(
            pods.is_complete() && is_there(&pods, &KEY),
            "the list was older"
        );
        list(&mut pods, &[]);
        assert!(!is_there(&pods, &KEY));
        assert_eq!(
            seen(&pods, &KEY),
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
            assert_eq!(seen(&pods, &KEY), None);
        }
        // One of the same name is another one.
        pods.hear(Event::Apply(pod("b", false)));
        assert_eq!(seen(&pods, &KEY), Some(&Observation::Alive));
    }

    #[test]
    fn what_we_have_removed_does_not_come_back_with_a_list() {
        let mut pods = Pods::default();
        list(&mut pods, &[pod("a", true)]);
        pods.forget(&KEY);
        list(&mut pods, &[pod("a", true)]);
        pods.hear(Event::Apply(pod("a", true)));
        assert_eq!(seen(&pods, &KEY), None, "it is still about to go");
        // One that is removed while a list goes on, which has it.
        pods.hear(Event::Apply(pod("b", true)));
        pods.hear(Event::Init);
        pods.hear(Event::InitApply(pod("b", true)));
        pods.forget(&KEY);
        pods.hear(Event::InitDone);
        pods.hear(Event::Apply(pod("b", true)));
        assert_eq!(seen(&pods, &KEY), None);
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
            assert_eq!(
                (is_there(&pods, &KEY), pods.is_over(&KEY)),
                (false, is_over)
            );
            assert_eq!(pods.keys().len(), 1, "it is known until it is forgotten");
            pods.forget(&KEY);
            assert_eq!(pods.keys().len(), 0);
        }
    }

    #[test]
    fn what_is_not_ours_is_not_looked_at() {
        let mut foreign = pod("a", false);
        foreign.metadata.labels = None;
        let mut pods = Pods::default();
        list(&mut pods, &[foreign.clone()]);
        pods.hear(Event::Delete(foreign));
        assert_eq!(pods.keys().len(), 0);
    }

    #[test]
    fn a_node_is_not_swept_while_something_may_run_there_that_nobody_wants() {
        let on_node = |uid: &str, is_over: bool, is_going: bool| {
            let mut pod = pod(uid, is_over);
            let selector =
                json!({"nodeSelector": {"kubernetes.io/hostname": "n1"}, "containers": []});
            pod.spec = Some(serde_json::from_value(selector).unwrap());
            let time = json!("2026-01-02T03:04:05Z");
            pod.metadata.deletion_timestamp =
                is_going.then(|| serde_json::from_value(time).unwrap());
            pod
        };
        let mut pods = Pods::default();
        list(&mut pods, &[on_node("a", false, false)]);
        assert!(pods.unswept().is_empty(), "it is to run");
        pods.tell(&KEY);
        pods.hear(Event::Apply(on_node("a", false, true)));
        assert!(pods.unswept().is_empty(), "its run holds the node");
        pods.fence(&KEY);
        assert!(pods.is_over(&KEY));
        assert_eq!(pods.unswept(), ["n1"].into());
        pods.forget(&KEY);
        assert_eq!(pods.unswept(), ["n1"].into(), "it may run on");
        pods.hear(Event::Apply(on_node("a", true, true)));
        assert!(pods.unswept().is_empty(), "its kubelet is done with it");

        // Of what somebody else told to go, before we came.
        let mut later = Pods::default();
        list(&mut later, &[on_node("b", false, true)]);
        assert_eq!(later.unswept(), ["n1"].into());
        later.hear(Event::Delete(on_node("b", false, true)));
        assert!(later.unswept().is_empty());
    }
}
