//! What a program shows on a terminal, as a person sees it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::pty::{Winsize, openpty};

use crate::{program, within};

/// Runs `hai-cli` on a terminal of 80 columns until these texts are on it, then presses `q`. Answers the picture.
///
/// # Errors
/// If it does not show them, or does not end.
pub async fn screen(words: &[&str], home: &Path, lines: u16, until: &[&str]) -> Result<String> {
    let size = Winsize {
        ws_row: lines,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None)?;
    let side = || pty.slave.try_clone().map(Stdio::from);
    let mut command = Command::new(program("hai-cli")?);
    command
        .args(words)
        .env_clear()
        .env("HOME", home)
        .env("TERM", "xterm")
        .stdin(side()?)
        .stdout(side()?)
        .stderr(side()?);
    let mut child = command.spawn()?;
    // The program alone must hold its side: its end is the end of the output.
    drop(command);
    drop(pty.slave);
    let until: Vec<String> = until.iter().map(|text| (*text).to_owned()).collect();
    let mut terminal = File::from(pty.master);
    let shown = tokio::task::spawn_blocking(move || {
        let picture = read_until(&mut terminal, lines, &until)?;
        terminal.write_all(b"q")?;
        // A terminal without a program behind it answers with an error.
        let _ = terminal.read_to_end(&mut Vec::new());
        ensure!(child.wait()?.success(), "it failed");
        Ok(picture)
    });
    within(shown).await??
}

fn read_until(terminal: &mut File, lines: u16, until: &[String]) -> Result<String> {
    let mut parser = vt100::Parser::new(lines, 80, 0);
    let mut buffer = [0; 4096];
    loop {
        let picture = parser.screen().contents();
        if until.iter().all(|text| picture.contains(text)) {
            return Ok(picture);
        }
        let n_read = terminal
            .read(&mut buffer)
            .with_context(|| format!("{until:?} is not all in\n{picture}"))?;
        parser.process(&buffer[..n_read]);
    }
}
