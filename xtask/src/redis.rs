//! A private Redis server for one command: empty at the start, gone at the end, however we end.
//!
//! It keeps nothing on the disk and listens on a free port of this machine, with a password that nobody else knows. If we
//! are root it runs as `redis` or `nobody`. It is ended as the private [PostgreSQL](crate::postgres) is: by a keeper that
//! waits for the end of a pipe which only we hold open.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

use anyhow::{Context, Result};
use nix::unistd::User;

use crate::private::{command, create_home, unprivileged_account};

const HOME_TEMPLATE: &str = "/tmp/hai-redis-XXXXXX";

/// Accounts that the server may run as when we are root; the first that exists is taken.
const ACCOUNTS: &[&str] = &["redis", "nobody"];

/// What the server says when it takes connections.
const READY: &str = "Ready to accept connections";

/// `$1` is the server, `$2` the home. Only the server keeps the output open.
const KEEPER_SCRIPT: &str = r#"
"$1" "$2/redis.conf" &
exec >/dev/null
read -r _
kill $! 2>/dev/null
wait
rm -rf "$2"
"#;

/// Between the choice of a free port and its use somebody else may take it.
const ATTEMPTS: usize = 5;

/// A running server; dropping it stops the server and removes its directory.
pub(crate) struct Redis {
    home: PathBuf,
    url: String,
    keeper: Child,
}

impl Redis {
    /// Starts the server `program`; returns when it accepts connections.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let account = unprivileged_account(ACCOUNTS)?;
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            match Self::attempt(program, account.as_ref())? {
                Ok(server) => return Ok(server),
                Err(output) => said = output,
            }
        }
        anyhow::bail!("the private Redis does not start\n{said}")
    }

    /// Its address, without a database, with which `/NUMBER` can be added.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A server, or what one has said that has ended.
    fn attempt(program: &Path, account: Option<&User>) -> Result<Result<Self, String>> {
        let home = create_home(HOME_TEMPLATE, account)?;
        let port = free_port()?;
        let password = password()?;
        let mut keeper = command(Path::new("/bin/sh"), account);
        keeper
            .args(["-c", KEEPER_SCRIPT, "keeper"])
            .arg(program)
            .arg(&home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        configure(&home, port, &password, account)?;
        let mut server = Self {
            home,
            url: format!("redis://:{password}@127.0.0.1:{port}"),
            keeper: keeper
                .spawn()
                .context("cannot start the keeper of the private Redis")?,
        };
        let output = server.keeper.stdout.take();
        let mut output = BufReader::new(output.context("the server has no output")?);
        let mut said = String::new();
        while !said.contains(READY) {
            if output.read_line(&mut said)? == 0 {
                return Ok(Err(said));
            }
        }
        // A server that cannot say anything any more would stand still.
        thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        Ok(Ok(server))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("cannot wait for the private Redis to stop: {error}");
        }
        if self.home.exists() {
            eprintln!("the private Redis has left {} behind", self.home.display());
        }
    }
}

/// Writes the server's configuration: a password on its command line could be seen by everybody.
fn configure(home: &Path, port: u16, password: &str, account: Option<&User>) -> Result<()> {
    let path = home.join("redis.conf");
    let text = format!(
        "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {}\nsave \"\"\nappendonly no\ndaemonize no\nlogfile \"\"\n",
        home.display()
    );
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(text.as_bytes())?;
    if let Some(User { uid, gid, .. }) = account {
        chown(&path, Some(uid.as_raw()), Some(gid.as_raw()))?;
    }
    Ok(())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

fn password() -> Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot draw a password")?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::machine::Machine;

    #[test]
    fn a_private_server_wants_its_password_and_leaves_nothing_behind() {
        let machine = Machine::prepare(false).unwrap();
        let server = Redis::start(&machine.redis).unwrap();
        let home = server.home.clone();
        let (password, address) = server.url()["redis://:".len()..].split_once('@').unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "PING\r\nAUTH {password}\r\nPING\r\nQUIT\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("-NOAUTH"), "{said}");
        assert!(said.ends_with("+OK\r\n+PONG\r\n+OK\r\n"), "{said}");
        let address = address.to_owned();
        drop(server);
        assert!(!home.exists());
        assert!(TcpStream::connect(address).is_err());
    }
}
