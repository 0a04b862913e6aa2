//! Sets one's own quota of nodes, within the ceilings.

use scheduler::{GroupName, Level, Limit, QuotaBook};

use super::set::{change, one, problem, unknown_group};
use super::{Kind, Quota, SetQuota, load_rows, planner_users};
use crate::auth::{Action, Actor, Target, require};
use crate::error::{Error, Result};
use crate::store::Tx;

/// What a user wants to hold at most.
#[derive(Debug, Clone)]
pub struct SetOwnQuota {
    /// Node group.
    pub group: String,
    /// Priority level.
    pub level: Level,
    /// Nodes at the same time.
    pub nodes: i32,
}

/// Sets the grant of the actor. A row that ends some time still does.
///
/// # Errors
/// [`Error::AboveCeiling`] if it is more than the user may take, [`Error::Forbidden`] for guests, [`Error::Invalid`]
/// names the field.
pub async fn set_own(tx: &mut Tx, actor: &Actor, input: SetOwnQuota) -> Result<Quota> {
    let user = actor
        .user()
        .ok_or_else(|| Error::Forbidden("this is for users only".to_owned()))?;
    require(actor, Action::SetOwnQuota, Target::Of(user.id))?;
    let mut problems = Vec::from_iter(unknown_group(tx, &input.group).await?);
    if input.nodes < 0 {
        problems.push(problem("nodes", "must not be negative"));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let users = planner_users(tx.db(), &[user.id]).await?;
    let owner = users
        .get(&user.id)
        .ok_or_else(|| Error::not_found("user", user.id))?;
    let rows = load_rows(tx.db()).await?;
    let book = QuotaBook::open(&rows, tx.now().timestamp_millis());
    let limits = book.limits(owner, &GroupName(input.group.clone()));
    let most = most(limits.of(input.level));
    if u32::try_from(input.nodes).is_ok_and(|nodes| nodes > most) {
        return Err(Error::AboveCeiling {
            field: "nodes",
            asked: input.nodes.into(),
            limit: most.into(),
        });
    }
    let mut wanted = SetQuota {
        owner: user.name.clone(),
        kind: Kind::Grant,
        tag: String::new(),
        group: input.group,
        level: input.level,
        nodes: input.nodes,
        expires_at: None,
    };
    let before = one(&wanted).one(tx.db()).await?;
    let ends = before.and_then(|row| row.expires_at);
    wanted.expires_at = ends.filter(|end| *end > tx.now());
    change(tx, actor, wanted).await
}

/// How much one may take: up to the ceiling. Where nobody has set one there is nothing to take, only to give back: else
/// whoever was granted little would have everything.
fn most(limit: Limit) -> u32 {
    limit.ceiling.unwrap_or_else(|| limit.nodes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_is_there_to_be_reached_and_without_one_nothing_is_taken() {
        for (grant, ceiling, expected) in [
            (None, None, 0),
            (Some(3), None, 3),
            (Some(3), Some(8), 8),
            (None, Some(8), 8),
            (Some(9), Some(0), 0),
        ] {
            assert_eq!(most(Limit { grant, ceiling }), expected);
        }
    }
}
