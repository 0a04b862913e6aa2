//! Snapshots to plan for: orderly ones as the platform keeps them, and any mess of rows.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use scheduler::testing::grant;
use scheduler::{
    Exclusion, GroupName, Holder, Level, Millis, Node, NodeName, Owner, Policy, Priority, Quota,
    QuotaKind, Readiness, Snapshot, Task, TaskKey, TaskState, User, ZoneName,
};

/// The time of every snapshot.
pub(crate) const NOW: Millis = 10_000;

const LEVELS: [Level; 3] = [Level::High, Level::Normal, Level::Low];

/// Snapshots whose rows agree: every key is unique, and a node is held by the one task that has it.
pub(crate) fn worlds() -> impl Strategy<Value = Snapshot> {
    wishful_worlds().prop_map(content)
}

/// The same, and owners of runs may have changed their minds about the priority.
pub(crate) fn wishful_worlds() -> impl Strategy<Value = Snapshot> {
    prop_oneof![rows(everybody(), 1).prop_map(settle), crowds()]
}

/// Every run is at the level that its owner asks for.
fn content(mut snapshot: Snapshot) -> Snapshot {
    for task in &mut snapshot.tasks {
        if let TaskState::Active { level, .. } = task.state {
            task.priority = Priority::Fixed(level);
        }
    }
    snapshot
}

/// Rows that may contradict each other in every way.
pub(crate) fn messes() -> impl Strategy<Value = Snapshot> {
    let twin = option::weighted(0.1, users(select(vec!["ada", "bob", "cyd"])));
    let users =
        (everybody(), twin).prop_map(|(users, twin)| users.into_iter().chain(twin).collect());
    rows(users, 2)
}

/// Any rows, with about so many active tasks for every four that wait.
fn rows(users: impl Strategy<Value = Vec<User>>, n_active: u32) -> impl Strategy<Value = Snapshot> {
    let quotas = (LEVELS.map(common_quota), vec(quotas(), 0..6));
    (
        vec(nodes(), 2..24),
        vec(tasks(n_active), 0..16),
        quotas,
        users,
    )
        .prop_map(|(nodes, tasks, (common, special), users)| {
            let quotas = common.into_iter().flatten().chain(special).collect();
            Snapshot {
                now: NOW,
                nodes,
                tasks,
                quotas,
                users,
            }
        })
}

/// What `AUTO` may take.
pub(crate) fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![
        3 => Just(Level::ALL.to_vec()),
        1 => subsequence(LEVELS.to_vec(), 0..=3),
    ]
    .prop_flat_map(|auto_levels| {
        select(vec![0, 0, 3_000, 12_000]).prop_map(move |protect_from_higher| Policy {
            auto_levels: auto_levels.clone(),
            protect_from_higher,
        })
    })
}

/// A snapshot, and the same with its rows in another order.
pub(crate) fn shuffled(snapshot: Snapshot) -> impl Strategy<Value = (Snapshot, Snapshot)> {
    let Snapshot {
        now,
        nodes,
        tasks,
        quotas,
        users,
    } = snapshot.clone();
    (
        Just(nodes).prop_shuffle(),
        Just(tasks).prop_shuffle(),
        Just(quotas).prop_shuffle(),
        Just(users).prop_shuffle(),
    )
        .prop_map(move |(nodes, tasks, quotas, users)| {
            (
                snapshot.clone(),
                Snapshot {
                    now,
                    nodes,
                    tasks,
                    quotas,
                    users,
                },
            )
        })
}

/// Every time that is in a row, and one after them all.
pub(crate) fn moments(snapshot: &Snapshot, policy: &Policy) -> BTreeSet<Millis> {
    let of_quotas = snapshot.quotas.iter().filter_map(|quota| quota.expires_at);
    let of_tasks = snapshot.tasks.iter().flat_map(|task| match &task.state {
        TaskState::Waiting {
            not_before,
            excluded,
            ..
        } => {
            let ends = excluded.iter().map(|exclusion| exclusion.until);
            ends.chain(*not_before).collect()
        }
        TaskState::Active { since, .. } => vec![since + policy.protect_from_higher],
    });
    of_quotas.chain(of_tasks).chain([NOW * 100]).collect()
}

/// Worlds of one group that is full of small runs, and large tasks with enough quota that want
/// their nodes.
pub(crate) fn crowds() -> impl Strategy<Value = Snapshot> {
    rows(everybody(), 8).prop_map(|snapshot| settle(crowd(snapshot)))
}

fn crowd(mut snapshot: Snapshot) -> Snapshot {
    snapshot.nodes.truncate(12);
    for node in &mut snapshot.nodes {
        node.group = "training".into();
        node.holder = Holder::Free;
    }
    let levels = [Level::High, Level::High, Level::Normal];
    for (task, level) in (snapshot.tasks.iter_mut()).zip(levels.into_iter().cycle()) {
        task.group = "training".into();
        match &mut task.state {
            TaskState::Waiting {
                not_before, held, ..
            } => {
                (*not_before, *held) = (None, false);
                task.priority = Priority::Fixed(level);
                task.nodes = task.nodes.clamp(2, 4);
            }
            TaskState::Active { .. } => task.nodes = task.nodes.min(2),
        }
    }
    let grants = LEVELS.map(|level| grant("@public", 12).at(level));
    snapshot.quotas.extend(grants);
    snapshot
}

/// Makes the keys unique, gives active tasks free nodes of their group instead of those they were
/// drawn with, and waiting tasks for whom something was reserved all they need.
fn settle(mut snapshot: Snapshot) -> Snapshot {
    let mut seen = BTreeSet::new();
    snapshot.nodes.retain(|node| seen.insert(node.name.clone()));
    for (task, key) in snapshot.tasks.iter_mut().zip(1..) {
        task.key = TaskKey(key);
        let TaskState::Active { nodes, .. } = &mut task.state else {
            continue;
        };
        nodes.clear();
        let group = &task.group;
        let free = |node: &&mut Node| node.group == *group && node.holder == Holder::Free;
        for node in snapshot
            .nodes
            .iter_mut()
            .filter(free)
            .take(task.nodes as usize)
        {
            node.holder = Holder::Task(task.key);
            nodes.push(node.name.clone());
        }
    }
    let reserved: BTreeSet<TaskKey> = (snapshot.nodes.iter_mut())
        .filter_map(|node| node.reserved_for.take())
        .collect();
    for key in reserved {
        let waits = |task: &&Task| matches!(task.state, TaskState::Waiting { .. });
        let task = snapshot.tasks.iter().find(|task| task.key == key);
        let Some(task) = task.filter(waits) else {
            snapshot.nodes[0].reserved_for.get_or_insert(key);
            continue;
        };
        let can_have = |node: &&mut Node| {
            node.reserved_for.is_none()
                && node.group == task.group
                && (task.zone.is_none() || node.zone == task.zone)
                && match node.holder {
                    Holder::Free => true,
                    Holder::Task(holder) => is_draining(&snapshot.tasks, holder),
                    Holder::Other => false,
                }
        };
        let nodes = snapshot.nodes.iter_mut().filter(can_have);
        nodes
            .take(task.nodes as usize)
            .for_each(|node| node.reserved_for = Some(key));
    }
    snapshot
}

pub(crate) fn is_draining(tasks: &[Task], key: TaskKey) -> bool {
    let is_leaving = |task: &Task| matches!(task.state, TaskState::Active { draining: true, .. });
    tasks.iter().any(|task| task.key == key && is_leaving(task))
}

fn names() -> impl Strategy<Value = NodeName> {
    (1..=24).prop_map(|number| NodeName(format!("n{number}")))
}

fn keys() -> impl Strategy<Value = TaskKey> {
    (1..=24_i64).prop_map(TaskKey)
}

fn zones() -> impl Strategy<Value = Option<ZoneName>> {
    select(vec![None, Some("A".into()), Some("B".into())])
}

fn groups() -> impl Strategy<Value = GroupName> + Clone {
    prop_oneof![30 => Just("training"), 4 => Just("research"), 1 => Just("nowhere")]
        .prop_map(Into::into)
}

fn times() -> impl Strategy<Value = Millis> {
    select(vec![5_000, NOW, 15_000, 20_000, 30_000])
}

fn nodes() -> impl Strategy<Value = Node> {
    let groups = prop_oneof![4 => Just("training"), 1 => Just("research")];
    let readiness = prop_oneof![8 => Just(Readiness::Ready), 1 => Just(Readiness::NotReady), 1 => Just(Readiness::Disabled)];
    let holders = prop_oneof![
        20 => Just(Holder::Free),
        1 => Just(Holder::Other),
        1 => keys().prop_map(Holder::Task),
    ];
    let reserved_for = option::weighted(0.15, (1..=9_i64).prop_map(TaskKey));
    (names(), groups, zones(), readiness, holders, reserved_for).prop_map(
        |(name, group, zone, readiness, holder, reserved_for)| Node {
            name,
            group: group.into(),
            zone,
            readiness,
            holder,
            reserved_for,
        },
    )
}

fn users(names: impl Strategy<Value = &'static str>) -> impl Strategy<Value = User> {
    let public = option::weighted(0.9, Just("public"));
    let groups = (public, subsequence(vec!["lab", "staff"], 0..=2));
    (names, groups, prop::bool::weighted(0.95)).prop_map(|(name, (public, others), active)| User {
        name: name.into(),
        groups: public.into_iter().chain(others).map(Into::into).collect(),
        active,
    })
}

/// Ada and bob are always there, cyd at times, eve never.
fn everybody() -> impl Strategy<Value = Vec<User>> {
    let cyd = option::weighted(0.8, users(Just("cyd")));
    (users(Just("ada")), users(Just("bob")), cyd)
        .prop_map(|(ada, bob, cyd)| [ada, bob].into_iter().chain(cyd).collect())
}

/// What most users may use in the largest group.
fn common_quota(level: Level) -> impl Strategy<Value = Option<Quota>> {
    option::weighted(0.9, 1..=6_i64).prop_map(move |nodes| Some(grant("@public", nodes?).at(level)))
}

fn quotas() -> impl Strategy<Value = Quota> {
    let owners = prop_oneof![
        2 => select(vec!["ada", "bob", "cyd"]).prop_map(|user| Owner::User(user.into())),
        3 => select(vec!["public", "lab", "ada"]).prop_map(|group| Owner::Group(group.into())),
    ];
    let kinds = prop_oneof![5 => Just(QuotaKind::Grant), 1 => Just(QuotaKind::Ceiling)];
    let levels = prop_oneof![12 => select(LEVELS.map(Level::value).to_vec()), 1 => Just(7)];
    let counts = prop_oneof![12 => 0..=9_i64, 1 => Just(-1)];
    let tags = prop_oneof![2 => Just(""), 1 => Just("audit")];
    (
        owners,
        groups(),
        kinds,
        tags,
        levels,
        counts,
        option::weighted(0.3, times()),
    )
        .prop_map(
            |(owner, group, kind, tag, level, nodes, expires_at)| Quota {
                owner,
                group,
                kind,
                tag: match kind {
                    QuotaKind::Grant => String::new(),
                    QuotaKind::Ceiling => tag.to_owned(),
                },
                level,
                nodes,
                expires_at,
            },
        )
}

fn tasks(n_active: u32) -> impl Strategy<Value = Task> {
    let owners = prop_oneof![
        9 => Just("ada"),
        9 => Just("bob"),
        3 => Just("cyd"),
        1 => Just("eve"),
    ];
    let priorities = prop_oneof![
        1 => Just(Priority::Auto),
        1 => Just(Priority::Fixed(Level::Normal)),
        1 => select(LEVELS.to_vec()).prop_map(Priority::Fixed),
    ];
    let pins = prop_oneof![9 => Just(None), 1 => zones()];
    let ranks = option::weighted(0.3, (0..20).prop_map(|rank| f64::from(rank) - 0.5));
    let sizes = prop_oneof![1 => Just(0), 20 => 1..=2_u32, 10 => 3..=5_u32];
    let states = prop_oneof![4 => waiting(), n_active => active()];
    (
        keys(),
        owners,
        groups(),
        pins,
        priorities,
        ranks,
        sizes,
        states,
    )
        .prop_map(
            |(key, user, group, zone, priority, custom_rank, nodes, state)| Task {
                key,
                user: user.into(),
                group,
                zone,
                priority,
                custom_rank,
                nodes,
                state,
            },
        )
}

fn waiting() -> impl Strategy<Value = TaskState> {
    let exclusions = vec(
        (names(), times()).prop_map(|(node, until)| Exclusion { node, until }),
        0..6,
    );
    let excluded = prop_oneof![3 => Just(Vec::new()), 1 => exclusions];
    (
        option::weighted(0.2, times()),
        excluded,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(not_before, excluded, held)| TaskState::Waiting {
            not_before,
            excluded,
            held,
        })
}

fn active() -> impl Strategy<Value = TaskState> {
    let levels =
        prop_oneof![1 => Just(Level::High), 2 => Just(Level::Normal), 3 => Just(Level::Low)];
    let since = select(vec![1_000, 5_000, 8_000, NOW]);
    let (draining, suspendable) = (prop::bool::weighted(0.3), prop::bool::weighted(0.9));
    (levels, vec(names(), 0..3), draining, since, suspendable).prop_map(
        |(level, nodes, draining, since, suspendable)| TaskState::Active {
            level,
            nodes,
            draining,
            since,
            suspendable,
        },
    )
}
