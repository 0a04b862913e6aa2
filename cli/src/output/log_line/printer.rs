//! Turns items into text, one after the other, and remembers what stands on the last line.

use super::text::{CLEAR_LINE, cut, gap, settle, stamp};
use crate::operations::{LogItem, LogItemKind};

/// Directly behind the stamp: the line replaces the one before it, if that was marked, too.
const PROGRESS_MARKER: &str = "[HFAI_PRINT:TQDM]";
/// Directly behind the stamp: the rest of the line is a picture for the studio.
const PICTURE_MARKER: &str = "[HFAI_PRINT:IMAGE]";
/// Turns items into text, one after the other; remembers a line that is not complete yet.
#[derive(Debug)]
pub(crate) struct LogPrinter {
    /// Columns of the terminal; `None` if there is none, then nothing is overwritten.
    width: Option<u16>,
    /// Whether lines begin with their stamp.
    stamps: bool,
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
    pub(crate) fn new(width: Option<u16>, stamps: bool) -> Self {
        Self {
            width,
            stamps,
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
        let time = item.time.filter(|_| self.stamps);
        let stamp = time.map(stamp).unwrap_or_default();
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
