//! Rows to which nothing refers, by their age.

use chrono::TimeDelta;
use entity::{
    access_token, node_state, quota_change, session, session_code, shared_count, submission,
};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::MOST_ROWS;
use crate::app::App;
use crate::error::Result;

/// How long an idempotency key is remembered.
const KEY_LIFE: TimeDelta = TimeDelta::hours(24);
/// How long the states that nodes were in are kept.
const NODE_STATE_LIFE: TimeDelta = TimeDelta::days(365);
/// How long sessions and tokens that are good no more can still be seen.
const SEEN: TimeDelta = TimeDelta::days(30);

/// Removes a batch of each kind. Says whether there may be more.
pub(super) async fn tend(app: &App, keep_quota_changes: Option<TimeDelta>) -> Result<bool> {
    let now = app.now();
    let mut has_more = remove_keys(app).await?;
    let is_old = node_state::Column::At.lt(now - NODE_STATE_LIFE);
    has_more |= remove::<node_state::Entity>(app, node_state::Column::Id, is_old.into()).await?;
    if let Some(keep) = keep_quota_changes {
        let is_old = quota_change::Column::At.lt(now - keep);
        let id = quota_change::Column::Id;
        has_more |= remove::<quota_change::Entity>(app, id, is_old.into()).await?;
    }
    let is_old = session_code::Column::ExpiresAt.lt(now);
    has_more |=
        remove::<session_code::Entity>(app, session_code::Column::Id, is_old.into()).await?;
    let is_old = Condition::any()
        .add(session::Column::EndsAt.lt(now - SEEN))
        .add(session::Column::IdleAt.lt(now - SEEN));
    has_more |= remove::<session::Entity>(app, session::Column::Id, is_old).await?;
    let is_old = shared_count::Column::EndsAt.lt(now);
    has_more |=
        remove::<shared_count::Entity>(app, shared_count::Column::Id, is_old.into()).await?;
    Ok(has_more | remove_tokens(app).await?)
}

/// A token that was revoked stays: that it was is told to whoever asks what became of it.
async fn remove_tokens(app: &App) -> Result<bool> {
    let of_sessions = Query::select()
        .column(session::Column::TokenId)
        .from(session::Entity)
        .to_owned();
    let of_codes = Query::select()
        .column(session_code::Column::TokenId)
        .from(session_code::Entity)
        .to_owned();
    let is_old = Condition::all()
        .add(access_token::Column::ExpiresAt.lt(app.now() - SEEN))
        .add(access_token::Column::Id.not_in_subquery(of_sessions))
        .add(access_token::Column::Id.not_in_subquery(of_codes));
    remove::<access_token::Entity>(app, access_token::Column::Id, is_old).await
}

/// A key is unique for its user only: with one, the same key of another user may go, if it is as old.
async fn remove_keys(app: &App) -> Result<bool> {
    let is_old = submission::Column::CreatedAt.lt(app.now() - KEY_LIFE);
    let keys: Vec<String> = submission::Entity::find()
        .select_only()
        .column(submission::Column::Key)
        .filter(is_old.clone())
        .limit(MOST_ROWS)
        .into_tuple()
        .all(app.reader())
        .await?;
    if keys.is_empty() {
        return Ok(false);
    }
    let n_keys = keys.len();
    let tx = app.begin().await?;
    submission::Entity::delete_many()
        .filter(submission::Column::Key.is_in(keys))
        .filter(is_old)
        .exec(tx.db())
        .await?;
    tx.commit().await?;
    Ok(is_full(n_keys))
}

/// Removes a batch of the rows that are old, by the column with their number. Says whether there may be more.
async fn remove<E>(app: &App, id: E::Column, is_old: Condition) -> Result<bool>
where
    E: EntityTrait,
    E::Model: FromQueryResult + Send + Sync,
{
    let old = E::find().select_only().column(id).filter(is_old.clone());
    let ids: Vec<i64> = old.limit(MOST_ROWS).into_tuple().all(app.reader()).await?;
    if ids.is_empty() {
        return Ok(false);
    }
    let n_ids = ids.len();
    let tx = app.begin().await?;
    let deleted = E::delete_many().filter(id.is_in(ids)).filter(is_old);
    deleted.exec(tx.db()).await?;
    tx.commit().await?;
    Ok(is_full(n_ids))
}

/// A batch that is full is followed by another one.
pub(super) fn is_full(n_rows: usize) -> bool {
    u64::try_from(n_rows).is_ok_and(|n_rows| n_rows >= MOST_ROWS)
}
