//! Which tasks changed since somebody looked, exactly: nothing is missed and nothing comes twice, over any number of
//! readers, connections and restarts.
//!
//! Each write marks the tasks that it changes with its number (`store/trail.rs`). Writes end in any order on PostgreSQL,
//! so what a reader has seen is no number but a snapshot: which writes are visible in it.
//!
//! ```text
//! seen ──▶ of: what became visible in between, in order of number and task, page by page ──▶ seen = of
//! ```

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use entity::{TaskId, task_change};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};

use crate::error::{Error, Result};

/// Marks that are looked at together.
const PAGE: u64 = 500;

/// Writes that are visible at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// All before this number are.
    floor: i64,
    /// None from this number on is.
    ceiling: i64,
    /// These between them are not, in order.
    open: Vec<i64>,
}

/// The change of one task: the number of the write, and the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    number: i64,
    /// The task.
    pub task: TaskId,
}

/// How far a reader has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// All of it is read.
    seen: Snapshot,
    /// What is being read, and the last mark of it that has been.
    part: Option<(Snapshot, Mark)>,
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no position in the changes")]
pub struct NoPosition;

impl Snapshot {
    /// What is visible now.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn now(db: &impl ConnectionTrait) -> Result<Self> {
        let backend = db.get_database_backend();
        let query = match backend {
            DbBackend::Postgres => "SELECT pg_current_snapshot()::text",
            _ => {
                "SELECT next || ':' || next || ':' FROM
                 (SELECT 1 + coalesce(max(number), 0) AS next FROM task_change)"
            }
        };
        let row = db.query_one_raw(Statement::from_string(backend, query));
        let row = row.await?.ok_or_else(|| Error::internal("no snapshot"))?;
        let text: String = row.try_get_by_index(0)?;
        text.parse()
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    fn shows(&self, number: i64) -> bool {
        number < self.floor || (number < self.ceiling && self.open.binary_search(&number).is_err())
    }

    /// What is visible only grows.
    fn is_before(&self, other: &Self) -> bool {
        (self.ceiling, other.open.len()) < (other.ceiling, self.open.len())
    }
}

impl Mark {
    /// Before all others.
    const FIRST: Self = Self {
        number: i64::MIN,
        task: TaskId(i64::MIN),
    };
}

impl Position {
    /// Everything that is visible in it is known.
    pub fn at(snapshot: Snapshot) -> Self {
        Self {
            seen: snapshot,
            part: None,
        }
    }

    /// All before is read.
    pub fn seen(&self) -> &Snapshot {
        &self.seen
    }

    /// Whether everything visible in it may not be known yet.
    pub fn is_behind(&self, snapshot: &Snapshot) -> bool {
        self.seen.is_before(snapshot)
    }

    /// Whether the last change that somebody at the other position was given was read before.
    pub fn knows_last_of(&self, other: &Self) -> bool {
        let last = other.part.as_ref().map(|(_, last)| *last);
        last.is_some_and(|last| self.knows(last))
    }

    /// Whether the change was read before.
    fn knows(&self, mark: Mark) -> bool {
        let in_part = |(of, last): &(Snapshot, Mark)| of.shows(mark.number) && mark <= *last;
        self.seen.shows(mark.number) || self.part.as_ref().is_some_and(in_part)
    }

    /// Whether it is of a later time, so that it cannot be of this database.
    pub fn is_ahead_of(&self, snapshot: &Snapshot) -> bool {
        self.seen.ceiling > snapshot.ceiling
    }
}

/// Reads changes.
#[derive(Debug)]
pub struct Changes {
    known: Position,
    position: Position,
    /// Whether nothing is left of the part.
    is_part_read: bool,
    until: Option<Snapshot>,
}

impl Changes {
    /// Those that are not known: all to come, or only those visible in `until`.
    pub fn after(known: Position, until: Option<Snapshot>) -> Self {
        let mut position = known.clone();
        if let (Some((of, last)), Some(until)) = (&mut position.part, &until)
            && until.is_before(of)
        {
            (*of, *last) = (until.clone(), Mark::FIRST);
        }
        Self {
            known,
            position,
            is_part_read: false,
            until,
        }
    }

    /// All before is read.
    pub fn seen(&self) -> &Snapshot {
        self.position.seen()
    }

    /// The position of a reader that was given this one of the newest marks last.
    pub fn position(&self, last: Mark) -> Position {
        let of = |(of, _): &(Snapshot, Mark)| (of.clone(), last);
        Position {
            seen: self.position.seen.clone(),
            part: self.position.part.as_ref().map(of),
        }
    }

    /// The next ones; empty if there are none now; absent if there will be none.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn next(&mut self, db: &impl ConnectionTrait) -> Result<Option<Vec<Mark>>> {
        loop {
            let position = &mut self.position;
            if self.is_part_read
                && let Some((of, _)) = position.part.take()
            {
                position.seen = of;
            }
            self.is_part_read = false;
            if position.part.is_none() {
                let of = match &self.until {
                    Some(until) if position.seen.is_before(until) => until.clone(),
                    Some(_) => return Ok(None),
                    None => Snapshot::now(db).await?,
                };
                if !position.seen.is_before(&of) {
                    return Ok(Some(Vec::new()));
                }
                position.part = Some((of, Mark::FIRST));
            }
            let marks = self.page(db).await?;
            if !marks.is_empty() {
                return Ok(Some(marks));
            }
        }
    }

    /// The unknown ones of the next page of the part.
    async fn page(&mut self, db: &impl ConnectionTrait) -> Result<Vec<Mark>> {
        let Position { seen, part } = &mut self.position;
        let Some((of, last)) = part else {
            return Ok(Vec::new());
        };
        let (number, task) = (task_change::Column::Number, task_change::Column::TaskId);
        let behind = Condition::any()
            .add(number.gt(last.number))
            .add(number.eq(last.number).and(task.gt(last.task)));
        let rows = task_change::Entity::find()
            .filter(number.gte(Ord::max(seen.floor, last.number)))
            .filter(number.lt(of.ceiling))
            .filter(behind)
            .order_by_asc(number)
            .order_by_asc(task)
            .limit(PAGE)
            .all(db)
            .await?;
        self.is_part_read = (rows.len() as u64) < PAGE;
        let marks: Vec<_> = rows.iter().map(Mark::from).collect();
        *last = marks.last().copied().unwrap_or(*last);
        let is_news = |mark: &Mark| of.shows(mark.number) && !seen.shows(mark.number);
        let marks = marks.into_iter().filter(is_news);
        Ok(marks.filter(|mark| !self.known.knows(*mark)).collect())
    }
}

impl From<&task_change::Model> for Mark {
    fn from(row: &task_change::Model) -> Self {
        Self {
            number: row.number,
            task: row.task_id,
        }
    }
}

/// Those of some changes after which the tasks have not changed again: what was read since they were is what they left.
///
/// # Errors
/// If the database is away.
pub async fn still_newest(db: &impl ConnectionTrait, marks: &[Mark]) -> Result<Vec<Mark>> {
    let ids = marks.iter().map(|mark| mark.task);
    let rows = task_change::Entity::find()
        .filter(task_change::Column::TaskId.is_in(ids))
        .all(db)
        .await?;
    let newest: Vec<_> = rows.iter().map(Mark::from).collect();
    let is_newest = |mark: &&Mark| newest.contains(mark);
    Ok(marks.iter().filter(is_newest).copied().collect())
}

impl Display for Snapshot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.floor, self.ceiling)?;
        for (place, number) in self.open.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma}{number}")?;
        }
        Ok(())
    }
}

/// As PostgreSQL writes it.
impl FromStr for Snapshot {
    type Err = NoPosition;

    fn from_str(text: &str) -> std::result::Result<Self, NoPosition> {
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or(NoPosition);
        let (floor, ceiling) = (number(part()?)?, number(part()?)?);
        let open = part()?;
        let open = open.split_terminator(',').map(number);
        let open: Vec<_> = open.collect::<std::result::Result<_, _>>()?;
        if floor <= ceiling && open.is_sorted() {
            Ok(Self {
                floor,
                ceiling,
                open,
            })
        } else {
            Err(NoPosition)
        }
    }
}

impl Display for Position {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seen)?;
        match &self.part {
            Some((of, last)) => write!(f, "/{of}/{}/{}", last.number, last.task.0),
            None => Ok(()),
        }
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> std::result::Result<Self, NoPosition> {
        let parts: Vec<_> = text.split('/').collect();
        let (seen, part) = match parts[..] {
            [seen] => (seen, None),
            [seen, of, last, task] => {
                let (last, task) = (number(last)?, TaskId(number(task)?));
                let last = Mark { number: last, task };
                (seen, Some((of.parse()?, last)))
            }
            _ => return Err(NoPosition),
        };
        Ok(Self {
            seen: seen.parse()?,
            part,
        })
    }
}

fn number(text: &str) -> std::result::Result<i64, NoPosition> {
    text.parse().map_err(|_| NoPosition)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        text.parse().unwrap()
    }

    #[test]
    fn a_snapshot_shows_what_was_committed_before_it() {
        let some = snapshot("10:20:10,14");
        let shown: Vec<_> = (8..22).filter(|number| some.shows(*number)).collect();
        assert_eq!(shown, [8, 9, 11, 12, 13, 15, 16, 17, 18, 19]);
        for (before, after, expected) in [
            ("5:5:", "6:6:", true),
            ("5:5:", "5:5:", false),
            ("10:20:10,14", "14:20:14", true),
            ("14:20:14", "10:20:10,14", false),
            ("10:20:10,14", "10:21:10,14,20", true),
        ] {
            let is_before = snapshot(before).is_before(&snapshot(after));
            assert_eq!(is_before, expected, "{before} {after}");
        }
    }

    #[test]
    fn a_position_is_a_text_and_nothing_else_is() {
        for text in [
            "5:5:",
            "10:20:10,14",
            "5:5:/9:9:/7/3",
            "1:4:2/1:6:2,4,5/5/12",
        ] {
            assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "5",
            "5:5",
            "6:5:",
            "5:9:8,7",
            "a:5:",
            "5:5:x",
            "5:5:/9:9:",
            "5:5:/9:9:/1/2/3",
        ] {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text}");
        }
    }

    #[test]
    fn a_position_in_a_part_knows_the_part_up_to_it() {
        let position: Position = "5:5:/9:12:9/7/3".parse().unwrap();
        let knows = |number, task| {
            let task = TaskId(task);
            position.knows(Mark { number, task })
        };
        assert!(knows(4, 9) && knows(6, 9) && knows(7, 3));
        assert!(!knows(7, 4) && !knows(8, 1) && !knows(9, 1) && !knows(12, 1));
    }
}
