//! Lines that a search has found.

use super::{Look, log_line::stamp};
use crate::operations::TaskLogMatch;

/// How a terminal shows what was looked for, and how it ends that.
const BOLD_RED: (&str, &str) = ("\x1b[1;31m", "\x1b[0m");

/// What has to be told apart, and how it may look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SearchLook<'a> {
    /// The task, where there are several.
    pub(crate) task: Option<&'a str>,
    /// Whether there are several ranks.
    pub(crate) ranks: bool,
    pub(crate) look: Look,
}

/// One line: whose it is, its stamp, and the text with what was looked for in it.
pub(crate) fn found(found: &TaskLogMatch, look: SearchLook<'_>) -> String {
    let rank = look.ranks.then(|| format!("rank {}", found.rank));
    let whose: Vec<&str> = look.task.into_iter().chain(rank.as_deref()).collect();
    let whose = match whose.is_empty() {
        true => String::new(),
        false => whose.join(" ") + ": ",
    };
    let stamp = found.time.map(stamp).unwrap_or_default();
    let (before, behind) = match look.look.colour {
        true => BOLD_RED,
        false => ("", ""),
    };
    let line = format!(
        "{}{before}{}{behind}{}",
        found.leading, found.text, found.trailing
    );
    // On a terminal what follows a carriage return would hide what was found.
    let line = match look.look.width {
        Some(_) => line.replace('\r', " "),
        None => line,
    };
    format!("{whose}{stamp}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> TaskLogMatch {
        TaskLogMatch {
            rank: 3,
            run: 1,
            time: Some("2026-11-23T18:43:43Z".parse().unwrap()),
            leading: "1%\rloss ".to_owned(),
            text: "nan".to_owned(),
            trailing: "!".to_owned(),
            occurrences: 1,
            start_cursor: "a".to_owned(),
            cursor: "b".to_owned(),
        }
    }

    fn look(task: Option<&str>, ranks: bool, look: Look) -> SearchLook<'_> {
        SearchLook { task, ranks, look }
    }

    #[test]
    fn only_what_is_not_the_same_everywhere_is_marked() {
        let stamp = "[2026-11-23 18:43:43.000000] ";
        let plain = Look::default();
        let shown = |task, ranks| found(&line(), look(task, ranks, plain));
        assert_eq!(shown(None, false), format!("{stamp}1%\rloss nan!\n"));
        assert_eq!(shown(None, true), format!("rank 3: {stamp}1%\rloss nan!\n"));
        assert!(shown(Some("x.py"), true).starts_with("x.py rank 3: ["));
        assert!(shown(Some("x.py"), false).starts_with("x.py: ["));
    }

    #[test]
    fn a_terminal_shows_what_was_found_in_colour_and_nothing_over_it() {
        let terminal = Look {
            width: Some(80),
            colour: true,
        };
        let mut rest = line();
        rest.time = None;
        let shown = found(&rest, look(None, false, terminal));
        assert_eq!(shown, "1% loss \x1b[1;31mnan\x1b[0m!\n");
    }
}
