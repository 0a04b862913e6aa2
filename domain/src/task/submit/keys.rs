//! Idempotency keys: a repeated submit with the same key is answered with the task of the first.

use std::collections::HashMap;

use chrono::TimeDelta;
use entity::{TaskId, UserId, submission};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, SqlErr};
use sha2::{Digest, Sha256};

use super::Wish;
use crate::error::{Error, Result};
use crate::store::Tx;
use crate::task::Task;

/// How long an idempotency key is remembered.
const KEY_LIFE: TimeDelta = TimeDelta::hours(24);
/// Longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// A key, and what it was used for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    text: String,
    document_hash: String,
}

impl Key {
    pub(super) fn new(text: String, document: &serde_json::Value) -> Result<Self> {
        if text.is_empty() || text.len() > LONGEST_KEY {
            return Err(Error::invalid(
                "idempotencyKey",
                format!("must have 1 to {LONGEST_KEY} bytes"),
            ));
        }
        let document_hash = crate::auth::hex(&Sha256::digest(document.to_string().as_bytes()));
        Ok(Self {
            text,
            document_hash,
        })
    }
}

/// Whose key it is: those of two users have nothing to do with each other.
pub(super) fn owned_key(wish: &Wish) -> Option<(UserId, &str)> {
    Some((wish.user.id, wish.key.as_ref()?.text.as_str()))
}

/// The answers to those whose key has been used before, in the same order.
pub(super) async fn earlier(tx: &Tx, wishes: &[&Wish]) -> Result<Vec<Option<Result<Task>>>> {
    let keys: Vec<_> = wishes.iter().filter_map(|wish| owned_key(wish)).collect();
    if keys.is_empty() {
        return Ok(wishes.iter().map(|_| None).collect());
    }
    let any = keys.iter().fold(Condition::any(), |any, (user, key)| {
        let of_user = submission::Column::UserId.eq(*user);
        let is_it = Condition::all()
            .add(of_user)
            .add(submission::Column::Key.eq(*key));
        any.add(is_it)
    });
    let rows = submission::Entity::find().filter(any).all(tx.db()).await?;
    let (old, rows): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| tx.now() - row.created_at > KEY_LIFE);
    for row in old {
        submission::Entity::delete_by_id((row.user_id, row.key))
            .exec(tx.db())
            .await?;
    }
    let ids: Vec<TaskId> = rows.iter().map(|row| row.task_id).collect();
    let tasks = crate::task::load(tx.db(), &ids).await?.into_iter();
    let mut tasks: HashMap<_, _> = tasks.map(|task| (task.id, task)).collect();
    let answer = |wish: &&Wish| {
        let key = wish.key.as_ref()?;
        let is_it = |row: &&submission::Model| row.user_id == wish.user.id && row.key == key.text;
        let row = rows.iter().find(is_it)?;
        if row.document_hash != key.document_hash {
            return Some(Err(Error::Conflict(
                "this idempotency key was used for another task: choose a new key".to_owned(),
            )));
        }
        tasks.remove(&row.task_id).map(Ok)
    };
    Ok(wishes.iter().map(answer).collect())
}

/// Remembers what came of each key.
pub(super) async fn remember(tx: &Tx, new: &[(&Wish, &Task)]) -> Result<()> {
    let rows = new.iter().filter_map(|(wish, task)| {
        let key = wish.key.as_ref()?;
        Some(submission::ActiveModel {
            user_id: Set(wish.user.id),
            key: Set(key.text.clone()),
            document_hash: Set(key.document_hash.clone()),
            task_id: Set(task.id),
            created_at: Set(tx.now()),
        })
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    let stored = submission::Entity::insert_many(rows).exec_without_returning(tx.db());
    stored
        .await
        .map(drop)
        .map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Error::Conflict("this idempotency key is being used: try again".to_owned())
            }
            _ => error.into(),
        })
}
