//! The walk of a newcomer, with the real programs: init, python, logs, list, status, stop.

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{Output, Up, run};

/// A person at a terminal: a home, and a signed-in `hai-cli`.
struct Person {
    up: Up,
    home: String,
}

impl Person {
    async fn new() -> Result<Self> {
        let up = Up::start().await?;
        let home = up.code().to_str().context("the path is text")?.to_owned();
        let person = Self { up, home };
        let (token, url) = (person.up.token.clone(), person.up.url.clone());
        let init = person.cli(&["init", &token, "--url", &url]).await?;
        assert_eq!(init.code, Some(0), "{init:?}");
        assert!(
            !init.stdout.contains(&token) && !init.stderr.contains(&token),
            "the token is not shown"
        );
        Ok(person)
    }

    async fn cli(&self, words: &[&str]) -> Result<Output> {
        run("hai-cli", words, &[("HOME", &self.home)]).await
    }

    async fn json(&self, words: &[&str]) -> Result<Value> {
        let output = self.cli(words).await?;
        assert_eq!(output.code, Some(0), "{output:?}");
        Ok(serde_json::from_str(&output.stdout)?)
    }
}

#[tokio::test]
async fn a_newcomer_gets_from_a_script_to_its_log_in_a_few_commands() -> Result<()> {
    let mut person = Person::new().await?;
    let script = person.up.script(
        "hello.py",
        "import os, sys\nprint('hello from', os.environ['RANK'], sys.argv[1:])\n",
    )?;
    let script = script.to_str().context("the path is text")?;
    let submitted = person
        .cli(&[
            "python", script, "one two", "3", "--", "-n", "2", "--name", "hello", "-f",
        ])
        .await?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    assert!(
        submitted.stdout.contains("hello from 0 ['one two', '3']"),
        "{submitted:?}"
    );
    let log = person.cli(&["logs", "hello", "-f", "-r", "1"]).await?;
    assert!(log.stdout.contains("hello from 1"), "{log:?}");
    assert_eq!(log.code, Some(0), "{log:?}");
    let list = person.cli(&["list"]).await?;
    assert!(list.stdout.contains("hello"), "{list:?}");
    let status = person.json(&["status", "hello", "--json"]).await?;
    assert!(status.to_string().contains("SUCCEEDED"), "{status}");
    let whoami = person.cli(&["whoami"]).await?;
    assert_eq!(whoami.code, Some(0), "{whoami:?}");
    person.up.kill().await
}

#[tokio::test]
async fn following_a_log_ends_with_the_exit_code_of_the_task() -> Result<()> {
    let mut person = Person::new().await?;
    let script = person
        .up
        .script("fail.py", "print('about to fail')\nraise SystemExit(9)\n")?;
    let output = person
        .cli(&[
            "python",
            script.to_str().context("text")?,
            "--",
            "-n",
            "1",
            "-f",
        ])
        .await?;
    assert_eq!(output.code, Some(9), "{output:?}");
    assert!(output.stdout.contains("about to fail"), "{output:?}");
    person.up.kill().await
}

#[tokio::test]
async fn a_script_that_the_nodes_cannot_see_gets_an_answer_that_says_what_to_do() -> Result<()> {
    let mut person = Person::new().await?;
    let elsewhere = tempfile::tempdir()?;
    let script = elsewhere.path().join("x.py");
    std::fs::write(&script, "print(1)\n")?;
    let output = person
        .cli(&["python", script.to_str().context("text")?, "--", "-n", "1"])
        .await?;
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(
        output.stderr.contains(&person.home) && output.stderr.contains("--mount"),
        "{output:?}"
    );
    person.up.kill().await
}

#[tokio::test]
async fn a_task_is_stopped_by_its_name_and_a_wrong_name_is_not_found() -> Result<()> {
    let mut person = Person::new().await?;
    let script = person.up.script("long.sh", "exec tail -f /dev/null\n")?;
    let submitted = person
        .cli(&[
            "bash",
            script.to_str().context("text")?,
            "--",
            "-n",
            "1",
            "--name",
            "long",
        ])
        .await?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    let stopped = person.cli(&["stop", "long"]).await?;
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    let admin = person.up.admin().await?;
    assert_eq!(admin.finished("1").await?["outcome"], "STOPPED");
    let missing = person.cli(&["stop", "never"]).await?;
    assert_eq!(missing.code, Some(4), "{missing:?}");
    assert_eq!(missing.stderr.lines().count(), 1, "{missing:?}");
    person.up.kill().await
}

#[tokio::test]
async fn the_platforms_own_program_is_the_client_too() -> Result<()> {
    let mut person = Person::new().await?;
    let output = run(
        "hai-platform",
        &["cli", "whoami", "--json"],
        &[("HOME", &person.home)],
    )
    .await?;
    assert_eq!(output.code, Some(0), "{output:?}");
    serde_json::from_str::<Value>(&output.stdout)?;
    person.up.kill().await
}
