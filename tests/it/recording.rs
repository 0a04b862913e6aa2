//! The session that README.md shows: recorded here with the real programs, and compared with what stands there.
//!
//! `HAI_UPDATE_README=1` writes it anew. Times, numbers and blanks may differ from run to run, nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tests::{Client, Up, program, screen, shell, within};

/// What stands around the recording in README.md.
const AROUND: (&str, &str) = (
    "<!-- recording -->\n```console\n",
    "```\n<!-- end of recording -->",
);

/// Lines of the terminal with the live view.
const LINES: u16 = 15;

/// Trains until it is asked to give way, then saves, and goes on from there.
const TRAIN: &str = "\
import os, time
import hfai.client
begin = 1 + 2 * hfai.client.get_whole_life_state()
for step in (begin, begin + 1):
    print(f'step {step} loss {1 / step:.3f}', flush=True)
while not hfai.client.receive_suspend_command():
    time.sleep(0.05)
if os.environ['RANK'] == '0':
    hfai.client.set_whole_life_state(1)
hfai.client.go_suspend()
";

const CHECK: &str = "print('accuracy 0.934')\n";

/// A person at a terminal, and everything that was on it.
struct Recorder {
    up: Up,
    admin: Client,
    shown: String,
}

impl Recorder {
    async fn start() -> Result<Self> {
        let up = Up::start().await?;
        std::fs::write(up.code().join("train.py"), TRAIN)?;
        std::fs::write(up.code().join("check.py"), CHECK)?;
        let admin = up.admin().await?;
        let recorder = Self {
            up,
            admin,
            shown: String::new(),
        };
        let init = format!(
            "hai-cli init {} --url {}",
            recorder.up.token, recorder.up.url
        );
        recorder.silently(&init).await?;
        Ok(recorder)
    }

    async fn silently(&self, line: &str) -> Result<String> {
        let tools = program("hai-cli")?;
        let tools = tools.parent().context("the programs are in a directory")?;
        shell(line, &self.up.code(), tools).await
    }

    /// Types a line, and keeps it with what it shows.
    async fn types(&mut self, line: &str) -> Result<()> {
        let shown = self.silently(line).await?;
        let home = self.up.code().display().to_string();
        self.shown += &format!("$ {line}\n{}\n", shown.replace(&home, "~").trim_end());
        Ok(())
    }

    async fn waits(&self, id: &str) -> Result<Value> {
        let waits = |task: &Value| task["wait"]["message"].is_string();
        self.admin.wait_for(id, waits).await
    }

    /// Waits until rank 0 has printed this.
    async fn prints(&self, id: &str, text: &str) -> Result<()> {
        let query = "subscription($id: ID!) { taskLogAppended(id: $id) { items { text } } }";
        let mut events = Box::pin(self.admin.subscribe(query, json!({ "id": id })));
        while let Some(event) = within(events.next()).await? {
            if event?.to_string().contains(text) {
                return Ok(());
            }
        }
        bail!("task {id} never prints `{text}`")
    }

    /// Looks at the live view.
    async fn looks_at_top(&mut self) -> Result<()> {
        let until = ["queue:", "base", "running", "q quit"];
        let home = self.up.code();
        let picture = screen(&["top"], &home, LINES, &until).await?;
        let lines = picture.lines().map(str::trim_end);
        let lines: Vec<&str> = lines.collect();
        let picture = lines
            .join("\n")
            .replace(&self.up.url, "http://127.0.0.1:8080");
        self.shown += &format!("$ hai-cli top\n{picture}\n");
        Ok(())
    }
}

/// The walk, from a submit to a resumed task.
async fn record() -> Result<String> {
    let mut person = Recorder::start().await?;
    person
        .types("hai-cli python train.py -- -n 2 --name base | tail -n 6")
        .await?;
    person.admin.running("1").await?;
    person
        .types("hai-cli python check.py -- --name check > /dev/null")
        .await?;
    person.waits("2").await?;
    person.types("hai-cli list").await?;
    person.types("hai-cli explain check").await?;
    person.types("hai-cli nodes --tree").await?;
    person.types("hai-cli suspend base").await?;
    person.types("hai-cli logs -f check 2>/dev/null").await?;
    person.types("hai-cli search loss base").await?;
    person.types("hai-cli resume base").await?;
    person.admin.running("1").await?;
    person.prints("1", "step 4").await?;
    person
        .types("hai-cli logs base --tail 3 2>/dev/null")
        .await?;
    person.looks_at_top().await?;
    person.silently("hai-cli stop base").await?;
    person.up.kill().await?;
    Ok(person.shown)
}

/// The text without what differs from run to run: digits are one `0`, blanks and lines are short.
pub(crate) fn settled(text: &str) -> String {
    let mut settled = String::new();
    for char in text.chars() {
        let char = match char {
            digit if digit.is_ascii_digit() => '0',
            other => other,
        };
        if !(matches!(char, '0' | ' ' | '-') && settled.ends_with(char)) {
            settled.push(char);
        }
    }
    settled
}

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the one switch that writes the recording instead of comparing it"
)]
async fn the_readme_shows_what_the_programs_really_say() -> Result<()> {
    let recorded = record().await?;
    let text = std::fs::read_to_string(readme())?;
    let missing = "README.md has no recording";
    let (before, rest) = text.split_once(AROUND.0).context(missing)?;
    let (shown, behind) = rest.split_once(AROUND.1).context(missing)?;
    if std::env::var("HAI_UPDATE_README").is_ok() {
        let text = format!("{before}{}{recorded}{}{behind}", AROUND.0, AROUND.1);
        return Ok(std::fs::write(readme(), text)?);
    }
    assert_eq!(
        settled(shown),
        settled(&recorded),
        "write it anew with HAI_UPDATE_README=1; now it is\n{recorded}"
    );
    Ok(())
}
