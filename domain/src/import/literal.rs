//! The constants of a row, without the words around them.

use sqlparser::ast::{Array, Expr, UnaryOperator, Value};

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    /// `DEFAULT`: as if the column were not named.
    Default,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Literal>),
}

impl Literal {
    /// The constant that an expression is. A cast changes nothing, because each column knows what it holds.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn of(expr: &Expr) -> Result<Self, String> {
        match expr {
            Expr::Value(value) => Self::of_value(&value.value),
            Expr::TypedString(typed) => Self::of_value(&typed.value.value),
            Expr::Nested(inner) => Self::of(inner),
            Expr::Cast { expr, .. } => Self::of(expr),
            Expr::Array(Array { elem, .. }) => {
                let items: Result<_, _> = elem.iter().map(Self::of).collect();
                items.map(Self::List)
            }
            Expr::UnaryOp { op, expr } => match (op, Self::of(expr)?) {
                (UnaryOperator::Minus, Self::Number(digits)) => {
                    Ok(Self::Number(format!("-{digits}")))
                }
                (UnaryOperator::Plus, number @ Self::Number(_)) => Ok(number),
                _ => Err(no_constant(&format!("{op}…"))),
            },
            Expr::Identifier(word)
                if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default") =>
            {
                Ok(Self::Default)
            }
            Expr::Identifier(word) => Err(no_constant(&word.to_string())),
            Expr::Function(call) => Err(no_constant(&format!("{}(…)", call.name))),
            _ => Err(no_constant("an expression")),
        }
    }

    fn of_value(value: &Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Boolean(value) => Ok(Self::Bool(*value)),
            Value::Number(digits, _) => Ok(Self::Number(digits.clone())),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::UnicodeStringLiteral(text)
            | Value::NationalStringLiteral(text) => Ok(Self::Text(text.clone())),
            Value::DollarQuotedString(text) => Ok(Self::Text(text.value.clone())),
            Value::Placeholder(text) => Err(no_constant(text)),
            _ => Err(no_constant("this kind of text")),
        }
    }
}

fn no_constant(what: &str) -> String {
    format!(
        "{what} is no constant: only texts, numbers, lists, TRUE, FALSE, NULL and DEFAULT are taken in"
    )
}
