//! The words of a condition.

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Int(i64),
    Float(f64),
    Text(String),
    Name(String),
    Sign(&'static str),
}

/// Signs, the long ones before those they begin with.
const SIGNS: &[&str] = &[
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "|", "^", "&", "~",
    "<", ">", "(", ")", "[", "]", ",", ".", ":",
];

/// Splits a condition into words.
pub(super) fn split(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, behind) = if first == '\'' || first == '"' {
            quoted(first, &rest[1..])?
        } else if first.is_ascii_digit() || begins_with_point(rest) {
            number(rest)?
        } else if first.is_alphabetic() || first == '_' {
            let (name, behind) = cut(rest, |c| c.is_alphanumeric() || c == '_');
            if behind.starts_with(['\'', '"']) {
                return Err(format!(
                    "a text with `{name}` in front of it is not accepted"
                ));
            }
            (Token::Name(name.to_owned()), behind)
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("`{first}` is not accepted"))?;
            (Token::Sign(sign), &rest[sign.len()..])
        };
        tokens.push(token);
        rest = behind.trim_start();
    }
    Ok(tokens)
}

fn begins_with_point(rest: &str) -> bool {
    rest.strip_prefix('.')
        .is_some_and(|behind| behind.starts_with(|c: char| c.is_ascii_digit()))
}

fn cut(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn number(text: &str) -> Result<(Token, &str), String> {
    let (mut word, mut behind) = cut(text, |c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    // `1e-3`: the sign belongs to the number.
    if word.ends_with(['e', 'E']) && !word.starts_with("0x") && behind.starts_with(['+', '-']) {
        let (digits, _) = cut(&behind[1..], |c| c.is_ascii_digit());
        let length = word.len() + 1 + digits.len();
        (word, behind) = text.split_at(length);
    }
    let digits = word.replace('_', "").to_ascii_lowercase();
    let has_a_leading_zero = digits.len() > 1
        && digits.starts_with('0')
        && digits.chars().all(|c| c.is_ascii_digit())
        && digits.contains(|c| c != '0');
    let whole = match digits.get(..2) {
        Some("0x") => i64::from_str_radix(&digits[2..], 16).ok(),
        Some("0o") => i64::from_str_radix(&digits[2..], 8).ok(),
        Some("0b") => i64::from_str_radix(&digits[2..], 2).ok(),
        _ if has_a_leading_zero => None,
        _ => digits.parse().ok(),
    };
    let token = match whole {
        Some(whole) => Token::Int(whole),
        None if digits.contains(['.', 'e']) && !digits.starts_with("0x") => digits
            .parse()
            .map(Token::Float)
            .map_err(|_| format!("`{word}` is no number"))?,
        None => return Err(format!("`{word}` is no number that is accepted")),
    };
    Ok((token, behind))
}

fn quoted(quote: char, text: &str) -> Result<(Token, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    if text.starts_with([quote].as_slice()) && text[1..].starts_with(quote) {
        return Err("a text in triple quotes is not accepted".to_owned());
    }
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Token::Text(value), &text[at + 1..])),
            '\n' => break,
            '\\' => match chars.next() {
                Some((_, it @ ('\\' | '\'' | '"'))) => value.push(it),
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, it)) => return Err(format!("`\\{it}` is not accepted in a text")),
                None => break,
            },
            _ => value.push(c),
        }
    }
    Err("a text has no end".to_owned())
}
