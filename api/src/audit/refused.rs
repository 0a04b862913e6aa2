//! Keeps what the rules refuse before anything is executed, with what it was to be done to, as far as the arguments say.

use async_graphql::parser::types::Field;
use async_graphql::{Name, Value, Variables};
use domain::audit::{Act, Origin, refuse};
use domain::auth::UserActor;
use domain::{App, Error, Result};

use crate::error::code;

/// How an object is named, and the argument with its own part of the name, for each mutation of people that has one.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("stopTask", "task", "id"),
    ("suspendTask", "task", "id"),
    ("resumeTask", "task", "id"),
    ("shareTask", "task", "id"),
    ("unshareTask", "task", "id"),
    ("updateTaskPriority", "task", "id"),
    ("createUser", "user", "input.name"),
    ("updateUser", "user", "input.user"),
    ("setUserActive", "user", "input.user"),
    ("setUserGroups", "user", "input.user"),
    ("setSharedGroupGroups", "shared group", "input.sharedGroup"),
    ("createAccessToken", "user", "input.user"),
    ("rotateToken", "access token", "id"),
    ("revokeAccessToken", "access token", "id"),
    ("endSession", "session", "id"),
    ("endAllSessions", "user", "input.user"),
    ("setQuota", "quota of", "input.owner"),
    ("setResourceQuota", "quota of", "input.owner"),
    ("removeQuota", "quota of", "input.owner"),
    ("addMountRule", "mount", "input.mountPath"),
    ("removeMountRule", "mount", "input.mountPath"),
    ("createHost", "node", "input.name"),
    ("updateHost", "node", "input.name"),
    ("deleteHost", "node", "input.name"),
    ("disableNode", "node", "input.name"),
    ("enableNode", "node", "input.name"),
];

/// Keeps that a user tried a field of the schema, and with what it was refused.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn refused(
    app: &App,
    user: &UserActor,
    origin: Option<&Origin>,
    field: &Field,
    variables: &Variables,
    error: &Error,
) -> Result<()> {
    let origin = origin.cloned().unwrap_or_default();
    let act = Act::of(user, field.name.node.as_str(), &origin);
    let act = act.to(object(field, variables).unwrap_or_default());
    refuse(app, act, code(error)).await
}

/// What it was to be done to, if the arguments say it.
fn object(field: &Field, variables: &Variables) -> Option<String> {
    let name = field.name.node.as_str();
    let (_, kind, path) = OBJECTS.iter().find(|(field, ..)| *field == name)?;
    let mut path = path.split('.');
    let argument = field.get_argument(path.next()?)?.node.clone();
    let given = |name: Name| variables.get(&name).cloned().ok_or(());
    let mut value = argument.into_const_with(given).ok()?;
    for key in path {
        let Value::Object(mut fields) = value else {
            return None;
        };
        value = fields.swap_remove(key)?;
    }
    match value {
        Value::String(text) => Some(format!("{kind} {text}")),
        Value::Number(number) => Some(format!("{kind} {number}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::{DocumentOperations, Selection};
    use serde_json::json;

    use super::*;
    use crate::rules::mutations_of_people;

    fn object_of(query: &str) -> Option<String> {
        let variables = Variables::from_json(json!({ "it": "7", "input": { "user": "ana" } }));
        let document = parse_query(query).unwrap();
        let DocumentOperations::Single(operation) = document.operations else {
            panic!("{query}");
        };
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("{query}");
        };
        object(&field.node, &variables)
    }

    #[test]
    fn an_object_is_found_in_the_arguments_and_in_the_variables() {
        for (query, expected) in [
            ("mutation { stopTask(id: 7) { id } }", Some("task 7")),
            (
                "mutation ($it: ID!) { stopTask(id: $it) { id } }",
                Some("task 7"),
            ),
            (
                "mutation { updateUser(input: { user: \"ana\" }) { id } }",
                Some("user ana"),
            ),
            (
                "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { id } }",
                Some("user ana"),
            ),
            ("mutation { stopTask { id } }", None),
            ("mutation ($no: ID!) { stopTask(id: $no) { id } }", None),
            ("mutation { stopTask(id: [7]) { id } }", None),
            ("mutation { submitTask(input: {}) { id } }", None),
        ] {
            assert_eq!(object_of(query).as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn every_mutation_of_people_has_an_object_or_is_about_oneself() {
        let of_oneself = [
            "submitTask",
            "submitTaskYaml",
            "createSessionCode",
            "setMyQuota",
        ];
        let known = OBJECTS.iter().map(|(field, ..)| *field).chain(of_oneself);
        assert_eq!(known.collect::<BTreeSet<_>>(), mutations_of_people());
    }
}
