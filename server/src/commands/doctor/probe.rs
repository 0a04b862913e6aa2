//! Finds out the facts, without judging them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::clock::{Clock, SystemClock};
use domain::events::{self, Origin};
use domain::store::{Location, Store};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statfs::{self, FsType};
use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use protocol::ServerFile;
use rand::rngs::StdRng;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::judge::{Database, Dir, Facts, Relay, Server};
use crate::commands::up;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::environment::Environment;
use crate::{database, relay, seat};

/// How long anything may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// CIFS, which the library does not name.
const CIFS: i64 = 0xff53_4d42;
const CHANGES: &str = "SELECT version FROM seaql_migrations ORDER BY version";
/// When the last thing happened that both databases know of. The newest rows are enough, however long the history is.
const NEWEST: &str = "SELECT max(at) FROM (
    SELECT * FROM (SELECT created_at AS at FROM task ORDER BY id DESC LIMIT 1000) AS submitted
    UNION ALL SELECT * FROM (SELECT created_at FROM run ORDER BY id DESC LIMIT 1000) AS begun
    UNION ALL SELECT * FROM (SELECT ended_at FROM run ORDER BY id DESC LIMIT 1000) AS ended
    UNION ALL SELECT * FROM (SELECT created_at FROM access_token ORDER BY id DESC LIMIT 1000) AS given
    ) AS happened";

/// All that can be found out about a platform, which is started with the settings of a file.
pub(super) async fn facts(
    data_dir: &DataDir,
    environment: &Environment,
    file: Option<&Path>,
) -> Facts {
    let dir = data_dir.path();
    let mode = |path: &Path| Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777);
    let wal = fs::metadata(data_dir.database().with_extension("db-wal"));
    let agent = up::agent_command().ok();
    let agent = agent.and_then(|words| Some(words.first()?.clone()));
    Facts {
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
            .map_or_else(|_| String::new(), |text| text.trim().to_owned()),
        has_proc: Path::new("/proc/self/stat").exists(),
        has_pidfd: pidfd_open(getpid(), PidfdFlags::empty()).is_ok(),
        dir: directory(dir),
        uid: Uid::effective().as_raw(),
        open_files: getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft),
        database: within(of_database(data_dir, environment)).await,
        broken_seals: broken_seals(data_dir, environment).await,
        relay: of_relay(data_dir, environment, file).await,
        wal_bytes: wal.map_or(0, |wal| wal.len()),
        server: server(data_dir).await,
        keys_mode: mode(&dir.join("keys.json")),
        python: version(Command::new("python3")),
        agent: agent.and_then(|program| version(Command::new(program))),
    }
}

fn directory(path: &Path) -> Option<Dir> {
    let found = fs::metadata(path).ok()?;
    let space = statvfs(path).ok()?;
    let kind = statfs::statfs(path).ok()?.filesystem_type();
    let network = [
        statfs::NFS_SUPER_MAGIC,
        statfs::SMB_SUPER_MAGIC,
        FsType(CIFS),
    ];
    Some(Dir {
        shown: path.display().to_string(),
        uid: found.uid(),
        mode: found.mode() & 0o7777,
        free_bytes: space.blocks_available() * space.fragment_size(),
        free_inodes: (space.files() > 0).then(|| space.files_available()),
        is_network: network.contains(&kind),
    })
}

async fn of_database(data_dir: &DataDir, environment: &Environment) -> Result<Database, String> {
    let location = chosen(data_dir, environment)?;
    database::check(data_dir, &location).map_err(|error| error.to_string())?;
    let found = match &location {
        Location::Sqlite(path) => sqlite(path).await,
        Location::Postgres(url) => postgres(url).await,
    };
    // The address may hold a password; the causes do not.
    found.map_err(|error| format!("cannot be read: {error}"))
}

fn chosen(data_dir: &DataDir, environment: &Environment) -> Result<Location, String> {
    let config = Config::load(None, data_dir);
    let location = config.and_then(|config| database::choose(environment, &config, data_dir));
    location.map_err(|error| format!("{error:#}"))
}

/// Says something through the relay, and hears it.
async fn of_relay(
    data_dir: &DataDir,
    environment: &Environment,
    file: Option<&Path>,
) -> Result<Option<Relay>, String> {
    let redis = Config::load(file, data_dir).and_then(|file| relay::redis(environment, &file));
    let redis = redis.map_err(|error| format!("{error:#}"))?;
    let location = chosen(data_dir, environment)?;
    let Some(relay) = relay::choose(redis.as_ref(), &location) else {
        return Ok(None);
    };
    let mut random: StdRng = rand::make_rng();
    let carries = async {
        let carried = events::probe(&*relay, Origin::new(&mut random)).await;
        // The address may hold a password; the causes do not.
        carried.map_err(|error| error.chain())
    };
    Ok(Some(Relay {
        name: redis.map_or_else(|| relay.name().to_owned(), |it| format!("Redis at {it}")),
        carries: within(carries).await,
    }))
}

/// All rows are read, so this may take a while.
async fn broken_seals(
    data_dir: &DataDir,
    environment: &Environment,
) -> Result<Vec<String>, String> {
    let location = chosen(data_dir, environment)?;
    // The error names the address without its password.
    let store = Store::open_existing(&location).await;
    let store = store.map_err(|error| error.to_string())?;
    let broken = domain::audit::verify(store.reader()).await;
    store.close().await;
    let broken = broken.map_err(|error| error.chain())?;
    Ok(broken.iter().map(ToString::to_string).collect())
}

async fn sqlite(path: &Path) -> Result<Database, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut db: SqliteConnection = options.connect().await?;
    let has = sqlx::query_scalar(CHANGES).fetch_all(&mut db).await?;
    let newest = sqlx::query_scalar(NEWEST).fetch_one(&mut db).await;
    db.close().await?;
    Ok(Database {
        has,
        known: Store::known_changes(),
        newest_ahead_ms: ahead(newest),
        ..Database::default()
    })
}

async fn postgres(url: &str) -> Result<Database, sqlx::Error> {
    let mut db = PgConnection::connect(url).await?;
    let has = sqlx::query_scalar(CHANGES).fetch_all(&mut db).await?;
    let mut durability = Vec::new();
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        let setting = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
        durability.push((name, setting.fetch_one(&mut db).await?));
    }
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let theirs: i64 = sqlx::query_scalar(now).fetch_one(&mut db).await?;
    let ours = SystemClock.now().timestamp_millis();
    let newest = sqlx::query_scalar(NEWEST).fetch_one(&mut db).await;
    db.close().await?;
    Ok(Database {
        has,
        known: Store::known_changes(),
        durability,
        ahead_ms: Some(theirs - ours),
        newest_ahead_ms: ahead(newest),
    })
}

/// How far a moment is ahead of our clock. A database of another version may not have the tables to know one.
fn ahead(newest: Result<Option<DateTime<Utc>>, sqlx::Error>) -> Option<i64> {
    let ahead = newest.ok()?? - SystemClock.now();
    Some(ahead.num_milliseconds())
}

async fn server(data_dir: &DataDir) -> Result<Server, String> {
    let pids = seat::taken(data_dir).map_err(|error| format!("{error:#}"))?;
    if pids.is_empty() {
        return Ok(Server::Down);
    }
    let announced = |pid: &u32| data_dir.servers().join(format!("{pid}.json")).exists();
    let ready = match pids.iter().any(announced) {
        true => Some(within(ready(data_dir)).await),
        false => None,
    };
    Ok(Server::Up { pids, ready })
}

/// The status of `/readyz` at the announced address.
async fn ready(data_dir: &DataDir) -> Result<u16, String> {
    let text = fs::read(data_dir.server_file()).map_err(|error| error.to_string())?;
    let file: ServerFile = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let client = reqwest::Client::builder().no_proxy();
    let client = match &file.certificate {
        Some(certificate) => {
            let trust = transport::trust_only(certificate).map_err(|error| error.to_string())?;
            client.tls_backend_preconfigured((*trust).clone())
        }
        None => client,
    };
    let client = client.build();
    let request = client
        .map_err(|error| error.to_string())?
        .get(format!("{}/readyz", file.url));
    let answer = request.send().await.map_err(|error| error.to_string())?;
    Ok(answer.status().as_u16())
}

async fn within<T>(look: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_| Err("there is no answer".to_owned());
    tokio::time::timeout(PATIENCE, look)
        .await
        .unwrap_or_else(late)
}

fn version(mut program: Command) -> Option<String> {
    let output = program.arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
