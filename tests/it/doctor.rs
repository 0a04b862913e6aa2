//! `hai-platform doctor` beside a server, without one, and where something is wrong.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::Up;

/// The exit code, and the verdict on each thing.
async fn examined(up: &Up) -> Result<(Option<i32>, Value)> {
    let output = up.run(&["doctor", "--json"]).await?;
    let findings: Value =
        serde_json::from_str(&output.stdout).with_context(|| format!("{output:?}"))?;
    Ok((output.code, findings))
}

fn verdict<'a>(findings: &'a Value, what: &str) -> &'a str {
    let mut all = findings.as_array().into_iter().flatten();
    let finding = all.find(|finding| finding["what"] == what);
    finding.and_then(|it| it["verdict"].as_str()).unwrap_or("-")
}

/// The code where nothing else is wrong: the tests' own PostgreSQL may be one that forgets.
fn expected(findings: &Value) -> Option<i32> {
    let forgets = verdict(findings, "durability") == "problem";
    Some(i32::from(forgets))
}

#[tokio::test]
async fn a_platform_is_examined_while_it_runs_and_while_it_is_down() -> Result<()> {
    let mut up = Up::start().await?;
    let (code, findings) = examined(&up).await?;
    for what in [
        "system",
        "data directory",
        "database",
        "server",
        "signing keys",
        "agent",
    ] {
        assert_eq!(verdict(&findings, what), "ok", "{what}: {findings:#}");
    }
    assert_eq!(code, expected(&findings), "{findings:#}");
    up.kill().await?;
    let (code, findings) = examined(&up).await?;
    assert_eq!(verdict(&findings, "server"), "warning", "{findings:#}");
    assert_eq!(verdict(&findings, "database"), "ok", "{findings:#}");
    assert_eq!(code, expected(&findings), "{findings:#}");
    let keys = up.data_dir().join("keys.json");
    set_permissions(&keys, Permissions::from_mode(0o644))?;
    let (code, findings) = examined(&up).await?;
    assert_eq!(
        verdict(&findings, "signing keys"),
        "problem",
        "{findings:#}"
    );
    assert_eq!(code, Some(1));
    assert_eq!(keys.metadata()?.permissions().mode() & 0o777, 0o644);
    Ok(())
}

#[tokio::test]
async fn a_clock_that_has_gone_backwards_is_a_problem() -> Result<()> {
    let mut up = Up::start().await?;
    up.kill().await?;
    let (_, findings) = examined(&up).await?;
    assert_eq!(verdict(&findings, "time"), "ok", "{findings:#}");
    up.tamper("UPDATE access_token SET created_at = '2999-12-31T00:00:00+00:00'")
        .await?;
    let (code, findings) = examined(&up).await?;
    assert_eq!(verdict(&findings, "time"), "problem", "{findings:#}");
    assert_eq!(code, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_a_problem_and_is_left_alone() -> Result<()> {
    let up = Up::prepare().await?;
    up.pretend_to_be_newer("m29991231_000001_future").await?;
    let (code, findings) = examined(&up).await?;
    assert_eq!(verdict(&findings, "database"), "problem", "{findings:#}");
    assert_eq!(code, Some(1));
    assert_eq!(up.changes().await?, ["m29991231_000001_future"]);
    Ok(())
}
