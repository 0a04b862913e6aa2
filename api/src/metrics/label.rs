//! What a request is called in the metrics and in the log: one of few names.

use std::collections::BTreeSet;

use async_graphql::Name;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    ExecutableDocument, OperationType, Selection, TypeKind, TypeSystemDefinition,
};

/// What is none of the names that we know.
const OTHER: &str = "other";

/// Kind and root field of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    /// `query`, `mutation`, `subscription`, `download` or `other`.
    pub(crate) operation: &'static str,
    /// The one field that is asked for, or `other`.
    pub(crate) field: &'static str,
}

impl Label {
    /// Not an operation, or not yet known to be one.
    pub(crate) const OTHER: Self = Self {
        operation: OTHER,
        field: OTHER,
    };
    /// A log as a file.
    pub(crate) const DOWNLOAD: Self = Self {
        operation: "download",
        field: "log",
    };
}

/// The root fields of a schema. Their names are kept for as long as the process lives: there are some dozens.
#[derive(Debug)]
pub(crate) struct RootFields(BTreeSet<(&'static str, &'static str)>);

impl RootFields {
    /// Of the schema in this text.
    pub(super) fn of(sdl: &str) -> Self {
        let schema = parse_schema(sdl).map(|document| document.definitions);
        let mut fields = BTreeSet::new();
        for definition in schema.unwrap_or_default() {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let TypeKind::Object(object) = &definition.node.kind else {
                continue;
            };
            let Some(operation) = root(&definition.node.name.node) else {
                continue;
            };
            let names = object.fields.iter().map(|field| &field.node.name.node);
            fields.extend(names.map(|name| (operation, known(name))));
        }
        fields.extend(["__schema", "__type", "__typename"].map(|name| ("query", name)));
        Self(fields)
    }

    /// The label of the operation of a document that is chosen by its name, if it has one.
    pub(crate) fn label(&self, document: &ExecutableDocument, name: Option<&str>) -> Label {
        let is_chosen = |other: Option<&Name>| name.is_none() || other.map(Name::as_str) == name;
        let mut operations = document.operations.iter();
        let Some((_, operation)) = operations.find(|(other, _)| is_chosen(*other)) else {
            return Label::OTHER;
        };
        let operation = &operation.node;
        let kind = kind(operation.ty);
        let field = match operation.selection_set.node.items.as_slice() {
            [only] => match &only.node {
                Selection::Field(field) => self.field(kind, &field.node.name.node),
                Selection::FragmentSpread(_) | Selection::InlineFragment(_) => OTHER,
            },
            _ => OTHER,
        };
        Label {
            operation: kind,
            field,
        }
    }

    fn field(&self, operation: &'static str, name: &str) -> &'static str {
        let known = self
            .0
            .iter()
            .find(|(of, field)| *of == operation && *field == name);
        known.map_or(OTHER, |(_, field)| field)
    }
}

/// The operation whose fields the type has.
fn root(name: &str) -> Option<&'static str> {
    match name {
        "Query" => Some("query"),
        "Mutation" => Some("mutation"),
        "Subscription" => Some("subscription"),
        _ => None,
    }
}

fn kind(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

fn known(name: &str) -> &'static str {
    name.to_owned().leak()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn label(document: &str, name: Option<&str>) -> (&'static str, &'static str) {
        let fields = RootFields::of(&crate::sdl());
        let label = fields.label(&parse_query(document).unwrap(), name);
        (label.operation, label.field)
    }

    #[test]
    fn a_request_is_called_by_its_only_root_field() {
        assert_eq!(label("{ me { name } }", None), ("query", "me"));
        assert_eq!(
            label("{ x: tasks { nodes { id } } }", None),
            ("query", "tasks")
        );
        let two = "query A { me { name } } mutation B { stopTask(id: 1) { id } }";
        assert_eq!(label(two, Some("B")), ("mutation", "stopTask"));
        assert_eq!(
            label("subscription { taskChanged(id: 1) { id } }", None),
            ("subscription", "taskChanged")
        );
    }

    #[test]
    fn what_the_schema_does_not_know_or_is_odd_is_other() {
        assert_eq!(label("{ madeUp }", None), ("query", OTHER));
        assert_eq!(label("{ stopTask }", None), ("query", OTHER));
        assert_eq!(
            label("{ me { name } tasks { nodes { id } } }", None),
            ("query", OTHER)
        );
        assert_eq!(
            label("{ ...F } fragment F on Query { me { name } }", None),
            ("query", OTHER)
        );
        assert_eq!(label("query A { me { name } }", Some("B")), (OTHER, OTHER));
    }
}
