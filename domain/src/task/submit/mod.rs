//! Submits tasks: checked, stored, queued. Quota is a reason to wait, never an error here.

mod check;
mod keys;
mod known;
mod row;
#[cfg(test)]
mod tests;
mod together;

use std::collections::HashMap;

use crate::app::App;
use crate::audit::Act;
use crate::auth::{Action, Actor, Target, UserActor, require};
use crate::error::{Error, Problem, Result};
use crate::events::Event;
use crate::store::Tx;

use super::{SpecErrors, Task, TaskSpec};

use check::Checked;
use keys::Key;

pub use together::{Submits, submit_together};

/// What is submitted.
#[derive(Debug, Clone)]
pub struct Submit {
    /// What was checked.
    pub spec: TaskSpec,
    /// The document it came from.
    pub document: serde_json::Value,
    /// A repeated submit with the same key returns the task of the first.
    pub idempotency_key: Option<String>,
    /// What the audit log says of it; absent for what no person submits.
    pub act: Option<Act>,
}

/// A submit of somebody who may submit.
#[derive(Debug)]
struct Wish {
    user: UserActor,
    input: Submit,
    key: Option<Key>,
}

impl Wish {
    fn new(actor: &Actor, mut input: Submit) -> Result<Self> {
        require(actor, Action::SubmitTask, Target::Platform)?;
        let user = actor.user().cloned().ok_or(Error::Unauthenticated)?;
        let key = input.idempotency_key.take();
        let key = key.map(|key| Key::new(key, &input.document)).transpose()?;
        Ok(Self { user, input, key })
    }
}

/// Submits a task as part of a write.
///
/// # Errors
/// [`Error::Invalid`] names the field: a group, an environment or a workspace that is not there.
/// [`Error::Conflict`] if a live task of the user has the name, or the key was used for another document.
/// [`Error::QuotaExceeded`] beyond 10 000 live tasks.
pub async fn submit(tx: &mut Tx, app: &App, actor: &Actor, input: Submit) -> Result<Task> {
    let wish = Wish::new(actor, input)?;
    let checked = check::check(tx.db(), app, &[&wish], tx.now()).await?;
    let mut answers = submit_all(tx, app, &[&wish], checked).await?;
    let answer = answers.pop();
    answer.unwrap_or_else(|| Err(Error::internal("a submit has no answer")))
}

/// Submits checked tasks of any users with about as many statements as one takes. Answers in the same order; one that is refused
/// leaves nothing behind and keeps none of the others. No user's key may be there twice.
///
/// # Errors
/// If the database refuses, or somebody else uses a key at this moment: then the whole write must be given up.
async fn submit_all(
    tx: &mut Tx,
    app: &App,
    wishes: &[&Wish],
    checked: Vec<Checked>,
) -> Result<Vec<Result<Task>>> {
    let mut answers = keys::earlier(tx, wishes).await?;
    let mut n_before = HashMap::new();
    let (mut places, mut rows) = (Vec::new(), Vec::new());
    for (place, (wish, checked)) in wishes.iter().zip(checked).enumerate() {
        if answers[place].is_some() {
            continue;
        }
        let n_before: &mut i64 = n_before.entry(wish.user.id).or_default();
        let has_room = checked.has_room(*n_before);
        match checked.environment.and_then(|it| has_room.map(|()| it)) {
            Ok(environment) => {
                *n_before += 1;
                places.push(place);
                rows.push(row::row(
                    wish,
                    known::group(app, wish),
                    environment,
                    tx.now(),
                ));
            }
            Err(error) => answers[place] = Some(Err(error)),
        }
    }
    let stored = row::insert(tx, rows).await?;
    let new = places.iter().zip(&stored);
    let new = new.filter_map(|(place, task)| Some((wishes[*place], task.as_ref().ok()?)));
    let new: Vec<(&Wish, &Task)> = new.collect();
    row::tag(tx, &new).await?;
    keys::remember(tx, &new).await?;
    for (wish, task) in new {
        tx.wake(Event::Task(task.id));
        if let Some(act) = wish.input.act.clone() {
            let act = act.to(format!("task {}", task.id));
            tx.record(act.telling(&task.name), "OK");
        }
    }
    for (place, task) in places.into_iter().zip(stored) {
        answers[place] = Some(task);
    }
    let unanswered = || Err(Error::internal("a submit has no answer"));
    let answers = answers.into_iter();
    Ok(answers.map(|it| it.unwrap_or_else(unanswered)).collect())
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
