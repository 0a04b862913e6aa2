//! The rules of schema v2: what each field may hold.

use std::collections::BTreeMap;

use scheduler::Priority;
use serde_json::Value;

use super::command;
use super::error::{Problem, clip};
use super::kinds::{at_most, ensure, line, text, whole, word, wrong_kind};
use super::suggest;
use super::task_spec::TaskType;

const NAME_CHARS: usize = 511;
const WORKSPACE_CHARS: usize = 255;
const IMAGE_CHARS: usize = 255;
const GROUP_CHARS: usize = 255;
const TAG_CHARS: usize = 255;
const MOST_TAGS: usize = 64;
const MOST_NODES: u32 = 100_000;

/// Longest command: the path of the entrypoint, a space, the parameters.
const COMMAND_CHARS: usize = 2047;

/// What GraphQL carries as `Int` and the database as a 32-bit integer.
const MOST: u32 = i32::MAX.unsigned_abs();

/// Linux starts no program with a longer `NAME=value`, counted without its closing NUL.
const VARIABLE_BYTES: usize = 128 * 1024 - 1;

/// All variables together: far less than Linux passes on, and as much as a YAML document holds.
const VARIABLES_BYTES: usize = 256 * 1024;

/// With this word a user leaves the image or the group to the platform.
pub(super) const DEFAULT: &str = "default";

pub(super) fn version(value: &Value) -> Result<(), Problem> {
    ensure(
        value.as_u64() == Some(2),
        "must be 2, the version of the task schema",
    )
}

pub(super) fn name(value: &Value) -> Result<String, Problem> {
    let name = line(value, NAME_CHARS)?;
    ensure(!name.contains(['(', ')']), "must not contain parentheses")?;
    Ok(name.to_owned())
}

pub(super) fn task_type(value: &Value) -> Result<TaskType, Problem> {
    let known = TaskType::Training.as_str();
    match text(value)? {
        word if word == known => Ok(TaskType::Training),
        "jupyter" | "background" | "validation" | "virtual" | "upgrade" => {
            Err(Problem::Unsupported {
                reason: "the only type of task is `training`",
            })
        }
        unknown => Err(Problem::NotOneOf {
            value: clip(unknown),
            allowed: known.to_owned(),
            suggestion: suggest::word(unknown, [known]),
        }),
    }
}

/// A priority by number or by name.
pub(super) fn priority(value: &Value) -> Result<Priority, Problem> {
    let (found, written) = match value {
        Value::Number(number) => {
            let value = number
                .as_i64()
                .and_then(|number| i32::try_from(number).ok());
            (value.and_then(Priority::from_value), number.to_string())
        }
        Value::String(name) => (name.parse().ok(), clip(name)),
        _ => return Err(wrong_kind("a number or a name", value)),
    };
    found.ok_or_else(|| Problem::NotOneOf {
        suggestion: suggest::word(&written, Priority::ALL.map(Priority::name)),
        allowed: Priority::ALL
            .map(|known| format!("{} {known}", known.value()))
            .join(", "),
        value: written,
    })
}

pub(super) fn workspace(value: &Value) -> Result<String, Problem> {
    if value.as_str().is_some_and(|path| path.contains("://")) {
        return Err(Problem::Unsupported {
            reason: "it must be a folder that the nodes can see",
        });
    }
    let path = word(value, WORKSPACE_CHARS)?;
    ensure(path.starts_with('/'), "must be an absolute path")?;
    ensure(
        path.split('/').all(|step| step != ".."),
        "must not contain `..`",
    )?;
    Ok(path.to_owned())
}

pub(super) fn entrypoint(value: &Value) -> Result<String, Problem> {
    let path = line(value, COMMAND_CHARS)?;
    ensure(!path.ends_with('/'), "must be a file, not a folder")?;
    Ok(path.to_owned())
}

pub(super) fn parameters(value: &Value) -> Result<String, Problem> {
    let parameters = text(value)?.trim();
    ensure(!parameters.contains('\0'), "must not contain NUL")?;
    ensure(
        !command::ends_early(parameters),
        "must not contain a line break outside of quotes: what follows it would not be passed",
    )?;
    Ok(parameters.to_owned())
}

/// The command that workspace, entrypoint and parameters make together.
pub(super) fn command(command: &str) -> Result<(), Problem> {
    let unit = "characters together with workspace and entrypoint";
    at_most(COMMAND_CHARS, unit, command.chars().count())
}

/// The value of an environment variable. Whole numbers need no quotes; of other values YAML loses the spelling.
pub(super) fn variable(name: &str, value: &Value) -> Result<String, Problem> {
    ensure(
        !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
        "must have a name of letters, digits and `_` that does not start with a digit",
    )?;
    ensure(
        ![protocol::RANK_DIR_VAR, protocol::CONTROL_DIR_VAR].contains(&name),
        "is set by the platform and cannot be changed",
    )?;
    let value = match value {
        Value::Number(number) if !number.is_f64() => number.to_string(),
        value => text(value)?.to_owned(),
    };
    ensure(!value.contains('\0'), "must not contain NUL")?;
    at_most(
        VARIABLE_BYTES,
        "bytes with its name",
        variable_bytes(name, &value),
    )?;
    Ok(value)
}

pub(super) fn variables(variables: &BTreeMap<String, String>) -> Result<(), Problem> {
    let bytes = variables
        .iter()
        .map(|(name, value)| variable_bytes(name, value))
        .sum();
    at_most(VARIABLES_BYTES, "bytes in all", bytes)
}

/// Length of `NAME=value`.
fn variable_bytes(name: &str, value: &str) -> usize {
    name.len() + "=".len() + value.len()
}

pub(super) fn image(value: &Value) -> Result<String, Problem> {
    word(value, IMAGE_CHARS).map(str::to_owned)
}

/// `group`, or `group#zone`; an empty group is the default one.
pub(super) fn group(value: &Value) -> Result<(String, Option<String>), Problem> {
    if value == "" {
        return Ok((DEFAULT.to_owned(), None));
    }
    let group = word(value, GROUP_CHARS)?;
    let (group, zone) = match group.split_once('#') {
        Some((group, zone)) => (group, Some(zone)),
        None => (group, None),
    };
    ensure(
        !group.is_empty() && zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('#')),
        "must be `group` or `group#zone`",
    )?;
    Ok((group.to_owned(), zone.map(str::to_owned)))
}

pub(super) fn node_count(value: &Value) -> Result<u32, Problem> {
    whole(value, 1..=MOST_NODES)
}

pub(super) fn whole_life_state(value: &Value) -> Result<u32, Problem> {
    whole(value, 0..=MOST)
}

pub(super) fn max_restarts(value: &Value) -> Result<u32, Problem> {
    whole(value, 0..=1000)
}

pub(super) fn seconds(value: &Value) -> Result<u32, Problem> {
    whole(value, 1..=MOST)
}

pub(super) fn tag(value: &Value) -> Result<String, Problem> {
    let tag = line(value, TAG_CHARS)?.trim();
    ensure(
        !tag.starts_with('_'),
        "must not start with `_`: such tags belong to the platform",
    )?;
    ensure(!tag.contains(','), "must not contain a comma")?;
    Ok(tag.to_owned())
}

pub(super) fn tags(tags: &[String]) -> Result<(), Problem> {
    at_most(MOST_TAGS, "tags", tags.len())
}
