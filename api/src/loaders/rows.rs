//! The kinds of rows that are fetched by keys.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::mount::Mount;
use domain::quota::QuotaUsage;
use domain::run::{Pod, RankEvent, Run, RunId};
use domain::task::{Task, TaskId};
use domain::user::{User, UserId};
use domain::{App, Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::batch::{Answer, Key, Queue, answer};

/// The loaders of one operation. Nothing is kept: a row that is asked for later may have changed.
pub(crate) struct Loaders {
    app: App,
    users: Queue<UserId>,
    groups: Queue<GroupsOf>,
    quotas: Queue<QuotasOf>,
    mounts: Queue<MountsOf>,
    tags: Queue<TagsOf>,
    runs: Queue<RunsOf>,
    pods: Queue<PodsOf>,
    events: Queue<EventsOf>,
    tasks: Queue<TaskOf>,
    n_asked: AtomicUsize,
}

impl Loaders {
    /// Loaders for one operation.
    pub(crate) fn new(app: App) -> Self {
        Self {
            app,
            users: Queue::default(),
            groups: Queue::default(),
            quotas: Queue::default(),
            mounts: Queue::default(),
            tags: Queue::default(),
            runs: Queue::default(),
            pods: Queue::default(),
            events: Queue::default(),
            tasks: Queue::default(),
            n_asked: AtomicUsize::new(0),
        }
    }

    /// The rows of a key; `None` if it has none.
    ///
    /// # Errors
    /// What the statement failed with.
    pub(crate) async fn load<K: Key>(&self, key: K) -> Answer<K> {
        let receiver = K::queue(self).push(key);
        self.n_asked.fetch_add(1, Ordering::Relaxed);
        let lost = || Error::internal("an operation with loaders is not driven");
        receiver.await.unwrap_or_else(|_| Err(Arc::new(lost())))
    }

    /// How many keys have been asked for in all.
    pub(super) fn n_asked(&self) -> usize {
        self.n_asked.load(Ordering::Relaxed)
    }

    /// The fetches for all keys that wait.
    pub(super) fn start(self: &Arc<Self>) -> impl Iterator<Item = BoxFuture<'static, ()>> {
        let fetches = [
            self.batch::<UserId>(),
            self.batch::<GroupsOf>(),
            self.batch::<QuotasOf>(),
            self.batch::<MountsOf>(),
            self.batch::<TagsOf>(),
            self.batch::<RunsOf>(),
            self.batch::<PodsOf>(),
            self.batch::<EventsOf>(),
            self.batch::<TaskOf>(),
        ];
        fetches.into_iter().flatten()
    }

    fn batch<K: Key>(self: &Arc<Self>) -> Option<BoxFuture<'static, ()>> {
        let waiting = K::queue(self).take();
        if waiting.is_empty() {
            return None;
        }
        let loaders = Arc::clone(self);
        Some(async move { answer(&loaders.app, waiting).await }.boxed())
    }
}

impl Key for UserId {
    type Rows = User;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.users
    }

    async fn fetch(app: &App, ids: &[Self]) -> Result<HashMap<Self, User>> {
        let users = domain::user::load(app.reader(), ids).await?;
        Ok(users.into_iter().map(|user| (user.id, user)).collect())
    }
}

/// The groups of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GroupsOf(pub(crate) UserId);

impl Key for GroupsOf {
    type Rows = Vec<String>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.groups
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<String>>> {
        let ids: Vec<UserId> = keys.iter().map(|key| key.0).collect();
        let groups = domain::user::groups_of_all(app.reader(), &ids).await?;
        Ok(groups
            .into_iter()
            .map(|(id, groups)| (GroupsOf(id), groups))
            .collect())
    }
}

/// The quotas of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QuotasOf(pub(crate) UserId);

impl Key for QuotasOf {
    type Rows = Vec<QuotaUsage>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.quotas
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<QuotaUsage>>> {
        let ids: Vec<UserId> = keys.iter().map(|key| key.0).collect();
        let ledgers = domain::quota::ledgers(app.reader(), app.now(), &ids).await?;
        Ok(ledgers
            .into_iter()
            .map(|(id, ledger)| (QuotasOf(id), ledger.entries))
            .collect())
    }
}

/// The directories that tasks of a user can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MountsOf(pub(crate) UserId);

impl Key for MountsOf {
    type Rows = Vec<Mount>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.mounts
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<Mount>>> {
        let ids: Vec<UserId> = keys.iter().map(|key| key.0).collect();
        let mounts = domain::mount::visible_to(app, &ids).await?;
        Ok(mounts
            .into_iter()
            .map(|(id, mounts)| (MountsOf(id), mounts))
            .collect())
    }
}

/// The tags of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TagsOf(pub(crate) TaskId);

impl Key for TagsOf {
    type Rows = Vec<String>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.tags
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<String>>> {
        let ids: Vec<TaskId> = keys.iter().map(|key| key.0).collect();
        let mut tags: HashMap<TagsOf, Vec<String>> = HashMap::new();
        for (task_id, tag) in domain::task::tags_of(app.reader(), &ids).await? {
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

impl Key for RunsOf {
    /// Newest first.
    type Rows = Vec<Run>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.runs
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<Run>>> {
        let wanted: Vec<_> = keys
            .iter()
            .map(|key| (key.task_id, key.numbers.clone()))
            .collect();
        let mut of_task: HashMap<TaskId, Vec<Run>> = HashMap::new();
        for run in domain::run::numbered(app.reader(), &wanted).await? {
            of_task.entry(run.task_id).or_default().push(run);
        }
        let of_key = |key: &RunsOf| {
            let runs = of_task.get(&key.task_id).into_iter().flatten();
            runs.filter(|run| key.numbers.contains(&run.number))
                .cloned()
                .collect()
        };
        Ok(keys.iter().map(|key| (key.clone(), of_key(key))).collect())
    }
}

/// The pods of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PodsOf(pub(crate) RunId);

impl Key for PodsOf {
    /// By rank.
    type Rows = Vec<Pod>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.pods
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<Pod>>> {
        let ids: Vec<RunId> = keys.iter().map(|key| key.0).collect();
        let mut pods: HashMap<PodsOf, Vec<Pod>> = HashMap::new();
        for pod in domain::run::pods_of(app.reader(), &ids).await? {
            pods.entry(PodsOf(pod.run_id)).or_default().push(pod);
        }
        Ok(pods)
    }
}

/// What went wrong with the ranks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EventsOf(pub(crate) RunId);

impl Key for EventsOf {
    /// The newest first.
    type Rows = Vec<RankEvent>;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.events
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Vec<RankEvent>>> {
        let ids: Vec<RunId> = keys.iter().map(|key| key.0).collect();
        let mut events: HashMap<EventsOf, Vec<RankEvent>> = HashMap::new();
        for event in domain::run::events_of(app.reader(), &ids).await? {
            events
                .entry(EventsOf(event.run_id))
                .or_default()
                .push(event);
        }
        Ok(events)
    }
}

/// The task of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TaskOf(pub(crate) RunId);

impl Key for TaskOf {
    type Rows = Task;

    fn queue(loaders: &Loaders) -> &Queue<Self> {
        &loaders.tasks
    }

    async fn fetch(app: &App, keys: &[Self]) -> Result<HashMap<Self, Task>> {
        let run_ids: Vec<RunId> = keys.iter().map(|key| key.0).collect();
        let owners = domain::node::tasks_on(app.reader(), &run_ids).await?;
        let task_ids: Vec<TaskId> = owners.iter().map(|(_, task_id)| *task_id).collect();
        let tasks: HashMap<TaskId, Task> = domain::task::load(app.reader(), &task_ids)
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
