//! Stops: by the owner, by the clock of the task, and of commands that do not want to.

use anyhow::{Context, Result};
use serde_json::json;
use tests::{Gate, Platform, rank_dir_of};

const STOP: &str = "mutation($id: ID!, $as: StopAs!) { stopTask(id: $id, as: $as) { id } }";

#[tokio::test]
async fn a_stop_reaches_every_process_even_one_that_ignores_sigterm() -> Result<()> {
    let platform = Platform::start().await?;
    let mut deaf = Gate::new(&platform.code(), "deaf")?;
    let tell = deaf.tell();
    let script = platform.script(
        "stubborn.sh",
        &format!(
            "trap '' TERM
            echo pid $$
            setsid bash -c 'echo pid $$; {tell}; exec tail -f /dev/null' &
            {tell}
            while :; do wait; done"
        ),
    )?;
    let id = platform.admin.submit("stubborn", &script, 1).await?;
    // The command and its child in another session: neither hears SIGTERM any more.
    deaf.heard().await?;
    deaf.heard().await?;
    platform
        .admin
        .ask(STOP, json!({"id": id, "as": "STOPPED"}))
        .await?;
    let task = platform.admin.finished(&id).await?;
    assert_eq!(
        (&task["outcome"], &task["stopCode"]),
        (&json!("STOPPED"), &json!(1024)),
        "{task}"
    );
    let log = platform.admin.log(&id, 0).await?;
    assert_eq!(log.len(), 2, "{log:?}");
    for line in log {
        let pid = line.strip_prefix("pid ").context("the line is a pid")?;
        assert_eq!(rank_dir_of(pid.parse()?), None, "process {pid} is left");
    }
    platform.stop().await
}

#[tokio::test]
async fn a_task_may_be_stopped_as_succeeded_or_failed() -> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.script("long.sh", "exec tail -f /dev/null\n")?;
    for (how, code) in [("SUCCEEDED", 4096), ("FAILED", 8192)] {
        let id = platform.admin.submit(how, &script, 2).await?;
        platform.admin.running(&id).await?;
        platform
            .admin
            .ask(STOP, json!({"id": id, "as": how}))
            .await?;
        let task = platform.admin.finished(&id).await?;
        assert_eq!(
            (&task["outcome"], &task["stopCode"]),
            (&json!(how), &json!(code)),
            "{task}"
        );
    }
    platform.stop().await
}

#[tokio::test]
async fn a_run_that_takes_too_long_or_says_nothing_ends_as_a_timeout() -> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.script("long.sh", "exec tail -f /dev/null\n")?;
    let long = json!({"timeout": 1});
    let long = platform.admin.submit_with("long", &script, 1, long).await?;
    let silent = json!({"watchdogTime": 1});
    let silent = platform
        .admin
        .submit_with("silent", &script, 1, silent)
        .await?;
    for id in [long, silent] {
        let task = platform.admin.finished(&id).await?;
        assert_eq!(
            (&task["outcome"], &task["stopCode"]),
            (&json!("TIMEOUT"), &json!(512)),
            "{task}"
        );
    }
    platform.stop().await
}
