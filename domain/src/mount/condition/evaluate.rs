//! What an expression is worth, as Python has it. What Python would fail at has no value.

use std::cmp::Ordering;

use super::{Affix, Binary, Comparison, Expression, Facts, Join, Unary, Value, Void};

impl Expression {
    /// Its value for a user and a task.
    pub(super) fn evaluate(&self, facts: Facts<'_>) -> Result<Value, Void> {
        let all = |items: &[Self]| -> Result<Vec<Value>, Void> {
            items.iter().map(|item| item.evaluate(facts)).collect()
        };
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Field(field) => field.read(facts),
            Self::User => Ok(Value::Whole),
            Self::Task => Ok(facts.task.map_or(Value::None, |_| Value::Whole)),
            Self::List(items) => all(items).map(Value::List),
            Self::Tuple(items) => all(items).map(Value::Tuple),
            Self::Unary(operator, of) => unary(*operator, &of.evaluate(facts)?),
            Self::Binary(left, operator, right) => {
                binary(left.evaluate(facts)?, *operator, right.evaluate(facts)?)
            }
            Self::Compare(first, chain) => {
                let mut left = first.evaluate(facts)?;
                for (operator, right) in chain {
                    let right = right.evaluate(facts)?;
                    if !compare(&left, *operator, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Ok(Value::Bool(true))
            }
            Self::Join(left, join, right) => {
                let left = left.evaluate(facts)?;
                match left.is_true() == (*join == Join::Or) {
                    true => Ok(left),
                    false => right.evaluate(facts),
                }
            }
            Self::Index(of, index) => item(of.evaluate(facts)?, &index.evaluate(facts)?),
            Self::Slice(of, ends) => {
                let [from, to] = ends
                    .each_ref()
                    .map(|end| end.as_ref().map(|end| end.evaluate(facts)).transpose());
                slice(of.evaluate(facts)?, from?, to?)
            }
            Self::Affix(of, affix, with) => {
                affixed(&of.evaluate(facts)?, *affix, &with.evaluate(facts)?)
            }
            Self::InGroups(groups) => {
                let groups = groups.evaluate(facts)?;
                Ok(Value::Bool(facts.user.in_any(&texts(&groups)?)))
            }
        }
    }
}

fn compare(left: &Value, operator: Comparison, right: &Value) -> Result<bool, Void> {
    let order = || left.compare(right);
    Ok(match operator {
        Comparison::Equal | Comparison::Is => left.equals(right),
        Comparison::NotEqual => !left.equals(right),
        Comparison::Less => order()? == Some(Ordering::Less),
        Comparison::AtMost => matches!(order()?, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order()? == Some(Ordering::Greater),
        Comparison::AtLeast => matches!(order()?, Some(Ordering::Greater | Ordering::Equal)),
    })
}

fn unary(operator: Unary, of: &Value) -> Result<Value, Void> {
    let whole = of.whole();
    let result = match (operator, whole, of) {
        (Unary::Plus, Some(it), _) => Some(Value::Int(it)),
        (Unary::Minus, Some(it), _) => it.checked_neg().map(Value::Int),
        (Unary::Invert, Some(it), _) => Some(Value::Int(!it)),
        (Unary::Plus, None, Value::Float(it)) => Some(Value::Float(*it)),
        (Unary::Minus, None, Value::Float(it)) => Some(Value::Float(-it)),
        _ => None,
    };
    result.ok_or_else(|| Void(format!("{} cannot have this sign", of.kind())))
}

fn binary(left: Value, operator: Binary, right: Value) -> Result<Value, Void> {
    if let (Binary::Add, Value::Text(left), Value::Text(right)) = (operator, &left, &right) {
        return Ok(Value::Text(format!("{left}{right}")));
    }
    let wholes = left.whole().zip(right.whole());
    let numbers = left.number().zip(right.number());
    let value = match (wholes, numbers) {
        (Some((left, right)), Some(numbers)) => whole(left, operator, right, numbers),
        (None, Some(numbers)) => float(numbers, operator),
        _ => {
            return Void::because(format!(
                "{} and {} cannot be combined in this way",
                left.kind(),
                right.kind()
            ));
        }
    };
    value.ok_or_else(|| Void("a calculation has no result that is accepted".to_owned()))
}

fn whole(left: i64, operator: Binary, right: i64, numbers: (f64, f64)) -> Option<Value> {
    let value = match operator {
        Binary::Or => left | right,
        Binary::Xor => left ^ right,
        Binary::And => left & right,
        Binary::ShiftLeft => {
            let factor = 1_i64.checked_shl(u32::try_from(right).ok()?)?;
            left.checked_mul(factor).filter(|_| factor > 0)?
        }
        Binary::ShiftRight => left >> u32::try_from(right).ok()?.min(63),
        Binary::Add => left.checked_add(right)?,
        Binary::Subtract => left.checked_sub(right)?,
        Binary::Multiply => left.checked_mul(right)?,
        // Python rounds down, Rust towards zero.
        Binary::FloorDivide => {
            let rest = left.checked_rem(right)?;
            let is_below = rest != 0 && (rest < 0) != (right < 0);
            left.checked_div(right)? - i64::from(is_below)
        }
        Binary::Remainder => {
            let rest = left.checked_rem(right)?;
            match rest != 0 && (rest < 0) != (right < 0) {
                true => rest + right,
                false => rest,
            }
        }
        Binary::Power if right >= 0 => left.checked_pow(u32::try_from(right).ok()?)?,
        Binary::Power | Binary::Divide => return float(numbers, operator),
    };
    Some(Value::Int(value))
}

fn float((left, right): (f64, f64), operator: Binary) -> Option<Value> {
    let value = match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Power => left.powf(right),
        Binary::Divide if right != 0.0 => left / right,
        Binary::FloorDivide if right != 0.0 => (left / right).floor(),
        Binary::Remainder if right != 0.0 => left - right * (left / right).floor(),
        _ => return None,
    };
    value.is_finite().then_some(Value::Float(value))
}

/// Makes one value of parts again.
type Joined = fn(Vec<Value>) -> Value;

/// The characters of a text or the items of a list, each as a value.
fn items(of: Value) -> Result<(Vec<Value>, Joined), Void> {
    match of {
        Value::Text(text) => {
            let characters = text.chars().map(|c| Value::Text(c.to_string()));
            Ok((characters.collect(), joined))
        }
        Value::List(items) => Ok((items, Value::List)),
        Value::Tuple(items) => Ok((items, Value::Tuple)),
        other => Void::because(format!("{} has no parts", other.kind())),
    }
}

fn joined(characters: Vec<Value>) -> Value {
    let texts = characters.into_iter().filter_map(|it| match it {
        Value::Text(text) => Some(text),
        _ => None,
    });
    Value::Text(texts.collect())
}

fn item(of: Value, index: &Value) -> Result<Value, Void> {
    let (mut items, _) = items(of)?;
    let place = index.whole().and_then(|index| place(index, items.len()));
    match place.filter(|place| *place < items.len()) {
        Some(place) => Ok(items.swap_remove(place)),
        None => Void::because("there is no such part"),
    }
}

fn slice(of: Value, from: Option<Value>, to: Option<Value>) -> Result<Value, Void> {
    let (items, make) = items(of)?;
    let end = |end: Option<Value>, otherwise: usize| match end {
        None | Some(Value::None) => Ok(otherwise),
        Some(value) => match value.whole() {
            // Beyond the ends is at the ends.
            Some(it) if it < 0 => Ok(place(it, items.len()).unwrap_or(0)),
            Some(it) => Ok(usize::try_from(it).unwrap_or(usize::MAX).min(items.len())),
            None => Void::because(format!("{} is no place", value.kind())),
        },
    };
    let (from, to) = (end(from, 0)?, end(to, items.len())?);
    Ok(make(items.get(from..to).unwrap_or_default().to_vec()))
}

/// The place that an index means; negative ones count from the end.
fn place(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(place) => Some(place),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn affixed(of: &Value, affix: Affix, with: &Value) -> Result<Value, Void> {
    let Value::Text(text) = of else {
        return Void::because(format!("{} neither starts nor ends with a text", of.kind()));
    };
    let fits = |with: &&str| match affix {
        Affix::Start => text.starts_with(*with),
        Affix::End => text.ends_with(*with),
    };
    match with {
        Value::Text(_) | Value::Tuple(_) => Ok(Value::Bool(texts(with)?.iter().any(fits))),
        other => Void::because(format!("a text cannot start or end with {}", other.kind())),
    }
}

/// One text or several.
fn texts(of: &Value) -> Result<Vec<&str>, Void> {
    match of {
        Value::Text(text) => Ok(vec![text]),
        Value::List(items) | Value::Tuple(items) => {
            let nested = items.iter().map(|item| match item {
                Value::Text(text) => Ok(text.as_str()),
                other => Void::because(format!("{} is no text", other.kind())),
            });
            nested.collect()
        }
        other => Void::because(format!("{} is no text", other.kind())),
    }
}
