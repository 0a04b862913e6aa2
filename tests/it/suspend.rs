//! The time slice: a running task gives way to a more urgent one, saves, and goes on later.

use anyhow::Result;
use serde_json::json;
use tests::{Client, Platform};

/// Counts its runs in its whole life state; the first one runs until it is to give way. Rank 0 saves and says so, for all: as
/// soon as any has said that it may be ended, all are.
const GIVES_WAY: &str = "
import os
import time
import hfai.client

state = hfai.client.get_whole_life_state()
print('run with state', state, flush=True)
while state == 0:
    if hfai.client.receive_suspend_command() and os.environ['MARSV2_RANK'] == '0':
        hfai.client.set_whole_life_state(7)
        print('saved', flush=True)
        hfai.client.go_suspend()
    time.sleep(0.01)
";

async fn submit(
    client: &Client,
    platform: &Platform,
    name: &str,
    priority: &str,
) -> Result<String> {
    let input = json!({
        "name": name,
        "priority": priority,
        "spec": {"workspace": platform.code(), "entrypoint": format!("{name}.py")},
        "resource": {"nodeCount": 2},
    });
    client.submit_input(&input, None).await
}

#[tokio::test]
async fn a_task_gives_way_to_a_more_urgent_one_and_goes_on_with_what_it_kept() -> Result<()> {
    let platform = Platform::start().await?;
    platform.script("background.py", GIVES_WAY)?;
    platform.script("urgent.py", "print('urgent')\n")?;
    let background = submit(&platform.admin, &platform, "background", "LOW").await?;
    platform.admin.running(&background).await?;
    let urgent = submit(&platform.admin, &platform, "urgent", "HIGH").await?;
    let (first, second) = tokio::try_join!(
        platform.admin.finished(&urgent),
        platform.admin.finished(&background),
    )?;
    assert_eq!(
        (&first["outcome"], &second["outcome"]),
        (&json!("SUCCEEDED"), &json!("SUCCEEDED"))
    );
    let ended = |drain: &str, outcome: &str| (drain.to_owned(), outcome.to_owned());
    assert_eq!(
        platform.admin.runs(&background).await?,
        [ended("SUSPEND", "SUSPENDED"), ended("DONE", "SUCCEEDED")]
    );
    assert_eq!(
        platform.admin.runs(&urgent).await?,
        [ended("DONE", "SUCCEEDED")]
    );
    assert_eq!(
        platform.admin.log(&background, 0).await?,
        ["run with state 0", "saved", "run with state 7"]
    );
    platform.stop().await
}

#[tokio::test]
async fn a_task_on_hold_saves_and_goes_on_when_it_is_resumed() -> Result<()> {
    let platform = Platform::start().await?;
    platform.script("background.py", GIVES_WAY)?;
    let id = submit(&platform.admin, &platform, "background", "NORMAL").await?;
    platform.admin.running(&id).await?;
    let ask = async |what: &str| {
        let query = format!("mutation($id: ID!) {{ {what}(id: $id) {{ id }} }}");
        platform.admin.ask(&query, json!({"id": id})).await
    };
    ask("suspendTask").await?;
    let held = |task: &serde_json::Value| task["wait"]["reason"] == "HELD";
    assert_eq!(
        platform.admin.wait_for(&id, held).await?["state"],
        "SUSPENDED"
    );
    ask("resumeTask").await?;
    assert_eq!(platform.admin.finished(&id).await?["outcome"], "SUCCEEDED");
    let query = "query($id: ID!) { task(id: $id) { runs { nodes { message startMessage } } } }";
    let data = platform.admin.ask(query, json!({"id": id})).await?;
    assert_eq!(
        data["task"]["runs"]["nodes"],
        json!([
            {"message": null, "startMessage": "it goes on where run 1 was suspended"},
            {"message": "it was put on hold", "startMessage": null},
        ])
    );
    platform.stop().await
}
