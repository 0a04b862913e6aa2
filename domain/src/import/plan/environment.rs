//! Rows of `train_environment`.

use entity::Words;
use entity::environment::{Model as Environment, Variables};
use serde_json::{Map, Value as Json};

use crate::import::row::Reader;
use crate::import::table::unknown;

/// What the original reads of a configuration.
const KEYS: [&str; 4] = ["environments", "python", "cuda", "hf_envs"];

pub(super) fn environment(row: &mut Reader<'_>) -> Environment {
    let name = row.needed("env_name");
    if name.contains('/') {
        // With a `/` a task means the address of an image.
        row.wrong("env_name", "must not have a `/`");
    }
    let config = match row.json("config") {
        None => Map::new(),
        Some(Json::Object(config)) => config,
        Some(_) => {
            row.wrong("config", "is no JSON object");
            Map::new()
        }
    };
    for key in config.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        row.wrong("config", unknown("key", key, KEYS.into_iter()));
    }
    let mut text = |key: &str| match config.get(key) {
        None | Some(Json::Null) => String::new(),
        Some(value) => scalar(value).unwrap_or_else(|| {
            row.wrong("config", format!("{key} is no text"));
            String::new()
        }),
    };
    let (python, cuda) = (text("python"), text("cuda"));
    Environment {
        name,
        image: row.text("image").unwrap_or_default(),
        variables: Variables(variables(row, config.get("environments"))),
        python,
        cuda,
        schema_template: row.text("schema_template").unwrap_or_default(),
        hf_envs: Words(words(row, config.get("hf_envs"))),
    }
}

fn variables(row: &mut Reader<'_>, value: Option<&Json>) -> Vec<(String, String)> {
    let variables = match value {
        None | Some(Json::Null) => return Vec::new(),
        Some(Json::Object(variables)) => variables,
        Some(_) => {
            row.wrong("config", "environments is no JSON object");
            return Vec::new();
        }
    };
    let read = |(name, value): (&String, &Json)| {
        let text = scalar(value).filter(|_| !name.is_empty() && !name.contains(['=', '\0']));
        if text.is_none() {
            row.wrong(
                "config",
                format!("environments.{name} is no variable with a text"),
            );
        }
        Some((name.clone(), text?))
    };
    variables.iter().filter_map(read).collect()
}

fn words(row: &mut Reader<'_>, value: Option<&Json>) -> Vec<String> {
    let words = match value {
        None | Some(Json::Null) => return Vec::new(),
        Some(Json::Array(items)) => items.iter().map(scalar).collect::<Option<Vec<_>>>(),
        Some(_) => None,
    };
    words.unwrap_or_else(|| {
        row.wrong("config", "hf_envs is no list of texts");
        Vec::new()
    })
}

/// A text, or a number that stands for one.
fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.contains('\0') => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
