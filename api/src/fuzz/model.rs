//! The schema as the attack needs it: what can be asked, with which arguments.

use std::collections::BTreeMap;
use std::fmt;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, seq::IteratorRandom};
use serde::Deserialize;
use serde_json::{Value, json};

/// Asks for the whole schema.
pub(super) const QUESTION: &str = "{ __schema { types { name kind
    fields { name args { name defaultValue type { ...T } } type { ...T } }
    inputFields { name defaultValue type { ...T } } enumValues { name } } } }
    fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name kind } } } }";

/// The schema, by the names of its types.
pub(super) struct Model(BTreeMap<String, Type>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    name: String,
    kind: String,
    #[serde(default, deserialize_with = "or_none")]
    fields: Vec<Field>,
    #[serde(default, deserialize_with = "or_none")]
    input_fields: Vec<Argument>,
    #[serde(default, deserialize_with = "or_none")]
    enum_values: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// A field of an object.
#[derive(Deserialize)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "args")]
    pub(super) arguments: Vec<Argument>,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
}

/// An argument of a field, or a field of an input.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Argument {
    pub(super) name: String,
    default_value: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
}

/// A type, with what is in it if it is a list or not null. `Display` writes it as GraphQL does.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kind {
    name: Option<String>,
    kind: String,
    of_type: Option<Box<Kind>>,
}

fn or_none<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.as_str(), &self.of_type) {
            ("NON_NULL", Some(inner)) => write!(f, "{inner}!"),
            ("LIST", Some(inner)) => write!(f, "[{inner}]"),
            _ => f.write_str(self.name.as_deref().unwrap_or_default()),
        }
    }
}

impl Kind {
    fn innermost(&self) -> &str {
        match &self.of_type {
            Some(inner) => inner.innermost(),
            None => self.name.as_deref().unwrap_or_default(),
        }
    }
}

impl Argument {
    pub(super) fn is_required(&self) -> bool {
        self.kind.kind == "NON_NULL" && self.default_value.is_none()
    }
}

impl Model {
    pub(super) fn read(answer: &Value) -> Self {
        let types = answer["__schema"]["types"].clone();
        let types: Vec<Type> =
            serde_json::from_value(types).expect("the schema is as GraphQL says");
        Self(types.into_iter().map(|it| (it.name.clone(), it)).collect())
    }

    /// A query or a mutation.
    pub(super) fn any_field(&self, random: &mut StdRng) -> (&'static str, &Field) {
        let roots = [("query", "Query"), ("mutation", "Mutation")];
        let fields = roots.iter().flat_map(|(operation, root)| {
            self.0[*root].fields.iter().map(|field| (*operation, field))
        });
        fields.choose(random).expect("there are fields")
    }

    /// A value as it should be.
    pub(super) fn usual(&self, kind: &Kind, random: &mut StdRng) -> Value {
        match (kind.kind.as_str(), &kind.of_type) {
            ("NON_NULL", Some(inner)) => return self.usual(inner, random),
            ("LIST", Some(inner)) => return json!([self.usual(inner, random)]),
            _ => {}
        }
        let name = kind.innermost();
        match name {
            "Int" | "Long" => json!(random.random_range(0..20)),
            "Float" => json!(1.5),
            "Boolean" => json!(random.random_bool(0.5)),
            "ID" => json!(random.random_range(1..5).to_string()),
            "DateTime" => json!("2026-11-27T00:00:00Z"),
            _ => {
                let known = &self.0[name];
                let one = known.enum_values.choose(random).map(|one| &one.name);
                match (known.kind.as_str(), one) {
                    ("ENUM", Some(one)) => json!(one),
                    ("INPUT_OBJECT", _) => self.input(known, random),
                    _ => json!("train.py"),
                }
            }
        }
    }

    fn input(&self, kind: &Type, random: &mut StdRng) -> Value {
        let fields = kind.input_fields.iter();
        let fields = fields.filter(|field| field.is_required() || random.random_bool(0.5));
        let fields: Vec<&Argument> = fields.collect();
        let values = fields
            .iter()
            .map(|field| (field.name.clone(), self.usual(&field.kind, random)));
        Value::Object(values.collect())
    }

    /// Everything of an object that needs no arguments, some levels deep.
    pub(super) fn selection(&self, kind: &Kind, levels: u32) -> String {
        let known = &self.0[kind.innermost()];
        if known.fields.is_empty() {
            return String::new();
        }
        let fields = known.fields.iter().filter_map(|field| {
            let is_object = !self.0[field.kind.innermost()].fields.is_empty();
            let is_easy = !field.arguments.iter().any(Argument::is_required);
            let inner = match (is_object, levels) {
                (true, 0) => return None,
                (true, _) => self.selection(&field.kind, levels - 1),
                (false, _) => String::new(),
            };
            (is_easy && inner != "{ }").then(|| format!("{} {inner}", field.name))
        });
        let fields: Vec<String> = fields.collect();
        format!("{{ {} }}", fields.join(" ").trim())
    }
}
