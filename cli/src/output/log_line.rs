//! Items of a log as lines of text: stamps, progress bars, pictures, holes.

use chrono::{DateTime, Utc};

use crate::operations::{LogItem, LogItemKind};

/// Directly behind the stamp: the line replaces the one before it, if that was marked, too.
const PROGRESS_MARKER: &str = "[HFAI_PRINT:TQDM]";
/// Directly behind the stamp: the rest of the line is a picture for the studio.
const PICTURE_MARKER: &str = "[HFAI_PRINT:IMAGE]";
/// Moves to the start of the terminal's line and empties it.
const CLEAR_LINE: &str = "\r\x1b[K";

/// Turns items into text, one after the other; remembers a line that is not complete yet.
#[derive(Debug)]
pub(crate) struct LogPrinter {
    /// Columns of the terminal; `None` if there is none, then nothing is overwritten.
    width: Option<u16>,
    open: Open,
}

/// What to write for an item.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Printed {
    /// For standard output, as it is.
    pub(crate) text: String,
    /// For standard error, a line.
    pub(crate) note: Option<String>,
}

/// What stands on the last line.
#[derive(Debug)]
enum Open {
    /// Nothing.
    Nothing,
    /// A progress bar that may be overwritten.
    Progress,
    /// The beginning of a line of this run: stamp and text.
    Partial {
        run: i32,
        stamp: String,
        text: String,
    },
}

impl LogPrinter {
    /// A printer for a terminal with so many columns, or for something else.
    pub(crate) fn new(width: Option<u16>) -> Self {
        Self {
            width,
            open: Open::Nothing,
        }
    }

    /// The text of the next item.
    pub(crate) fn print(&mut self, item: &LogItem) -> Printed {
        match item.kind {
            LogItemKind::Line => Printed {
                text: self.line(item),
                note: None,
            },
            LogItemKind::Gap => Printed {
                text: self.end(),
                note: Some(gap(item)),
            },
            // An item of a newer platform: its text is the best there is.
            LogItemKind::Other(_) => Printed {
                text: self.line(item),
                note: None,
            },
        }
    }

    /// Ends a line that is still open.
    pub(crate) fn end(&mut self) -> String {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => String::new(),
            Open::Progress | Open::Partial { .. } => "\n".to_owned(),
        }
    }

    /// On a terminal, leaves a line that is still open, because something else is to be shown there.
    pub(crate) fn interrupt(&mut self) -> String {
        match (self.width, &self.open) {
            (Some(_), Open::Progress) => {
                self.open = Open::Nothing;
                "\n".to_owned()
            }
            (Some(_), Open::Partial { .. }) => "\n".to_owned(),
            (None, _) | (Some(_), Open::Nothing) => String::new(),
        }
    }

    fn line(&mut self, item: &LogItem) -> String {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            // Only the rest of a line has no time. A run that was killed in a line leaves it without one.
            Open::Partial { run, stamp, text } if run == item.run && item.time.is_none() => {
                self.continued(stamp, text, item)
            }
            open => self.fresh(&open, item),
        }
    }

    /// An item that begins a line.
    fn fresh(&mut self, open: &Open, item: &LogItem) -> String {
        let stamp = item.time.map(stamp).unwrap_or_default();
        let before = match open {
            Open::Progress | Open::Partial { .. } => "\n",
            Open::Nothing => "",
        };
        if let Some(bar) = item.text.strip_prefix(PROGRESS_MARKER) {
            let Some(width) = self.width else {
                return format!("{before}{stamp}{bar}\n");
            };
            self.open = Open::Progress;
            let before = match open {
                Open::Progress => CLEAR_LINE,
                Open::Nothing | Open::Partial { .. } => before,
            };
            return format!("{before}{}", cut(&format!("{stamp}{}", settle(bar)), width));
        }
        if item.text.starts_with(PICTURE_MARKER) {
            return format!("{before}{stamp}[picture: open the studio to see it]\n");
        }
        let text = match self.width {
            Some(_) => settle(&item.text),
            None => item.text.clone(),
        };
        let shown = format!("{before}{stamp}{text}");
        if item.partial {
            self.open = Open::Partial {
                run: item.run,
                stamp,
                text,
            };
            shown
        } else {
            shown + "\n"
        }
    }

    /// An item that goes on where the one before it stopped.
    fn continued(&mut self, stamp: String, begun: String, item: &LogItem) -> String {
        let text = match self.width {
            Some(_) => settle(&format!("{begun}{}", item.text)),
            None => String::new(),
        };
        let shown = match self.width {
            // Rewriting works only on a line that is not wrapped.
            Some(width) if item.text.contains('\r') => {
                let line = format!("{stamp}{text}");
                format!(
                    "{CLEAR_LINE}{}",
                    if item.partial {
                        cut(&line, width)
                    } else {
                        line
                    }
                )
            }
            Some(_) | None => item.text.clone(),
        };
        if item.partial {
            self.open = Open::Partial {
                run: item.run,
                stamp,
                text,
            };
            shown
        } else {
            shown + "\n"
        }
    }
}

/// The 29 characters in front of each line, in UTC.
fn stamp(time: DateTime<Utc>) -> String {
    time.format("[%Y-%m-%d %H:%M:%S%.6f] ").to_string()
}

fn gap(item: &LogItem) -> String {
    let lost = match item.lost_bytes {
        Some(bytes) => format!("{bytes} bytes"),
        None => "a part".to_owned(),
    };
    format!(
        "… {lost} of the log of run {} are not kept any more …",
        item.run
    )
}

/// What a terminal shows of a text with carriage returns: what follows one overwrites from the start.
fn settle(text: &str) -> String {
    if !text.contains('\r') {
        return text.to_owned();
    }
    let mut shown: Vec<char> = Vec::new();
    for layer in text.split('\r') {
        for (column, char) in layer.chars().enumerate() {
            match shown.get_mut(column) {
                Some(place) => *place = char,
                None => shown.push(char),
            }
        }
    }
    shown.into_iter().collect()
}

/// As much of a line as fits without being wrapped.
fn cut(line: &str, width: u16) -> String {
    line.chars()
        .take(usize::from(width.saturating_sub(1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: &str = "[2026-11-23 18:43:43.000120] ";

    fn item(text: &str) -> LogItem {
        LogItem {
            kind: LogItemKind::Line,
            run: 1,
            time: Some("2026-11-23T18:43:43.00012Z".parse().unwrap()),
            text: text.to_owned(),
            partial: false,
            lost_bytes: None,
            cursor: "c".to_owned(),
        }
    }

    fn partial(text: &str) -> LogItem {
        LogItem {
            partial: true,
            ..item(text)
        }
    }

    fn rest(text: &str) -> LogItem {
        LogItem {
            time: None,
            ..item(text)
        }
    }

    fn all(width: Option<u16>, items: &[LogItem]) -> String {
        let mut printer = LogPrinter::new(width);
        let mut text: String = items.iter().map(|item| printer.print(item).text).collect();
        text += &printer.end();
        text
    }

    #[test]
    fn a_line_has_a_stamp_of_29_characters_in_utc() {
        assert_eq!(STAMP.len(), 29);
        assert_eq!(all(None, &[item("step 1")]), format!("{STAMP}step 1\n"));
    }

    #[test]
    fn a_line_without_a_time_is_printed_as_it_is() {
        let bare = LogItem {
            time: None,
            ..item("x")
        };
        assert_eq!(all(None, &[bare]), "x\n");
    }

    #[test]
    fn progress_rewrites_its_line_on_a_terminal_and_the_next_line_stays_below() {
        let items = [
            item("[HFAI_PRINT:TQDM] 10%"),
            item("[HFAI_PRINT:TQDM] 20%"),
            item("done"),
        ];
        assert_eq!(
            all(Some(80), &items),
            format!("{STAMP} 10%\r\x1b[K{STAMP} 20%\n{STAMP}done\n")
        );
        assert_eq!(
            all(None, &items),
            format!("{STAMP} 10%\n{STAMP} 20%\n{STAMP}done\n")
        );
    }

    #[test]
    fn progress_is_cut_so_that_the_terminal_does_not_wrap_it() {
        let bar = format!("[HFAI_PRINT:TQDM]{}", "#".repeat(100));
        assert_eq!(all(Some(40), &[item(&bar)]).trim_end().len(), 39);
    }

    #[test]
    fn a_picture_is_one_line_that_says_so() {
        let text = all(None, &[item("[HFAI_PRINT:IMAGE]iVBORw0KGgo")]);
        assert_eq!(
            text,
            format!("{STAMP}[picture: open the studio to see it]\n")
        );
    }

    #[test]
    fn carriage_returns_are_carried_out_on_a_terminal_and_kept_elsewhere() {
        let items = [item("loading 10%\rloading 100%\rok")];
        assert_eq!(all(Some(80), &items), format!("{STAMP}okading 100%\n"));
        assert_eq!(
            all(None, &items),
            format!("{STAMP}loading 10%\rloading 100%\rok\n")
        );
    }

    #[test]
    fn a_partial_line_is_continued_on_its_own_line() {
        let colon = LogItem {
            partial: true,
            ..rest(": ")
        };
        let items = [partial("Password"), colon, rest("thanks"), item("next")];
        for width in [None, Some(80)] {
            assert_eq!(
                all(width, &items),
                format!("{STAMP}Password: thanks\n{STAMP}next\n")
            );
        }
    }

    #[test]
    fn a_partial_line_with_carriage_returns_is_rewritten_on_a_terminal() {
        let twenty = LogItem {
            partial: true,
            ..rest("\r 20%")
        };
        let items = [partial("\r 10%"), twenty, rest("\r100%")];
        assert_eq!(
            all(Some(80), &items),
            format!("{STAMP} 10%\r\x1b[K{STAMP} 20%\r\x1b[K{STAMP}100%\n")
        );
        assert_eq!(all(None, &items), format!("{STAMP}\r 10%\r 20%\r100%\n"));
    }

    #[test]
    fn a_line_that_its_run_never_finished_is_ended_by_the_next_run() {
        let again = LogItem {
            run: 2,
            ..item("again")
        };
        for width in [None, Some(80)] {
            assert_eq!(
                all(width, &[partial("killed he"), again.clone()]),
                format!("{STAMP}killed he\n{STAMP}again\n")
            );
        }
    }

    #[test]
    fn a_hole_is_told_beside_the_log() {
        let gap = LogItem {
            kind: LogItemKind::Gap,
            lost_bytes: Some(512),
            ..item("")
        };
        let mut printer = LogPrinter::new(None);
        let _ = printer.print(&partial("half"));
        assert_eq!(
            printer.print(&gap),
            Printed {
                text: "\n".to_owned(),
                note: Some("… 512 bytes of the log of run 1 are not kept any more …".to_owned()),
            }
        );
    }
}
