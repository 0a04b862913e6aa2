//! Takes over a rule from elsewhere, if there is none about the same yet.

use entity::{MountRuleId, mount_rule};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Definition;
use super::change::insert;
use crate::error::Result;
use crate::store::Tx;

/// What has come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopted {
    /// There is a new rule.
    Made,
    /// There is one already; it has stayed.
    There,
    /// There is one that says the opposite.
    Opposite(MountRuleId),
}

/// Makes a rule that makes sense, without asking who wants it or whether it is probably meant.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn adopt(tx: &Tx, rule: Definition, is_active: bool) -> Result<Adopted> {
    let known = mount_rule::Entity::find()
        .filter(mount_rule::Column::Identity.eq(rule.identity()))
        .all(tx.db())
        .await?;
    let same = |row: &&mount_rule::Model| row.action == rule.action;
    if known.iter().any(|row| same(&row)) {
        return Ok(Adopted::There);
    }
    if let Some(row) = known.iter().find(|row| row.active && is_active) {
        return Ok(Adopted::Opposite(row.id));
    }
    insert(tx, rule, is_active).await?;
    Ok(Adopted::Made)
}
