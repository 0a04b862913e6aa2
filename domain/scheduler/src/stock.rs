//! The nodes of one group: how many there are, which are free, and taking some away.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Node, NodeName, Readiness, ZoneName};

/// The nodes of one group. A node is known by its index in the natural order of names.
#[derive(Default)]
pub(crate) struct Stock<'a> {
    nodes: Vec<&'a Node>,
    index: BTreeMap<&'a NodeName, usize>,
    zones: BTreeMap<Option<&'a ZoneName>, Zone>,
}

/// The nodes of a group that are in one zone, or in none.
#[derive(Default)]
struct Zone {
    tally: Tally,
    free: BTreeSet<usize>,
}

/// How many nodes there are, whoever has them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) total: u32,
    pub(crate) ready: u32,
    /// Ready, and of a task on its way out.
    pub(crate) draining: u32,
}

/// Who has a node, as far as a start is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupancy {
    Free,
    /// A task on its way out.
    Draining,
    Taken,
}

impl<'a> Stock<'a> {
    pub(crate) fn new(mut nodes: Vec<(&'a Node, Occupancy)>) -> Self {
        nodes.sort_by_cached_key(|(node, _)| (natural_key(&node.name.0), &node.name));
        let mut stock = Self::default();
        for (index, (node, occupancy)) in nodes.into_iter().enumerate() {
            stock.nodes.push(node);
            stock.index.insert(&node.name, index);
            let zone = stock.zones.entry(node.zone.as_ref()).or_default();
            zone.tally.total += 1;
            match (node.readiness, occupancy) {
                (Readiness::NotReady, Occupancy::Free | Occupancy::Draining | Occupancy::Taken) => {
                    continue;
                }
                (Readiness::Ready, Occupancy::Free) => {
                    zone.free.insert(index);
                }
                (Readiness::Ready, Occupancy::Draining) => zone.tally.draining += 1,
                (Readiness::Ready, Occupancy::Taken) => {}
            }
            zone.tally.ready += 1;
        }
        stock
    }

    /// Counts the nodes of one zone, or of all.
    pub(crate) fn tally(&self, pin: Option<&ZoneName>) -> Tally {
        self.reachable(pin)
            .fold(Tally::default(), |sum, (_, zone)| Tally {
                total: sum.total + zone.tally.total,
                ready: sum.ready + zone.tally.ready,
                draining: sum.draining + zone.tally.draining,
            })
    }

    /// The index of a node that is ready, and in the zone if there is a pin.
    pub(crate) fn find_ready(&self, pin: Option<&ZoneName>, name: &NodeName) -> Option<usize> {
        let index = *self.index.get(name)?;
        let node = self.nodes[index];
        let reachable = pin.is_none() || node.zone.as_ref() == pin;
        (reachable && node.readiness == Readiness::Ready).then_some(index)
    }

    /// How many nodes of each zone can be used now: free, and not among the excluded.
    pub(crate) fn usable(
        &self,
        pin: Option<&ZoneName>,
        excluded: &BTreeSet<usize>,
    ) -> Vec<(Option<&'a ZoneName>, u32)> {
        self.reachable(pin)
            .map(|(name, zone)| {
                let free_but_excluded = excluded.intersection(&zone.free).count();
                (name, count(zone.free.len() - free_but_excluded))
            })
            .collect()
    }

    /// Takes up to `wanted` usable nodes of a zone, in the natural order of their names.
    pub(crate) fn take(
        &mut self,
        zone: Option<&'a ZoneName>,
        wanted: u32,
        excluded: &BTreeSet<usize>,
    ) -> Vec<NodeName> {
        let Some(zone) = self.zones.get_mut(&zone) else {
            return Vec::new();
        };
        let usable = zone
            .free
            .iter()
            .copied()
            .filter(|index| !excluded.contains(index));
        let taken: Vec<usize> = usable.take(wanted as usize).collect();
        for index in &taken {
            zone.free.remove(index);
        }
        taken
            .into_iter()
            .map(|index| self.nodes[index].name.clone())
            .collect()
    }

    fn reachable(
        &self,
        pin: Option<&ZoneName>,
    ) -> impl Iterator<Item = (Option<&'a ZoneName>, &Zone)> {
        (self.zones.iter())
            .filter(move |(name, _)| pin.is_none() || **name == pin)
            .map(|(name, zone)| (*name, zone))
    }
}

/// A length as the number of nodes or tasks it stands for.
pub(crate) fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// A part of a name that is a number, known by its significant digits, or is none.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number { n_digits: usize, digits: &'a [u8] },
    Text(&'a [u8]),
}

/// Sorts `node-2` before `node-10`.
fn natural_key(name: &str) -> Vec<Part<'_>> {
    name.as_bytes()
        .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .map(|part| {
            if !part[0].is_ascii_digit() {
                return Part::Text(part);
            }
            let zeros = part.iter().take_while(|&&digit| digit == b'0').count();
            let digits = &part[zeros..];
            Part::Number {
                n_digits: digits.len(),
                digits,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::node;

    #[test]
    fn nodes_are_taken_in_the_natural_order_of_their_names() {
        let names = ["b-1", "a-10", "a-9", "a", "a-010x", "a-10x2", "7", "a-09"];
        let nodes = names.map(node);
        let free = nodes.iter().map(|node| (node, Occupancy::Free)).collect();
        let taken = Stock::new(free).take(None, 99, &BTreeSet::new());
        let taken: Vec<&str> = taken.iter().map(|name| name.0.as_str()).collect();
        assert_eq!(
            taken,
            ["7", "a", "a-09", "a-9", "a-10", "a-010x", "a-10x2", "b-1"]
        );
    }

    #[test]
    fn what_is_taken_is_gone() {
        let nodes = ["a", "b", "c"].map(node);
        let mut stock = Stock::new(nodes.iter().map(|node| (node, Occupancy::Free)).collect());
        let none = BTreeSet::new();
        assert_eq!(stock.take(None, 2, &none), ["a".into(), "b".into()]);
        assert_eq!(stock.usable(None, &none), [(None, 1)]);
        assert_eq!(stock.take(None, 2, &none), ["c".into()]);
    }

    #[test]
    fn a_node_that_is_not_ready_counts_only_in_the_total() {
        let nodes = [
            node("a").not_ready(),
            node("b").not_ready(),
            node("c"),
            node("d"),
        ];
        let occupancies = [
            Occupancy::Free,
            Occupancy::Draining,
            Occupancy::Draining,
            Occupancy::Free,
        ];
        let stock = Stock::new(nodes.iter().zip(occupancies).collect());
        let Tally {
            total,
            ready,
            draining,
        } = stock.tally(None);
        assert_eq!((total, ready, draining), (4, 2, 1));
        assert_eq!(stock.usable(None, &BTreeSet::new()), [(None, 1)]);
        assert_eq!(stock.find_ready(None, &"a".into()), None);
    }
}
