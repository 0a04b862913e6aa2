//! Looks over a snapshot once: what is there, who has what, and which rows make no sense.

use std::collections::{BTreeMap, BTreeSet};

use crate::place::Start;
use crate::stock::{Occupancy, Stock, count};
use crate::{
    Exclusion, GroupName, Holder, Issue, Millis, Node, NodeName, Snapshot, Task, TaskKey,
    TaskState, Usage, User, UserName,
};

/// A snapshot put in order. What is ambiguous is left out, and never given away.
pub(crate) struct Survey<'a> {
    pub(crate) now: Millis,
    pub(crate) users: BTreeMap<&'a UserName, &'a User>,
    pub(crate) stocks: BTreeMap<&'a GroupName, Stock<'a>>,
    pub(crate) usage: Usage<'a>,
    /// Tasks that wait, each with a key of its own.
    pub(crate) applicants: Vec<Applicant<'a>>,
    /// One of the waiting tasks for each key that several tasks have.
    pub(crate) ambiguous: Vec<&'a Task>,
    pub(crate) issues: Vec<Issue>,
}

/// A task that waits.
#[derive(Clone, Copy)]
pub(crate) struct Applicant<'a> {
    pub(crate) task: &'a Task,
    pub(crate) not_before: Option<Millis>,
    pub(crate) excluded: &'a [Exclusion],
    pub(crate) held: bool,
}

impl<'a> Applicant<'a> {
    fn find(task: &'a Task) -> Option<Self> {
        match &task.state {
            TaskState::Waiting {
                not_before,
                excluded,
                held,
            } => Some(Self {
                task,
                not_before: *not_before,
                excluded,
                held: *held,
            }),
            TaskState::Active { .. } => None,
        }
    }
}

impl<'a> Survey<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let (nodes, duplicate_nodes) = unique(&snapshot.nodes, |node| &node.name);
        let (users, duplicate_users) = unique(&snapshot.users, |user| &user.name);
        let claims = Claims::of(&snapshot.tasks);

        let mut issues = claims.issues(&nodes);
        issues.extend(duplicate_nodes.map(|node| Issue::DuplicateNode { node: node.clone() }));
        issues.extend(duplicate_users.map(|user| Issue::DuplicateUser { user: user.clone() }));

        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for node in nodes.into_values() {
            groups
                .entry(&node.group)
                .or_default()
                .push((node, claims.occupancy(node)));
        }
        let mut survey = Self {
            now: snapshot.now,
            users,
            stocks: groups
                .into_iter()
                .map(|(name, nodes)| (name, Stock::new(nodes)))
                .collect(),
            usage: Usage::of(&snapshot.tasks),
            applicants: Vec::new(),
            ambiguous: Vec::new(),
            issues,
        };
        survey.find_who_waits(&snapshot.tasks);
        survey
    }

    /// Takes note of starts whose nodes have been taken already.
    pub(crate) fn note(&mut self, starts: &[Start<'a>]) {
        for start in starts {
            self.usage
                .add(start.task, start.level, count(start.nodes.len()));
        }
        let started: BTreeSet<TaskKey> = starts.iter().map(|start| start.task.key).collect();
        self.applicants
            .retain(|applicant| !started.contains(&applicant.task.key));
    }

    fn find_who_waits(&mut self, tasks: &'a [Task]) {
        let mut tasks: Vec<&Task> = tasks.iter().collect();
        let shown = |task: &&'a Task| (&task.user, &task.group, &task.zone, task.priority.value());
        tasks.sort_by_key(|task| (task.key, shown(task)));
        for same_key in tasks.chunk_by(|left, right| left.key == right.key) {
            let mut applicants = same_key.iter().copied().filter_map(Applicant::find);
            if let [_] = same_key {
                self.applicants.extend(applicants);
            } else {
                self.ambiguous
                    .extend(applicants.next().map(|applicant| applicant.task));
                self.issues.push(Issue::DuplicateTask {
                    task: same_key[0].key,
                });
            }
        }
    }
}

/// Which active tasks say that they have which nodes, and which of the tasks are on their way out.
struct Claims<'a> {
    tasks: BTreeMap<&'a NodeName, BTreeSet<TaskKey>>,
    draining: BTreeSet<TaskKey>,
}

impl<'a> Claims<'a> {
    fn of(tasks: &'a [Task]) -> Self {
        let mut claims = Self {
            tasks: BTreeMap::new(),
            draining: BTreeSet::new(),
        };
        for task in tasks {
            let TaskState::Active {
                nodes, draining, ..
            } = &task.state
            else {
                continue;
            };
            for node in nodes {
                claims.tasks.entry(node).or_default().insert(task.key);
            }
            if *draining {
                claims.draining.insert(task.key);
            }
        }
        claims
    }

    /// The node's own row and the rows of the tasks must both say that it is free.
    fn occupancy(&self, node: &Node) -> Occupancy {
        let holders = self.holders(node);
        match node.holder {
            Holder::Free if holders.is_empty() => Occupancy::Free,
            Holder::Free | Holder::Task(_) if holders.is_subset(&self.draining) => {
                Occupancy::Draining
            }
            Holder::Free | Holder::Task(_) | Holder::Other => Occupancy::Taken,
        }
    }

    /// All tasks that have the node according to its own row or theirs.
    fn holders(&self, node: &Node) -> BTreeSet<TaskKey> {
        let mut holders = self.tasks.get(&node.name).cloned().unwrap_or_default();
        if let Holder::Task(task) = node.holder {
            holders.insert(task);
        }
        holders
    }

    fn issues(&self, nodes: &BTreeMap<&NodeName, &Node>) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (&name, claimants) in &self.tasks {
            let Some(node) = nodes.get(name) else {
                issues.extend(claimants.iter().map(|&task| Issue::UnknownNode {
                    task,
                    node: name.clone(),
                }));
                continue;
            };
            let holders = self.holders(node);
            if holders.len() > 1 {
                let tasks = holders.into_iter().collect();
                issues.push(Issue::NodeClaimedTwice {
                    node: name.clone(),
                    tasks,
                });
            }
        }
        issues
    }
}

/// The rows that have a key of their own, and the keys that several rows have.
fn unique<'a, Row, Key: Ord + Copy>(
    rows: &'a [Row],
    key: impl Fn(&'a Row) -> Key,
) -> (BTreeMap<Key, &'a Row>, impl Iterator<Item = Key>) {
    let mut found = BTreeMap::new();
    let mut duplicates = BTreeSet::new();
    for row in rows {
        if found.insert(key(row), row).is_some() {
            duplicates.insert(key(row));
        }
    }
    found.retain(|key, _| !duplicates.contains(key));
    (found, duplicates.into_iter())
}
