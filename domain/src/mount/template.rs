//! Templates of paths: text with `{user.FIELD}` and `{task.FIELD}` in it, and nothing else.

use super::facts::{Facts, Field};
use super::value::{Value, Void};

/// A path in which names are filled in.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Field(Field),
}

impl Template {
    /// A path in which nothing is filled in, whatever it has in it.
    pub(super) fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Text(text.into())])
    }

    /// Reads a template. A brace that is meant is written twice.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = behind;
                continue;
            }
            let inside = match brace {
                "{" => rest.split_once('}'),
                _ => return Err("has a `}` without a `{`: write `}}` if it is meant".to_owned()),
            };
            let (name, behind) = inside
                .ok_or_else(|| "has a `{` without a `}`: write `{{` if it is meant".to_owned())?;
            parts.push(Part::Text(std::mem::take(&mut literal)));
            parts.push(Part::Field(field(name)?));
            rest = behind;
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Ok(Self(parts))
    }

    /// Whether it can be filled in only if there is a task.
    pub(super) fn needs_task(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::Field(field) if field.needs_task()))
    }

    /// The path for a user and a task.
    pub(super) fn fill(&self, facts: Facts<'_>) -> Result<String, Void> {
        let mut path = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Field(field) => match field.read(facts)? {
                    Value::Text(text) => path.push_str(&text),
                    Value::Int(number) => path.push_str(&number.to_string()),
                    other => {
                        return Void::because(format!("{} is no part of a path", other.kind()));
                    }
                },
            }
        }
        // What a name brought along must not lead elsewhere.
        if path.contains('\0') || path.split('/').any(|part| part == "..") {
            return Void::because(format!("{path:?} leads out of its directory"));
        }
        Ok(path)
    }
}

fn field(name: &str) -> Result<Field, String> {
    let field = match name.split_once('.') {
        Some(("user", "active" | "group_list")) => Err(format!("`{name}` is no part of a path")),
        Some(("user", field)) => Field::of_user(field),
        Some(("task", field)) => Field::of_task(field),
        _ => Err(format!(
            "`{{{name}}}` is not accepted: only `{{user.FIELD}}` and `{{task.FIELD}}` are"
        )),
    };
    field.map_err(|reason| format!("has a part that cannot be filled in: {reason}"))
}
