//! Looks over a snapshot once: what is there, who has what, and which rows make no sense.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::order::own_order;
use crate::relevel::Wish;
use crate::stock::{Occupancy, Stock};
use crate::{
    Decision, Exclusion, GroupName, Holder, Issue, Level, Millis, Node, NodeName, Policy, Snapshot,
    Task, TaskKey, TaskState, Usage, User, UserName,
};

/// A snapshot put in order. What is ambiguous is left out, and never given away.
pub(crate) struct Survey<'a> {
    pub(crate) now: Millis,
    pub(crate) users: BTreeMap<&'a UserName, &'a User>,
    pub(crate) stocks: BTreeMap<&'a GroupName, Stock<'a>>,
    pub(crate) usage: Usage<'a>,
    /// What is reserved according to the rows, until it is known who may keep it.
    pub(crate) reservations: BTreeMap<TaskKey, Vec<&'a NodeName>>,
    /// Runs that may be asked to suspend, each of a task with a key of its own.
    pub(crate) runs: BTreeMap<TaskKey, Run>,
    /// Runs that are to go on at another level, each of a task with a key of its own.
    pub(crate) wishes: Vec<Wish<'a>>,
    /// Tasks on their way out.
    draining: BTreeSet<TaskKey>,
    /// Who has tasks that wait, by group and name.
    pub(crate) owners: Vec<TaskOwner<'a>>,
    /// One of the waiting tasks for each key that several tasks have.
    pub(crate) ambiguous: Vec<&'a Task>,
    pub(crate) issues: Vec<Issue>,
}

/// A run that may be asked to suspend, sooner or later.
pub(crate) struct Run {
    pub(crate) level: Level,
    pub(crate) since: Millis,
    /// Not before this time, which is to come.
    pub(crate) protected_until: Option<Millis>,
}

impl Run {
    fn find(task: &Task, now: Millis, policy: &Policy) -> Option<Self> {
        match task.state {
            TaskState::Active {
                level,
                since,
                suspendable: true,
                draining: false,
                nodes: _,
            } => {
                let until = since.saturating_add(policy.protect_from_higher);
                let is_protected = policy.protect_from_higher > 0 && until > now;
                Some(Self {
                    level,
                    since,
                    protected_until: is_protected.then_some(until),
                })
            }
            TaskState::Active { .. } | TaskState::Waiting { .. } => None,
        }
    }
}

/// A user whose tasks wait in one group.
pub(crate) struct TaskOwner<'a> {
    pub(crate) group: &'a GroupName,
    pub(crate) user: &'a UserName,
    /// In their own order, each with a key of its own.
    pub(crate) applicants: Vec<Applicant<'a>>,
}

/// A task that waits.
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
    pub(crate) fn of(snapshot: &'a Snapshot, policy: &Policy) -> Self {
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
            reservations: BTreeMap::new(),
            runs: BTreeMap::new(),
            wishes: Vec::new(),
            draining: claims.draining,
            owners: Vec::new(),
            ambiguous: Vec::new(),
            issues,
        };
        for node in &snapshot.nodes {
            if let Some(task) = node.reserved_for {
                survey
                    .reservations
                    .entry(task)
                    .or_default()
                    .push(&node.name);
            }
        }
        survey.sort_out(&snapshot.tasks, policy);
        survey
    }

    /// Takes note of decisions whose nodes have been taken or reserved already.
    pub(crate) fn note(&mut self, decisions: &[Decision]) {
        let mut started = BTreeMap::new();
        let n_draining = self.draining.len();
        for decision in decisions {
            match decision {
                Decision::Start { task, level, .. } => {
                    started.insert(*task, *level);
                }
                Decision::Preempt { victims, .. } => self.draining.extend(victims),
                Decision::Relevel { .. } | Decision::Release { .. } => {}
            }
        }
        if !started.is_empty() {
            let usage = &mut self.usage;
            for owner in &mut self.owners {
                owner.applicants.retain(|Applicant { task, .. }| {
                    let level = started.get(&task.key);
                    if let Some(level) = level {
                        usage.add(task, *level, task.nodes);
                    }
                    level.is_none()
                });
            }
        }
        if self.draining.len() > n_draining {
            self.runs.retain(|task, _| !self.draining.contains(task));
            for stock in self.stocks.values_mut() {
                stock.drain(&self.draining);
            }
        }
    }

    /// Finds out who waits and who runs.
    fn sort_out(&mut self, tasks: &'a [Task], policy: &Policy) {
        let mut tasks: Vec<&Task> = tasks.iter().collect();
        let shown = |task: &&'a Task| (&task.user, &task.group, &task.zone, task.priority.value());
        tasks.sort_by_key(|task| (task.key, shown(task)));
        let mut waiting = Vec::new();
        for same_key in tasks.chunk_by(|left, right| left.key == right.key) {
            let mut applicants = same_key.iter().copied().filter_map(Applicant::find);
            if let [task] = same_key {
                waiting.extend(applicants);
                let run = Run::find(task, self.now, policy);
                self.runs.extend(run.map(|run| (task.key, run)));
                self.wishes.extend(Wish::find(task));
            } else {
                self.ambiguous
                    .extend(applicants.next().map(|applicant| applicant.task));
                self.issues.push(Issue::DuplicateTask {
                    task: same_key[0].key,
                });
            }
        }
        self.owners = by_owner(waiting);
    }
}

/// There are far fewer owners than tasks: so names are sorted once for each owner.
fn by_owner(waiting: Vec<Applicant<'_>>) -> Vec<TaskOwner<'_>> {
    let mut found = HashMap::<_, Vec<_>>::new();
    for applicant in waiting {
        let owner = (&applicant.task.group, &applicant.task.user);
        found.entry(owner).or_default().push(applicant);
    }
    let owners = found.into_iter().map(|((group, user), mut applicants)| {
        applicants.sort_by(|left, right| own_order(left.task, right.task));
        TaskOwner {
            group,
            user,
            applicants,
        }
    });
    let mut owners: Vec<TaskOwner<'_>> = owners.collect();
    owners.sort_by_key(|owner| (owner.group, owner.user));
    owners
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
                Occupancy::Draining(holders)
            }
            Holder::Free | Holder::Task(_) => Occupancy::Held(holders),
            Holder::Other => Occupancy::Taken,
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
