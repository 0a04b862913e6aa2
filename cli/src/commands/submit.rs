//! `python|bash|exec SCRIPT … -- …`: submits a script of this machine as a task.

use std::{
    env,
    path::{Path, PathBuf},
};

use cynic::{MutationBuilder, QueryBuilder};
use serde_json::json;

use super::Context;
use crate::{
    args::ScriptOptions,
    client::Client,
    error::{Error, Result},
    follow::{Follow, follow},
    mount::{self, Mounted},
    operations::{Mount, MyMounts, SubmitTaskYaml, YamlSubmission},
    output,
    submission::{self, Resource, Runner, Spec, Submission},
    words::{self, ScriptCall},
};

pub(super) async fn run(
    context: &mut Context,
    runner: Runner,
    call: &ScriptCall,
    options: ScriptOptions,
) -> Result<u8> {
    if options.json {
        context.json = true;
        context.screen.progress().stop();
    }
    if options.suspend_seconds.is_some() {
        return Err(Error::Usage(
            "--suspend_seconds only works in a simulation, behind `++`".to_owned(),
        ));
    }
    if let Some(objection) = runner.objection(&call.script) {
        return Err(Error::Usage(objection.to_owned()));
    }
    let script = Script::find(&call.script)?;
    let client = context.client()?;
    let mounts = client
        .ask(&MyMounts::build(()))
        .await?
        .me
        .mounts
        .unwrap_or_default();
    let workspace = workspace(&script, &mounts)?;
    let follow = options.follow;
    let image = context.environment.image.as_deref();
    let submission = describe(runner, call, options, workspace, script.entrypoint, image)?;
    let yaml = submission.to_yaml()?;
    if !context.json {
        let dashes = "-".repeat(40);
        context
            .screen
            .print(&format!("{dashes}\n{yaml}{dashes}\n"))?;
    }
    hand_in(context, &client, yaml, follow).await
}

/// Submits a document, shows the new task, and follows it if asked to.
pub(super) async fn hand_in(
    context: &mut Context,
    client: &Client,
    yaml: String,
    is_followed: bool,
) -> Result<u8> {
    let submission = SubmitTaskYaml::build(YamlSubmission {
        yaml,
        idempotency_key: format!("{:032x}", rand::random::<u128>()),
    });
    let task = client.ask_repeatedly(&submission).await?.submit_task_yaml;
    let id = task.summary.id.inner();
    let text = match (context.json, is_followed) {
        // Followed by the lines of the log, so it has to be a line, too.
        (true, true) => output::json_line(&task),
        (true, false) => output::json(&task),
        (false, _) => {
            output::task_table(&[&task.summary], context.screen.look())
                + &output::hints(id, &context.program)
        }
    };
    context.screen.print(&text)?;
    match is_followed {
        true => follow(context, client, Follow::all(id)).await,
        false => Ok(0),
    }
}

/// A script of this machine.
struct Script {
    /// Where the task is to start.
    workspace: PathBuf,
    /// The script as seen from there.
    entrypoint: String,
}

impl Script {
    /// An absolute script starts in its own directory, any other in the current one.
    fn find(script: &str) -> Result<Self> {
        let here = env::current_dir().map_err(Error::Startup)?;
        let path = Path::new(script);
        if !path.is_file() {
            return Err(missing(script, &here));
        }
        match (path.is_absolute(), path.parent(), path.file_name()) {
            (true, Some(parent), Some(name)) => Ok(Self {
                workspace: parent.to_owned(),
                entrypoint: name.to_string_lossy().into_owned(),
            }),
            _ => Ok(Self {
                workspace: here,
                entrypoint: script.to_owned(),
            }),
        }
    }
}

/// What to say when there is no such script.
pub(super) fn missing(script: &str, here: &Path) -> Error {
    let here = here.display();
    Error::Usage(format!("there is no script `{script}` in {here}"))
}

/// The workspace as tasks see it; both it and the script have to be in a mounted directory.
fn workspace(script: &Script, mounts: &[Mount]) -> Result<String> {
    let mounted: Vec<Mounted> = mounts.iter().map(Mounted::of).collect();
    let place = |directory: &Path| {
        let real = directory
            .canonicalize()
            .unwrap_or_else(|_| directory.to_owned());
        mount::path_in_tasks(&mounted, directory, &real)
    };
    let file = script.workspace.join(&script.entrypoint);
    let advice = |directory: &Path| Error::Usage(mount::advice(mounts, &file, directory));
    let workspace = place(&script.workspace).ok_or_else(|| advice(&script.workspace))?;
    // `../x.py` may lead out of the mount that the workspace is in.
    let directory = file.parent().unwrap_or(&script.workspace);
    let directory = directory
        .canonicalize()
        .unwrap_or_else(|_| directory.to_owned());
    place(&directory).ok_or_else(|| advice(&directory))?;

    let workspace = workspace.to_string_lossy().into_owned();
    if workspace.contains(char::is_whitespace) {
        return Err(Error::Usage(format!(
            "the directory `{workspace}` has a blank in its name, which tasks cannot have: rename it"
        )));
    }
    Ok(workspace)
}

fn describe(
    runner: Runner,
    call: &ScriptCall,
    options: ScriptOptions,
    workspace: String,
    entrypoint: String,
    default_image: Option<&str>,
) -> Result<Submission> {
    let mut task_options = submission::options(&options.options)?;
    if let Some(life_state) = options.life_state {
        task_options.insert("whole_life_state".to_owned(), json!(life_state));
    }
    let environments = options.environments.into_iter();
    let image = options.image.as_deref().or(default_image);
    Ok(Submission {
        version: 2,
        name: options.name.unwrap_or_else(|| call.script.clone()),
        priority: options.priority,
        spec: Spec {
            workspace,
            entrypoint,
            parameters: words::shell_join(&call.arguments),
            environments: environments.map(|entry| (entry.key, entry.value)).collect(),
            entrypoint_executable: runner == Runner::Exec,
        },
        resource: Resource {
            image: image.unwrap_or("default").to_owned(),
            group: options.group,
            node_count: options.nodes,
        },
        options: task_options,
    })
}
