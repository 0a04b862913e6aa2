//! How much one document may ask for, measured before anything is executed.
//!
//! The library measures depth and complexity, but it expands fragments as it goes: a short document whose fragments use
//! each other twice would keep it busy for ages. So documents are measured here first, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, ServerError};

use crate::config::Limits;

/// Items of a list whose length the caller did not choose.
pub(crate) const DEFAULT_PAGE: i32 = 50;
/// Most items of one page of a list.
pub(crate) const MOST_PER_PAGE: i32 = 500;
/// Items that a list without pages is taken to have.
pub(crate) const SOME: usize = 8;

/// The complexity of a page: the items that were asked for, each with its fields.
pub(crate) fn page(first: Option<i32>, last: Option<i32>, child_complexity: usize) -> usize {
    let items = first.or(last).unwrap_or(DEFAULT_PAGE);
    // Beyond the limit the request is refused anyway, with the name of the argument.
    let items = usize::try_from(items.clamp(1, MOST_PER_PAGE)).unwrap_or(1);
    items.saturating_mul(child_complexity)
}

/// Refuses a document that is too long to be read.
pub(crate) fn check_length(document: &str, limits: &Limits) -> Result<(), ServerError> {
    let (found, most) = (document.len(), limits.document_bytes);
    if found <= most {
        return Ok(());
    }
    let message = format!("the document has {found} bytes, at most {most} are accepted");
    Err(ServerError::new(message, None))
}

/// Refuses a document that asks for too much.
pub(crate) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), ServerError> {
    let mut scale = Scale {
        fragments: &document.fragments,
        weighed: HashMap::new(),
    };
    let mut total = Weight::default();
    for (_, operation) in document.operations.iter() {
        total = total.and(scale.selection_set(&operation.node.selection_set)?);
    }
    let within = |what: &str, found: usize, most: usize| {
        if found <= most {
            return Ok(());
        }
        let message = format!("the document has {found} {what}, at most {most} are accepted");
        Err(ServerError::new(message, None))
    };
    within("fields and fragments", total.selections, limits.selections)?;
    within("aliases", total.aliases, limits.aliases)
}

/// Whether a document asks for nothing but what the schema is. Only for documents that were [`check`]ed.
pub(crate) fn is_introspection(document: &ExecutableDocument) -> bool {
    let is_query = |ty| ty == OperationType::Query;
    document
        .operations
        .iter()
        .all(|(_, operation)| is_query(operation.node.ty))
        && root_fields(document)
            .iter()
            .all(|field| field.name.node.starts_with("__"))
}

/// Whether a document has an operation that changes something.
pub(crate) fn is_mutation(document: &ExecutableDocument) -> bool {
    has(document, OperationType::Mutation)
}

/// Whether a document has an operation that goes on.
pub(crate) fn is_subscription(document: &ExecutableDocument) -> bool {
    has(document, OperationType::Subscription)
}

fn has(document: &ExecutableDocument, ty: OperationType) -> bool {
    let mut operations = document.operations.iter();
    operations.any(|(_, operation)| operation.node.ty == ty)
}

/// Whether a document asks what the schema is, among other things. Only for documents that were [`check`]ed.
pub(crate) fn asks_for_schema(document: &ExecutableDocument) -> bool {
    root_fields(document)
        .iter()
        .any(|field| ["__schema", "__type"].contains(&field.name.node.as_str()))
}

/// The outermost fields.
pub(crate) fn root_fields(document: &ExecutableDocument) -> Vec<&Field> {
    let mut fields = Vec::new();
    let mut rest: Vec<&SelectionSet> = document
        .operations
        .iter()
        .map(|(_, operation)| &operation.node.selection_set.node)
        .collect();
    while let Some(selection_set) = rest.pop() {
        for item in &selection_set.items {
            match &item.node {
                Selection::Field(field) => fields.push(&field.node),
                Selection::InlineFragment(fragment) => rest.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.node.fragment_name.node);
                    rest.extend(fragment.map(|fragment| &fragment.node.selection_set.node));
                }
            }
        }
    }
    fields
}

/// What a part of a document costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Weight {
    selections: usize,
    aliases: usize,
}

impl Weight {
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
        }
    }
}

struct Scale<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// Fragments that were weighed; `None` while one is being weighed.
    weighed: HashMap<&'a str, Option<Weight>>,
}

impl<'a> Scale<'a> {
    /// The parser bounds the nesting of braces, and no fragment is entered twice: the recursion ends.
    fn selection_set(
        &mut self,
        selection_set: &'a Positioned<SelectionSet>,
    ) -> Result<Weight, ServerError> {
        let mut total = Weight::default();
        for item in &selection_set.node.items {
            let inside = match &item.node {
                Selection::Field(field) => self.selection_set(&field.node.selection_set)?,
                Selection::InlineFragment(fragment) => {
                    self.selection_set(&fragment.node.selection_set)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node, item.pos)?
                }
            };
            let has_alias =
                matches!(&item.node, Selection::Field(field) if field.node.alias.is_some());
            let itself = Weight {
                selections: 1,
                aliases: usize::from(has_alias),
            };
            total = total.and(itself).and(inside);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a str, pos: Pos) -> Result<Weight, ServerError> {
        match self.weighed.get(name) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => {
                let message = format!("the fragment {name} is part of itself");
                return Err(ServerError::new(message, Some(pos)));
            }
            None => {}
        }
        let Some(fragment) = self.fragments.get(name) else {
            // The validation names it.
            return Ok(Weight::default());
        };
        self.weighed.insert(name, None);
        let weight = self.selection_set(&fragment.node.selection_set)?;
        self.weighed.insert(name, Some(weight));
        Ok(weight)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn limits() -> Limits {
        Limits {
            selections: 10,
            aliases: 2,
            ..Limits::default()
        }
    }

    fn refused(document: &str) -> Option<String> {
        let document = parse_query(document).unwrap();
        check(&document, &limits()).err().map(|error| error.message)
    }

    #[test]
    fn a_document_within_the_limits_is_accepted() {
        assert_eq!(refused("{ a: me { name } tasks { nodes { id } } }"), None);
        assert_eq!(refused("{ ...missing }"), None);
    }

    #[test]
    fn a_document_beyond_a_limit_is_refused_with_both_numbers() {
        assert_eq!(
            refused("{ a b c d e f g h i j k }").as_deref(),
            Some("the document has 11 fields and fragments, at most 10 are accepted")
        );
        assert_eq!(
            refused("{ x: a y: a z: a }").as_deref(),
            Some("the document has 3 aliases, at most 2 are accepted")
        );
    }

    #[test]
    fn a_fragment_counts_wherever_it_is_used() {
        let document = "{ ...f ...f ...f } fragment f on Query { x: me { name } }";
        assert_eq!(
            refused(document).as_deref(),
            Some("the document has 3 aliases, at most 2 are accepted")
        );
    }

    /// Expanded it would have 2⁶⁰ fields.
    #[test]
    fn fragments_that_double_each_other_are_refused_at_once() {
        let mut document = "{ ...f0 } ".to_owned();
        for n in 0..60 {
            let next = n + 1;
            let _ = write!(
                document,
                "fragment f{n} on Query {{ ...f{next} ...f{next} }} "
            );
        }
        document.push_str("fragment f60 on Query { me { name } }");
        let refused = refused(&document).unwrap();
        assert!(refused.contains("fields and fragments"), "{refused}");
    }

    #[test]
    fn a_fragment_inside_itself_is_refused() {
        let document = "{ ...f } fragment f on Query { me { ...f } }";
        assert_eq!(
            refused(document).as_deref(),
            Some("the fragment f is part of itself")
        );
    }

    #[test]
    fn only_questions_for_the_schema_are_introspection() {
        let is_introspection = |text| is_introspection(&parse_query(text).unwrap());
        assert!(is_introspection(
            "{ __schema { types { name } } __typename }"
        ));
        assert!(is_introspection(
            "{ ...f ... { __typename } } fragment f on Query { __type(name: \"Task\") { name } }"
        ));
        for text in [
            "{ __schema { types { name } } me { name } }",
            "query a { __typename } query b { me { name } }",
            "{ ...f } fragment f on Query { me { name } }",
            "{ ... { me { name } } }",
            "mutation { __typename }",
            "subscription { agentOrders { desired } }",
        ] {
            assert!(!is_introspection(text), "{text}");
        }
        let asks_for_schema = |text| asks_for_schema(&parse_query(text).unwrap());
        assert!(asks_for_schema(
            "{ me { name } ... { x: __schema { types { name } } } }"
        ));
        assert!(!asks_for_schema("{ me { __typename } __typename }"));
    }

    #[test]
    fn a_page_costs_what_it_may_hold() {
        assert_eq!(page(None, None, 3), 150);
        assert_eq!(page(Some(10), None, 3), 30);
        assert_eq!(page(None, Some(20), 3), 60);
        assert_eq!(page(Some(-5), None, 3), 3);
        assert_eq!(page(Some(i32::MAX), None, 3), 1500);
    }
}
