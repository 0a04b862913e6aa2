//! The contract: `schema.graphql` is what the server says, and keeps the rules for schemas.

use std::collections::BTreeMap;
use std::path::Path;

use async_graphql_parser::parse_schema;
use async_graphql_parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};

/// Types that follow from the words for lists of Relay.
const RELAY_LISTS: [&str; 2] = ["edges", "nodes"];

#[test]
fn schema_graphql_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == api::sdl(),
        "schema.graphql is not what the server says: run\n  cargo run -p server -- schema > schema.graphql"
    );
}

#[test]
fn everything_is_described() {
    let mut silent = Vec::new();
    for (name, definition) in types() {
        let mut check = |place: String, description: Option<&str>| {
            if description.is_none_or(|text| text.trim().is_empty()) {
                silent.push(place);
            }
        };
        let description = definition.description.as_ref();
        check(name.clone(), description.map(|text| text.node.as_str()));
        for field in fields(&definition) {
            let place = format!("{name}.{}", field.name.node);
            let description = field.description.as_ref();
            check(place.clone(), description.map(|text| text.node.as_str()));
            for argument in &field.arguments {
                let argument = &argument.node;
                let description = argument.description.as_ref();
                let place = format!("{place}({})", argument.name.node);
                check(place, description.map(|text| text.node.as_str()));
            }
        }
        for field in input_fields(&definition) {
            let description = field.description.as_ref();
            let place = format!("{name}.{}", field.name.node);
            check(place, description.map(|text| text.node.as_str()));
        }
        if let TypeKind::Enum(kind) = &definition.kind {
            for value in &kind.values {
                let description = value.node.description.as_ref();
                let place = format!("{name}.{}", value.node.value.node);
                check(place, description.map(|text| text.node.as_str()));
            }
        }
    }
    assert!(silent.is_empty(), "without a description: {silent:#?}");
}

#[test]
fn every_list_is_a_page_or_says_how_long_it_may_be() {
    let mut endless = Vec::new();
    for (name, definition) in types() {
        let is_connection = name.ends_with("Connection");
        for field in fields(&definition) {
            let is_page = is_connection && RELAY_LISTS.contains(&field.name.node.as_str());
            if is_list(&field.ty.node) && !is_page && !is_bounded(field.description.as_ref()) {
                endless.push(format!("{name}.{}", field.name.node));
            }
        }
        for field in input_fields(&definition) {
            if is_list(&field.ty.node) && !is_bounded(field.description.as_ref()) {
                endless.push(format!("{name}.{}", field.name.node));
            }
        }
    }
    assert!(
        endless.is_empty(),
        "no `at most …` in the description: {endless:#?}"
    );
}

#[test]
fn a_connection_has_what_relay_asks_for_and_its_field_can_be_paged() {
    let types = types();
    let mut n_connections = 0;
    for (name, definition) in &types {
        for field in fields(definition) {
            let BaseType::Named(of) = &field.ty.node.base else {
                continue;
            };
            if !of.ends_with("Connection") {
                continue;
            }
            n_connections += 1;
            let place = format!("{name}.{}", field.name.node);
            assert!(!field.ty.node.nullable, "{place} is never absent");
            let arguments: Vec<&str> = field
                .arguments
                .iter()
                .map(|argument| argument.node.name.node.as_str())
                .collect();
            for argument in ["first", "after"] {
                assert!(arguments.contains(&argument), "{place} has no {argument}");
            }
            let fields: Vec<String> = fields(&types[of.as_str()])
                .map(|field| field.name.node.to_string())
                .collect();
            for wanted in ["edges", "nodes", "pageInfo", "totalCount"] {
                assert!(
                    fields.iter().any(|field| field == wanted),
                    "{of} has no {wanted}"
                );
            }
        }
    }
    assert!(n_connections >= 3);
}

#[test]
fn names_are_written_as_is_usual() {
    let mut strange = Vec::new();
    let mut check = |is_usual: bool, name: String| {
        if !is_usual {
            strange.push(name);
        }
    };
    for (name, definition) in types() {
        check(is_pascal(&name), name.clone());
        let is_input = matches!(definition.kind, TypeKind::InputObject(_));
        // A filter is an input, too, and says so by its own word.
        let says_input = name.ends_with("Input") || name.ends_with("Filter");
        check(
            is_input == says_input,
            format!("{name}: `…Input` and `…Filter` are inputs"),
        );
        for field in fields(&definition) {
            check(
                is_camel(&field.name.node),
                format!("{name}.{}", field.name.node),
            );
            for argument in &field.arguments {
                let argument = &argument.node.name.node;
                check(
                    is_camel(argument),
                    format!("{name}.{}({argument})", field.name.node),
                );
            }
        }
        for field in input_fields(&definition) {
            check(
                is_camel(&field.name.node),
                format!("{name}.{}", field.name.node),
            );
        }
        if let TypeKind::Enum(kind) = &definition.kind {
            for value in &kind.values {
                let value = &value.node.value.node;
                check(is_screaming(value), format!("{name}.{value}"));
            }
        }
    }
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn a_mutation_with_more_than_an_id_takes_one_input_and_answers_something() {
    let types = types();
    for field in fields(&types["Mutation"]) {
        let name = &field.name.node;
        for argument in &field.arguments {
            let argument = &argument.node;
            let base = argument.ty.node.base.to_string();
            let is_input = argument.name.node == "input" && base.ends_with("Input");
            let is_plain =
                ["id", "as", "yaml", "idempotencyKey"].contains(&argument.name.node.as_str());
            assert!(
                is_input || is_plain,
                "{name}({}): {base}",
                argument.name.node
            );
        }
        assert!(!field.ty.node.nullable, "{name} answers what it changed");
    }
}

/// All types of the schema by name.
fn types() -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(api::sdl()).expect("the schema can be read");
    let types: BTreeMap<String, TypeDefinition> = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => {
                Some((definition.node.name.node.to_string(), definition.node))
            }
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
        })
        .collect();
    assert!(types.len() > 40, "the schema is not all there");
    types
}

fn fields(definition: &TypeDefinition) -> impl Iterator<Item = &FieldDefinition> {
    let fields = match &definition.kind {
        TypeKind::Object(object) => object.fields.as_slice(),
        TypeKind::Interface(interface) => interface.fields.as_slice(),
        TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) | TypeKind::InputObject(_) => &[],
    };
    fields.iter().map(|field| &field.node)
}

fn input_fields(definition: &TypeDefinition) -> impl Iterator<Item = &InputValueDefinition> {
    let fields = match &definition.kind {
        TypeKind::InputObject(input) => input.fields.as_slice(),
        TypeKind::Scalar
        | TypeKind::Object(_)
        | TypeKind::Interface(_)
        | TypeKind::Union(_)
        | TypeKind::Enum(_) => &[],
    };
    fields.iter().map(|field| &field.node)
}

fn is_list(of: &Type) -> bool {
    matches!(of.base, BaseType::List(_))
}

fn is_bounded(description: Option<&async_graphql_parser::Positioned<String>>) -> bool {
    description.is_some_and(|text| text.node.to_lowercase().contains("at most"))
}

fn is_pascal(name: &str) -> bool {
    let is_acronym = name.chars().all(|c| c.is_ascii_uppercase());
    let begins = name.starts_with(|c: char| c.is_ascii_uppercase());
    begins && name.chars().all(|c| c.is_ascii_alphanumeric()) && (name == "JSON" || !is_acronym)
}

fn is_camel(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_screaming(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
