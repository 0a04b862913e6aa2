//! Rows that belong to other rows: fetched for all of them with one statement, however many there are.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use async_graphql::dataloader::{DataLoader, Loader};
use domain::quota::QuotaUsage;
use domain::run::{Pod, Run, RunId};
use domain::task::{Task, TaskId};
use domain::user::{User, UserId};
use domain::{App, Error};
use tokio_util::task::TaskTracker;

/// Keys of one statement: SQLite takes a condition with a thousand parts at most.
const MOST_KEYS: usize = 500;

/// Fetches rows by their owners. Nothing is kept: a row that is asked for twice may have changed.
pub(crate) struct Rows(App);

/// The loaders of all requests.
pub(crate) fn loaders(app: App, tracker: TaskTracker) -> DataLoader<Rows> {
    let spawn = move |fetch| drop(tracker.spawn(fetch));
    DataLoader::new(Rows(app), spawn).max_batch_size(MOST_KEYS)
}

/// An error that all who waited for the same statement get.
type Shared = Arc<Error>;

impl Loader<UserId> for Rows {
    type Value = User;
    type Error = Shared;

    async fn load(&self, ids: &[UserId]) -> Result<HashMap<UserId, User>, Shared> {
        let users = domain::user::load(self.0.reader(), ids).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }
}

/// The groups of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GroupsOf(pub(crate) UserId);

impl Loader<GroupsOf> for Rows {
    type Value = Vec<String>;
    type Error = Shared;

    async fn load(&self, keys: &[GroupsOf]) -> Result<HashMap<GroupsOf, Vec<String>>, Shared> {
        let ids: Vec<UserId> = keys.iter().map(|key| key.0).collect();
        let groups = domain::user::groups_of_all(self.0.reader(), &ids).await?;
        Ok(groups
            .into_iter()
            .map(|(id, groups)| (GroupsOf(id), groups))
            .collect())
    }
}

/// The quotas of a user. Counted user by user; the complexity of the field keeps that to a few users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QuotasOf(pub(crate) UserId);

impl Loader<QuotasOf> for Rows {
    type Value = Vec<QuotaUsage>;
    type Error = Shared;

    async fn load(&self, keys: &[QuotasOf]) -> Result<HashMap<QuotasOf, Vec<QuotaUsage>>, Shared> {
        let mut quotas = HashMap::new();
        for key in keys {
            let usage = domain::quota::usage(self.0.reader(), self.0.now(), key.0).await?;
            quotas.insert(*key, usage);
        }
        Ok(quotas)
    }
}

/// The tags of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TagsOf(pub(crate) TaskId);

impl Loader<TagsOf> for Rows {
    type Value = Vec<String>;
    type Error = Shared;

    async fn load(&self, keys: &[TagsOf]) -> Result<HashMap<TagsOf, Vec<String>>, Shared> {
        let ids: Vec<TaskId> = keys.iter().map(|key| key.0).collect();
        let mut tags: HashMap<TagsOf, Vec<String>> = HashMap::new();
        for (task_id, tag) in domain::task::tags_of(self.0.reader(), &ids).await? {
            tags.entry(TagsOf(task_id)).or_default().push(tag);
        }
        Ok(tags)
    }
}

/// Some runs of a task, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RunsOf {
    pub(crate) task_id: TaskId,
    pub(crate) numbers: RangeInclusive<i32>,
}

impl Loader<RunsOf> for Rows {
    /// Newest first.
    type Value = Vec<Run>;
    type Error = Shared;

    async fn load(&self, keys: &[RunsOf]) -> Result<HashMap<RunsOf, Vec<Run>>, Shared> {
        let wanted: Vec<_> = keys
            .iter()
            .map(|key| (key.task_id, key.numbers.clone()))
            .collect();
        let runs = domain::run::numbered(self.0.reader(), &wanted).await?;
        let of_key = |key: &RunsOf| {
            runs.iter()
                .filter(|run| run.task_id == key.task_id && key.numbers.contains(&run.number))
                .cloned()
                .collect()
        };
        Ok(keys.iter().map(|key| (key.clone(), of_key(key))).collect())
    }
}

/// The pods of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PodsOf(pub(crate) RunId);

impl Loader<PodsOf> for Rows {
    /// By rank.
    type Value = Vec<Pod>;
    type Error = Shared;

    async fn load(&self, keys: &[PodsOf]) -> Result<HashMap<PodsOf, Vec<Pod>>, Shared> {
        let ids: Vec<RunId> = keys.iter().map(|key| key.0).collect();
        let mut pods: HashMap<PodsOf, Vec<Pod>> = HashMap::new();
        for pod in domain::run::pods_of(self.0.reader(), &ids).await? {
            pods.entry(PodsOf(pod.run_id)).or_default().push(pod);
        }
        Ok(pods)
    }
}

/// The task of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TaskOf(pub(crate) RunId);

impl Loader<TaskOf> for Rows {
    type Value = Task;
    type Error = Shared;

    async fn load(&self, keys: &[TaskOf]) -> Result<HashMap<TaskOf, Task>, Shared> {
        let run_ids: Vec<RunId> = keys.iter().map(|key| key.0).collect();
        let owners = domain::node::tasks_on(self.0.reader(), &run_ids).await?;
        let task_ids: Vec<TaskId> = owners.iter().map(|(_, task_id)| *task_id).collect();
        let tasks: HashMap<TaskId, Task> = domain::task::load(self.0.reader(), &task_ids)
            .await?
            .into_iter()
            .map(|task| (task.id, task))
            .collect();
        Ok(owners
            .into_iter()
            .filter_map(|(run_id, task_id)| Some((TaskOf(run_id), tasks.get(&task_id)?.clone())))
            .collect())
    }
}
