//! Seals: digests over ranges of rows, each over the one before it, so that no row can be changed, added or taken away
//! without breaking one. Ranges are sealed beside the writers, which wait for nobody.

use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{AuditId, audit, audit_seal};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet,
    QueryFilter, QueryOrder, QuerySelect, Select,
};
use sha2::{Digest, Sha256};

use super::Entry;
use crate::auth::hex;
use crate::error::Result;
use crate::store::Tx;

/// Rows under one seal. They are dropped together, and nobody should wait for that.
const MOST_ROWS: u64 = 500;
/// Younger rows are not sealed yet: a write that has its number already may end behind one with a later number.
const SETTLED: TimeDelta = TimeDelta::minutes(2);

/// A seal that does not fit its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The first number of its range.
    pub first: AuditId,
    /// The last number of its range.
    pub last: AuditId,
    /// How many rows were sealed.
    pub sealed: i64,
    /// How many there are.
    pub found: i64,
}

impl Display for Broken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { first, last, .. } = self;
        write!(f, "the acts {first} to {last} are not as they were sealed")?;
        match self.found - self.sealed {
            0 => Ok(()),
            more @ 1.. => write!(f, ": {more} were added"),
            fewer => write!(f, ": {} are gone", -fewer),
        }
    }
}

/// Whether there are rows to be sealed.
///
/// # Errors
/// If the database is away.
pub async fn is_to_be_sealed(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<bool> {
    let (before, _) = newest(db).await?;
    Ok(!unsealed(db, before, now, 1).await?.is_empty())
}

/// Whether there are sealed ranges of which all rows are older.
///
/// # Errors
/// If the database is away.
pub async fn is_to_be_dropped(db: &impl ConnectionTrait, than: DateTime<Utc>) -> Result<bool> {
    Ok(old(than).one(db).await?.is_some())
}

/// Seals the next range, if there is one.
///
/// # Errors
/// If the database refuses; a range that another server seals at the same time is refused to one of them.
pub async fn seal(tx: &Tx) -> Result<()> {
    let (before, digest) = newest(tx.db()).await?;
    let rows = unsealed(tx.db(), before, tx.now(), MOST_ROWS).await?;
    let Some(last) = rows.last() else {
        return Ok(());
    };
    let seal = audit_seal::ActiveModel {
        id: NotSet,
        first_id: Set(AuditId(before.0 + 1)),
        last_id: Set(last.id),
        row_count: Set(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
        digest: Set(digest_of(&digest, &rows)),
        sealed_at: Set(tx.now()),
        dropped_at: Set(None),
    };
    seal.insert(tx.db()).await?;
    Ok(())
}

/// The last number that is sealed, and the digest over it and all before.
async fn newest(db: &impl ConnectionTrait) -> Result<(AuditId, String)> {
    let newest = audit_seal::Entity::find().order_by_desc(audit_seal::Column::LastId);
    let newest = newest.one(db).await?;
    Ok(newest.map_or((AuditId(0), String::new()), |seal| {
        (seal.last_id, seal.digest)
    }))
}

async fn unsealed(
    db: &impl ConnectionTrait,
    before: AuditId,
    now: DateTime<Utc>,
    most: u64,
) -> Result<Vec<Entry>> {
    Ok(audit::Entity::find()
        .filter(audit::Column::Id.gt(before))
        .filter(audit::Column::At.lt(now - SETTLED))
        .order_by_asc(audit::Column::Id)
        .limit(most)
        .all(db)
        .await?)
}

/// Ranges whose rows are all older, and still there.
fn old(than: DateTime<Utc>) -> Select<audit_seal::Entity> {
    audit_seal::Entity::find()
        .filter(audit_seal::Column::SealedAt.lt(than))
        .filter(audit_seal::Column::DroppedAt.is_null())
}

/// The seals that do not fit what is there. A range whose rows were dropped for their age only links its neighbours.
///
/// # Errors
/// If the database is away.
pub async fn verify(db: &impl ConnectionTrait) -> Result<Vec<Broken>> {
    let seals = audit_seal::Entity::find()
        .order_by_asc(audit_seal::Column::LastId)
        .all(db)
        .await?;
    let mut broken = Vec::new();
    let mut before = String::new();
    let mut next = AuditId(1);
    for seal in seals {
        let rows = audit::Entity::find()
            .filter(audit::Column::Id.between(seal.first_id, seal.last_id))
            .order_by_asc(audit::Column::Id)
            .all(db)
            .await?;
        let is_whole = seal.first_id == next && seal.digest == digest_of(&before, &rows);
        let is_dropped = seal.dropped_at.is_some() && rows.is_empty();
        if !is_whole && !is_dropped {
            broken.push(Broken {
                first: seal.first_id,
                last: seal.last_id,
                sealed: seal.row_count,
                found: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            });
        }
        next = AuditId(seal.last_id.0 + 1);
        before = seal.digest;
    }
    Ok(broken)
}

/// Drops the rows of the oldest range, if it is older as a whole. Its seal stays. Says whether there was one.
///
/// # Errors
/// If the database refuses.
pub async fn drop_older(tx: &Tx, than: DateTime<Utc>) -> Result<bool> {
    let oldest = old(than).order_by_asc(audit_seal::Column::LastId);
    let Some(seal) = oldest.one(tx.db()).await? else {
        return Ok(false);
    };
    audit::Entity::delete_many()
        .filter(audit::Column::Id.between(seal.first_id, seal.last_id))
        .exec(tx.db())
        .await?;
    let mut seal = audit_seal::ActiveModel::from(seal);
    seal.dropped_at = Set(Some(tx.now()));
    seal.update(tx.db()).await?;
    Ok(true)
}

/// Each text with its length before it, so that nothing can be moved from one column to the next.
fn digest_of(before: &str, rows: &[Entry]) -> String {
    let mut digest = Sha256::new();
    digest.update(before);
    for row in rows {
        digest.update(row.id.0.to_be_bytes());
        digest.update(row.at.timestamp_micros().to_be_bytes());
        for text in [
            &row.actor,
            &row.user_name,
            &row.action,
            &row.object,
            &row.detail,
            &row.outcome,
            &row.address,
            &row.request,
        ] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    }
    hex(&digest.finalize())
}
