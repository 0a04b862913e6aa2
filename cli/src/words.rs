//! Words of a command line: where a script's own arguments end, and how a shell would quote them.

use std::ffi::OsString;

/// What `python|bash|exec` was asked to do with a script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScriptCall {
    /// The script as it was typed.
    pub(crate) script: String,
    /// The script's own arguments, verbatim.
    pub(crate) arguments: Vec<String>,
    /// Where it runs.
    pub(crate) place: Place,
    /// The words after the separator: options for us.
    pub(crate) options: Vec<String>,
}

/// Where a script runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the platform, after `--`.
    Cluster,
    /// On this machine, after `++` or without a separator.
    Here,
}

/// Why a script's words cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SplitError {
    #[error("no script is given")]
    NoScript,
    #[error(
        "`--` (run on the platform) and `++` (simulate here) exclude each other, and each may stand only once"
    )]
    Separators,
}

/// Splits `SCRIPT [ARG]… [-- OPTION… | ++ OPTION…]`.
pub(crate) fn split(words: &[String]) -> Result<ScriptCall, SplitError> {
    let is_separator = |word: &&String| matches!(word.as_str(), "--" | "++");
    let (script, rest) = words.split_first().ok_or(SplitError::NoScript)?;
    if is_separator(&script) {
        return Err(SplitError::NoScript);
    }
    let mut parts = rest.splitn(2, |word| is_separator(&word));
    let arguments = parts.next().unwrap_or_default().to_vec();
    let options = parts.next().unwrap_or_default().to_vec();
    if options.iter().any(|word| is_separator(&word)) {
        return Err(SplitError::Separators);
    }
    let place = match rest.get(arguments.len()).map(String::as_str) {
        Some("--") => Place::Cluster,
        _ => Place::Here,
    };
    Ok(ScriptCall {
        script: script.clone(),
        arguments,
        place,
        options,
    })
}

/// Joins words so that a POSIX shell reads the same words again.
pub(crate) fn shell_join(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| shell_quote(word)).collect();
    quoted.join(" ")
}

/// Quotes one word for a POSIX shell; words without special characters stay as they are.
pub(crate) fn shell_quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=.,/:@%^".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The original's option names of two letters behind one dash, which the argument parser would read
/// as two options, in their long form.
pub(crate) fn expand_option(word: &str) -> &str {
    match word {
        "-ss" => "--suspend_seconds",
        "-ls" => "--life_state",
        "-ps" => "--page_size",
        other => other,
    }
}

/// Expands `-ps` of `list`, and nothing else: other commands take their words verbatim.
pub(crate) fn expand_list_options(words: Vec<OsString>) -> Vec<OsString> {
    let command = words
        .iter()
        .find(|word| !word.as_encoded_bytes().starts_with(b"-"));
    if command.is_none_or(|command| command != "list") {
        return words;
    }
    words
        .into_iter()
        .map(|word| match word.to_str() {
            Some(text) => OsString::from(expand_option(text)),
            None => word,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn words_between_the_script_and_two_dashes_belong_to_the_script() {
        let call = split(&words("x.py --lr 0.1 -n 7 -- -n 2 -g training")).unwrap();
        assert_eq!(call.script, "x.py");
        assert_eq!(call.arguments, words("--lr 0.1 -n 7"));
        assert_eq!(call.place, Place::Cluster);
        assert_eq!(call.options, words("-n 2 -g training"));
    }

    #[test]
    fn two_pluses_and_no_separator_both_mean_here() {
        let simulated = split(&words("x.py a ++ -ss 5")).unwrap();
        assert_eq!(simulated.place, Place::Here);
        assert_eq!(simulated.options, words("-ss 5"));
        let local = split(&words("x.py a")).unwrap();
        assert_eq!(local.place, Place::Here);
        assert!(local.options.is_empty());
    }

    #[test]
    fn a_separator_at_the_very_end_still_decides_the_place() {
        let call = split(&words("x.py --")).unwrap();
        assert_eq!((call.place, call.options), (Place::Cluster, vec![]));
    }

    #[test]
    fn two_separators_are_refused() {
        for text in [
            "x.py -- -n 1 ++",
            "x.py ++ --",
            "x.py -- a --",
            "x.py ++ a ++",
        ] {
            assert_eq!(split(&words(text)), Err(SplitError::Separators), "{text}");
        }
    }

    #[test]
    fn a_script_is_needed() {
        assert_eq!(split(&[]), Err(SplitError::NoScript));
        assert_eq!(split(&words("-- -n 1")), Err(SplitError::NoScript));
    }

    #[test]
    fn words_with_special_characters_are_quoted() {
        let all = ["plain", "a b", "", "it's", "$HOME", "--k=v", "*"].map(str::to_owned);
        assert_eq!(
            shell_join(&all),
            r#"plain 'a b' '' 'it'\''s' '$HOME' --k=v '*'"#
        );
    }

    #[test]
    fn only_the_words_of_list_are_expanded() {
        let expanded = |text: &str| -> Vec<OsString> {
            expand_list_options(text.split_whitespace().map(OsString::from).collect())
        };
        assert_eq!(expanded("-j list -ps 3")[2], "--page_size");
        assert_eq!(expanded("python x.py -ps 3")[2], "-ps");
        assert_eq!(expanded("--help"), ["--help"]);
    }
}
