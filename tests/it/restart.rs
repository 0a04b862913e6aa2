//! The server dies and comes back: nothing is lost and nothing runs twice.

use anyhow::Result;
use serde_json::json;
use tests::{Gate, Up};

#[tokio::test]
async fn a_task_that_ends_while_the_server_is_dead_is_found_with_its_outcome_and_its_whole_log()
-> Result<()> {
    let mut up = Up::start().await?;
    let mut gate = Gate::new(&up.code(), "gate")?;
    let mut done = Gate::new(&up.code(), "done")?;
    let script = up.script(
        "survive.sh",
        &format!(
            "echo before\n{}\necho after\n{}\nexit 5\n",
            gate.wait(),
            done.tell()
        ),
    )?;
    let id = {
        let admin = up.admin().await?;
        let id = admin.submit("survive", &script, 1).await?;
        admin.running(&id).await?;
        id
    };
    up.kill().await?;
    gate.open(1).await?;
    done.heard().await?;
    up.again().await?;
    let admin = up.admin().await?;
    let task = admin.finished(&id).await?;
    assert_eq!(
        (&task["outcome"], &task["exitCode"]),
        (&json!("FAILED"), &json!(5)),
        "{task}"
    );
    assert_eq!(task["currentRun"]["number"], 1, "it ran once");
    assert_eq!(admin.log(&id, 0).await?, ["before", "after"]);
    up.kill().await
}

#[tokio::test]
async fn a_task_that_runs_on_is_adopted_and_hears_its_stop() -> Result<()> {
    let mut up = Up::start().await?;
    let mut ready = Gate::new(&up.code(), "ready")?;
    // Only its agent asks it to end. The platform, which comes later, kills without asking.
    let script = up.script(
        "adopt.sh",
        &format!(
            "trap 'echo asked to end; exit 0' TERM
            echo before
            {}
            tail -f /dev/null &
            while :; do wait; done",
            ready.tell()
        ),
    )?;
    let id = up.admin().await?.submit("adopt", &script, 2).await?;
    ready.heard().await?;
    ready.heard().await?;
    up.kill().await?;
    up.again().await?;
    let admin = up.admin().await?;
    let stop = "mutation($id: ID!) { stopTask(id: $id) { id } }";
    admin.ask(stop, json!({"id": id})).await?;
    let task = admin.finished(&id).await?;
    assert_eq!(
        (&task["outcome"], &task["currentRun"]["number"]),
        (&json!("STOPPED"), &json!(1)),
        "{task}"
    );
    for rank in 0..2 {
        assert_eq!(
            admin.log(&id, rank).await?,
            ["before", "asked to end"],
            "rank {rank}"
        );
    }
    up.kill().await
}

#[tokio::test]
async fn a_queued_task_is_still_queued_after_a_crash_and_runs_then() -> Result<()> {
    let mut up = Up::start().await?;
    let mut gate = Gate::new(&up.code(), "gate")?;
    let held = up.script("held.sh", &format!("{}\nexit 0\n", gate.wait()))?;
    let quick = up.script("quick.sh", "exit 0\n")?;
    let (first, second) = {
        let admin = up.admin().await?;
        let first = admin.submit("first", &held, 2).await?;
        admin.running(&first).await?;
        (first, admin.submit("second", &quick, 2).await?)
    };
    up.kill().await?;
    up.again().await?;
    gate.open(2).await?;
    let admin = up.admin().await?;
    for id in [first, second] {
        assert_eq!(admin.finished(&id).await?["outcome"], "SUCCEEDED");
    }
    up.kill().await
}
