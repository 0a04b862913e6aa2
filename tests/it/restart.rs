//! The server dies and comes back: nothing is lost and nothing runs twice.

use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use serde_json::json;
use tests::{Gate, Up, agent_of};

const STOP: &str = "mutation($id: ID!) { stopTask(id: $id) { id } }";

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
    admin.ask(STOP, json!({"id": id})).await?;
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

#[tokio::test]
async fn a_stop_that_no_agent_has_heard_is_carried_out_when_the_server_is_back() -> Result<()> {
    let mut up = Up::start().await?;
    let mut ready = Gate::new(&up.code(), "ready")?;
    let script = up.script(
        "deaf.sh",
        &format!(
            "trap 'echo asked to end; exit 0' TERM
            echo $$ > pid.$RANK
            {}
            tail -f /dev/null &
            while :; do wait; done",
            ready.tell()
        ),
    )?;
    let id = {
        let admin = up.admin().await?;
        let id = admin.submit("deaf", &script, 2).await?;
        admin.running(&id).await?;
        ready.heard().await?;
        ready.heard().await?;
        id
    };
    let mut agents = Vec::new();
    for rank in 0..2 {
        let pid = std::fs::read_to_string(up.code().join(format!("pid.{rank}")))?;
        agents.push(agent_of(pid.trim().parse()?)?);
    }
    // While they stand still they hear nothing.
    for agent in &agents {
        kill(*agent, Signal::SIGSTOP)?;
    }
    up.admin().await?.ask(STOP, json!({"id": id})).await?;
    up.kill().await?;
    for agent in &agents {
        kill(*agent, Signal::SIGCONT)?;
    }
    up.again().await?;
    let admin = up.admin().await?;
    let task = admin.finished(&id).await?;
    assert_eq!(
        (&task["outcome"], &task["currentRun"]["number"]),
        (&json!("STOPPED"), &json!(1)),
        "{task}"
    );
    for rank in 0..2 {
        assert_eq!(admin.log(&id, rank).await?, ["asked to end"], "rank {rank}");
    }
    up.kill().await
}

/// Rank 0 takes notice of the request, and then waits for the test before it says that it has saved.
fn gives_way(heard: &Gate, go: &Gate) -> String {
    format!(
        "
import os
import time
import hfai.client

if os.path.exists('saved'):
    print('goes on', flush=True)
    raise SystemExit
print('begins', flush=True)
while True:
    if os.environ['RANK'] == '0' and hfai.client.receive_suspend_command():
        os.system('{}')
        os.system('{}')
        open('saved', 'w').close()
        print('saved', flush=True)
        hfai.client.go_suspend()
    time.sleep(0.01)
",
        heard.tell(),
        go.wait()
    )
}

#[tokio::test]
async fn a_run_that_gives_way_while_the_server_is_dead_is_suspended_and_the_urgent_one_starts()
-> Result<()> {
    let mut up = Up::start().await?;
    let mut heard = Gate::new(&up.code(), "heard")?;
    let mut go = Gate::new(&up.code(), "go")?;
    up.script("background.py", &gives_way(&heard, &go))?;
    up.script("urgent.py", "print('urgent')\n")?;
    let input = |name: &str, priority: &str| {
        json!({
            "name": name,
            "priority": priority,
            "spec": {"workspace": up.code(), "entrypoint": format!("{name}.py")},
            "resource": {"nodeCount": 2},
        })
    };
    let (background, urgent) = (input("background", "LOW"), input("urgent", "HIGH"));
    let (background, urgent) = {
        let admin = up.admin().await?;
        let background = admin.submit_input(&background, None).await?;
        admin.running(&background).await?;
        (background, admin.submit_input(&urgent, None).await?)
    };
    heard.heard().await?;
    up.kill().await?;
    go.open(1).await?;
    up.again().await?;
    let admin = up.admin().await?;
    for id in [&urgent, &background] {
        let task = admin.finished(id).await?;
        assert_eq!(task["outcome"], "SUCCEEDED", "{task}");
    }
    let ended = |drain: &str, outcome: &str| (drain.to_owned(), outcome.to_owned());
    assert_eq!(
        admin.runs(&background).await?,
        [ended("SUSPEND", "SUSPENDED"), ended("DONE", "SUCCEEDED")]
    );
    let log = admin.log(&background, 0).await?;
    let log: Vec<&str> = log
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with("hfai: "))
        .collect();
    assert_eq!(log, ["begins", "saved", "goes on"]);
    up.kill().await
}
