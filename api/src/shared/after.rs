//! `after`: the one argument that may differ between those who share an evaluation.

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    VariableDefinition,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::{ConstValue, Value};

const AFTER: &str = "after";

/// The argument `after` as a document has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// Not there, or nothing that is a cursor.
    Absent,
    /// In the document itself: only who writes the same cursor has the same question.
    Written(String),
    /// A variable.
    Variable {
        name: Name,
        default: Option<String>,
        /// Whether nothing else depends on it: not even whether the document is valid.
        is_free: bool,
    },
}

impl After {
    /// That of a field of an operation.
    pub(super) fn of(
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        field: &Field,
    ) -> Self {
        match field.get_argument(AFTER).map(|value| &value.node) {
            Some(Value::String(cursor)) => Self::Written(cursor.clone()),
            Some(Value::Variable(name)) => {
                let mut definitions = operation.variable_definitions.iter();
                let definition = definitions.find(|other| other.node.name.node == *name);
                Self::Variable {
                    default: definition.and_then(|definition| default(&definition.node)),
                    is_free: definition.is_some_and(|other| other.node.var_type.node.nullable)
                        && uses(document, name) == 1,
                    name: name.clone(),
                }
            }
            _ => Self::Absent,
        }
    }

    /// Its value, if that is a text. If the answers are the same without it, it is taken from the variables.
    pub(super) fn take(self, variables: &mut Variables) -> Option<String> {
        let (name, default, is_free) = match self {
            Self::Absent => return None,
            Self::Written(cursor) => return Some(cursor),
            Self::Variable {
                name,
                default,
                is_free,
            } => (name, default, is_free),
        };
        let cursor = match variables.get(&name) {
            None => return default,
            Some(ConstValue::Null) => None,
            Some(ConstValue::String(cursor)) => Some(cursor.clone()),
            // That will be refused, and only to whoever asks so.
            Some(_) => return None,
        };
        if is_free {
            variables.remove(&name);
        }
        cursor
    }
}

fn default(definition: &VariableDefinition) -> Option<String> {
    match &definition.default_value.as_ref()?.node {
        ConstValue::String(cursor) => Some(cursor.clone()),
        _ => None,
    }
}

/// How often a document uses a variable, counting each fragment once.
fn uses(document: &ExecutableDocument, name: &Name) -> usize {
    let operations = document.operations.iter().map(|(_, operation)| {
        let directives = in_directives(&operation.node.directives, name);
        directives + in_selections(&operation.node.selection_set, name)
    });
    let fragments = document.fragments.values().map(|fragment| {
        let directives = in_directives(&fragment.node.directives, name);
        directives + in_selections(&fragment.node.selection_set, name)
    });
    operations.chain(fragments).sum()
}

/// The parser bounds the nesting of braces.
fn in_selections(selections: &Positioned<SelectionSet>, name: &Name) -> usize {
    let of_item = |item: &Positioned<Selection>| {
        in_directives(item.node.directives(), name)
            + match &item.node {
                Selection::Field(field) => {
                    in_arguments(&field.node.arguments, name)
                        + in_selections(&field.node.selection_set, name)
                }
                Selection::InlineFragment(fragment) => {
                    in_selections(&fragment.node.selection_set, name)
                }
                Selection::FragmentSpread(_) => 0,
            }
    };
    selections.node.items.iter().map(of_item).sum()
}

fn in_directives(directives: &[Positioned<Directive>], name: &Name) -> usize {
    let arguments = directives.iter().map(|directive| &directive.node.arguments);
    arguments
        .map(|arguments| in_arguments(arguments, name))
        .sum()
}

fn in_arguments(arguments: &[(Positioned<Name>, Positioned<Value>)], name: &Name) -> usize {
    let values = arguments.iter().map(|(_, value)| &value.node);
    values.map(|value| in_value(value, name)).sum()
}

fn in_value(value: &Value, name: &Name) -> usize {
    match value {
        Value::Variable(other) => usize::from(other == name),
        Value::List(values) => values.iter().map(|value| in_value(value, name)).sum(),
        Value::Object(fields) => fields.values().map(|value| in_value(value, name)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Request;
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::shared::Asked;

    /// What is known of `after`, and the variables that are left in the question.
    fn take(query: &str, variables: Json) -> (Option<String>, Json) {
        let mut variables = Variables::from_json(variables);
        let mut request = Request::new(query);
        let asked = Asked::of(request.parsed_query().unwrap(), None).unwrap();
        let after = asked.after.take(&mut variables);
        (after, serde_json::to_value(variables).unwrap())
    }

    const PLAIN: &str =
        "subscription ($id: ID!, $c: String) { taskChanged(id: $id, after: $c) { id } }";

    #[test]
    fn a_variable_that_says_only_where_to_go_on_is_no_part_of_the_question() {
        for (given, after) in [
            (json!({ "id": "7", "c": "x" }), Some("x")),
            (json!({ "id": "7", "c": null }), None),
            (json!({ "id": "7" }), None),
        ] {
            let (taken, rest) = take(PLAIN, given);
            assert_eq!((taken.as_deref(), rest), (after, json!({ "id": "7" })));
        }
    }

    #[test]
    fn a_variable_on_which_more_depends_stays_in_the_question() {
        let given = json!({ "c": "x" });
        for query in [
            "subscription ($c: String) { taskChanged(id: 1, after: $c) { runs(after: $c) { totalCount } } }",
            "subscription ($c: String) { taskChanged(id: 1, after: $c) { ...F } }
             fragment F on Task { ... on Task { name @skip(if: [{ a: $c }]) } }",
            "subscription ($c: String) @a(b: $c) { taskChanged(id: 1, after: $c) { id } }",
            "subscription ($c: String!) { taskChanged(id: 1, after: $c) { id } }",
            "subscription { taskChanged(id: 1, after: $c) { id } }",
        ] {
            let (taken, rest) = take(query, given.clone());
            assert_eq!((taken.as_deref(), &rest), (Some("x"), &given), "{query}");
        }
    }

    #[test]
    fn what_is_no_cursor_stays_in_the_question_and_is_refused_there() {
        let given = json!({ "id": "7", "c": 5 });
        assert_eq!(take(PLAIN, given.clone()), (None, given));
    }

    #[test]
    fn a_cursor_may_stand_in_the_document() {
        for query in [
            "subscription { taskChanged(id: 1, after: \"x\") { id } }",
            "subscription ($c: String = \"x\") { taskChanged(id: 1, after: $c) { id } }",
        ] {
            let expected = (Some("x".to_owned()), json!({}));
            assert_eq!(take(query, json!({})), expected, "{query}");
        }
        let none = "subscription { taskChanged(id: 1, after: null) { id } }";
        assert_eq!(take(none, json!({})), (None, json!({})));
    }
}
