//! How many fields an answer may have, guessed from the document before anything is executed.
//!
//! The library counts them exactly, with what the schema knows of its lists, but only on the way to the answer. This is
//! to tell what is long from what is short, and must itself be quick: each fragment is weighed once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;

use crate::limits::{DEFAULT_PAGE, page};

/// An answer with more fields takes milliseconds to compute, in which on one core nobody else goes on.
const LONG: usize = 2000;

/// Whether the answer may be a long one. Only for documents that were checked by [`crate::limits::check`].
pub(crate) fn is_long(document: &ExecutableDocument, variables: &Variables) -> bool {
    let mut scale = Scale {
        fragments: &document.fragments,
        variables,
        weighed: HashMap::new(),
    };
    let operations = document.operations.iter();
    let fields = operations.map(|(_, operation)| scale.fields(&operation.node.selection_set.node));
    fields.fold(0, usize::saturating_add) > LONG
}

struct Scale<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a Variables,
    weighed: HashMap<&'a str, usize>,
}

impl<'a> Scale<'a> {
    fn fields(&mut self, selection_set: &'a SelectionSet) -> usize {
        let mut fields: usize = 0;
        for item in &selection_set.items {
            fields = fields.saturating_add(match &item.node {
                Selection::Field(field) => self.field(&field.node),
                Selection::InlineFragment(fragment) => {
                    self.fields(&fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            });
        }
        fields
    }

    /// A field that has pages counts as often as its page has items.
    fn field(&mut self, field: &'a Field) -> usize {
        let inside = self.fields(&field.selection_set.node);
        let asked = ["first", "last"].map(|name| self.number(field, name));
        let inside = match asked {
            [None, None] if has_page(&field.selection_set.node) => {
                page(Some(DEFAULT_PAGE), None, inside)
            }
            [None, None] => inside,
            [first, last] => page(first, last, inside),
        };
        inside.saturating_add(1)
    }

    fn fragment(&mut self, name: &'a str) -> usize {
        if let Some(fields) = self.weighed.get(name) {
            return *fields;
        }
        let Some(fragment) = self.fragments.get(name) else {
            return 0;
        };
        let fields = self.fields(&fragment.node.selection_set.node);
        self.weighed.insert(name, fields);
        fields
    }

    fn number(&self, field: &Field, name: &str) -> Option<i32> {
        let number = |number: &async_graphql_value::Number| {
            number
                .as_i64()
                .and_then(|number| i32::try_from(number).ok())
        };
        match &field.get_argument(name)?.node {
            Value::Number(literal) => number(literal),
            Value::Variable(variable) => match self.variables.get(variable)? {
                Constant::Number(given) => number(given),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Whether the items of a page are asked for here.
fn has_page(selection_set: &SelectionSet) -> bool {
    selection_set.items.iter().any(|item| {
        matches!(&item.node, Selection::Field(field)
            if ["nodes", "edges"].contains(&field.node.name.node.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn long(text: &str) -> bool {
        let variables = Variables::from_json(json!({ "many": 500, "few": 2, "text": "x" }));
        is_long(&parse_query(text).unwrap(), &variables)
    }

    #[test]
    fn pages_of_pages_are_long_and_what_clients_ask_all_day_is_not() {
        for short in [
            "{ me { name } }",
            "{ tasks { nodes { id name state priority createdAt } } }",
            "{ tasks(first: 50) { nodes { id runs(first: 1) { nodes { number outcome } } } } }",
            "query ($few: Int) { tasks(first: $few) { nodes { runs { nodes { number } } } } }",
            "{ ...missing }",
        ] {
            assert!(!long(short), "{short}");
        }
        for slow in [
            "{ tasks(first: 500) { nodes { id name state priority } } }",
            "{ tasks { nodes { runs { nodes { number } } } } }",
            "query ($many: Int) { tasks(last: $many) { edges { node { id name state } } } }",
            "{ tasks { nodes { ...f } } } fragment f on Task { runs { nodes { number outcome } } }",
        ] {
            assert!(long(slow), "{slow}");
        }
    }

    #[test]
    fn fragments_that_double_each_other_are_weighed_once() {
        let mut text = "{ ...f0 } ".to_owned();
        for n in 0..60 {
            text += &format!("fragment f{n} on Query {{ ...f{0} ...f{0} }} ", n + 1);
        }
        text += "fragment f60 on Query { me { name } }";
        assert!(long(&text));
    }
}
