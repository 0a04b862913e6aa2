//! SIGKILL of an agent, of a command, of a command's child: the run ends as the table says, and nothing is left behind.

use std::path::Path;

use anyhow::Result;
use chrono::TimeDelta;
use domain::run::{Grace, Graces};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use server::Timing;
use tests::{Gate, Platform, Up, agent_of};

/// Says which of the processes in the files `command` and `stray` still run. What was killed and only waits for its parent
/// has no words any more.
const LOOK: &str = r"
for pid in $(cat command stray); do
    tr '\0' ' ' 2>/dev/null < /proc/$pid/cmdline | grep -q . && echo process $pid is left
done
echo on $NODE_NAME
";

/// In its first run it leaves a process in a session of its own, and never ends. `tell` is said when both run.
fn victim(tell: &str) -> String {
    format!(
        "test $MARSV2_RUN = 1 || exit 0
        setsid tail -f /dev/null &
        echo $! > stray
        echo $$ > command
        {tell}
        while :; do wait; done"
    )
}

fn pid(dir: &Path, name: &str) -> Result<i32> {
    Ok(std::fs::read_to_string(dir.join(name))?.trim().parse()?)
}

fn node(task: &Value) -> &Value {
    &task["currentRun"]["pods"][0]["node"]
}

/// Short where a test would only wait.
fn impatient() -> Timing {
    Timing {
        reattach: TimeDelta::milliseconds(100),
        graces: Graces::new(
            Grace {
                collect: TimeDelta::milliseconds(100),
                ..Grace::USUAL
            },
            [],
        ),
        ..Timing::default()
    }
}

#[tokio::test]
async fn when_an_agent_is_killed_its_orphans_go_before_the_node_and_the_task_runs_again_elsewhere()
-> Result<()> {
    let platform = Platform::start_with(impatient()).await?;
    let (code, admin) = (platform.code(), &platform.admin);
    let mut ready = Gate::new(&code, "ready")?;
    let mut gate = Gate::new(&code, "gate")?;
    let victim = platform.script("victim.sh", &victim(&ready.tell()))?;
    let filler = platform.script("filler.sh", &gate.wait())?;
    let look = platform.script("look.sh", LOOK)?;

    let victim = admin.submit("victim", &victim, 1).await?;
    ready.heard().await?;
    let filler = admin.submit("filler", &filler, 1).await?;
    admin.running(&filler).await?;
    let look = admin.submit("look", &look, 1).await?;
    let waits = |task: &Value| task["wait"]["reason"] == "NOT_ENOUGH_NODES";
    admin.wait_for(&look, waits).await?;
    let first = admin.running(&victim).await?;

    kill(agent_of(pid(&code, "command")?)?, Signal::SIGKILL)?;
    let next = admin.finished(&look).await?;
    assert_eq!(node(&next), node(&first), "the node is given away");
    let on = node(&first).as_str().unwrap_or_default();
    assert_eq!(admin.log(&look, 0).await?, [format!("on {on}")]);

    gate.open(1).await?;
    let second = admin.finished(&victim).await?;
    assert_eq!(second["outcome"], "SUCCEEDED", "{second}");
    assert_ne!(node(&second), node(&first), "it stays away from that node");
    let ended = |drain: &str, outcome: &str| (drain.to_owned(), outcome.to_owned());
    assert_eq!(
        admin.runs(&victim).await?,
        [ended("LOST", "LOST"), ended("DONE", "SUCCEEDED")]
    );
    platform.stop().await
}

#[tokio::test]
async fn when_server_and_agent_are_killed_the_orphans_go_before_the_node_all_the_same() -> Result<()>
{
    let mut up = Up::start().await?;
    let code = up.code();
    let mut ready = Gate::new(&code, "ready")?;
    let victim = up.script("victim.sh", &victim(&ready.tell()))?;
    let look = up.script("look.sh", LOOK)?;
    let (victim, look) = {
        let admin = up.admin().await?;
        let victim = admin.submit("victim", &victim, 1).await?;
        ready.heard().await?;
        admin.running(&victim).await?;
        (victim, admin.submit("look", &look, 2).await?)
    };
    let agent = agent_of(pid(&code, "command")?)?;
    up.kill().await?;
    kill(agent, Signal::SIGKILL)?;
    up.again().await?;
    let admin = up.admin().await?;
    // Its run would be lost in the end, after the time in which an agent may come back.
    let stop = "mutation($id: ID!) { stopTask(id: $id) { id } }";
    admin.ask(stop, json!({"id": victim})).await?;
    assert_eq!(admin.finished(&victim).await?["outcome"], "STOPPED");
    assert_eq!(admin.finished(&look).await?["outcome"], "SUCCEEDED");
    assert_eq!(admin.log(&look, 0).await?, ["on node-1"]);
    up.kill().await
}

#[tokio::test]
async fn when_a_rank_is_killed_the_run_fails_with_its_signal_and_the_other_rank_is_stopped()
-> Result<()> {
    let platform = Platform::start_with(impatient()).await?;
    let (code, admin) = (platform.code(), &platform.admin);
    let mut ready = Gate::new(&code, "ready")?;
    // The agent has started the script's parent.
    let script = format!(
        "echo $PPID $$ > pids.$RANK\n{}\nexec tail -f /dev/null\n",
        ready.tell()
    );
    let script = platform.script("ranks.sh", &script)?;
    let id = admin.submit("ranks", &script, 2).await?;
    ready.heard().await?;
    ready.heard().await?;
    admin.running(&id).await?;

    let pids = std::fs::read_to_string(code.join("pids.1"))?;
    let pids: Vec<i32> = pids
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let agent = agent_of(pids[1])?.as_raw();
    // The command is the script's parent, or the script itself if the shell has become it.
    let command = if pids[0] == agent { pids[1] } else { pids[0] };
    kill(Pid::from_raw(command), Signal::SIGKILL)?;
    let task = admin.finished(&id).await?;
    assert_eq!(
        (&task["outcome"], &task["stopCode"], &task["exitCode"]),
        (&json!("FAILED"), &json!(128), &json!(137)),
        "{task}"
    );
    let pods = &task["currentRun"]["pods"];
    assert_eq!(
        (&pods[0]["state"], &pods[1]["state"], &pods[1]["exitCode"]),
        (&json!("STOPPED"), &json!("FAILED"), &json!(137)),
        "{task}"
    );
    let message = task["currentRun"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("killed by signal 9"), "{message}");
    platform.stop().await
}

#[tokio::test]
async fn when_a_child_of_the_command_is_killed_the_command_says_what_that_means() -> Result<()> {
    let platform = Platform::start().await?;
    let (code, admin) = (platform.code(), &platform.admin);
    for (name, last, outcome, exit_code) in [
        ("minds", "exit $code", "FAILED", 137),
        ("bears", "exit 0", "SUCCEEDED", 0),
    ] {
        let mut ready = Gate::new(&code, name)?;
        let script = format!(
            "tail -f /dev/null &
            echo $! > {name}.child
            {}
            wait $! 2>/dev/null; code=$?
            echo child ended with $code
            {last}",
            ready.tell()
        );
        let script = platform.script(&format!("{name}.sh"), &script)?;
        let id = admin.submit(name, &script, 1).await?;
        ready.heard().await?;
        let child = pid(&code, &format!("{name}.child"))?;
        kill(Pid::from_raw(child), Signal::SIGKILL)?;
        let task = admin.finished(&id).await?;
        assert_eq!(
            (
                &task["outcome"],
                &task["exitCode"],
                &task["currentRun"]["number"]
            ),
            (&json!(outcome), &json!(exit_code), &json!(1)),
            "{task}"
        );
        let log = admin.log(&id, 0).await?;
        assert_eq!(
            log.last().map(String::as_str),
            Some("child ended with 137"),
            "{log:?}"
        );
    }
    platform.stop().await
}
