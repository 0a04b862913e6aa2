//! What ran when: every start and every end of a pod's container, in their order. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::Key;

/// What happened to the container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The pod.
    pub pod: Key,
    /// Which of this name.
    pub uid: String,
    /// Whether it began to run; otherwise it ended.
    pub began: bool,
}

/// All that ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    moments: Vec<Moment>,
}

impl Journal {
    pub(super) fn note(&mut self, pod: &Key, uid: &str, began: bool) {
        self.moments.push(Moment {
            pod: pod.clone(),
            uid: uid.to_owned(),
            began,
        });
    }

    /// Everything, in its order.
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// How often the container of a pod of this name was started.
    pub fn n_starts(&self, pod: &Key) -> usize {
        let starts = self.moments.iter().filter(|it| it.began && it.pod == *pod);
        starts.count()
    }

    /// The pods whose containers run, with their uids.
    pub fn running(&self) -> BTreeSet<(Key, String)> {
        let mut running = BTreeSet::new();
        for moment in &self.moments {
            let which = (moment.pod.clone(), moment.uid.clone());
            match moment.began {
                true => running.insert(which),
                false => running.remove(&which),
            };
        }
        running
    }

    /// The names of pods of which two containers ran at the same moment.
    pub fn doubled(&self) -> BTreeSet<Key> {
        let mut running: BTreeMap<&Key, BTreeSet<&str>> = BTreeMap::new();
        let mut doubled = BTreeSet::new();
        for moment in &self.moments {
            let of_name = running.entry(&moment.pod).or_default();
            match moment.began {
                true => of_name.insert(&moment.uid),
                false => of_name.remove(moment.uid.as_str()),
            };
            if of_name.len() > 1 {
                doubled.insert(moment.pod.clone());
            }
        }
        doubled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Kind;

    #[test]
    fn two_of_a_name_at_once_are_found_and_one_after_the_other_is_fine() {
        let key = |name: &str| Key {
            kind: Kind::Pod,
            namespace: "n".to_owned(),
            name: name.to_owned(),
        };
        let mut journal = Journal::default();
        for (name, uid, began) in [
            ("a", "1", true),
            ("b", "2", true),
            ("a", "1", false),
            ("a", "3", true),
            ("b", "4", true),
            ("b", "2", false),
        ] {
            journal.note(&key(name), uid, began);
        }
        assert_eq!(journal.doubled(), [key("b")].into());
        assert_eq!(journal.n_starts(&key("a")), 2);
        let running = [(key("a"), "3".to_owned()), (key("b"), "4".to_owned())];
        assert_eq!(journal.running(), running.into());
    }
}
