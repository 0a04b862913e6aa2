//! A task from its submit to its end, through every layer, with real agents and commands.

use anyhow::Result;
use nix::unistd::Uid;
use serde_json::json;
use tests::{Gate, Platform};

#[tokio::test]
async fn two_ranks_run_together_and_their_logs_are_followed_live() -> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.script(
        "ranks.sh",
        "echo rank $RANK of $WORLD_SIZE on $NODE_NAME\nfor i in 1 2 3; do echo line $i; done\nprintf 'no end'\n",
    )?;
    let id = platform.admin.submit("ranks", &script, 2).await?;
    let (first, second, task) = tokio::try_join!(
        platform.admin.follow_log(&id, 0),
        platform.admin.follow_log(&id, 1),
        platform.admin.finished(&id),
    )?;
    assert_eq!(task["outcome"], "SUCCEEDED", "{task}");
    assert_eq!(
        (&task["stopCode"], &task["exitCode"]),
        (&json!(1), &json!(0))
    );
    let text = ["line 1", "line 2", "line 3", "no end"];
    assert_eq!(first[0], "rank 0 of 2 on node-1");
    assert_eq!(first[1..], text);
    assert_eq!(second[0], "rank 1 of 2 on node-2");
    assert_eq!(second[1..], text);
    assert_eq!(
        platform.admin.log(&id, 0).await?,
        first,
        "what is stored is what was followed"
    );
    platform.stop().await
}

#[tokio::test]
async fn a_failing_rank_ends_the_run_with_its_exit_code() -> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.script(
        "fail.sh",
        "test $RANK = 0 && exec tail -f /dev/null\nexit 7\n",
    )?;
    let id = platform.admin.submit("fail", &script, 2).await?;
    let task = platform.admin.finished(&id).await?;
    assert_eq!(
        (&task["outcome"], &task["exitCode"]),
        (&json!("FAILED"), &json!(7)),
        "{task}"
    );
    assert_eq!(task["currentRun"]["pods"][0]["state"], "STOPPED", "{task}");
    platform.stop().await
}

#[tokio::test]
async fn a_second_task_waits_for_nodes_says_why_and_starts_when_they_are_free() -> Result<()> {
    let platform = Platform::start().await?;
    let mut gate = Gate::new(&platform.code(), "gate")?;
    let held = platform.script(
        "held.sh",
        &format!("test $RANK = 0 && {}\nexit 0\n", gate.wait()),
    )?;
    let quick = platform.script("quick.sh", "exit 0\n")?;
    let first = platform.admin.submit("first", &held, 2).await?;
    let second = platform.admin.submit("second", &quick, 2).await?;
    let waiting = platform
        .admin
        .wait_for(&second, |task| task["wait"]["reason"] == "NOT_ENOUGH_NODES")
        .await?;
    assert_eq!(waiting["state"], "WAITING_INIT");
    gate.open(1).await?;
    assert_eq!(
        platform.admin.finished(&first).await?["outcome"],
        "SUCCEEDED"
    );
    assert_eq!(
        platform.admin.finished(&second).await?["outcome"],
        "SUCCEEDED"
    );
    platform.stop().await
}

#[tokio::test]
async fn a_users_command_runs_as_that_user_with_the_users_environment_and_nothing_of_the_platforms()
-> Result<()> {
    let platform = Platform::start().await?;
    let ada = platform.user("ada").await?;
    let script = platform.script(
        "who.sh",
        "id -u\necho $HOME\nenv\ntouch $HOME/mine && echo wrote\n",
    )?;
    let id = ada.submit("who", &script, 1).await?;
    let log = ada.follow_log(&id, 0).await?;
    let uid = if Uid::effective().is_root() {
        10_001
    } else {
        Uid::effective().as_raw()
    };
    assert_eq!(log[0], uid.to_string());
    assert!(log[1].ends_with("/workspaces/ada"), "{log:?}");
    assert_eq!(log.last().map(String::as_str), Some("wrote"));
    let leaked = log
        .iter()
        .find(|line| line.contains("TOKEN") || line.starts_with("CARGO"));
    assert_eq!(leaked, None, "the environment is clean");
    assert!(log.contains(&"MARSV2_USER=ada".to_owned()), "{log:?}");
    platform.stop().await
}

#[tokio::test]
async fn a_workspace_that_is_not_there_is_a_failed_start_that_says_so_and_is_tried_again_later()
-> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.code().join("gone").join("x.sh");
    let id = platform.admin.submit("gone", &script, 1).await?;
    let in_backoff = |task: &serde_json::Value| task["wait"]["reason"] == "BACKOFF";
    let task = platform.admin.wait_for(&id, in_backoff).await?;
    assert_eq!(task["currentRun"]["drainReason"], "START_FAILED", "{task}");
    let message = task["currentRun"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("gone"), "{message}");
    platform.stop().await
}

#[tokio::test]
async fn a_user_neither_sees_nor_stops_what_is_not_his() -> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.script("mine.sh", "exec tail -f /dev/null\n")?;
    let id = platform.admin.submit("mine", &script, 1).await?;
    let ada = platform.user("ada").await?;
    for query in [
        "query($id: ID!) { taskLog(id: $id) { cursor } }",
        "mutation($id: ID!) { stopTask(id: $id) { id } }",
    ] {
        let answer = ada.ask(query, json!({"id": id})).await;
        let code = answer.as_ref().err().and_then(transport::Error::code);
        assert_eq!(code, Some("NOT_FOUND"), "{query}: {answer:?}");
    }
    let query = "query($id: ID!) { task(id: $id) { id } }";
    assert_eq!(
        ada.ask(query, json!({"id": id})).await?["task"],
        json!(null)
    );
    let mine = ada
        .ask("{ tasks { totalCount nodes { id } } }", json!({}))
        .await?;
    assert_eq!(mine["tasks"], json!({"totalCount": 0, "nodes": []}));
    platform.stop().await
}
