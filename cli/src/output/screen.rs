//! Where text goes: standard output for results, standard error for notes about them.

use std::io::{self, IsTerminal, Write};

use super::progress::{Progress, is_piped};
use crate::{
    config::Environment,
    error::{Error, Result},
};

/// How output may look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal; `None` if standard output is none, then lines may be of any length.
    pub width: Option<u16>,
    /// Whether colours are welcome.
    pub colour: bool,
}

impl Look {
    /// That of standard output, without colours.
    pub fn of_stdout() -> Self {
        let width = io::stdout()
            .is_terminal()
            .then(|| comfy_table::Table::new().width());
        Self {
            width: width.flatten(),
            colour: false,
        }
    }
}

/// Standard output and standard error of this process.
pub(crate) struct Screen {
    out: io::Stdout,
    notes: io::Stderr,
    look: Look,
    note_look: Look,
    has_note_terminal: bool,
    progress: Progress,
    /// What is shown below everything else, on a terminal, until it is ended.
    standing_note: Option<String>,
    /// Whether it is shown now: not while the line above it is still open.
    shows_standing_note: bool,
}

impl Screen {
    /// The process's own; `json` if programs read it.
    pub(crate) fn new(environment: &Environment, json: bool) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let has_note_terminal = io::stderr().is_terminal();
        let may_move = has_note_terminal && !environment.no_colour;
        Self {
            out: io::stdout(),
            notes: io::stderr(),
            look: Look {
                colour: is_terminal && !environment.no_colour,
                ..Look::of_stdout()
            },
            note_look: Look {
                width: has_note_terminal
                    .then(|| comfy_table::Table::new().use_stderr().width())
                    .flatten(),
                colour: has_note_terminal && !environment.no_colour,
            },
            has_note_terminal,
            progress: Progress::new(may_move && !json && !is_piped()),
            standing_note: None,
            shows_standing_note: false,
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

    /// The sign of life while the user waits.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Writes text as it is, at once.
    pub(crate) fn print(&mut self, text: &str) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.hide_standing_note();
        let out = &mut self.out;
        self.progress
            .aside(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()))
            .map_err(Error::Output)?;
        if text.ends_with('\n') {
            self.show_standing_note();
        }
        Ok(())
    }

    /// Writes a line about the result. Nobody can be told when that fails.
    pub(crate) fn note(&mut self, line: &str) {
        self.note_text(&format!("{line}\n"));
    }

    /// Writes lines about the result.
    pub(crate) fn note_text(&mut self, text: &str) {
        self.hide_standing_note();
        let notes = &mut self.notes;
        let _ = self.progress.aside(|| notes.write_all(text.as_bytes()));
        self.show_standing_note();
    }

    /// Asks for something that is typed behind the question.
    pub(crate) fn ask(&mut self, question: &str) {
        let _ = self.notes.write_all(question.as_bytes());
        let _ = self.notes.flush();
    }

    /// Writes a note that stays below what follows, in place of the one before; without a terminal it is a line.
    pub(crate) fn stand(&mut self, line: &str) {
        self.end_standing_note();
        if self.has_note_terminal {
            self.standing_note = Some(line.to_owned());
            self.show_standing_note();
        } else {
            self.note(line);
        }
    }

    /// Removes the standing note for good.
    pub(crate) fn end_standing_note(&mut self) {
        self.hide_standing_note();
        self.standing_note = None;
    }

    fn show_standing_note(&mut self) {
        if let Some(line) = &self.standing_note {
            // A line that is wrapped could not be removed again.
            let width = self.note_look.width.unwrap_or(80).saturating_sub(1);
            let shown: String = line.chars().take(usize::from(width)).collect();
            let _ = self.notes.write_all(shown.as_bytes());
            let _ = self.notes.flush();
            self.shows_standing_note = true;
        }
    }

    fn hide_standing_note(&mut self) {
        if std::mem::take(&mut self.shows_standing_note) {
            let _ = self.notes.write_all(b"\r\x1b[K");
            let _ = self.notes.flush();
        }
    }
}
