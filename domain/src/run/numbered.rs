//! Runs of many tasks at once, by their numbers.

use std::ops::RangeInclusive;

use entity::{TaskId, run};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use super::Run;
use crate::error::Result;

/// The runs of some tasks whose numbers are in the range beside the task, newest first. One statement, however many
/// tasks; SQLite takes several hundred.
///
/// # Errors
/// If the database is away.
pub async fn numbered(
    db: &impl ConnectionTrait,
    wanted: &[(TaskId, RangeInclusive<i32>)],
) -> Result<Vec<Run>> {
    let any = wanted
        .iter()
        .filter(|(_, numbers)| !numbers.is_empty())
        .fold(Condition::any(), |any, (task_id, numbers)| {
            any.add(
                Condition::all()
                    .add(run::Column::TaskId.eq(*task_id))
                    .add(run::Column::Number.between(*numbers.start(), *numbers.end())),
            )
        });
    if any.is_empty() {
        return Ok(Vec::new());
    }
    Ok(run::Entity::find()
        .filter(any)
        .order_by_desc(run::Column::Number)
        .all(db)
        .await?)
}
