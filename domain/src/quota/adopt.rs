//! Takes over a quota from elsewhere, if there is none yet.

use super::SetNamed;
use super::changes::{self, Change};
use super::named::{find, of_nodes, shown, write};
use super::set::{insert, one};
use crate::error::Result;
use crate::store::Tx;

/// What has come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopted {
    /// It is set.
    Set,
    /// There is one, with this number; it has stayed.
    There(i64),
}

/// Sets a quota if there is none, without asking who wants it or whether its node group is there yet.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if it is one of nodes and no number of them.
pub(crate) async fn adopt(tx: &mut Tx, editor: &str, input: SetNamed) -> Result<Adopted> {
    let change = Change {
        owner: input.owner.clone(),
        resource: input.resource.clone(),
        before: None,
        after: Some(input.number()),
        expires_at: input.expires_at,
    };
    if let Some(nodes) = of_nodes(&input)? {
        if let Some(row) = one(&nodes).one(tx.db()).await? {
            return Ok(Adopted::There(row.nodes.into()));
        }
        insert(tx, nodes).await?;
    } else {
        let name = input.resource.to_string();
        if let Some(row) = find(tx.db(), &input.owner, &name).await? {
            return Ok(Adopted::There(shown(&row)));
        }
        write(tx, &input, &name).await?;
    }
    changes::note_by(tx, editor, change).await?;
    Ok(Adopted::Set)
}
