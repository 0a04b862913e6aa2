//! What conditions calculate with: the plain values of Python, of which the original's conditions are a part.

use std::cmp::Ordering;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    /// The user or the task as a whole, which can only be compared with `None`.
    Whole,
}

/// Why a condition or a template has no value: its rule does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Void(pub(super) String);

impl Void {
    pub(super) fn because<T>(reason: impl Into<String>) -> Result<T, Self> {
        Err(Self(reason.into()))
    }
}

impl Value {
    /// Whether it counts as true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(it) => *it,
            Self::Int(it) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Text(it) => !it.is_empty(),
            Self::List(it) | Self::Tuple(it) => !it.is_empty(),
            Self::Whole => true,
        }
    }

    /// Its kind, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Whole => "the user or the task as a whole",
        }
    }

    /// As a whole number; a truth value is 0 or 1.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Bool(it) => Some(i64::from(*it)),
            Self::Int(it) => Some(*it),
            _ => None,
        }
    }

    /// As any number; a large whole one loses digits, as in Python's division.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Float(it) => Some(*it),
            _ => self.whole().map(|it| it as f64),
        }
    }

    /// `==`: numbers of all kinds are compared, and things of different kinds differ.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Whole, Self::Whole) => true,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::List(left), Self::List(right)) | (Self::Tuple(left), Self::Tuple(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .zip(right)
                        .all(|(left, right)| left.equals(right))
            }
            _ => self.compare_numbers(other) == Some(Ordering::Equal),
        }
    }

    /// `<` and the like: only numbers with numbers and texts with texts.
    pub(super) fn compare(&self, other: &Self) -> Result<Option<Ordering>, Void> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Ok(Some(left.cmp(right))),
            _ if self.number().is_some() && other.number().is_some() => {
                Ok(self.compare_numbers(other))
            }
            _ => Void::because(format!(
                "{} and {} have no order",
                self.kind(),
                other.kind()
            )),
        }
    }

    fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self.whole(), other.whole()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }
}
