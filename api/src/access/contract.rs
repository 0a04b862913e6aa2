//! What can be asked, by the schema itself.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, ServiceDocument, Type, TypeKind, TypeSystemDefinition,
};

use crate::schema;

/// What arguments are called that name something that is there.
const NAMES: [&str; 9] = [
    "id", "user", "owner", "holder", "editor", "node", "name", "names", "image",
];

/// A field at the root of the schema.
pub(super) struct RootField {
    /// `query`, `mutation` or `subscription`.
    pub(super) operation: &'static str,
    pub(super) name: String,
    /// Paths of its arguments that name something, for example `input.user`.
    pub(super) names: Vec<String>,
}

/// All fields at the root, in the order of the schema.
pub(super) fn root_fields() -> Vec<RootField> {
    let document = parse_schema(schema::sdl()).unwrap();
    let roots = [
        ("query", "Query"),
        ("mutation", "Mutation"),
        ("subscription", "Subscription"),
    ];
    let of_root = |(operation, root): (&'static str, &str)| {
        let TypeKind::Object(object) = kind(&document, root).unwrap() else {
            panic!("{root} is no object");
        };
        let fields = object.fields.iter().map(|field| RootField {
            operation,
            name: field.node.name.node.to_string(),
            names: names(&document, &field.node),
        });
        fields.collect::<Vec<_>>()
    };
    roots.into_iter().flat_map(of_root).collect()
}

/// `query`, `mutation` or `subscription`, by the field.
pub(super) fn operations() -> BTreeMap<String, &'static str> {
    let fields = root_fields().into_iter();
    fields.map(|field| (field.name, field.operation)).collect()
}

fn names(document: &ServiceDocument, field: &FieldDefinition) -> Vec<String> {
    let mut found = Vec::new();
    for argument in &field.arguments {
        let argument = &argument.node;
        found.extend(names_below(
            document,
            &argument.name.node,
            &argument.ty.node,
        ));
    }
    found
}

/// Of an argument, or of a field of an input: itself, or those in it.
fn names_below(document: &ServiceDocument, name: &str, ty: &Type) -> Vec<String> {
    match kind(document, base(ty)) {
        Some(TypeKind::InputObject(input)) => {
            let fields = input.fields.iter().map(|field| &field.node);
            let below =
                fields.flat_map(|field| names_below(document, &field.name.node, &field.ty.node));
            below.map(|below| format!("{name}.{below}")).collect()
        }
        _ if NAMES.contains(&name) => vec![name.to_owned()],
        _ => Vec::new(),
    }
}

fn kind<'a>(document: &'a ServiceDocument, wanted: &str) -> Option<&'a TypeKind> {
    document.definitions.iter().find_map(|it| match it {
        TypeSystemDefinition::Type(it) if it.node.name.node == wanted => Some(&it.node.kind),
        _ => None,
    })
}

fn base(kind: &Type) -> &str {
    match &kind.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => base(inner),
    }
}
