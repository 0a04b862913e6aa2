//! A private PostgreSQL server for one command: empty at the start, gone at the end, however we end.
//!
//! The server has a directory of its own and listens on a Unix socket in it, so that it needs no free port and nobody
//! else on the machine reaches it. It refuses to run as root; if we are root it runs as `postgres` or `nobody`.
//!
//! A **keeper**, a shell in a process group of its own, waits for the end of a pipe that only we hold open, then stops
//! the server and removes the directory. The kernel closes the pipe even if we are killed, so no signal of ours needs
//! handling and nothing is left behind.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::private::{command, create_home, succeed, unprivileged_account};

/// Under `/tmp`, whatever `TMPDIR` says: every account reaches it, and a socket's path may have only 107 bytes.
const HOME_TEMPLATE: &str = "/tmp/hai-postgres-XXXXXX";

/// Accounts that the server may run as when we are root; the first that exists is taken.
const ACCOUNTS: &[&str] = &["postgres", "nobody"];

/// Names the socket only; nothing listens on it.
const PORT: u16 = 5432;

/// `$1` is `pg_ctl`, `$2` the home. An immediate stop loses data, and the data is to be lost.
const KEEPER_SCRIPT: &str = r#"
read -r _
"$1" stop --silent --wait --mode immediate --pgdata "$2/data" 2>/dev/null
rm -rf "$2"
"#;

const INITDB_OPTIONS: [&str; 5] = [
    "--auth=trust",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
];

/// Settings of the server; every test has its own connections, hence so many.
const SERVER_OPTIONS: [&str; 2] = ["listen_addresses=", "max_connections=300"];

/// Settings without which a commit is on the disk before it is answered.
const NOT_DURABLE: [&str; 3] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// What a commit is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// As in production.
    Full,
    /// Nothing once the machine loses its power: enough for tests.
    None,
}

/// A running server; dropping it stops the server and removes its directory.
pub(crate) struct Postgres {
    home: PathBuf,
    durability: Durability,
    keeper: Child,
}

impl Postgres {
    /// Creates the cluster and starts the server from the programs in `programs`; returns when it accepts connections.
    pub(crate) fn start(programs: &Path, durability: Durability) -> Result<Self> {
        let account = unprivileged_account(ACCOUNTS)?;
        let run_as = |program: PathBuf| command(&program, account.as_ref());

        let home = create_home(HOME_TEMPLATE, account.as_ref())?;
        let keeper = run_as(PathBuf::from("/bin/sh"))
            .args(["-c", KEEPER_SCRIPT, "keeper"])
            .arg(programs.join("pg_ctl"))
            .arg(&home)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("cannot start the keeper of the private PostgreSQL")?;
        let server = Self {
            home,
            durability,
            keeper,
        };

        let mut initdb = run_as(programs.join("initdb"));
        initdb
            .args(INITDB_OPTIONS)
            .arg("--pgdata")
            .arg(server.data());
        succeed(&mut initdb, "initdb")?;

        let mut start = run_as(programs.join("pg_ctl"));
        start
            .args(["start", "--silent", "--wait", "--timeout=60"])
            .arg("--pgdata")
            .arg(server.data())
            .arg("--log")
            .arg(server.log())
            .args(["--options", &server.options()]);
        succeed(&mut start, "pg_ctl").with_context(|| {
            let log = fs::read_to_string(server.log()).unwrap_or_default();
            format!("the private PostgreSQL does not start\n{log}")
        })?;
        Ok(server)
    }

    /// Address of the server's first database, as the superuser `postgres`. It ends with the name of the database.
    pub(crate) fn url(&self) -> String {
        let host = self.home.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{host}:{PORT}/postgres")
    }

    fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    /// The server's command line, split by `pg_ctl` at blanks.
    fn options(&self) -> String {
        let home = self.home.display();
        let mut options = format!("-p {PORT} -k {home}");
        let saved = match self.durability {
            Durability::Full => &[],
            Durability::None => NOT_DURABLE.as_slice(),
        };
        for setting in SERVER_OPTIONS.iter().chain(saved) {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        options
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("cannot wait for the private PostgreSQL to stop: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Durability, Postgres};
    use crate::machine::Machine;

    #[test]
    fn a_private_server_leaves_nothing_behind() {
        let machine = Machine::prepare(false).unwrap();
        let server = Postgres::start(&machine.postgres, Durability::None).unwrap();
        let home = server.home.clone();
        assert!(home.join(".s.PGSQL.5432").exists());
        drop(server);
        assert!(!home.exists());
    }
}
