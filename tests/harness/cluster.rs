//! A PostgreSQL server of a test's own, for what the tests' common one is not: encrypted, or a copy.
//!
//! `cargo xtask` says in `HAI_TEST_POSTGRES` where the programs are, when the tests run on PostgreSQL.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Blocking, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::{Uid, User};
use tempfile::TempDir;
use tokio::process::Command;

use crate::program::output_of;

/// Accounts that the server may run as when we are root, because it refuses to run as that.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// Stops the server when the pipe to it is closed, however the test ends. `$1` is `pg_ctl`, `$2` the data.
const KEEPER: &str = r#"read -r _; "$1" stop --silent --wait --mode immediate --pgdata "$2""#;

/// A certificate of an authority, and one of a server that is only called 127.0.0.1.
const CERTIFICATES: &str = r"
set -eu
printf '[req]\ndistinguished_name=dn\n[dn]\n' > ssl.conf
new='openssl req -x509 -config ssl.conf -days 2 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1'
for ca in ca other; do
    $new -keyout $ca.key -out $ca.pem -subj /CN=$ca -addext basicConstraints=critical,CA:TRUE
done
$new -CA ca.pem -CAkey ca.key -keyout server.key -out server.crt -subj /CN=server \
    -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1
chmod 600 server.key
";

/// A running server; it ends with this.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    account: Option<User>,
    home: TempDir,
    port: u16,
    keeper: Option<Child>,
}

impl Cluster {
    /// A new server, if the tests run on PostgreSQL.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start() -> Result<Option<Self>> {
        let Some(mut cluster) = Self::prepare()? else {
            return Ok(None);
        };
        let mut initdb = cluster.command("initdb");
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--locale=C",
            "--encoding=UTF8",
        ]);
        initdb.args(["--no-sync", "--pgdata"]).arg(cluster.data());
        succeed(initdb).await?;
        let mut certificates = cluster.command_of(Path::new("/bin/sh"));
        certificates.args(["-c", CERTIFICATES]);
        succeed(certificates).await?;
        cluster.run().await?;
        Ok(Some(cluster))
    }

    /// A copy that follows this one.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn replica(&self) -> Result<Self> {
        let mut replica = Self::prepare()?.context("there is one of which it is a copy")?;
        let mut copy = replica.command("pg_basebackup");
        copy.args([
            "--checkpoint=fast",
            "--wal-method=stream",
            "--write-recovery-conf",
        ]);
        copy.args(["--no-sync", "--username=postgres", "--host"]);
        copy.arg(self.home.path())
            .arg(format!("--port={}", self.port));
        copy.arg("--pgdata").arg(replica.data());
        succeed(copy).await?;
        for file in ["server.key", "server.crt"] {
            std::fs::copy(self.file(file), replica.file(file))?;
            replica.give(&replica.file(file))?;
        }
        replica.run().await?;
        Ok(replica)
    }

    /// Address through the Unix socket.
    pub fn url(&self) -> String {
        let home = self.home.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{home}:{}/postgres", self.port)
    }

    /// Address through the network, of the server under this name.
    pub fn url_at(&self, host: &str) -> String {
        format!("postgres://postgres@{host}:{}/postgres", self.port)
    }

    /// Port of the network.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// One of its files: `ca.pem` has signed the server's certificate, `other.pem` nothing.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Ends the server.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where these tests learn where PostgreSQL is"
    )]
    fn prepare() -> Result<Option<Self>> {
        let Some(programs) = std::env::var_os("HAI_TEST_POSTGRES") else {
            return Ok(None);
        };
        let account = match Uid::effective().is_root() {
            true => Some(account()?),
            false => None,
        };
        // Under /tmp, because a socket's path may have only 107 bytes.
        let home = tempfile::Builder::new()
            .prefix("hai-cluster-")
            .tempdir_in("/tmp")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cluster = Self {
            programs: programs.into(),
            account,
            home,
            port,
            keeper: None,
        };
        cluster.give(cluster.home.path())?;
        Ok(Some(cluster))
    }

    /// Starts the server on its data. A key that others may read it would refuse.
    async fn run(&mut self) -> Result<()> {
        let home = self.home.path().display();
        let (port, key) = (self.port, self.file("server.key"));
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600))?;
        let mut settings = std::fs::File::options()
            .append(true)
            .open(self.data().join("postgresql.conf"))?;
        writeln!(
            settings,
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{home}'\nfsync = off\nssl = on\n\
             ssl_cert_file = '{home}/server.crt'\nssl_key_file = '{home}/server.key'\nmax_connections = 60"
        )?;
        let mut keeper = Blocking::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]);
        keeper.arg(self.programs.join("pg_ctl")).arg(self.data());
        self.keeper = Some(as_account(&mut keeper, self.account.as_ref()).spawn()?);
        let mut start = self.command("pg_ctl");
        start.args(["start", "--silent", "--wait", "--timeout=60", "--pgdata"]);
        start.arg(self.data()).arg("--log").arg(self.file("log"));
        let log = self.file("log");
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        succeed(start).await.with_context(said)
    }

    fn data(&self) -> PathBuf {
        self.file("data")
    }

    fn give(&self, path: &Path) -> Result<()> {
        let account = self.account.as_ref();
        let (uid, gid) = account.map_or((None, None), |it| {
            (Some(it.uid.as_raw()), Some(it.gid.as_raw()))
        });
        Ok(chown(path, uid, gid)?)
    }

    fn command(&self, program: &str) -> Command {
        self.command_of(&self.programs.join(program))
    }

    fn command_of(&self, program: &Path) -> Command {
        let mut command = Blocking::new(program);
        as_account(&mut command, self.account.as_ref()).current_dir(self.home.path());
        command.stdin(Stdio::null());
        command.into()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// In a group of its own, so that Ctrl-C does not end the keeper before the server.
fn as_account<'a>(command: &'a mut Blocking, account: Option<&User>) -> &'a mut Blocking {
    use std::os::unix::process::CommandExt;
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped());
    match account {
        Some(account) => command.uid(account.uid.as_raw()).gid(account.gid.as_raw()),
        None => command,
    }
}

fn account() -> Result<User> {
    for name in ACCOUNTS {
        if let Some(user) = User::from_name(name)? {
            return Ok(user);
        }
    }
    anyhow::bail!("this machine has no account {}", ACCOUNTS.join(" or "))
}

async fn succeed(mut command: Command) -> Result<()> {
    // A server that goes on must not hold the pipes of whoever has started it.
    let output = match command
        .as_std()
        .get_program()
        .to_string_lossy()
        .ends_with("pg_ctl")
    {
        true => {
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let status = crate::within(command.status()).await??;
            ensure!(status.success(), "{command:?}");
            return Ok(());
        }
        false => output_of(command).await?,
    };
    ensure!(output.code == Some(0), "{output:?}");
    Ok(())
}
