//! Runs the binary in a home of its own.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::platform::{Platform, TOKEN};

/// A user's machine: an empty home, a directory to work in.
pub(crate) struct Machine {
    home: TempDir,
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Machine {
    /// A machine on which nobody has logged in.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("work")).unwrap();
        Self { home }
    }

    /// A machine that knows this platform.
    pub(crate) fn logged_in(platform: &Platform) -> Self {
        let machine = Self::new();
        machine.write(
            ".hai/conf.yaml",
            &format!("token: {TOKEN}\nurl: {}\n", platform.url()),
        );
        machine
    }

    /// Its home.
    pub(crate) fn home(&self) -> PathBuf {
        // As the program sees it, which asks the kernel.
        self.home.path().canonicalize().unwrap()
    }

    /// Where the program is started.
    pub(crate) fn work(&self) -> PathBuf {
        self.home().join("work")
    }

    /// Writes a file below the home.
    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The program with these words, in `work`.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hai-cli"));
        for variable in [
            "HFAI_CLIENT_CONFIG",
            "MARSV2_USER_TOKEN",
            "MARSV2_SERVER",
            "MARSV2_TASK_BACKEND",
        ] {
            command.env_remove(variable);
        }
        command
            .args(words)
            .env("HOME", self.home())
            .current_dir(self.work())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        self.command(words).output().unwrap().into()
    }

    /// Runs the program with these words and something to read.
    pub(crate) fn run_with_input(&self, words: &[&str], input: &str) -> Ended {
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        end(child)
    }
}

/// Waits for the end of a program.
pub(crate) fn end(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Demands a failure with this code that is told in one line with these parts.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        for part in parts {
            assert!(self.err.contains(part), "`{part}` is missing in {self:?}");
        }
        assert!(!self.err.contains(TOKEN), "{self:?}");
    }

    /// Demands success and gives standard output.
    #[track_caller]
    pub(crate) fn succeeds(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }
}

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
