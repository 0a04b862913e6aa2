//! What only PostgreSQL has: encrypted connections, and a copy that answers queries. Without one, nothing is to be seen.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::store::{Connections, Location, ReadFrom, Store};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::json;
use tests::{Cluster, Up, run, within};

async fn text(db: &DatabaseConnection, query: &str) -> Result<String> {
    let query = Statement::from_string(db.get_database_backend(), query);
    let row = db.query_one_raw(query).await?.context("there is a row")?;
    Ok(row.try_get_by_index(0)?)
}

fn verified(cluster: &Cluster, host: &str, authority: &str) -> Location {
    let (url, file) = (cluster.url_at(host), cluster.file(authority));
    let file = file.display();
    Location::Postgres(format!("{url}?sslmode=verify-full&sslrootcert={file}"))
}

#[tokio::test]
async fn a_server_that_is_not_the_one_that_was_named_is_refused() -> Result<()> {
    let Some(cluster) = Cluster::start().await? else {
        return Ok(());
    };
    let store = Store::open(&verified(&cluster, "127.0.0.1", "ca.pem")).await?;
    let encrypted = "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(text(store.reader(), encrypted).await?, "true");
    store.close().await;
    for (host, authority) in [("127.0.0.1", "other.pem"), ("localhost", "ca.pem")] {
        let refused = Store::open(&verified(&cluster, host, authority)).await;
        let error = refused.err().context("it must be refused")?;
        let error = format!("{:#}", anyhow::Error::from(error));
        assert!(error.to_lowercase().contains("certificate"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn the_file_with_the_settings_names_a_database_and_no_password_is_told() -> Result<()> {
    let Some(cluster) = Cluster::start().await? else {
        return Ok(());
    };
    let dir = tempfile::tempdir()?;
    let settings = |authority: &str| {
        let (port, file) = (cluster.port(), cluster.file(authority));
        let text = format!(
            "[database.postgres.primary]\nhost = '127.0.0.1'\nport = {port}\nuser = 'postgres'\npassword = 's3cret'\n\
             db = 'postgres'\nsslmode = 'verify-full'\nsslrootcert = '{}'\n",
            file.display()
        );
        std::fs::write(dir.path().join("override.toml"), text)
    };
    let data_dir = dir.path().to_str().context("the path is text")?;
    let migrate = async |words: &[&str]| {
        let words = [&["migrate", "--data-dir", data_dir], words].concat();
        let output = run("hai-platform", &words, &[("HOME", "/tmp")]).await?;
        ensure!(!format!("{output:?}").contains("s3cret"), "{output:?}");
        anyhow::Ok(output)
    };
    settings("other.pem")?;
    let refused = migrate(&["--check"]).await?;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    settings("ca.pem")?;
    assert_eq!(migrate(&["--check"]).await?.code, Some(1));
    let made = migrate(&[]).await?;
    assert!(made.stdout.starts_with("Applied:\n"), "{made:?}");
    assert_eq!(migrate(&["--check"]).await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn of_servers_that_start_together_on_an_empty_database_one_makes_the_first_user() -> Result<()>
{
    let Some(cluster) = Cluster::start().await? else {
        return Ok(());
    };
    let mut one = Up::prepare_on(&cluster.url(), None).await?;
    let mut other = Up::prepare_on(&cluster.url(), None).await?;
    let (first, second) = futures_util::future::join(one.again(), other.again()).await;
    first.and(second)?;
    let made = [&one.token, &other.token].map(|token| !token.is_empty());
    assert!(made[0] != made[1], "one of them shows a token: {made:?}");
    one.kill().await?;
    other.kill().await
}

/// A primary with a copy, and the stores of two servers.
struct Pair {
    primary: Cluster,
    replica: Cluster,
    /// Writes.
    one: Store,
    /// Reads.
    other: Store,
    /// Connected to the replica itself.
    control: DatabaseConnection,
}

impl Pair {
    async fn start() -> Result<Option<Self>> {
        let Some(primary) = Cluster::start().await? else {
            return Ok(None);
        };
        let replica = primary.replica().await?;
        let location = Location::Postgres(primary.url());
        let connections = Connections {
            replica: Some(replica.url()),
            ..Connections::default()
        };
        let (other, start_up) = Store::start(&location, &connections).await?;
        start_up.release().await;
        Ok(Some(Self {
            one: Store::open(&location).await?,
            other,
            control: Database::connect(replica.url()).await?,
            primary,
            replica,
        }))
    }

    /// One server writes; then the other answers a query. By whom, once it was seen that nothing is missing?
    async fn write_and_read(&self, n: u32) -> Result<ReadFrom> {
        let insert = format!("INSERT INTO user_group (user_id, name) VALUES (1, 'g{n}')");
        let user = "INSERT INTO \"user\" (name, uid, role, active, created_at)
            VALUES ('ada', 1, 'INTERNAL', TRUE, now()) ON CONFLICT DO NOTHING";
        let writer = self.one.reader();
        writer.execute_unprepared(user).await?;
        writer.execute_unprepared(&insert).await?;
        let (store, from) = self.other.for_query().await;
        let read = format!("SELECT count(*)::text FROM user_group WHERE name = 'g{n}'");
        ensure!(
            text(store.reader(), &read).await? == "1",
            "a write is missing"
        );
        let copy = text(store.reader(), "SELECT pg_is_in_recovery()::text").await?;
        let from = from.context("there is a choice")?;
        ensure!(
            (copy == "true") == (from == ReadFrom::Replica),
            "{from:?}, {copy}"
        );
        Ok(from)
    }

    /// Until a query is answered by somebody.
    async fn until(&self, from: ReadFrom) -> Result<()> {
        let asked = async {
            while self.other.for_query().await.1 != Some(from) {
                tokio::task::yield_now().await;
            }
        };
        within(asked).await
    }
}

#[tokio::test]
async fn a_query_sees_every_write_that_was_answered_whoever_answers_it() -> Result<()> {
    let Some(mut pair) = Pair::start().await? else {
        return Ok(());
    };
    pair.until(ReadFrom::Replica).await?;
    let mut by_replica = 0;
    for n in 0..300 {
        by_replica += u32::from(pair.write_and_read(n).await? == ReadFrom::Replica);
    }
    ensure!(by_replica > 0, "the replica was never asked");
    let pause = "SELECT pg_wal_replay_pause()";
    pair.control.execute_unprepared(pause).await?;
    let paused = "SELECT pg_get_wal_replay_pause_state()";
    while text(&pair.control, paused).await? != "paused" {}
    for n in 300..310 {
        assert_ne!(pair.write_and_read(n).await?, ReadFrom::Replica);
    }
    pair.until(ReadFrom::PrimaryAsBehind).await?;
    let resume = "SELECT pg_wal_replay_resume()";
    pair.control.execute_unprepared(resume).await?;
    pair.until(ReadFrom::Replica).await?;
    pair.replica.stop();
    for n in 310..320 {
        assert_ne!(pair.write_and_read(n).await?, ReadFrom::Replica);
    }
    pair.until(ReadFrom::PrimaryAsAway).await?;
    // What is not for one query never reads from it.
    let itself = text(pair.other.reader(), "SELECT pg_is_in_recovery()::text").await?;
    assert_eq!(itself, "false");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_no_copy_is_not_read_from() -> Result<()> {
    let Some(pair) = Pair::start().await? else {
        return Ok(());
    };
    let Some(stranger) = Cluster::start().await? else {
        return Ok(());
    };
    for no_copy in [pair.primary.url(), stranger.url()] {
        let connections = Connections {
            replica: Some(no_copy),
            ..Connections::default()
        };
        let location = Location::Postgres(pair.primary.url());
        let (store, _) = Store::start(&location, &connections).await?;
        assert_eq!(store.for_query().await.1, Some(ReadFrom::PrimaryAsAway));
        store.close().await;
    }
    Ok(())
}

#[tokio::test]
async fn queries_of_the_api_read_from_the_replica_and_miss_nothing() -> Result<()> {
    let Some(pair) = Pair::start().await? else {
        return Ok(());
    };
    let mut up = Up::prepare_on(&pair.primary.url(), Some(&pair.replica.url())).await?;
    up.again().await?;
    let admin = up.admin().await?;
    for n in 0..30 {
        admin.create_user(&format!("user-{n}")).await?;
        let users = "{ users(first: 1) { totalCount } }";
        let seen = admin.ask(users, json!({})).await?;
        assert_eq!(seen["users"]["totalCount"], n + 2, "the administrator too");
        // Time passes between the writes of people; a replica that was behind is not asked again at once.
        if n % 10 == 9 {
            pair.until(ReadFrom::Replica).await?;
        }
    }
    let asked = async {
        loop {
            admin.ask("{ me { name } }", json!({})).await?;
            let client = reqwest::Client::builder().timeout(Duration::from_secs(10));
            let metrics = client.build()?.get(format!("{}/metrics", up.url));
            let metrics = metrics.send().await?.text().await?;
            let by = "hai_database_queries_total{by=\"replica\"}";
            if metrics.lines().any(|line| line.starts_with(by)) {
                return anyhow::Ok(());
            }
        }
    };
    within(asked).await??;
    up.kill().await
}
