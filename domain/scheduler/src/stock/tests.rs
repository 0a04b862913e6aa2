//! What a stock lists after each thing that can happen to a node.

use super::*;
use crate::testing::node;

const NOTHING: BTreeMap<usize, Millis> = BTreeMap::new();

fn free(nodes: &[Node]) -> Stock<'_> {
    Stock::new(nodes.iter().map(|node| (node, Occupancy::Free)).collect())
}

fn tasks(keys: &[i64]) -> BTreeSet<TaskKey> {
    keys.iter().copied().map(TaskKey).collect()
}

fn reservation(nodes: &[usize]) -> Reservation {
    Reservation {
        level: Level::Normal,
        nodes: nodes.iter().copied().collect(),
    }
}

#[test]
fn nodes_are_taken_in_the_natural_order_of_their_names() {
    let nodes = ["a-10", "a-9", "b-1"].map(node);
    let taken = free(&nodes).take(None, 99, &NOTHING);
    assert_eq!(taken, ["a-9".into(), "a-10".into(), "b-1".into()]);
}

#[test]
fn what_is_taken_is_gone() {
    let nodes = ["a", "b", "c"].map(node);
    let mut stock = free(&nodes);
    assert_eq!(stock.take(None, 2, &NOTHING), ["a".into(), "b".into()]);
    assert_eq!(stock.usable(None, &NOTHING), [(None, 1)]);
    assert_eq!(stock.take(None, 2, &NOTHING), ["c".into()]);
}

#[test]
fn a_node_that_is_not_ready_or_disabled_counts_only_as_such() {
    let nodes = [
        node("a").not_ready(),
        node("b").disabled(),
        node("c"),
        node("d"),
    ];
    let draining = || Occupancy::Draining(tasks(&[1]));
    let occupancies = [Occupancy::Free, draining(), draining(), Occupancy::Free];
    let stock = Stock::new(nodes.iter().zip(occupancies).collect());
    let tally = Tally {
        total: 4,
        ready: 2,
        disabled: 1,
        draining: 1,
    };
    assert_eq!(stock.tally(None), tally);
    assert_eq!(stock.usable(None, &NOTHING), [(None, 1)]);
    assert_eq!(stock.find_ready(None, &"a".into()), None);
}

#[test]
fn what_is_reserved_is_only_for_its_task_until_it_is_released() {
    let nodes = ["a", "b", "c"].map(node);
    let mut stock = free(&nodes);
    stock.reserve(TaskKey(7), reservation(&[0, 1]));
    assert_eq!(stock.usable(None, &NOTHING), [(None, 1)]);
    assert_eq!(stock.n_reserved(None), 2);
    assert_eq!(stock.take_reserved(TaskKey(8)), None);

    stock.release(TaskKey(7));
    assert_eq!(stock.usable(None, &NOTHING), [(None, 3)]);
    assert_eq!(stock.take_reserved(TaskKey(7)), None);
}

#[test]
fn a_reservation_is_taken_when_all_of_it_is_free() {
    let nodes = ["a", "b"].map(node);
    let draining = Occupancy::Draining(tasks(&[1]));
    let mut stock = Stock::new(nodes.iter().zip([Occupancy::Free, draining]).collect());
    stock.reserve(TaskKey(7), reservation(&[0, 1]));
    assert_eq!(stock.take_reserved(TaskKey(7)), None);
    assert_eq!(stock.tally(None).draining, 0);

    let mut stock = free(&nodes);
    stock.reserve(TaskKey(7), reservation(&[0, 1]));
    assert_eq!(
        stock.take_reserved(TaskKey(7)),
        Some(vec!["a".into(), "b".into()])
    );
    assert_eq!(stock.n_reserved(None), 0);
}

#[test]
fn a_node_drains_when_all_who_have_it_leave() {
    let nodes = ["a", "b", "c"].map(node);
    let holders = [[1, 1], [1, 2], [2, 2]].map(|keys| Occupancy::Held(tasks(&keys)));
    let mut stock = Stock::new(nodes.iter().zip(holders).collect());
    stock.reserve(TaskKey(7), reservation(&[0]));
    for (gone, draining) in [(&[1][..], 0), (&[1, 2], 2)] {
        stock.drain(&tasks(gone));
        assert_eq!(stock.tally(None).draining, draining);
    }
    stock.release(TaskKey(7));
    assert_eq!(stock.tally(None).draining, 3);
}
