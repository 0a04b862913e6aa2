//! The logs of runs that ended long ago.

use chrono::{DateTime, Utc};
use entity::{RunId, TaskId, run, task, user};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
};

use super::MOST_ROWS;
use super::row::is_full;
use crate::app::App;
use crate::error::{Error, Result};
use crate::run::State;

/// Id of a run, its task, its number there, when it ended, and whose it was.
type Row = (RunId, TaskId, i32, Option<DateTime<Utc>>, String);

/// A place among the runs in the order in which they ended: those before it have no logs.
#[derive(Debug, Default)]
pub(super) struct Place(Option<(DateTime<Utc>, RunId)>);

impl Place {
    /// Removes the logs of the next runs that ended before that time. Says whether there may be more.
    pub(super) async fn tend(&mut self, app: &App, than: DateTime<Utc>) -> Result<bool> {
        let mut is_next = Condition::all()
            .add(run::Column::State.eq(State::Ended))
            .add(run::Column::EndedAt.lt(than));
        if let Some((at, id)) = self.0 {
            let is_behind = Condition::any()
                .add(run::Column::EndedAt.gt(at))
                .add(run::Column::EndedAt.eq(at).and(run::Column::Id.gt(id)));
            // The first says nothing new, but is a range of the index.
            is_next = is_next.add(run::Column::EndedAt.gte(at)).add(is_behind);
        }
        let runs: Vec<Row> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .column(run::Column::TaskId)
            .column(run::Column::Number)
            .column(run::Column::EndedAt)
            .column(user::Column::Name)
            .join(JoinType::InnerJoin, task_of_run())
            .join(JoinType::InnerJoin, user_of_task())
            .filter(is_next)
            .order_by_asc(run::Column::EndedAt)
            .order_by_asc(run::Column::Id)
            .limit(MOST_ROWS)
            .into_tuple()
            .all(app.reader())
            .await?;
        let n_runs = runs.len();
        for (id, task, number, ended_at, user) in runs {
            let removed = app.logs.remove_run(&user, task.0, number).await;
            removed.map_err(|error| Error::Internal(error.into()))?;
            if let Some(at) = ended_at {
                self.0 = Some((at, id));
            }
        }
        Ok(is_full(n_runs))
    }
}

fn task_of_run() -> sea_orm::RelationDef {
    run::Entity::belongs_to(task::Entity)
        .from(run::Column::TaskId)
        .to(task::Column::Id)
        .into()
}

/// Of the user whose task it is.
pub(super) fn user_of_task() -> sea_orm::RelationDef {
    task::Entity::belongs_to(user::Entity)
        .from(task::Column::UserId)
        .to(user::Column::Id)
        .into()
}
