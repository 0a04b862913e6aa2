//! A platform that was lost comes back from its backup.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Client, Gate, Output, Up};

const QUOTA: &str = "mutation { setQuota(input: {owner: \"ana\", group: \"training\", priority: HIGH, nodes: 7}) { owner } }";

fn refused(output: &Output, why: &str) {
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains(why), "{output:?}");
}

fn done(output: &Output) {
    assert_eq!(output.code, Some(0), "{output:?}");
}

async fn names(client: &Client) -> Result<Vec<String>> {
    let data = client
        .ask("{ tasks(first: 50) { nodes { name } } }", json!({}))
        .await?;
    let nodes = data.pointer("/tasks/nodes").and_then(Value::as_array);
    let nodes = nodes.context("there is a list")?;
    let mut names: Vec<String> = nodes
        .iter()
        .map(|node| node["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn a_platform_comes_back_as_it_was_when_its_backup_was_made() -> Result<()> {
    let mut up = Up::start().await?;
    let mut gate = Gate::new(&up.code(), "gate")?;
    let quick = up.script("quick.sh", "echo quick\n")?;
    let long = up.script("long.sh", &format!("{}\nexit 3\n", gate.wait()))?;
    let file = up.code().join("backup.tar");
    let file = file.to_str().context("the path is text")?;
    let (ana, running, later) = {
        let admin = up.admin().await?;
        let ana = admin.create_user("ana").await?;
        admin.ask(QUOTA, json!({})).await?;
        let finished = admin.submit("finished", &quick, 1).await?;
        admin.finished(&finished).await?;
        let running = admin.submit("running", &long, 1).await?;
        admin.running(&running).await?;
        done(&up.run(&["backup", file]).await?);
        let later = admin.submit("later", &quick, 1).await?;
        admin.finished(&later).await?;
        (ana, running, later)
    };
    let mode = std::fs::metadata(file)?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    refused(&up.run(&["backup", file]).await?, "is there already");
    let restore = up.run(&["restore", "--force", file]).await?;
    refused(&restore, "a server already runs on");
    up.kill().await?;
    refused(&up.run(&["restore", file]).await?, "--force moves it aside");
    let mut bytes = std::fs::read(file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let bad = up.code().join("bad.tar");
    std::fs::write(&bad, &bytes)?;
    let bad = bad.to_str().context("the path is text")?;
    refused(&up.run(&["restore", "--force", bad]).await?, "is damaged");
    done(&up.run(&["restore", "--force", file]).await?);
    up.again().await?;
    let admin = up.admin().await?;
    assert_eq!(names(&admin).await?, ["finished", "running"]);
    // Ana, her token and her quota are there.
    let hers = up.client(&ana).await?;
    let me = "{ me { name quotas { group priority limit } } }";
    let me = hers.ask(me, json!({})).await?;
    assert_eq!(me["me"]["name"], "ana");
    let quotas = me["me"]["quotas"].as_array().context("a list")?;
    assert!(quotas.iter().any(|quota| quota["limit"] == 7), "{me}");
    // What ran then runs still, and is known again.
    gate.open(1).await?;
    let task = admin.finished(&running).await?;
    assert_eq!(task["exitCode"], 3, "{task}");
    assert_eq!(task["currentRun"]["number"], 1, "{task}");
    // Nobody gets the number of a task that was forgotten.
    let new = admin.submit("new", &quick, 1).await?;
    ensure!(
        new.parse::<i64>()? > later.parse::<i64>()? + 1000,
        "{new} is too near to {later}"
    );
    admin.finished(&new).await?;
    assert_eq!(admin.log(&new, 0).await?, ["quick"]);
    drop((admin, hers));
    // Once more, over what was moved aside before.
    up.kill().await?;
    done(&up.run(&["restore", "--force", file]).await?);
    up.again().await?;
    assert_eq!(names(&up.admin().await?).await?, ["finished", "running"]);
    up.kill().await
}

#[tokio::test]
async fn a_platform_moves_to_an_empty_place() -> Result<()> {
    let mut up = Up::start().await?;
    let file = up.code().join("backup.tar");
    let file = file.to_str().context("the path is text")?;
    done(&up.run(&["backup", file]).await?);
    let mut other = Up::prepare().await?;
    let restored = other.run(&["restore", file]).await?;
    done(&restored);
    assert!(!restored.stdout.contains("before"), "{restored:?}");
    up.kill().await?;
    other.again().await?;
    assert_eq!(other.token, "", "it is not new");
    other.token.clone_from(&up.token);
    other.admin().await?;
    other.kill().await
}
