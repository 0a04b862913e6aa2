//! `hai-platform up`: what it says when it cannot start, and that a second start continues.

use std::net::TcpListener;

use anyhow::{Context, Result};
use serde_json::json;
use tests::{Output, Up, run};

/// Runs `up` where it must fail.
async fn refused(data_dir: &std::path::Path, listen: &str) -> Result<Output> {
    let data_dir = data_dir.to_str().context("the path is text")?;
    let words = ["up", "--data-dir", data_dir, "--listen", listen];
    let output = run("hai-platform", &words, &[("HOME", "/tmp")]).await?;
    is_one_sentence(&output);
    Ok(output)
}

fn is_one_sentence(output: &Output) {
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.stderr.lines().count(), 1, "{output:?}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_way_out() -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    let dir = tempfile::tempdir()?;
    let output = refused(dir.path(), &address).await?;
    assert!(
        output.stderr.contains(&address) && output.stderr.contains("--listen"),
        "{output:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_directory_that_a_server_has_for_itself_is_refused() -> Result<()> {
    let mut up = Up::start_alone().await?;
    let output = up.run(&["up", "--listen", "127.0.0.1:0"]).await?;
    is_one_sentence(&output);
    assert!(
        output.stderr.contains("a server already runs on"),
        "{output:?}"
    );
    up.kill().await
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_refused() -> Result<()> {
    // Even root cannot make a directory below a file.
    let file = tempfile::NamedTempFile::new()?;
    let output = refused(&file.path().join("data"), "127.0.0.1:0").await?;
    assert!(output.stderr.contains("cannot be made"), "{output:?}");
    Ok(())
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_refused_and_left_alone() -> Result<()> {
    let up = Up::prepare().await?;
    let future = "m29991231_000001_future";
    up.pretend_to_be_newer(future).await?;
    let output = up.run(&["up", "--listen", "127.0.0.1:0"]).await?;
    is_one_sentence(&output);
    assert!(
        output.stderr.contains("from a newer version") && output.stderr.contains(future),
        "{output:?}"
    );
    assert_eq!(up.changes().await?, [future], "none of ours was applied");
    Ok(())
}

#[tokio::test]
async fn the_schema_can_be_looked_at_and_brought_up_to_date_without_a_server() -> Result<()> {
    let up = Up::prepare().await?;
    let pending = up.run(&["migrate", "--check"]).await?;
    assert_eq!(pending.code, Some(1), "{pending:?}");
    assert!(pending.stdout.contains("_create_task\n"), "{pending:?}");
    assert!(!up.data_dir().exists(), "nothing was changed");
    let made = up.run(&["migrate"]).await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(
        made.stdout.strip_prefix("Applied:\n"),
        pending.stdout.strip_prefix("Pending:\n")
    );
    let none = up.run(&["migrate", "--check"]).await?;
    assert_eq!(none.code, Some(0), "{none:?}");
    let again = up.run(&["migrate"]).await?;
    assert_eq!(again.stdout, "The schema was up to date already.\n");
    up.tamper("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2999_future', 0)")
        .await?;
    let newer = up.run(&["migrate", "--check"]).await?;
    assert_eq!(newer.code, Some(2), "{newer:?}");
    assert!(newer.stderr.contains("m2999_future"), "{newer:?}");
    assert_eq!(up.run(&["migrate"]).await?.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_second_start_continues_and_shows_no_token() -> Result<()> {
    let mut up = Up::start().await?;
    let token = up.token.clone();
    up.kill().await?;
    up.token.clear();
    up.again().await?;
    assert_eq!(up.token, "", "the first token is shown once");
    up.token = token;
    up.admin().await?;
    up.kill().await
}

#[tokio::test]
async fn down_stops_the_server_and_a_new_token_can_be_made_for_a_user() -> Result<()> {
    let mut up = Up::start().await?;
    let me = up.admin().await?.ask("{ me { name } }", json!({})).await?;
    let user = me.pointer("/me/name").and_then(|name| name.as_str());
    let user = user.context("the user has a name")?;
    let made = up.run(&["token", "create", user]).await?;
    assert_eq!(made.code, Some(0), "{made:?}");
    up.token = made.stdout.trim().to_owned();
    up.admin().await?;
    let nobody = up.run(&["token", "create", "nobody"]).await?;
    assert_eq!(
        (nobody.code, nobody.stderr.as_str()),
        (Some(1), "hai-platform: there is no user nobody\n")
    );
    let down = up.run(&["down"]).await?;
    assert_eq!(down.code, Some(0), "{down:?}");
    assert!(up.has_ended().await?);
    let again = up.run(&["down"]).await?;
    assert!(again.stdout.starts_with("No server runs on"), "{again:?}");
    Ok(())
}
