//! Turns YAML text into a JSON document, within a budget that no honest document needs.

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, MessageFormatter, Options, UserMessageFormatter};

use super::error::{Problem, SpecErrors, clip, of_document};
use super::kinds;

/// Largest document, in bytes of its text.
const MOST_BYTES: usize = 256 * 1024;

/// Deepest nesting of mappings and lists; the schema itself needs five levels.
const DEEPEST: usize = 16;

/// Mappings, lists and scalars of a document, and again those that its aliases repeat.
const MOST_NODES: usize = 20_000;

/// Reads one YAML document. Duplicate keys, several documents, custom tags and whatever breaks the budget are refused,
/// with line and column.
pub(super) fn parse(text: &str) -> Result<Value, SpecErrors> {
    kinds::at_most(MOST_BYTES, "bytes", text.len()).map_err(of_document)?;
    serde_saphyr::from_str_with_options(text, options())
        .map_err(|error| of_document(refused(&error)))
}

/// The problem behind an error of the parser; what has no place is said of the start.
fn refused(error: &serde_saphyr::Error) -> Problem {
    let message = UserMessageFormatter.format_message(error);
    let (line, column) = error
        .location()
        .map_or((1, 1), |place| (place.line(), place.column()));
    Problem::Yaml {
        line,
        column,
        message: clip(&message),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            flow_nesting_limit: DEEPEST,
            max_events: 3 * MOST_NODES,
            max_nodes: MOST_NODES,
            max_documents: 2, // The second is refused as such.
            max_aliases: 100,
            max_anchors: 100,
            max_merge_keys: 100,
            max_total_scalar_bytes: MOST_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MOST_NODES,
            max_replay_stack_depth: DEEPEST,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        reject_unsupported_tags: true,
        with_snippet: false,
        // What looks like a word to a user stays a word: `yes`, `0755`, `1_000`.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    }
}
