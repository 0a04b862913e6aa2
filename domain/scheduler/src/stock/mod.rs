//! The nodes of one group: which are free, about to be free or reserved, and taking some away.

use std::collections::{BTreeMap, BTreeSet};

use crate::natural::natural_key;
use crate::{Level, Millis, Node, NodeName, Readiness, TaskKey, ZoneName};

/// The nodes of one group. A node is known by its index in the natural order of names.
#[derive(Default)]
pub(crate) struct Stock<'a> {
    spots: Vec<Spot<'a>>,
    index: BTreeMap<&'a NodeName, usize>,
    zones: BTreeMap<Option<&'a ZoneName>, Zone>,
    reservations: BTreeMap<TaskKey, Reservation>,
}

/// A node, who has it, and who gets it.
pub(crate) struct Spot<'a> {
    pub(crate) node: &'a Node,
    pub(crate) occupancy: Occupancy,
    pub(crate) reserved_for: Option<TaskKey>,
}

/// Who has a node, as far as a start is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Occupancy {
    Free,
    /// Tasks on their way out, and nobody else.
    Draining(BTreeSet<TaskKey>),
    /// Tasks, of which at least one stays.
    Held(BTreeSet<TaskKey>),
    /// Something that no task can give back.
    Taken,
}

/// The nodes that are kept for a task that stands in line: all it needs.
pub(crate) struct Reservation {
    pub(crate) level: Level,
    pub(crate) nodes: BTreeSet<usize>,
}

/// The nodes of a group that are in one zone, or in none.
#[derive(Default)]
struct Zone {
    total: u32,
    ready: u32,
    disabled: u32,
    /// Ready, free, and reserved for nobody.
    free: BTreeSet<usize>,
    /// Ready, of tasks on their way out, and reserved for nobody.
    draining: BTreeSet<usize>,
}

/// How many nodes there are. Draining ones are ready, and reserved for nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: u32,
    pub(crate) ready: u32,
    pub(crate) disabled: u32,
    pub(crate) draining: u32,
}

impl<'a> Stock<'a> {
    pub(crate) fn new(mut nodes: Vec<(&'a Node, Occupancy)>) -> Self {
        nodes.sort_by_cached_key(|(node, _)| (natural_key(&node.name.0), &node.name));
        let mut stock = Self::default();
        for (index, (node, occupancy)) in nodes.into_iter().enumerate() {
            let zone = stock.zones.entry(node.zone.as_ref()).or_default();
            zone.total += 1;
            zone.ready += u32::from(node.readiness == Readiness::Ready);
            zone.disabled += u32::from(node.readiness == Readiness::Disabled);
            stock.index.insert(&node.name, index);
            stock.spots.push(Spot {
                node,
                occupancy,
                reserved_for: None,
            });
            stock.offer(index);
        }
        stock
    }

    /// Counts the nodes of one zone, or of all.
    pub(crate) fn tally(&self, pin: Option<&ZoneName>) -> Tally {
        let mut tally = Tally::default();
        for (_, zone) in self.reachable(pin) {
            tally.total += zone.total;
            tally.ready += zone.ready;
            tally.disabled += zone.disabled;
            tally.draining += count(zone.draining.len());
        }
        tally
    }

    /// Counts the reserved nodes of one zone, or of all.
    pub(crate) fn n_reserved(&self, pin: Option<&ZoneName>) -> u32 {
        let reserved = self.reservations.values().flat_map(|each| &each.nodes);
        count(reserved.filter(|&&index| self.is_in(pin, index)).count())
    }

    /// The index of a node that is ready, and in the zone if there is a pin.
    pub(crate) fn find_ready(&self, pin: Option<&ZoneName>, name: &NodeName) -> Option<usize> {
        let index = *self.index.get(name)?;
        let is_ready = self.spots[index].node.readiness == Readiness::Ready;
        (self.is_in(pin, index) && is_ready).then_some(index)
    }

    /// All nodes that are ready, in the zone if there is a pin, and not among the excluded.
    pub(crate) fn spots(
        &self,
        pin: Option<&ZoneName>,
        excluded: &BTreeMap<usize, Millis>,
    ) -> impl Iterator<Item = (usize, &Spot<'a>)> {
        (self.spots.iter().enumerate())
            .filter(|(_, spot)| spot.node.readiness == Readiness::Ready)
            .filter(move |(index, _)| self.is_in(pin, *index) && !excluded.contains_key(index))
    }

    pub(crate) fn spot(&self, index: usize) -> &Spot<'a> {
        &self.spots[index]
    }

    /// How many nodes of each zone can be used now: free, reserved for nobody, and not among the
    /// excluded.
    pub(crate) fn usable(
        &self,
        pin: Option<&ZoneName>,
        excluded: &BTreeMap<usize, Millis>,
    ) -> Vec<(Option<&'a ZoneName>, u32)> {
        self.reachable(pin)
            .map(|(name, zone)| {
                let is_free = |index: &&usize| zone.free.contains(index);
                let free_but_excluded = excluded.keys().filter(is_free).count();
                (name, count(zone.free.len() - free_but_excluded))
            })
            .collect()
    }

    /// Takes up to `wanted` usable nodes of a zone, in the natural order of their names.
    pub(crate) fn take(
        &mut self,
        zone: Option<&'a ZoneName>,
        wanted: u32,
        excluded: &BTreeMap<usize, Millis>,
    ) -> Vec<NodeName> {
        let Some(zone) = self.zones.get(&zone) else {
            return Vec::new();
        };
        let usable = (zone.free.iter().copied()).filter(|index| !excluded.contains_key(index));
        let taken: Vec<usize> = usable.take(wanted as usize).collect();
        self.occupy(taken)
    }

    /// Takes what is reserved for the task, if all of it is free.
    pub(crate) fn take_reserved(&mut self, task: TaskKey) -> Option<Vec<NodeName>> {
        let mut nodes = self.reservations.get(&task)?.nodes.iter();
        if nodes.any(|&index| self.spots[index].occupancy != Occupancy::Free) {
            return None;
        }
        let reservation = self.reservations.remove(&task)?;
        Some(self.occupy(reservation.nodes))
    }

    pub(crate) fn reservation(&self, task: TaskKey) -> Option<&Reservation> {
        self.reservations.get(&task)
    }

    pub(crate) fn reservations(&self) -> impl Iterator<Item = (TaskKey, &Reservation)> {
        self.reservations.iter().map(|(task, each)| (*task, each))
    }

    /// Keeps nodes for a task that has none reserved yet.
    pub(crate) fn reserve(&mut self, task: TaskKey, reservation: Reservation) {
        for &index in &reservation.nodes {
            self.spots[index].reserved_for = Some(task);
            self.withdraw(index);
        }
        self.reservations.insert(task, reservation);
    }

    /// Gives what is reserved for the task back to all.
    pub(crate) fn release(&mut self, task: TaskKey) {
        let reservation = self.reservations.remove(&task);
        for index in reservation.into_iter().flat_map(|each| each.nodes) {
            self.spots[index].reserved_for = None;
            self.offer(index);
        }
    }

    /// Takes note that all these tasks are on their way out.
    pub(crate) fn drain(&mut self, draining: &BTreeSet<TaskKey>) {
        for index in 0..self.spots.len() {
            if let Occupancy::Held(tasks) = &self.spots[index].occupancy
                && tasks.is_subset(draining)
            {
                self.spots[index].occupancy = Occupancy::Draining(tasks.clone());
                self.offer(index);
            }
        }
    }

    /// The name of a node.
    pub(crate) fn name(&self, index: usize) -> NodeName {
        self.spots[index].node.name.clone()
    }

    fn occupy(&mut self, nodes: impl IntoIterator<Item = usize>) -> Vec<NodeName> {
        let mut names = Vec::new();
        for index in nodes {
            self.withdraw(index);
            self.spots[index].occupancy = Occupancy::Taken;
            self.spots[index].reserved_for = None;
            names.push(self.name(index));
        }
        names
    }

    /// Lists a node where those look who need one, if it can be had.
    fn offer(&mut self, index: usize) {
        let spot = &self.spots[index];
        let zone = self.zones.entry(spot.node.zone.as_ref()).or_default();
        if spot.node.readiness != Readiness::Ready || spot.reserved_for.is_some() {
            return;
        }
        match spot.occupancy {
            Occupancy::Free => zone.free.insert(index),
            Occupancy::Draining(_) => zone.draining.insert(index),
            Occupancy::Held(_) | Occupancy::Taken => false,
        };
    }

    fn withdraw(&mut self, index: usize) {
        let zone = self.spots[index].node.zone.as_ref();
        let zone = self.zones.entry(zone).or_default();
        zone.free.remove(&index);
        zone.draining.remove(&index);
    }

    pub(crate) fn is_in(&self, pin: Option<&ZoneName>, index: usize) -> bool {
        pin.is_none() || self.spots[index].node.zone.as_ref() == pin
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

#[cfg(test)]
mod tests;
