//! Sets any quota by the name of its resource.

use chrono::{DateTime, Utc};
use entity::resource_quota::{self, Column};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, NotSet, QueryFilter};

use super::changes::{self, Change};
use super::owner::{Owner, permit};
use super::set::{problem, resource, set};
use super::{DevContainers, Kind, Quota, Resource, ResourceQuota, SetQuota};
use crate::auth::Actor;
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::store::Tx;

/// How much of what.
#[derive(Debug, Clone)]
pub struct SetNamed {
    /// Name of a user or of a user group.
    pub owner: String,
    /// Of what.
    pub resource: Resource,
    /// How much; 0 denies.
    pub amount: i64,
    /// Of dev containers only: memory of all together.
    pub memory_gib: Option<i32>,
    /// Of dev containers only: processors of each.
    pub cpus: Option<i32>,
    /// When the row stops to count.
    pub expires_at: Option<DateTime<Utc>>,
}

impl SetNamed {
    /// Makes it one of dev containers.
    pub(crate) fn set_dev_containers(&mut self, three: DevContainers) {
        self.amount = three.count.into();
        self.memory_gib = three.memory_gib.try_into().ok();
        self.cpus = three.cpus.try_into().ok();
    }

    /// The one number of it: that of dev containers is packed.
    pub(crate) fn number(&self) -> i64 {
        packed(self.amount, self.memory_gib, self.cpus)
    }
}

/// A quota of anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuota {
    /// Name of a user or of a user group.
    pub owner: String,
    /// Name of the resource.
    pub resource: String,
    /// How much.
    pub amount: i64,
    /// Of dev containers only.
    pub memory_gib: Option<i32>,
    /// Of dev containers only.
    pub cpus: Option<i32>,
    /// When it stops to count.
    pub expires_at: Option<DateTime<Utc>>,
}

impl NamedQuota {
    pub(super) fn of_nodes(row: Quota) -> Result<Self> {
        Ok(Self {
            resource: resource(&row)?.to_string(),
            owner: row.owner,
            amount: row.nodes.into(),
            memory_gib: None,
            cpus: None,
            expires_at: row.expires_at,
        })
    }
}

impl From<ResourceQuota> for NamedQuota {
    fn from(row: ResourceQuota) -> Self {
        Self {
            owner: row.owner,
            resource: row.resource,
            amount: row.amount,
            memory_gib: row.memory_gib,
            cpus: row.cpus,
            expires_at: row.expires_at,
        }
    }
}

/// Sets a quota, whether there was one or not.
///
/// # Errors
/// [`Error::Invalid`] names the field, [`Error::Forbidden`] if the actor may not.
pub async fn set_named(tx: &mut Tx, actor: &Actor, input: SetNamed) -> Result<NamedQuota> {
    if let Some(nodes) = of_nodes(&input)? {
        return NamedQuota::of_nodes(set(tx, actor, nodes).await?);
    }
    let owner = permit(tx.db(), actor, &input.owner).await?;
    let mut problems = rules(owner, &input);
    if input.expires_at.is_some_and(|end| end <= tx.now()) {
        problems.push(problem("expiresAt", "is in the past"));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let name = input.resource.to_string();
    let before = find(tx.db(), &input.owner, &name).await?;
    write(tx, &input, &name).await?;
    let row = find(tx.db(), &input.owner, &name)
        .await?
        .ok_or_else(|| Error::internal("the quota row that was just written is not there"))?;
    let change = Change {
        owner: input.owner,
        resource: input.resource,
        before: before.as_ref().map(shown),
        after: Some(shown(&row)),
        expires_at: row.expires_at,
    };
    changes::note(tx, actor, change).await?;
    Ok(row.into())
}

/// The same as a quota of nodes, if it is one.
pub(super) fn of_nodes(input: &SetNamed) -> Result<Option<SetQuota>> {
    let (kind, tag, nodes) = match &input.resource {
        Resource::Nodes(nodes) => (Kind::Grant, "", nodes),
        Resource::NodeLimit(tag, nodes) => (Kind::Ceiling, tag.as_str(), nodes),
        _ => return Ok(None),
    };
    let amount = i32::try_from(input.amount);
    let amount = amount.map_err(|_| Error::invalid("amount", "is no number of nodes"))?;
    Ok(Some(SetQuota {
        owner: input.owner.clone(),
        kind,
        tag: tag.to_owned(),
        group: nodes.group.clone(),
        level: nodes.level,
        nodes: amount,
        expires_at: input.expires_at,
    }))
}

pub(super) async fn find(
    db: &impl ConnectionTrait,
    owner: &str,
    name: &str,
) -> Result<Option<ResourceQuota>> {
    let row = resource_quota::Entity::find()
        .filter(Column::Owner.eq(owner))
        .filter(Column::Resource.eq(name));
    Ok(row.one(db).await?)
}

pub(super) async fn write(tx: &mut Tx, input: &SetNamed, name: &str) -> Result<()> {
    let row = resource_quota::ActiveModel {
        id: NotSet,
        owner: Set(input.owner.clone()),
        resource: Set(name.to_owned()),
        amount: Set(input.amount),
        memory_gib: Set(input.memory_gib),
        cpus: Set(input.cpus),
        expires_at: Set(input.expires_at),
        version: Set(0),
    };
    let conflict = OnConflict::columns([Column::Owner, Column::Resource])
        .update_columns([
            Column::Amount,
            Column::MemoryGib,
            Column::Cpus,
            Column::ExpiresAt,
        ])
        .value(
            Column::Version,
            Expr::col((resource_quota::Entity, Column::Version)).add(1),
        )
        .to_owned();
    resource_quota::Entity::insert(row)
        .on_conflict(conflict)
        .exec_without_returning(tx.db())
        .await?;
    tx.wake(Event::Quotas);
    Ok(())
}

/// The one number of a row: that of dev containers is packed.
pub(super) fn shown(row: &ResourceQuota) -> i64 {
    packed(row.amount, row.memory_gib, row.cpus)
}

fn packed(amount: i64, memory_gib: Option<i32>, cpus: Option<i32>) -> i64 {
    dev_containers(amount, memory_gib, cpus)
        .and_then(|three| three.encode().ok())
        .unwrap_or(amount)
}

pub(super) fn dev_containers(
    amount: i64,
    memory_gib: Option<i32>,
    cpus: Option<i32>,
) -> Option<DevContainers> {
    Some(DevContainers {
        memory_gib: memory_gib?.try_into().ok()?,
        cpus: cpus?.try_into().ok()?,
        count: amount.try_into().ok()?,
    })
}

/// What may not be, whoever sets it.
fn rules(owner: Owner, input: &SetNamed) -> Vec<Problem> {
    let mut problems = Vec::new();
    if input.amount < 0 {
        problems.push(problem("amount", "must not be negative"));
    }
    let (amount, memory, cpus) = (input.amount, input.memory_gib, input.cpus);
    match (&input.resource, memory, cpus) {
        (Resource::PortRecord(_), ..) => {
            let reason = "is the record of a port that was given, not a quota";
            problems.push(problem("resource", reason));
        }
        (
            Resource::Privileged | Resource::HostIpc | Resource::HostPid | Resource::HostNetwork,
            ..,
        ) if owner.is_external() => problems.push(problem("resource", "is not for guests")),
        (Resource::Jupyter(_), Some(_), Some(_)) => {
            let packed = dev_containers(amount, memory, cpus).map(DevContainers::encode);
            let reason = match packed {
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(error.to_string()),
                None => Some("must not be negative".to_owned()),
            };
            problems.extend(reason.map(|reason| problem("memoryGib", reason)));
        }
        (Resource::Jupyter(_), ..) => {
            problems.push(problem(
                "memoryGib",
                "is needed, and cpus is, for dev containers",
            ));
        }
        (_, None, None) => {}
        (..) => problems.push(problem("memoryGib", "and cpus are for dev containers only")),
    }
    problems
}

#[cfg(test)]
mod tests {
    use entity::user::Role;

    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_its_field() {
        let inside = Owner::User(Role::Internal);
        let guest = Owner::User(Role::External);
        let table = [
            (inside, "port", 3, None, None, None),
            (inside, "port", -1, None, None, Some("amount")),
            (inside, "port", i64::MAX, None, None, None),
            (
                inside,
                "port:ssh:nb:0:22",
                31000,
                None,
                None,
                Some("resource"),
            ),
            (inside, "privileged", 1, None, None, None),
            (guest, "privileged", 1, None, None, Some("resource")),
            (guest, "cap:SYS_PTRACE", 1, None, None, None),
            (inside, "jupyter:dev", 10, Some(1000), Some(128), None),
            (inside, "jupyter:dev", 0, Some(0), Some(0), None),
            (
                inside,
                "jupyter:dev",
                1,
                Some(0),
                Some(0),
                Some("memoryGib"),
            ),
            (
                inside,
                "jupyter:dev",
                100,
                Some(1),
                Some(1),
                Some("memoryGib"),
            ),
            (
                inside,
                "jupyter:dev",
                1,
                Some(-1),
                Some(1),
                Some("memoryGib"),
            ),
            (inside, "jupyter:dev", 1, None, Some(1), Some("memoryGib")),
            (inside, "port", 1, Some(1), None, Some("memoryGib")),
        ];
        for (owner, resource, amount, memory_gib, cpus, wrong) in table {
            let input = SetNamed {
                owner: String::new(),
                resource: resource.parse().unwrap(),
                amount,
                memory_gib,
                cpus,
                expires_at: None,
            };
            let problems = rules(owner, &input);
            let fields: Vec<_> = problems.iter().map(|it| it.field.as_str()).collect();
            assert_eq!(fields, Vec::from_iter(wrong), "{owner:?} {input:?}");
        }
    }
}
