//! Submits a task: checked, stored, queued. Quota is a reason to wait, never an error here.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    environment as place, environment_grant, host, mount_rule, submission, task, task_tag,
};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult,
    NotSet, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, SqlErr,
};
use sha2::{Digest, Sha256};

use super::{Priority, SpecErrors, Task, TaskSpec};
use crate::app::App;
use crate::auth::{Action, Actor, Target, UserActor, require};
use crate::environment::{self, Grant};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::mount::{self, Mount};
use crate::store::Tx;
use crate::user::Role;

/// Live tasks a user may have (the original's limit).
const MOST_LIVE_TASKS: i64 = 10_000;
/// How long an idempotency key is remembered.
const KEY_LIFE: TimeDelta = TimeDelta::hours(24);
/// Longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// What is submitted.
#[derive(Debug, Clone)]
pub struct Submit {
    /// What was checked.
    pub spec: TaskSpec,
    /// The document it came from.
    pub document: serde_json::Value,
    /// A repeated submit with the same key returns the task of the first.
    pub idempotency_key: Option<String>,
}

/// Submits a task.
///
/// # Errors
/// [`Error::Invalid`] names the field: a group, an environment or a workspace that is not there.
/// [`Error::Conflict`] if a live task of the user has the name, or the key was used for another document.
/// [`Error::QuotaExceeded`] beyond 10 000 live tasks.
pub async fn submit(tx: &mut Tx, app: &App, actor: &Actor, input: Submit) -> Result<Task> {
    require(actor, Action::SubmitTask, Target::Platform)?;
    let user = actor.user().ok_or(Error::Unauthenticated)?;
    let document_hash = hash(&input.document);
    if let Some(key) = &input.idempotency_key
        && let Some(task) = earlier(tx, user, key, &document_hash).await?
    {
        return Ok(task);
    }
    let spec = &input.spec;
    let group = match spec.group() {
        "default" => app.settings.default_group.as_str(),
        group => group,
    };
    let environment = check(tx, app, user, spec, group).await?;
    let priority = match user.role {
        Role::Internal => spec.priority(),
        // People from outside cannot choose: the scheduler does.
        Role::External => Priority::Auto,
    };
    let checked = spec.clone().with_priority(priority).with_image(environment);
    let row = task::ActiveModel {
        id: NotSet,
        user_id: Set(user.id),
        name: Set(spec.name().to_owned()),
        state: Set(task::State::Queued),
        desired: Set(task::Desired::Run),
        stop_as: Set(None),
        priority: Set(priority.value()),
        custom_rank: Set(None),
        group_name: Set(group.to_owned()),
        zone: Set(spec.zone().map(ToOwned::to_owned)),
        node_count: Set(i32::try_from(spec.node_count()).unwrap_or(i32::MAX)),
        spec: Set(checked.to_json()),
        document: Set(input.document),
        run_count: Set(0),
        not_before: Set(None),
        spoilt_runs: Set(0),
        failed_runs: Set(0),
        whole_life_state: Set(i32::try_from(spec.whole_life_state()).unwrap_or(i32::MAX)),
        wait: Set(None),
        outcome: Set(None),
        stop_code: Set(0),
        exit_code: Set(None),
        created_at: Set(tx.now()),
        started_at: Set(None),
        finished_at: Set(None),
        version: Set(0),
    };
    let task = row.insert(tx.db()).await.map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::Conflict(format!(
            "you already have a task named {} that is not finished: stop it or choose another name",
            spec.name()
        )),
        _ => error.into(),
    })?;
    for tag in spec.tags() {
        task_tag::ActiveModel {
            task_id: Set(task.id),
            tag: Set(tag.clone()),
        }
        .insert(tx.db())
        .await?;
    }
    if let Some(key) = input.idempotency_key {
        remember(tx, user, key, document_hash, &task).await?;
    }
    tx.wake(Event::Task(task.id));
    Ok(task)
}

/// What only the platform can check. Answers the environment that the task gets.
async fn check(
    tx: &Tx,
    app: &App,
    user: &UserActor,
    spec: &TaskSpec,
    group: &str,
) -> Result<String> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, reason: String| {
        problems.push(Problem {
            field: field.to_owned(),
            reason,
        });
    };
    let (facts, granted) = facts(tx, user, group, spec.image()).await?;
    if !facts.has_group {
        let known = names(tx, host::Entity::find(), host::Column::GroupName).await?;
        wrong(
            "resource.group",
            format!("there is no group {group}: there is {known}"),
        );
    }
    let environment = environment::choose(spec.image(), &granted, facts.has_environment);
    if let Err(refusal) = &environment {
        wrong("resource.image", refusal.to_string());
    }
    let mounts = app.mounts_of(&user.name);
    if let Some(known) = out_of_reach(tx, app, user, spec, &mounts, facts.has_mount_rules).await? {
        wrong(
            "spec.workspace",
            format!(
                "{} is not in a directory that the nodes can read: move it under {}",
                spec.workspace(),
                known.join(" or ")
            ),
        );
    }
    let environment = match environment {
        Ok(environment) if problems.is_empty() => environment,
        _ => return Err(Error::Invalid(problems)),
    };
    if facts.n_live >= MOST_LIVE_TASKS {
        return Err(Error::QuotaExceeded {
            what: "tasks that are not finished".to_owned(),
            used: facts.n_live,
            limit: MOST_LIVE_TASKS,
        });
    }
    Ok(environment)
}

/// Where the workspace could be instead, if tasks of the user cannot reach it.
async fn out_of_reach(
    tx: &Tx,
    app: &App,
    user: &UserActor,
    spec: &TaskSpec,
    configured: &[Mount],
    has_rules: bool,
) -> Result<Option<Vec<String>>> {
    let workspace = Path::new(spec.workspace());
    let reached = match has_rules {
        true => !mount::visible(tx.db(), app, user.id, Some(workspace))
            .await?
            .is_empty(),
        false => mount::covers(configured, workspace),
    };
    if reached {
        return Ok(None);
    }
    let known = match has_rules {
        true => mount::visible(tx.db(), app, user.id, None).await?,
        false => configured.to_vec(),
    };
    let paths = known.iter().map(|mount| mount.path.display().to_string());
    Ok(Some(paths.collect()))
}

/// What the database knows about a submit.
#[derive(FromQueryResult)]
struct Facts {
    has_group: bool,
    has_environment: bool,
    has_mount_rules: bool,
    n_live: i64,
}

/// A grant beside these facts.
#[derive(FromQueryResult)]
struct FactsAndGrant {
    #[sea_orm(nested)]
    facts: Facts,
    owner: Option<String>,
    environment: Option<String>,
    value: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
    is_there: bool,
}

/// All of it in one statement, because every submit waits for it; with the environments that the user may use.
async fn facts(
    tx: &Tx,
    user: &UserActor,
    group: &str,
    image: &str,
) -> Result<(Facts, Vec<String>)> {
    use environment_grant::Column as Granted;
    let group = host::Entity::find().filter(host::Column::GroupName.eq(group));
    let environment = place::Entity::find().filter(place::Column::Name.eq(image));
    let rules = mount_rule::Entity::find().filter(mount_rule::Column::Active.eq(true));
    let live = task::Entity::find()
        .select_only()
        .column_as(task::Column::Id.count(), "n")
        .filter(task::Column::UserId.eq(user.id))
        .filter(task::Column::State.ne(task::State::Finished));
    let name = Func::cust("REPLACE")
        .arg(Expr::col((environment_grant::Entity, Granted::Environment)))
        .arg("${user_name}")
        .arg(user.name.as_str());
    let granted =
        place::Entity::find().filter(Expr::col((place::Entity, place::Column::Name)).eq(name));
    let select = Query::select()
        .expr_as(Expr::exists(group.into_query()), "has_group")
        .expr_as(Expr::exists(environment.into_query()), "has_environment")
        .expr_as(Expr::exists(rules.into_query()), "has_mount_rules")
        .expr_as(
            Expr::SubQuery(None, Box::new(live.into_query().into())),
            "n_live",
        )
        .columns([
            Granted::Owner.as_column_ref(),
            Granted::Environment.as_column_ref(),
            Granted::Value.as_column_ref(),
            Granted::ExpiresAt.as_column_ref(),
        ])
        .expr_as(Expr::exists(granted.into_query()), "is_there")
        // A row also for whoever is granted nothing.
        .from_subquery(Query::select().expr_as(Expr::val(1), "one").take(), "once")
        .left_join(
            environment_grant::Entity,
            Granted::Owner.is_in(&user.groups),
        )
        .take();
    let rows = FactsAndGrant::find_by_statement(tx.db().get_database_backend().build(&select));
    let mut rows = rows.all(tx.db()).await?;
    let grants: Vec<Grant> = rows
        .iter()
        .filter(|row| row.is_there)
        .filter_map(|row| {
            Some(Grant {
                owner: row.owner.clone()?,
                environment: row.environment.clone()?,
                value: row.value?,
                expires_at: row.expires_at,
            })
        })
        .collect();
    let granted = environment::granted(&grants, &user.name, tx.now());
    let row = rows.pop();
    let row = row.ok_or_else(|| Error::internal("a left join has at least one row"))?;
    Ok((
        row.facts,
        granted.into_iter().map(|(name, _)| name).collect(),
    ))
}

/// The names in a column, each once, as a list for people.
async fn names<E: EntityTrait>(tx: &Tx, rows: Select<E>, column: E::Column) -> Result<String> {
    let names: Vec<String> = rows
        .select_only()
        .column(column)
        .distinct()
        .order_by_asc(column)
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok(names.join(", "))
}

/// The task that the same key has already submitted.
async fn earlier(
    tx: &Tx,
    user: &UserActor,
    key: &str,
    document_hash: &str,
) -> Result<Option<Task>> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Err(Error::invalid(
            "idempotencyKey",
            format!("must have 1 to {LONGEST_KEY} bytes"),
        ));
    }
    let Some(row) = submission::Entity::find_by_id((user.id, key.to_owned()))
        .one(tx.db())
        .await?
    else {
        return Ok(None);
    };
    if tx.now() - row.created_at > KEY_LIFE {
        submission::Entity::delete_by_id((user.id, key.to_owned()))
            .exec(tx.db())
            .await?;
        return Ok(None);
    }
    if row.document_hash != document_hash {
        return Err(Error::Conflict(
            "this idempotency key was used for another task: choose a new key".to_owned(),
        ));
    }
    Ok(task::Entity::find_by_id(row.task_id).one(tx.db()).await?)
}

async fn remember(
    tx: &Tx,
    user: &UserActor,
    key: String,
    document_hash: String,
    task: &Task,
) -> Result<()> {
    submission::ActiveModel {
        user_id: Set(user.id),
        key: Set(key),
        document_hash: Set(document_hash),
        task_id: Set(task.id),
        created_at: Set(tx.now()),
    }
    .insert(tx.db())
    .await
    .map_err(|error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => {
            Error::Conflict("this idempotency key is being used: try again".to_owned())
        }
        _ => error.into(),
    })?;
    Ok(())
}

fn hash(document: &serde_json::Value) -> String {
    crate::auth::hex(&Sha256::digest(document.to_string().as_bytes()))
}

impl From<SpecErrors> for Error {
    fn from(errors: SpecErrors) -> Self {
        Self::Invalid(
            errors
                .iter()
                .map(|error| Problem {
                    field: error.field.clone(),
                    reason: error.problem.to_string(),
                })
                .collect(),
        )
    }
}
