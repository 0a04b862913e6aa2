//! Fills in `${NAME}`, as the shell that prepares the original's files does, but where it can do no harm.
//!
//! The original puts values into the text before anybody reads it, so that a quote in a password ends the string that it
//! stands in. Here they are put into the tokens: inside of quotes a value is a part of the text, whatever it has in it; outside
//! of quotes it must be one number, `TRUE`, `FALSE` or `NULL`. Comments are no tokens, so they ask for no variable.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::vec::IntoIter;

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// What the platform itself fills in later, in names of resources.
const OWN: [&str; 2] = ["gid", "user_name"];

/// The values of variables.
pub struct Variables<'a> {
    /// Those that were given for this import.
    pub set: &'a BTreeMap<String, String>,
    /// Those that are known anyway: the environment.
    pub known: &'a dyn Fn(&str) -> Option<String>,
}

impl fmt::Debug for Variables<'_> {
    /// Only names: among the values there may be passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.set.keys()).finish()
    }
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let given = self.set.get(name).cloned();
        given.or_else(|| (self.known)(name))
    }

    /// A text with values in it. What is wrong comes with the number of lines before it.
    fn fill(&self, text: &str, wrong: &mut impl FnMut(u64, String)) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            filled.push_str(&rest[..at]);
            let from = &rest[at..];
            let lines = text[..text.len() - from.len()].matches('\n').count() as u64;
            let name = from[2..].split_once('}').map(|(name, _)| name);
            let Some(name) = name.filter(|name| is_name(name)) else {
                wrong(lines, unreadable(from));
                return filled;
            };
            let all = &from[..name.len() + 3];
            match self.get(name) {
                _ if OWN.contains(&name) && !self.set.contains_key(name) => filled.push_str(all),
                Some(value) => filled.push_str(&value),
                None => wrong(lines, missing(name)),
            }
            rest = &from[all.len()..];
        }
        filled + rest
    }

    /// Tokens with values in them. What is wrong comes with its line.
    pub(super) fn substitute(
        &self,
        tokens: Vec<TokenWithSpan>,
        wrong: &mut impl FnMut(u64, String),
    ) -> Vec<TokenWithSpan> {
        let mut filled = Vec::with_capacity(tokens.len());
        let mut tokens = tokens.into_iter().peekable();
        while let Some(mut token) = tokens.next() {
            let line = token.span.start.line;
            let is_dollar = match &token.token {
                Token::Placeholder(text) => text == "$",
                // To the lexer a `$` may be the end of a name.
                Token::Word(word) => word.quote_style.is_none() && word.value.ends_with('$'),
                _ => false,
            };
            if is_dollar && tokens.next_if(|next| next.token == Token::LBrace).is_some() {
                let inside = up_to_brace(&mut tokens);
                let stands_alone = matches!(token.token, Token::Placeholder(_));
                match self.bare(&inside, stands_alone) {
                    Ok(values) => filled.extend(values.into_iter().map(|value| TokenWithSpan {
                        token: value,
                        span: token.span,
                    })),
                    Err(reason) => wrong(line, reason),
                }
                continue;
            }
            if let Some(text) = quoted(&mut token.token) {
                *text = self.fill(text, &mut |lines, reason| wrong(line + lines, reason));
            }
            filled.push(token);
        }
        filled
    }

    /// The tokens of a variable outside of quotes.
    fn bare(&self, name: &str, stands_alone: bool) -> Result<Vec<Token>, String> {
        if !is_name(name) {
            return Err(unreadable(&format!("${{{name}}}")));
        }
        let value = self.get(name).ok_or_else(|| missing(name))?;
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, value.trim()).tokenize();
        let tokens = tokens.unwrap_or_default();
        let is_constant = match tokens.as_slice() {
            [Token::Number(..)] | [Token::Minus | Token::Plus, Token::Number(..)] => true,
            [Token::Word(word)] => {
                matches!(word.keyword, Keyword::TRUE | Keyword::FALSE | Keyword::NULL)
            }
            _ => false,
        };
        if is_constant && stands_alone {
            return Ok(tokens);
        }
        Err(format!(
            "the variable ${{{name}}} must be in quotes, because its value is not one number, TRUE, FALSE or NULL"
        ))
    }
}

/// The text up to the closing brace on the same line, which is taken too.
fn up_to_brace(tokens: &mut Peekable<IntoIter<TokenWithSpan>>) -> String {
    let mut text = String::new();
    while let Some(next) = tokens.next_if(|next| !ends_a_line(&next.token)) {
        if next.token == Token::RBrace {
            break;
        }
        text.push_str(&next.token.to_string());
    }
    text
}

fn ends_a_line(token: &Token) -> bool {
    matches!(
        token,
        Token::EOF | Token::SemiColon | Token::Comma | Token::RParen
    ) || matches!(token, Token::Whitespace(space) if space.to_string().contains('\n'))
}

/// The text of a token in quotes.
fn quoted(token: &mut Token) -> Option<&mut String> {
    match token {
        Token::SingleQuotedString(text)
        | Token::DoubleQuotedString(text)
        | Token::EscapedStringLiteral(text)
        | Token::UnicodeStringLiteral(text)
        | Token::NationalStringLiteral(text) => Some(text),
        Token::DollarQuotedString(text) => Some(&mut text.value),
        Token::Word(word) if word.quote_style.is_some() => Some(&mut word.value),
        _ => None,
    }
}

/// Whether a shell would take this for the name of a variable.
fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn missing(name: &str) -> String {
    format!("the variable ${{{name}}} has no value: give one with --set {name}=VALUE")
}

fn unreadable(text: &str) -> String {
    let shown: String = text.chars().take_while(|c| *c != '\n').take(30).collect();
    format!("`{shown}` is no variable: only ${{NAME}} is filled in")
}
