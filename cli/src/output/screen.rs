//! Where text goes: standard output for results, standard error for notes about them.

use std::io::{self, IsTerminal, Write};

use crate::{
    config::Environment,
    error::{Error, Result},
};

/// How output may look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns of the terminal; `None` if standard output is none, then lines may be of any length.
    pub(crate) width: Option<u16>,
    /// Whether colours are welcome.
    pub(crate) colour: bool,
}

/// Standard output and standard error of this process.
pub(crate) struct Screen {
    out: io::Stdout,
    notes: io::Stderr,
    look: Look,
    note_look: Look,
    has_note_terminal: bool,
    /// Whether the last note may be overwritten.
    has_passing_note: bool,
}

impl Screen {
    /// The process's own.
    pub(crate) fn new(environment: &Environment) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let has_note_terminal = io::stderr().is_terminal();
        Self {
            out: io::stdout(),
            notes: io::stderr(),
            look: Look {
                width: is_terminal
                    .then(|| comfy_table::Table::new().width())
                    .flatten(),
                colour: is_terminal && !environment.no_colour,
            },
            note_look: Look {
                width: has_note_terminal
                    .then(|| comfy_table::Table::new().use_stderr().width())
                    .flatten(),
                colour: has_note_terminal && !environment.no_colour,
            },
            has_note_terminal,
            has_passing_note: false,
        }
    }

    /// How what is printed may look.
    pub(crate) fn look(&self) -> Look {
        self.look
    }

    /// How notes may look.
    pub(crate) fn note_look(&self) -> Look {
        self.note_look
    }

    /// Writes text as it is, at once.
    pub(crate) fn print(&mut self, text: &str) -> Result<()> {
        self.clear_passing_note();
        if text.is_empty() {
            return Ok(());
        }
        self.out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(Error::Output)
    }

    /// Writes a line about the result. Nobody can be told when that fails.
    pub(crate) fn note(&mut self, line: &str) {
        self.clear_passing_note();
        let _ = writeln!(self.notes, "{line}");
    }

    /// Writes text of several lines about the result.
    pub(crate) fn note_text(&mut self, text: &str) {
        self.clear_passing_note();
        let _ = self.notes.write_all(text.as_bytes());
    }

    /// Writes a line that the next output replaces, if there is a terminal to do so.
    pub(crate) fn passing_note(&mut self, line: &str) {
        self.clear_passing_note();
        if self.has_note_terminal {
            let width = self.note_look.width.unwrap_or(80);
            let shown: String = line
                .chars()
                .take(usize::from(width.saturating_sub(1)))
                .collect();
            let _ = write!(self.notes, "{shown}");
            let _ = self.notes.flush();
            self.has_passing_note = true;
        } else {
            let _ = writeln!(self.notes, "{line}");
        }
    }

    /// Removes a passing note.
    pub(crate) fn clear_passing_note(&mut self) {
        if self.has_passing_note {
            let _ = write!(self.notes, "\r\x1b[K");
            let _ = self.notes.flush();
            self.has_passing_note = false;
        }
    }
}
