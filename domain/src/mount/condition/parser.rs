//! From words to an expression, with the precedence of Python.

use super::lexer::{Token, split};
use super::{Affix, Binary, Comparison, Expression, Field, Join, Unary, Value};

/// Deepest nesting.
const DEEPEST: u32 = 40;

const OR: u8 = 1;
const AND: u8 = 2;
const COMPARISON: u8 = 3;
const UNARY: u8 = 10;
const POWER: u8 = 11;

/// Reads a whole condition. Says, too, whether it asks for something of a task.
pub(super) fn parse(text: &str) -> Result<(Expression, bool), String> {
    let mut parser = Parser {
        tokens: split(text)?,
        at: 0,
        depth: 0,
        needs_task: false,
    };
    if parser.tokens.is_empty() {
        return Err("is empty".to_owned());
    }
    let expression = parser.expression(OR)?;
    match parser.peek() {
        None => Ok((expression, parser.needs_task)),
        Some(token) => Err(unexpected(Some(token))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    needs_task: bool,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Sign(it)) if *it == sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn want(&mut self, sign: &str) -> Result<(), String> {
        match self.take(sign) {
            true => Ok(()),
            false => Err(format!(
                "{}: there should be `{sign}`",
                unexpected(self.peek())
            )),
        }
    }

    /// An expression of operators that bind at least that strongly.
    fn expression(&mut self, least: u8) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("is nested too deeply".to_owned());
        }
        let mut left = self.prefix()?;
        loop {
            left = if let Some((join, strength)) = self.join().filter(|it| it.1 >= least) {
                self.at += 1;
                let right = self.expression(strength + 1)?;
                Expression::Join(Box::new(left), join, Box::new(right))
            } else if least <= COMPARISON && self.comparison().is_some() {
                self.comparisons(left)?
            } else if let Some((operator, strength)) = self.binary().filter(|it| it.1 >= least) {
                self.at += 1;
                // `2 ** 3 ** 2` goes from the right, and its right side may have a sign.
                let behind = if strength == POWER {
                    UNARY
                } else {
                    strength + 1
                };
                let right = self.expression(behind)?;
                Expression::Binary(Box::new(left), operator, Box::new(right))
            } else {
                self.depth -= 1;
                return Ok(left);
            }
        }
    }

    fn join(&self) -> Option<(Join, u8)> {
        match self.peek() {
            Some(Token::Name(name)) if name == "or" => Some((Join::Or, OR)),
            Some(Token::Name(name)) if name == "and" => Some((Join::And, AND)),
            _ => None,
        }
    }

    fn comparison(&self) -> Option<Comparison> {
        Some(match self.peek()? {
            Token::Sign("==") => Comparison::Equal,
            Token::Sign("!=") => Comparison::NotEqual,
            Token::Sign("<") => Comparison::Less,
            Token::Sign("<=") => Comparison::AtMost,
            Token::Sign(">") => Comparison::Greater,
            Token::Sign(">=") => Comparison::AtLeast,
            Token::Name(name) if name == "is" => Comparison::Is,
            _ => return None,
        })
    }

    fn comparisons(&mut self, first: Expression) -> Result<Expression, String> {
        let is_none = |it: &Expression| matches!(it, Expression::Constant(Value::None));
        let mut chain: Vec<(Comparison, Expression)> = Vec::new();
        while let Some(operator) = self.comparison() {
            self.at += 1;
            let right = self.expression(COMPARISON + 1)?;
            let left = chain.last().map_or(&first, |last| &last.1);
            if operator == Comparison::Is && !is_none(left) && !is_none(&right) {
                return Err("`is` compares only with None: use `==`".to_owned());
            }
            chain.push((operator, right));
        }
        Ok(Expression::Compare(Box::new(first), chain))
    }

    fn binary(&self) -> Option<(Binary, u8)> {
        let Some(Token::Sign(sign)) = self.peek() else {
            return None;
        };
        Some(match *sign {
            "|" => (Binary::Or, 4),
            "^" => (Binary::Xor, 5),
            "&" => (Binary::And, 6),
            "<<" => (Binary::ShiftLeft, 7),
            ">>" => (Binary::ShiftRight, 7),
            "+" => (Binary::Add, 8),
            "-" => (Binary::Subtract, 8),
            "*" => (Binary::Multiply, 9),
            "/" => (Binary::Divide, 9),
            "//" => (Binary::FloorDivide, 9),
            "%" => (Binary::Remainder, 9),
            "**" => (Binary::Power, POWER),
            _ => return None,
        })
    }

    fn prefix(&mut self) -> Result<Expression, String> {
        for (sign, operator) in [
            ("+", Unary::Plus),
            ("-", Unary::Minus),
            ("~", Unary::Invert),
        ] {
            if self.take(sign) {
                let inner = self.expression(UNARY)?;
                return Ok(Expression::Unary(operator, Box::new(inner)));
            }
        }
        let mut operand = self.operand()?;
        loop {
            operand = if self.take("[") {
                self.part(operand)?
            } else if self.take(".") {
                self.attribute(operand)?
            } else {
                return Ok(operand);
            }
        }
    }

    fn operand(&mut self) -> Result<Expression, String> {
        match self.next() {
            Some(Token::Int(number)) => Ok(Expression::Constant(Value::Int(number))),
            Some(Token::Float(number)) => Ok(Expression::Constant(Value::Float(number))),
            Some(Token::Text(mut text)) => {
                // Texts that stand side by side are one.
                while let Some(Token::Text(more)) = self.peek() {
                    text.push_str(more);
                    self.at += 1;
                }
                Ok(Expression::Constant(Value::Text(text)))
            }
            Some(Token::Name(name)) => match name.as_str() {
                "None" => Ok(Expression::Constant(Value::None)),
                "user" => Ok(Expression::User),
                "task" => Ok(Expression::Task),
                name => Err(format!("`{name}` is not accepted here")),
            },
            Some(Token::Sign("(")) => {
                let (mut items, has_comma) = self.items(")")?;
                match (items.len(), has_comma) {
                    (1, false) => Ok(items.remove(0)),
                    _ => Ok(Expression::Tuple(items)),
                }
            }
            Some(Token::Sign("[")) => Ok(Expression::List(self.items("]")?.0)),
            token => Err(unexpected(token.as_ref())),
        }
    }

    /// What stands between brackets, and whether there was a comma.
    fn items(&mut self, end: &str) -> Result<(Vec<Expression>, bool), String> {
        let mut items = Vec::new();
        let mut has_comma = false;
        while !self.take(end) {
            items.push(self.expression(OR)?);
            if !self.take(",") {
                self.want(end)?;
                break;
            }
            has_comma = true;
        }
        Ok((items, has_comma))
    }

    /// `[index]` or `[from:to]`.
    fn part(&mut self, of: Expression) -> Result<Expression, String> {
        let of = Box::new(of);
        let from = match self.take(":") {
            true => None,
            false => {
                let index = Box::new(self.expression(OR)?);
                if self.take("]") {
                    return Ok(Expression::Index(of, index));
                }
                self.want(":")?;
                Some(index)
            }
        };
        let to = match self.take("]") {
            true => None,
            false => {
                let to = Box::new(self.expression(OR)?);
                self.want("]")?;
                Some(to)
            }
        };
        Ok(Expression::Slice(of, [from, to]))
    }

    fn attribute(&mut self, of: Expression) -> Result<Expression, String> {
        let Some(Token::Name(name)) = self.next() else {
            return Err("there should be a name behind `.`".to_owned());
        };
        self.needs_task |= matches!(of, Expression::Task);
        let is_whole = matches!(of, Expression::User | Expression::Task);
        match (of, name.as_str()) {
            (Expression::User, "in_group" | "in_any_group") => {
                Ok(Expression::InGroups(self.argument(&name)?))
            }
            // The owner of a task is the user whose mounts are looked for.
            (Expression::Task, "user") => Ok(Expression::User),
            (Expression::User, name) => Field::of_user(name).map(Expression::Field),
            (Expression::Task, name) => Field::of_task(name).map(Expression::Field),
            (of, "startswith" | "endswith") if !is_whole => {
                let affix = match name.as_str() {
                    "startswith" => Affix::Start,
                    _ => Affix::End,
                };
                Ok(Expression::Affix(
                    Box::new(of),
                    affix,
                    self.argument(&name)?,
                ))
            }
            _ => Err(format!("`.{name}` is not accepted here")),
        }
    }

    /// The only argument of a call.
    fn argument(&mut self, of: &str) -> Result<Box<Expression>, String> {
        self.want("(")?;
        let (mut items, _) = self.items(")")?;
        match items.len() {
            1 => Ok(Box::new(items.remove(0))),
            _ => Err(format!("`{of}` takes one argument")),
        }
    }
}

fn unexpected(token: Option<&Token>) -> String {
    match token {
        None => "it ends too early".to_owned(),
        Some(Token::Sign(sign)) => format!("`{sign}` is not accepted here"),
        Some(Token::Name(name)) => format!("`{name}` is not accepted here"),
        Some(Token::Int(number)) => format!("`{number}` is not accepted here"),
        Some(Token::Float(number)) => format!("`{number}` is not accepted here"),
        Some(Token::Text(text)) => format!("the text '{text}' is not accepted here"),
    }
}
