//! What somebody subscribes to, so far as it is the same for many.

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Name, Request, Variables};
use domain::auth::Actor;
use serde_json::Value as Json;

use super::after::After;
use crate::id;

/// What the results of a subscription are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// States of one thing, each of which makes the one before it worthless.
    State,
    /// Changes of many things.
    Changes,
    /// What a log grew by, from any place on.
    Log,
}

/// The subscriptions that are shared.
const SHARED: [(&str, Kind); 4] = [
    ("taskChanged", Kind::State),
    ("quotaChanged", Kind::State),
    ("tasksChanged", Kind::Changes),
    ("taskLogAppended", Kind::Log),
];

/// What must be the same for the answers to be the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(super) query: String,
    pub(super) operation: Option<String>,
    pub(super) variables: String,
    pub(super) asker: Actor,
}

/// What somebody subscribes to.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) question: Question,
    pub(super) kind: Kind,
    /// Cursor of the state that is known already.
    pub(super) after: Option<String>,
}

impl Question {
    /// A request that asks it.
    pub(crate) fn request(&self) -> Request {
        let variables: Option<Json> = serde_json::from_str(&self.variables).ok();
        let request = Request::new(&self.query)
            .variables(Variables::from_json(variables.unwrap_or_default()))
            .data(self.asker.clone());
        match &self.operation {
            Some(name) => request.operation_name(name),
            None => request,
        }
    }
}

impl Wanted {
    /// Whether it is about a log: such answers depend on where each subscriber stands, and are shared in another way.
    pub(crate) fn is_log(&self) -> bool {
        self.kind == Kind::Log
    }

    /// Whether it is to go on behind a position in the changes that is none.
    pub(crate) fn has_no_position(&self) -> bool {
        let after = self.after.as_deref().filter(|_| self.kind == Kind::Changes);
        after.is_some_and(|after| id::position(after).is_err())
    }
}

/// What a document asks for that can be shared.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(super) kind: Kind,
    pub(super) after: After,
}

impl Asked {
    /// That of an operation, chosen by its name, if it has one; absent for what is not shared.
    pub(crate) fn of(document: &ExecutableDocument, name: Option<&str>) -> Option<Self> {
        let is_chosen = |other: Option<&Name>| name.is_none() || other.map(Name::as_str) == name;
        let mut operations = document.operations.iter();
        let (_, operation) = operations.find(|(other, _)| is_chosen(*other))?;
        if operation.node.ty != OperationType::Subscription {
            return None;
        }
        let [only] = operation.node.selection_set.node.items.as_slice() else {
            return None;
        };
        let Selection::Field(field) = &only.node else {
            return None;
        };
        let name = field.node.name.node.as_str();
        let shared = SHARED.into_iter().find(|(shared, _)| *shared == name);
        shared.map(|(_, kind)| Self {
            kind,
            after: After::of(document, &operation.node, &field.node),
        })
    }

    /// What it is with the rest of the request.
    pub(crate) fn wanted(self, request: &Request, asker: &Actor) -> Wanted {
        let mut variables = request.variables.clone();
        let after = self.after.take(&mut variables);
        let variables = serde_json::to_string(&variables);
        Wanted {
            question: Question {
                query: request.query.clone(),
                operation: request.operation_name.clone(),
                variables: variables.expect("variables are plain data with string keys"),
                asker: asker.clone(),
            },
            kind: self.kind,
            after,
        }
    }
}
