//! Conditions: a part of the expressions of Python, read by a parser of our own. Nothing is executed.
//!
//! ```text
//! expression  or · and · comparisons (chained, `is None`) · | · ^ · & · << >> · + - · * / // % · unary + - ~ · **
//! operand     number · text · None · (tuple) · [list] · operand[index] · operand[from:to]
//!             user · task · task.user · user.FIELD · task.FIELD
//!             user.in_group(TEXT) · user.in_any_group(LIST) · operand.startswith(TEXT) · operand.endswith(TEXT)
//! ```

mod evaluate;
mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use super::facts::{Facts, Field};
use super::value::{Value, Void};

/// Longest condition, in bytes.
pub(super) const LONGEST: usize = 1000;

/// One condition.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    expression: Expression,
    needs_task: bool,
}

impl Condition {
    /// Reads a condition.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("must have at most {LONGEST} bytes"));
        }
        let (expression, needs_task) = parser::parse(text)?;
        Ok(Self {
            expression,
            needs_task,
        })
    }

    /// Whether it can be asked only if there is a task.
    pub(super) fn needs_task(&self) -> bool {
        self.needs_task
    }

    /// Whether it joins several with `and` or `or`.
    pub(super) fn is_joined(&self) -> bool {
        self.expression
            .any(&|it| matches!(it, Expression::Join(..)))
    }

    /// Whether it holds.
    pub(super) fn holds(&self, facts: Facts<'_>) -> Result<bool, Void> {
        Ok(self.expression.evaluate(facts)?.is_true())
    }
}

#[derive(Debug, Clone)]
enum Expression {
    Constant(Value),
    Field(Field),
    /// The user, always there.
    User,
    /// The task, or `None`.
    Task,
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Unary(Unary, Box<Expression>),
    Binary(Box<Expression>, Binary, Box<Expression>),
    /// `a < b < c`: each operator with what stands to its right.
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    Join(Box<Expression>, Join, Box<Expression>),
    Index(Box<Expression>, Box<Expression>),
    Slice(Box<Expression>, [Option<Box<Expression>>; 2]),
    Affix(Box<Expression>, Affix, Box<Expression>),
    InGroups(Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unary {
    Plus,
    Minus,
    Invert,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binary {
    Or,
    Xor,
    And,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    /// `is`, of which one side is `None`.
    Is,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affix {
    Start,
    End,
}

impl Expression {
    /// Whether there is such a part in it.
    fn any(&self, is_it: &impl Fn(&Self) -> bool) -> bool {
        is_it(self)
            || match self {
                Self::Constant(_) | Self::Field(_) | Self::User | Self::Task => false,
                Self::List(items) | Self::Tuple(items) => items.iter().any(|it| it.any(is_it)),
                Self::Unary(_, inner) | Self::InGroups(inner) => inner.any(is_it),
                Self::Binary(left, _, right)
                | Self::Join(left, _, right)
                | Self::Index(left, right)
                | Self::Affix(left, _, right) => left.any(is_it) || right.any(is_it),
                Self::Compare(first, rest) => {
                    first.any(is_it) || rest.iter().any(|(_, it)| it.any(is_it))
                }
                Self::Slice(of, ends) => {
                    of.any(is_it) || ends.iter().flatten().any(|end| end.any(is_it))
                }
            }
    }
}
