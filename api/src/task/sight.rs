//! All of a task that followers of it are told about, as it was read at one time.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::App;
use domain::auth::Actor;
use domain::run::{self, Pod, Run, RunId};
use domain::task::{self, Mark, State, Task, TaskId};
use sha2::{Digest, Sha256};

/// Bytes of a cursor: enough that no two states of a task ever meet in one.
const CURSOR_BYTES: usize = 16;

/// A task with its newest run.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) task: Task,
    pub(super) newest: Option<(Run, Arc<[Pod]>)>,
}

impl Sight {
    /// Reads it.
    ///
    /// # Errors
    /// [`NotFound`](domain::Error::NotFound) if there is no such task that this actor may see.
    pub(super) async fn read(app: &App, actor: &Actor, id: TaskId) -> domain::Result<Self> {
        let db = app.reader();
        let task = task::get(db, actor, id).await?;
        let number = task.run_count..=task.run_count;
        let run = run::numbered(db, &[(task.id, number)]).await?.pop();
        let newest = match run {
            Some(run) => {
                let pods = run::pods_of(db, &[run.id]).await?;
                Some((run, pods.into()))
            }
            None => None,
        };
        Ok(Self { task, newest })
    }

    /// Reads those that the actor may see, that match, and that are still as the changes left them: of those that are not
    /// there is a later change.
    ///
    /// # Errors
    /// If the database is away.
    pub(super) async fn at(
        app: &App,
        actor: &Actor,
        filter: &task::Filter,
        marks: &[Mark],
    ) -> domain::Result<Vec<(Mark, Self)>> {
        let db = app.reader();
        let ids: Vec<_> = marks.iter().map(|mark| mark.task).collect();
        let tasks = task::matching(db, actor, filter, &ids).await?;
        let runs = task::runs_of(db, &tasks).await?;
        let run_ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        let pods = run::pods_of(db, &run_ids).await?;
        let matched: HashMap<_, _> = tasks.into_iter().map(|task| (task.id, task)).collect();
        let marks = marks.iter().filter(|mark| matched.contains_key(&mark.task));
        let marks: Vec<_> = marks.copied().collect();
        // Asked last, after everything was read.
        let marks = task::still_newest(db, &marks).await?;
        let mut sights = Sights::new(matched, runs, pods);
        Ok(marks
            .into_iter()
            .filter_map(|mark| Some((mark, sights.take(mark.task)?)))
            .collect())
    }

    /// Whether the task has finished.
    pub(super) fn is_last(&self) -> bool {
        self.task.state == State::Finished
    }

    /// What tells this state from all others of the task. Every row has a version that grows when it changes; only the
    /// reason to wait is written without, because the scheduler writes so many of them.
    pub(super) fn cursor(&self) -> String {
        let task = &self.task;
        let mut digest = Sha256::new();
        for number in [task.id.0, task.version] {
            digest.update(number.to_be_bytes());
        }
        if let Some((run, pods)) = &self.newest {
            let rows = pods.iter().map(|pod| (pod.id.0, pod.version));
            for (id, version) in std::iter::once((run.id.0, run.version)).chain(rows) {
                digest.update(id.to_be_bytes());
                digest.update(version.to_be_bytes());
            }
        }
        // It does not begin with a zero as the numbers do: no two states have the same bytes.
        if let Some(wait) = &task.wait {
            digest.update(wait.to_string());
        }
        URL_SAFE_NO_PAD.encode(&digest.finalize()[..CURSOR_BYTES])
    }
}

/// What was read of many tasks.
struct Sights {
    tasks: HashMap<TaskId, Task>,
    newest: HashMap<TaskId, Run>,
    pods: HashMap<RunId, Vec<Pod>>,
}

impl Sights {
    fn new(tasks: HashMap<TaskId, Task>, runs: Vec<Run>, all: Vec<Pod>) -> Self {
        let mut pods: HashMap<_, Vec<_>> = HashMap::new();
        for pod in all {
            pods.entry(pod.run_id).or_default().push(pod);
        }
        Self {
            tasks,
            newest: runs.into_iter().map(|run| (run.task_id, run)).collect(),
            pods,
        }
    }

    fn take(&mut self, id: TaskId) -> Option<Sight> {
        let task = self.tasks.remove(&id)?;
        let newest = self.newest.remove(&id).map(|run| {
            let pods = self.pods.remove(&run.id).unwrap_or_default();
            (run, pods.into())
        });
        Some(Sight { task, newest })
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::{pod_row, run_row, task_row};
    use serde_json::json;

    use super::*;

    fn sight() -> Sight {
        Sight {
            task: task_row(),
            newest: Some((run_row(), [pod_row(0), pod_row(1)].into())),
        }
    }

    fn changed(change: impl FnOnce(&mut Sight)) -> String {
        let mut sight = sight();
        change(&mut sight);
        sight.cursor()
    }

    #[test]
    fn whatever_changes_has_another_cursor_and_nothing_else_has() {
        let second_pod = |sight: &mut Sight| {
            let (_, pods) = sight.newest.as_mut().unwrap();
            Arc::get_mut(pods).unwrap()[1].version += 1;
        };
        let mut cursors = vec![
            sight().cursor(),
            changed(|sight| sight.task.id.0 += 1),
            changed(|sight| sight.task.version += 1),
            changed(|sight| sight.task.wait = Some(json!({ "position": 1 }))),
            changed(|sight| sight.task.wait = Some(json!({ "position": 2 }))),
            changed(|sight| sight.newest = None),
            changed(|sight| sight.newest.as_mut().unwrap().0.version += 1),
            changed(|sight| sight.newest.as_mut().unwrap().0.id.0 += 1),
            changed(second_pod),
        ];
        assert_eq!(sight().cursor(), cursors[0]);
        cursors.sort();
        cursors.dedup();
        assert_eq!(cursors.len(), 9);
    }
}
