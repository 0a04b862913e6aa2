//! `--json`: the schema's own names and shapes, see README.md.

use serde::Serialize;
use serde_json::Value;

/// One object, for people and programs, with a line break at its end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value);
    text.expect("what was read from JSON can be written as JSON") + "\n"
}

/// One object on one line, for streams.
pub(crate) fn line(value: &impl Serialize) -> String {
    let value: Value = serde_json::to_value(value).expect("what was read from JSON can be written");
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::table::tests::task;

    #[test]
    fn a_task_has_the_schemas_names_and_one_level_for_the_summary() {
        let text = pretty(&task());
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["nodeCount"], json!(2));
        assert_eq!(value["state"], json!("RUNNING"));
        assert_eq!(value["user"], json!({ "name": "ada" }));
        assert_eq!(value["currentRun"]["pods"][1]["rank"], json!(1));
        assert_eq!(value["wait"], Value::Null);
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line(&json!({ "text": "a\nb" })), "{\"text\":\"a\\nb\"}\n");
    }
}
