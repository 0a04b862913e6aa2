//! Lists of texts as PostgreSQL writes them in a string: `{public,"two words"}`.

/// The texts of a list.
pub(super) fn parse(text: &str) -> Result<Vec<String>, &'static str> {
    let inside = text.trim().strip_prefix('{');
    let inside = inside.and_then(|text| text.strip_suffix('}'));
    let inside = inside.ok_or("is no list such as {public} or {a,b}")?;
    if inside.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    let mut item = Item::default();
    let mut chars = inside.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => item.push(chars.next().ok_or("ends with a `\\`")?),
            '"' if item.is_open => item.is_open = false,
            '"' if item.text.trim().is_empty() && !item.is_quoted => {
                item = Item {
                    text: String::new(),
                    is_open: true,
                    is_quoted: true,
                };
            }
            ',' if !item.is_open => items.push(std::mem::take(&mut item).end()?),
            '{' | '}' | '"' if !item.is_open => {
                return Err("is a list with a brace or a quote inside of a text");
            }
            // Behind a text in quotes.
            char if item.is_quoted && !item.is_open => match char.is_whitespace() {
                true => {}
                false => return Err("is a list with something behind a text in quotes"),
            },
            char => item.push(char),
        }
    }
    if item.is_open {
        return Err("is a list with a quote that does not end");
    }
    items.push(item.end()?);
    Ok(items)
}

#[derive(Default)]
struct Item {
    text: String,
    is_open: bool,
    is_quoted: bool,
}

impl Item {
    fn push(&mut self, char: char) {
        self.text.push(char);
    }

    fn end(self) -> Result<String, &'static str> {
        match self.text.trim() {
            _ if self.is_quoted => Ok(self.text),
            "" => Err("is a list with nothing between two commas"),
            word if word.eq_ignore_ascii_case("null") => Err("is a list with a NULL in it"),
            word => Ok(word.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_postgresql_reads_it() {
        for (text, items) in [
            ("{}", &[] as &[&str]),
            (" { } ", &[]),
            ("{public}", &["public"]),
            ("{a, b ,c}", &["a", "b", "c"]),
            (r#"{"a, b",c}"#, &["a, b", "c"]),
            (r#"{"say \"x\"", "\\" }"#, &["say \"x\"", "\\"]),
            (r#"{"task.group == 'a,b'"}"#, &["task.group == 'a,b'"]),
        ] {
            assert_eq!(parse(text).unwrap(), items, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "",
            "a",
            "{a",
            "a}",
            "{a,}",
            "{{a}}",
            "{null}",
            r#"{"a}"#,
            r#"{"a"b}"#,
            r#"{a"b}"#,
            "{a\\",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
