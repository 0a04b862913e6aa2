//! A program on a pseudo-terminal.

use std::{
    fs::File,
    io::Read,
    process::{Child, Command, Stdio},
};

use nix::pty::{Winsize, openpty};

use crate::program::Machine;

/// A program on a terminal of 80 columns and 24 lines.
pub(crate) struct Session {
    /// The program.
    pub(crate) child: Child,
    /// The other side of the terminal.
    pub(crate) screen: File,
    shown: String,
    unread: Vec<u8>,
}

impl Session {
    /// Starts the program with these words and environment variables.
    pub(crate) fn start(machine: &Machine, words: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn(machine.command(words), variables, None)
    }

    /// Starts the program with its standard output in a file; the terminal has the rest.
    pub(crate) fn start_into(machine: &Machine, words: &[&str], out: File) -> Self {
        Self::spawn(machine.command(words), &[], Some(out))
    }

    /// Starts another program.
    pub(crate) fn of(command: Command) -> Self {
        Self::spawn(command, &[], None)
    }

    fn spawn(mut command: Command, variables: &[(&str, &str)], out: Option<File>) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        let side = || Stdio::from(pty.slave.try_clone().unwrap());
        command
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .stdin(side())
            .stdout(out.map_or_else(side, Stdio::from))
            .stderr(side());
        // The program alone must hold its side of the terminal: its end is the end of the output.
        let child = command.spawn().unwrap();
        Self {
            child,
            screen: File::from(pty.master),
            shown: String::new(),
            unread: Vec::new(),
        }
    }

    /// Reads until this is shown.
    pub(crate) fn await_text(&mut self, text: &str) {
        while !self.shown.contains(text) {
            assert!(self.read(), "`{text}` is missing in {:?}", self.shown);
        }
    }

    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        // A terminal without a program behind it answers with an error.
        let n_read = self.screen.read(&mut buffer).unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..n_read]);
        // A character may arrive in two parts.
        let n_whole = match str::from_utf8(&self.unread) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let whole: Vec<u8> = self.unread.drain(..n_whole).collect();
        self.shown += str::from_utf8(&whole).unwrap();
        n_read > 0
    }

    /// Reads to the end. Gives the exit code and all that was shown.
    pub(crate) fn end(mut self) -> (i32, String) {
        while self.read() {}
        (self.child.wait().unwrap().code().unwrap(), self.shown)
    }
}
