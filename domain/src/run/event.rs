//! Keeps what went wrong with ranks: the place where they run forgets it soon.

use std::collections::{BTreeMap, BTreeSet};

use entity::{RunId, rank_event, run};
use sea_orm::sea_query::{ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use crate::error::Result;
use crate::events::Event;
use crate::runtime::{RankEvent, RunKey};
use crate::store::Tx;

/// Events of a run that are kept: the newest. One that fails in the same way on a thousand nodes says it a thousand times.
const MOST_KEPT: u64 = 100;
/// Longest message, in characters.
const LONGEST: usize = 2000;

/// Keeps events. One that was kept before has its new count; of runs that are not known nothing is kept.
///
/// # Errors
/// If the database is away.
pub(crate) async fn keep_events(tx: &mut Tx, events: &[RankEvent]) -> Result<()> {
    let keys: BTreeSet<RunKey> = events.iter().map(|event| event.rank.run_key()).collect();
    let any = keys.iter().fold(Condition::any(), |any, key| {
        let both = Condition::all()
            .add(run::Column::TaskId.eq(key.task))
            .add(run::Column::Number.eq(key.run));
        any.add(both)
    });
    let known = run::Entity::find().filter(any).all(tx.db()).await?;
    let known: BTreeMap<RunKey, &run::Model> = known.iter().map(|run| (key_of(run), run)).collect();
    let rows = events.iter().filter_map(|event| {
        let run = known.get(&event.rank.run_key())?;
        Some(rank_event::ActiveModel {
            run_id: Set(run.id),
            rank: Set(i32::try_from(event.rank.rank).ok()?),
            uid: Set(event.uid.clone()),
            reason: Set(event.reason.clone()),
            message: Set(event.message.chars().take(LONGEST).collect()),
            source: Set(event.source.clone()),
            count: Set(event.count),
            first_at: Set(event.first_at),
            last_at: Set(event.last_at),
            ..Default::default()
        })
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let again = OnConflict::columns([rank_event::Column::RunId, rank_event::Column::Uid])
        .update_columns([
            rank_event::Column::Count,
            rank_event::Column::Message,
            rank_event::Column::LastAt,
        ])
        .to_owned();
    rank_event::Entity::insert_many(rows)
        .on_conflict(again)
        .exec_without_returning(tx.db())
        .await?;
    for run in known.values() {
        tx.wake(Event::Run(run.task_id, run.id));
    }
    let crowded: Vec<RunId> = rank_event::Entity::find()
        .select_only()
        .column(rank_event::Column::RunId)
        .filter(rank_event::Column::RunId.is_in(known.values().map(|run| run.id)))
        .group_by(rank_event::Column::RunId)
        .having(rank_event::Column::Id.count().gt(MOST_KEPT))
        .into_tuple()
        .all(tx.db())
        .await?;
    for run in crowded {
        drop_oldest(tx, run).await?;
    }
    Ok(())
}

async fn drop_oldest(tx: &Tx, run: RunId) -> Result<()> {
    let newest = Query::select()
        .column(rank_event::Column::Id)
        .from(rank_event::Entity)
        .and_where(rank_event::Column::RunId.eq(run))
        .order_by(rank_event::Column::LastAt, sea_orm::Order::Desc)
        .order_by(rank_event::Column::Id, sea_orm::Order::Desc)
        .limit(MOST_KEPT)
        .to_owned();
    rank_event::Entity::delete_many()
        .filter(rank_event::Column::RunId.eq(run))
        .filter(rank_event::Column::Id.not_in_subquery(newest))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// What is kept of some runs, by run, the newest first.
///
/// # Errors
/// If the database is away.
pub async fn events_of(
    db: &impl ConnectionTrait,
    runs: &[RunId],
) -> Result<Vec<rank_event::Model>> {
    Ok(rank_event::Entity::find()
        .filter(rank_event::Column::RunId.is_in(runs.iter().copied()))
        .order_by_asc(rank_event::Column::RunId)
        .order_by_desc(rank_event::Column::LastAt)
        .order_by_desc(rank_event::Column::Id)
        .limit(MOST_KEPT * u64::try_from(runs.len()).unwrap_or(u64::MAX))
        .all(db)
        .await?)
}

fn key_of(run: &run::Model) -> RunKey {
    RunKey {
        task: run.task_id.0,
        run: run.number,
    }
}
