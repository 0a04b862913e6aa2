//! Which action of the policy each field at the root of the schema is. Before anything is executed, the engine asks whether
//! there is anything at all that the caller may do it to; to what exactly is asked again where it is done.

use async_graphql::parser::types::{ExecutableDocument, Field};
use domain::Error;
use domain::auth::{Action, Actor, Target, may_at_all, require};

use crate::limits;

/// A test fails for a field that is missing here, and for one that is no longer in the schema.
const RULES: &[(&str, Action)] = &[
    ("me", Action::Look),
    ("task", Action::ReadTask),
    ("tasks", Action::ReadTask),
    ("taskLog", Action::ReadTask),
    ("searchTaskLog", Action::ReadTask),
    ("nodes", Action::Look),
    ("nodeGroups", Action::Look),
    ("nodeStates", Action::KnowNodes),
    ("taskOnNode", Action::LocateTask),
    ("createHost", Action::ManageNodes),
    ("updateHost", Action::ManageNodes),
    ("deleteHost", Action::ManageNodes),
    ("disableNode", Action::ManageNodes),
    ("enableNode", Action::ManageNodes),
    ("clusterOverview", Action::Look),
    ("serverInfo", Action::Look),
    ("auditLog", Action::ReadAudit),
    ("myMounts", Action::Look),
    ("userMounts", Action::ReadMounts),
    ("taskMounts", Action::ReadMounts),
    ("mountRules", Action::ManageMounts),
    ("mountConflicts", Action::ManageMounts),
    ("environments", Action::Look),
    ("addMountRule", Action::ManageMounts),
    ("removeMountRule", Action::ManageMounts),
    ("quotas", Action::ReadQuotas),
    ("resourceQuotas", Action::ReadQuotas),
    ("quotaLedger", Action::ReadQuotas),
    ("quotaChanges", Action::ReadQuotas),
    ("simulateQuota", Action::SetExternalQuota),
    ("taskChanged", Action::ReadTask),
    ("tasksChanged", Action::ReadTask),
    ("taskLogAppended", Action::ReadTask),
    ("quotaChanged", Action::Look),
    ("submitTask", Action::SubmitTask),
    ("submitTaskYaml", Action::SubmitTask),
    ("stopTask", Action::StopTask),
    ("suspendTask", Action::StopTask),
    ("resumeTask", Action::StopTask),
    ("shareTask", Action::ShareTask),
    ("unshareTask", Action::ShareTask),
    ("updateTaskPriority", Action::SetPriority),
    ("users", Action::ReadUsers),
    ("accessTokens", Action::ReadTokens),
    ("sessions", Action::ReadTokens),
    ("createUser", Action::CreateUser),
    ("updateUser", Action::CreateUser),
    ("setUserActive", Action::ActivateUser),
    ("setUserGroups", Action::SetGroups),
    ("setSharedGroupGroups", Action::SetGroups),
    ("createAccessToken", Action::MakeToken),
    ("rotateToken", Action::MakeToken),
    ("revokeAccessToken", Action::MakeToken),
    ("createSessionCode", Action::MakeToken),
    ("endSession", Action::MakeToken),
    ("endAllSessions", Action::MakeToken),
    // Whoever sets quotas sets those of guests too; whether those of others is asked where it is done.
    ("setQuota", Action::SetExternalQuota),
    ("setResourceQuota", Action::SetExternalQuota),
    ("removeQuota", Action::SetExternalQuota),
    ("setMyQuota", Action::SetOwnQuota),
    ("agentOrders", Action::ReportRank),
    ("registerAgent", Action::ReportRank),
    ("renewAgentToken", Action::RenewAgentToken),
    ("reportRank", Action::ReportRank),
    ("setTaskLifeState", Action::ReportRank),
    ("setTaskPriority", Action::ReportRank),
    ("reportTaskFailure", Action::ReportRank),
];

/// The first field of a document that the actor may not use at all, and why. Only for documents whose size was checked.
pub(crate) fn refused<'a>(
    document: &'a ExecutableDocument,
    actor: &Actor,
) -> Option<(&'a Field, Error)> {
    let mut fields = limits::root_fields(document).into_iter();
    fields.find_map(|field| {
        let action = action_of(&field.name.node).filter(|action| !may_at_all(actor, *action))?;
        let error = require(actor, action, Target::Platform).err()?;
        Some((field, error))
    })
}

/// What it is to ask for a field; absent for one that is not in the schema.
fn action_of(field: &str) -> Option<Action> {
    let rule = RULES.iter().find(|(name, _)| *name == field);
    rule.map(|(_, action)| *action)
}

/// The fields of the schema with which people change something.
#[cfg(test)]
pub(crate) fn mutations_of_people() -> std::collections::BTreeSet<&'static str> {
    let of_agents = [Action::ReportRank, Action::RenewAgentToken];
    // Only those may ask who may change what they ask about.
    let questions = ["simulateQuota", "mountRules", "mountConflicts"];
    let of_people = RULES.iter().filter(|(field, action)| {
        !action.is_reading() && !of_agents.contains(action) && !questions.contains(field)
    });
    of_people.map(|(field, _)| *field).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::schema;

    #[test]
    fn every_root_field_of_the_schema_has_a_rule_and_no_other_has() {
        let registry = async_graphql::parser::parse_schema(schema::sdl()).unwrap();
        let mut fields = BTreeSet::new();
        for definition in registry.definitions {
            use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.as_str();
            if let TypeKind::Object(object) = definition.node.kind
                && ["Query", "Mutation", "Subscription"].contains(&name)
            {
                let names = object.fields.into_iter();
                fields.extend(names.map(|field| field.node.name.node.to_string()));
            }
        }
        let ruled: BTreeSet<_> = RULES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(ruled.len(), RULES.len(), "twice");
        assert_eq!(ruled, fields);
    }
}
