//! The states that nodes were in, and who brought them about.

use entity::NodeStateId;
use entity::node_state::{self, State};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::auth::{Action, Actor, Target, require};
use crate::error::Result;
use crate::store::Tx;

/// Who brought a state about, and why.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cause<'a> {
    /// Name of a user; absent if nobody did.
    pub(super) by: Option<&'a str>,
    /// As far as it is known.
    pub(super) why: Option<&'a str>,
}

/// Keeps that a node has come to a state.
pub(super) async fn keep(tx: &Tx, node: &str, state: State, cause: Cause<'_>) -> Result<()> {
    let row = node_state::ActiveModel {
        id: NotSet,
        node_name: Set(node.to_owned()),
        at: Set(tx.now()),
        state: Set(state),
        by_user: Set(cause.by.map(str::to_owned)),
        why: Set(cause.why.map(str::to_owned)),
    };
    node_state::Entity::insert(row)
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}

/// The states of a node, newest first, those older than one of them if that is given. They outlive the node.
///
/// # Errors
/// [`Error::Forbidden`](crate::Error::Forbidden) for those who may not know the names of nodes.
pub async fn history(
    db: &impl ConnectionTrait,
    actor: &Actor,
    node: &str,
    older_than: Option<NodeStateId>,
    limit: u64,
) -> Result<Vec<node_state::Model>> {
    require(actor, Action::KnowNodes, Target::Platform)?;
    let mut query = of_node(node).order_by_desc(node_state::Column::Id);
    if let Some(id) = older_than {
        query = query.filter(node_state::Column::Id.lt(id));
    }
    Ok(query.limit(limit).all(db).await?)
}

/// How many states of a node are kept.
///
/// # Errors
/// As [`history`].
pub async fn count_history(db: &impl ConnectionTrait, actor: &Actor, node: &str) -> Result<u64> {
    require(actor, Action::KnowNodes, Target::Platform)?;
    Ok(of_node(node).count(db).await?)
}

fn of_node(node: &str) -> Select<node_state::Entity> {
    node_state::Entity::find().filter(node_state::Column::NodeName.eq(node))
}
