//! The kinds of value that a document has: text, numbers, lists and mappings, each read or refused.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::Problem;

pub(super) fn mapping(value: &Value) -> Result<&Map<String, Value>, Problem> {
    value
        .as_object()
        .ok_or_else(|| wrong_kind("a mapping", value))
}

/// The items of a list, or those of a text with commas.
pub(super) fn items(value: &Value) -> Result<Vec<Value>, Problem> {
    if let Some(items) = value.as_array() {
        return Ok(items.clone());
    }
    let text = value
        .as_str()
        .ok_or_else(|| wrong_kind("a list or text with commas", value))?;
    Ok(text
        .split(',')
        .filter(|item| !item.trim().is_empty())
        .map(Value::from)
        .collect())
}

pub(super) fn flag(value: &Value) -> Result<bool, Problem> {
    value
        .as_bool()
        .ok_or_else(|| wrong_kind("true or false", value))
}

/// A whole number between two bounds.
pub(super) fn whole(value: &Value, bounds: RangeInclusive<u32>) -> Result<u32, Problem> {
    let Value::Number(number) = value else {
        return Err(wrong_kind("a whole number", value));
    };
    ensure(!number.is_f64(), "must be a whole number")?;
    let fitting = number
        .as_u64()
        .and_then(|number| u32::try_from(number).ok());
    fitting
        .filter(|number| bounds.contains(number))
        .ok_or_else(|| Problem::OutOfRange {
            least: *bounds.start(),
            most: *bounds.end(),
            found: number.to_string(),
        })
}

pub(super) fn text(value: &Value) -> Result<&str, Problem> {
    value.as_str().ok_or_else(|| match value {
        Value::Bool(_) | Value::Number(_) => wrong_kind("text (put it in quotes)", value),
        _ => wrong_kind("text", value),
    })
}

/// Text on one line that is not blank.
pub(super) fn line(value: &Value, most_chars: usize) -> Result<&str, Problem> {
    let text = text(value)?;
    ensure(!text.trim().is_empty(), "must not be empty")?;
    ensure(
        !text.contains(char::is_control),
        "must not contain control characters",
    )?;
    at_most(most_chars, "characters", text.chars().count())?;
    Ok(text)
}

/// A line without spaces.
pub(super) fn word(value: &Value, most_chars: usize) -> Result<&str, Problem> {
    let word = line(value, most_chars)?;
    ensure(
        !word.contains(char::is_whitespace),
        "must not contain spaces",
    )?;
    Ok(word)
}

/// The rule as the problem, unless it is kept.
pub(super) fn ensure(is_kept: bool, rule: &'static str) -> Result<(), Problem> {
    if is_kept {
        Ok(())
    } else {
        Err(Problem::Rule(rule))
    }
}

/// A bound on a length, counted in `unit`.
pub(super) fn at_most(most: usize, unit: &'static str, length: usize) -> Result<(), Problem> {
    if length <= most {
        Ok(())
    } else {
        Err(Problem::TooLong { most, unit, length })
    }
}

/// The problem of a value that is not of the `expected` kind.
pub(super) fn wrong_kind(expected: &'static str, value: &Value) -> Problem {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    };
    Problem::Kind { expected, found }
}
