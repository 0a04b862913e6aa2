//! What the runtime is handed to start one rank.

use std::path::PathBuf;
use std::time::Duration;

use entity::{environment as environment_row, pod, run};
use protocol::Command;
use sea_orm::EntityTrait;

use super::environment::{Facts, environment};
use super::rank_key;
use crate::app::App;
use crate::error::{Error, Result};
use crate::runtime::{AgentToken, Container, LaunchRank};
use crate::task::{Task, TaskSpec, shell_line};
use crate::{mount, quota, user};

/// The launch of one rank of a run whose rendezvous is known.
pub(crate) async fn launch(
    app: &App,
    task: &Task,
    run: &run::Model,
    pod: &pod::Model,
) -> Result<LaunchRank> {
    let spec = TaskSpec::from_json(&task.spec).map_err(|error| {
        Error::Unsupported(format!("what was submitted can no longer be read: {error}"))
    })?;
    let owner = user::get(app.reader(), task.user_id).await?;
    let settings = environment_row::Entity::find_by_id(spec.image())
        .one(app.reader())
        .await?
        .ok_or_else(|| Error::not_found("environment", spec.image()))?;
    let key = rank_key(run, pod)?;
    let log_dir = app.logs.rank_dir(&owner.name, key.task, key.run, key.rank);
    let home = app.settings.workspaces.join(&owner.name);
    let master_addr = run
        .master_addr
        .as_deref()
        .ok_or_else(|| Error::internal("a rank is launched before its run has a rendezvous"))?;
    let variables = environment(&Facts {
        task_id: task.id.0,
        task_name: &task.name,
        group: &task.group_name,
        environment: spec.image(),
        environment_variables: &settings.variables.0,
        user: &owner.name,
        uid: owner.uid,
        role: owner.role,
        home: &text(&home),
        workspace: spec.workspace(),
        python_path: &format!("{}:{}", spec.workspace(), text(&app.settings.python)),
        entrypoint: spec.entrypoint(),
        own: spec.environments(),
        whole_life_state: task.whole_life_state,
        run: run.number,
        rank: pod.rank,
        world_size: task.node_count,
        node: &pod.node_name,
        master_addr,
        master_port: run.master_port.unwrap_or(0),
        log_dir: &text(&log_dir),
    });
    let token = app.keys.sign(task.id, run.id, pod.rank, app.now())?;
    Ok(LaunchRank {
        key,
        run_world_size: u32::try_from(task.node_count).unwrap_or(1),
        node: pod.node_name.clone(),
        user: owner.name,
        uid: u32::try_from(owner.uid).unwrap_or(u32::MAX),
        command: Command {
            workspace: PathBuf::from(spec.workspace()),
            line: shell_line(&spec),
            env: variables,
        },
        silence_secs: silence(&spec, app.settings.silence, pod.rank),
        token: AgentToken::new(token),
        log_dir,
        container: container(app, task, &settings.image, home).await?,
    })
}

/// What a rank of the task runs in, by the rules and quotas of now.
async fn container(app: &App, task: &Task, image: &str, home: PathBuf) -> Result<Container> {
    if !app.runtime.kind().has_containers() {
        return Ok(Container::default());
    }
    Ok(Container {
        image: image.to_owned(),
        mounts: mount::mounts_of(app, task).await?,
        rights: quota::rights_of(app.reader(), app.now(), task.user_id).await?,
        home: Some(home),
        // No task may ask for services yet.
        exposures: Vec::new(),
    })
}

/// Only rank 0 is watched, as in the original: the others may have nothing to say.
fn silence(spec: &TaskSpec, default: Duration, rank: i32) -> Option<u64> {
    (rank == 0).then(|| spec.watchdog_time().unwrap_or(default).as_secs())
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}
