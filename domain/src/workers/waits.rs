//! Why tasks wait: what of the planner's report is to be written, and when.
//!
//! A start moves everybody behind it by one place. To write a long line anew each time would keep the only writer from
//! those who submit: so a new reason is written at once, and mere numbers of a long line now and then.

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;

use chrono::{DateTime, TimeDelta, Utc};
use entity::TaskId;
use entity::task::{self, State};
use scheduler::{Report, TaskKey, Wait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
    QuerySelect, Statement, Value,
};
use serde_json::json;

use crate::error::Result;
use crate::events::Event;
use crate::store::Tx;

/// So many reasons in which only numbers have changed are written in each tick: each wakes those who watch the task.
const FEW: usize = 20;
/// More of them are written so often.
const REFRESH: TimeDelta = TimeDelta::seconds(5);
/// Rows of one statement.
const CHUNK: usize = 500;

/// What is written of each waiting task.
#[derive(Debug, Default)]
pub(super) struct Waits {
    written: HashMap<TaskId, Written>,
    refreshed_at: Option<DateTime<Utc>>,
}

/// A reason, and the version of the task that it was written for: a change of the task may have removed it.
#[derive(Debug, Clone, PartialEq)]
struct Written {
    version: i64,
    wait: Wait,
}

/// Reasons to be written.
#[derive(Debug, Default)]
pub(super) struct News {
    waits: Vec<(TaskId, Written)>,
    /// Whether everything that has changed is among them.
    is_all: bool,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }
}

#[derive(FromQueryResult)]
struct Row {
    id: TaskId,
    version: i64,
    wait: Option<serde_json::Value>,
}

impl Waits {
    /// What the database holds. A reason that cannot be read counts as none.
    pub(super) async fn load(db: &impl ConnectionTrait) -> Result<Self> {
        let rows: Vec<Row> = task::Entity::find()
            .select_only()
            .columns([task::Column::Id, task::Column::Version, task::Column::Wait])
            .filter(task::Column::State.eq(State::Queued))
            .filter(task::Column::Wait.is_not_null())
            .into_model()
            .all(db)
            .await?;
        let written = rows.into_iter().filter_map(|row| {
            let wait = serde_json::from_value(row.wait?).ok()?;
            let version = row.version;
            Some((row.id, Written { version, wait }))
        });
        Ok(Self {
            written: written.collect(),
            refreshed_at: None,
        })
    }

    /// What of a report is to be written now.
    pub(super) fn news(
        &self,
        report: &Report,
        version_of: impl Fn(TaskKey) -> Option<i64>,
        now: DateTime<Utc>,
    ) -> News {
        let (mut new, mut moved) = (Vec::new(), Vec::new());
        for wait in &report.waiting {
            let id = TaskId(wait.task.0);
            let Some(version) = version_of(wait.task) else {
                continue;
            };
            let news = match self.written.get(&id).filter(|it| it.version == version) {
                Some(known) if known.wait == *wait => continue,
                Some(known) if is_moved(&known.wait, wait) => &mut moved,
                Some(_) | None => &mut new,
            };
            let wait = wait.clone();
            news.push((id, Written { version, wait }));
        }
        let is_due = moved.len() <= FEW || self.refreshes_at().is_none_or(|at| at <= now);
        if is_due {
            new.extend(moved);
        }
        News {
            waits: new,
            is_all: is_due,
        }
    }

    /// Notes what was written. Answers when the rest is to be.
    pub(super) fn note(
        &mut self,
        news: News,
        report: &Report,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if news.is_all && !news.is_empty() {
            self.refreshed_at = Some(now);
        }
        let is_all = news.is_all;
        self.written.extend(news.waits);
        if self.written.len() > 2 * report.waiting.len() {
            let waiting: HashSet<i64> = report.waiting.iter().map(|wait| wait.task.0).collect();
            self.written.retain(|id, _| waiting.contains(&id.0));
        }
        if is_all { None } else { self.refreshes_at() }
    }

    fn refreshes_at(&self) -> Option<DateTime<Utc>> {
        self.refreshed_at.map(|at| at + REFRESH)
    }
}

/// Whether it is the same reason with other numbers.
fn is_moved(before: &Wait, after: &Wait) -> bool {
    before.level == after.level && discriminant(&before.reason) == discriminant(&after.reason)
}

/// Writes them. They are no change of the tasks themselves, so the versions stay; a task that was started meanwhile
/// keeps no reason.
pub(super) async fn write(tx: &mut Tx, news: &News) -> Result<()> {
    let backend = tx.db().get_database_backend();
    for chunk in news.waits.chunks(CHUNK) {
        let rows = chunk
            .iter()
            .map(|(id, it)| json!({"id": id.0, "wait": it.wait}));
        let rows = Value::from(serde_json::Value::from_iter(rows));
        let statement = Statement::from_sql_and_values(backend, update(backend), [rows]);
        tx.db().execute_raw(statement).await?;
        for (id, _) in chunk {
            tx.wake(Event::Wait(*id));
        }
    }
    Ok(())
}

/// One statement for any number of rows: what is prepared once is not read again. The `+` keeps SQLite from taking every
/// queued task and looking for each through all the news.
fn update(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "UPDATE task SET wait = news.value -> 'wait' FROM jsonb_array_elements($1) AS news (value)
             WHERE task.id = (news.value ->> 'id')::bigint AND task.state = 'QUEUED'"
        }
        _ => {
            "UPDATE task SET wait = news.value ->> 'wait' FROM json_each(?) AS news
             WHERE task.id = news.value ->> 'id' AND +task.state = 'QUEUED'"
        }
    }
}

#[cfg(test)]
mod tests {
    use scheduler::{GroupName, Level, UserName, WaitReason};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// A line of so many tasks, of which the first has moved up by so many places.
    fn line(n_tasks: u32, moved: u32, reason: &WaitReason) -> Report {
        let wait = |number: u32| Wait {
            task: TaskKey(number.into()),
            user: UserName("ada".to_owned()),
            group: GroupName("training".to_owned()),
            zone: None,
            level: Some(Level::Normal),
            position: Some(1000 + number - moved),
            reason: reason.clone(),
        };
        Report {
            waiting: (0..n_tasks).map(wait).collect(),
            issues: Vec::new(),
        }
    }

    /// Looks at a report as a tick does. Gives how many reasons are written, and when the rest is.
    fn tick(waits: &mut Waits, report: &Report, second: i64) -> (usize, Option<DateTime<Utc>>) {
        let news = waits.news(report, |_| Some(1), at(second));
        let n_written = news.waits.len();
        (n_written, waits.note(news, report, at(second)))
    }

    #[test]
    fn a_new_reason_is_written_at_once_and_the_same_one_only_once() {
        let mut waits = Waits::default();
        let held = line(1000, 0, &WaitReason::Held);
        assert_eq!(tick(&mut waits, &held, 0), (1000, None));
        assert_eq!(tick(&mut waits, &held, 1), (0, None));
        let inactive = line(1000, 0, &WaitReason::InactiveUser);
        assert_eq!(tick(&mut waits, &inactive, 1), (1000, None));
    }

    #[test]
    fn the_numbers_of_a_long_line_are_written_now_and_then_and_those_of_a_short_one_at_once() {
        let mut waits = Waits::default();
        for (n_tasks, at_once) in [(FEW, true), (FEW + 1, false)] {
            let n_tasks = u32::try_from(n_tasks).unwrap();
            let of = |moved| line(n_tasks, moved, &WaitReason::Held);
            tick(&mut waits, &of(0), 100);
            let all = (n_tasks as usize, None);
            let expected = if at_once { all } else { (0, Some(at(105))) };
            assert_eq!(tick(&mut waits, &of(1), 101), expected);
            tick(&mut waits, &of(2), 105);
            assert_eq!(tick(&mut waits, &of(2), 105), (0, None), "all is written");
        }
    }

    #[test]
    fn a_changed_task_has_lost_its_reason() {
        let mut waits = Waits::default();
        let report = line(1, 0, &WaitReason::Held);
        tick(&mut waits, &report, 0);
        let news = waits.news(&report, |_| Some(2), at(0));
        assert_eq!(news.waits.len(), 1);
    }

    #[test]
    fn what_no_longer_waits_is_forgotten() {
        let mut waits = Waits::default();
        tick(&mut waits, &line(1000, 0, &WaitReason::Held), 0);
        tick(&mut waits, &line(10, 0, &WaitReason::Held), 1);
        assert_eq!(waits.written.len(), 10);
    }
}
