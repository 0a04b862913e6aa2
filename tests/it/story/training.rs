//! The trainings of the story: charlm of `examples/`, made small.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tests::Platform;
use tokio::sync::OnceCell;

use super::moment::Who;

/// Steps of the background training.
pub(super) const STEPS: u32 = 30;
/// Steps of the urgent one.
pub(super) const URGENT_STEPS: u32 = 12;
/// Where the first run of the background training waits to be asked to give way, so that no machine is too fast or too
/// slow for the story.
pub(super) const WAITS_AT: u32 = 10;

/// Charlm as it is, but that its first run does not end before it was asked to give way.
const PATIENT: &str = r#"
import os
import sys
import time

import suspension
import train

WAITS_AT = int(sys.argv.pop(1))
hears = suspension.is_asked_for
asked = 0


def is_asked_for():
    global asked
    asked += 1
    while not (answer := hears()) and asked > WAITS_AT and os.environ["MARSV2_RUN"] == "1":
        time.sleep(0.01)
    return answer


suspension.is_asked_for = is_asked_for
sys.exit(train.main(sys.argv[1:], os.environ))
"#;

/// What a training writes at its end.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) steps: u32,
    pub(super) world_size: u32,
    pub(super) resumed_from: u32,
    pub(super) weights_sha256: String,
}

/// Puts charlm and a text to learn from into a directory.
pub(super) fn unpack(code: &Path) -> Result<()> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let charlm = tests.parent().context("a member is in the workspace")?;
    let charlm = charlm.join("examples/charlm");
    for file in std::fs::read_dir(&charlm)? {
        let file = file?;
        if file.file_type()?.is_file() {
            std::fs::copy(file.path(), code.join(file.file_name()))?;
        }
    }
    std::fs::write(code.join("patient.py"), PATIENT)?;
    // Ten files, because one in ten is held out.
    let text = code.join("text");
    std::fs::create_dir(&text)?;
    for name in 0..10 {
        std::fs::copy(charlm.join("train.py"), text.join(format!("{name}.py")))?;
    }
    Ok(())
}

/// The submit of one of the two trainings of the story.
pub(super) fn input(who: Who, code: &Path, out: &Path) -> Value {
    match who {
        Who::Background => {
            let wait = WAITS_AT.to_string();
            task(
                ("background", "LOW"),
                code,
                ("patient.py", &wait),
                STEPS,
                out,
            )
        }
        Who::Urgent => task(
            ("urgent", "HIGH"),
            code,
            ("train.py", ""),
            URGENT_STEPS,
            out,
        ),
    }
}

/// The submit of a training as the background one, but that it saves after every step.
pub(super) fn saving(code: &Path, out: &Path) -> Value {
    let mut input = input(Who::Background, code, out);
    if let Value::String(parameters) = &mut input["spec"]["parameters"] {
        parameters.push_str(" --checkpoint-every 1");
    }
    input
}

/// The SHA-256 of the weights with which the background training ends when nothing disturbs it.
pub(super) async fn undisturbed() -> Result<&'static str> {
    static WEIGHTS: OnceCell<String> = OnceCell::const_new();
    let weights = WEIGHTS.get_or_try_init(async || {
        let platform = Platform::start().await?;
        unpack(&platform.code())?;
        let out = platform.code().join("out");
        let input = task(
            ("whole", "NORMAL"),
            &platform.code(),
            ("train.py", ""),
            STEPS,
            &out,
        );
        let id = platform.admin.submit_input(&input, None).await?;
        let task = platform.admin.finished(&id).await?;
        anyhow::ensure!(task["outcome"] == "SUCCEEDED", "{task}");
        let weights = outcome(&out)?.weights_sha256;
        platform.stop().await?;
        Ok(weights)
    });
    Ok(weights.await?)
}

/// What a training has left in its directory.
pub(super) fn outcome(out: &Path) -> Result<Outcome> {
    let path: PathBuf = out.join("result.json");
    let text = std::fs::read(&path).with_context(|| format!("no result in {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

fn task(
    (name, priority): (&str, &str),
    code: &Path,
    (entrypoint, first_words): (&str, &str),
    steps: u32,
    out: &Path,
) -> Value {
    let (text, out) = (code.join("text"), out.display());
    let text = text.display();
    json!({
        "name": name,
        "priority": priority,
        "spec": {
            "workspace": code,
            "entrypoint": entrypoint,
            "parameters": format!(
                "{first_words} --steps {steps} --corpus {text} --out {out} --batch 128 --eval-chars 200 --log-every 1"
            ),
        },
        "resource": {"nodeCount": 2},
    })
}
