//! `doctor`: looks at everything that a platform needs, and says what to do. Changes nothing.

mod judge;
mod probe;

use std::process::ExitCode;

use anyhow::Result;
use nix::unistd::Uid;
use serde::Serialize;

use crate::args::Doctor;
use crate::data_dir::DataDir;
use crate::environment::Environment;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but not for long or not well.
    Warning,
    /// It does not work.
    Problem,
}

/// What is known about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    what: &'static str,
    verdict: Verdict,
    /// How it is.
    said: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, said: impl Into<String>) -> Self {
        Self {
            what,
            verdict: Verdict::Ok,
            said: said.into(),
            todo: None,
        }
    }

    fn warning(what: &'static str, said: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            todo: Some(todo.into()),
            ..Self::ok(what, said)
        }
    }

    fn problem(what: &'static str, said: impl Into<String>, todo: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Problem,
            ..Self::warning(what, said, todo)
        }
    }
}

/// Looks, and prints one line for each thing. The code says whether there is a problem.
pub(super) async fn doctor(args: Doctor, environment: &Environment) -> Result<ExitCode> {
    let root = Uid::effective().is_root();
    let data_dir = DataDir::choose(args.data.data_dir, environment, root)?;
    let file = args.config.as_deref();
    let findings = judge::all(&probe::facts(&data_dir, environment, file).await);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        findings
            .iter()
            .for_each(|finding| println!("{}", line(finding)));
    }
    let is_problem = |finding: &Finding| finding.verdict == Verdict::Problem;
    Ok(match findings.iter().any(is_problem) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn line(finding: &Finding) -> String {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Problem => "problem",
    };
    let line = format!("{verdict:<8} {}: {}", finding.what, finding.said);
    match &finding.todo {
        Some(todo) => format!("{line}\n         → {todo}"),
        None => line,
    }
}
