//! Writes what is not there yet. Nobody is asked for permission: who may write the platform's own directory may do this.

mod membership;
mod quota;
mod rule;
mod user;

use std::result::Result as StdResult;

use super::Plan;
use super::note::{Note, Place};
use super::report::{Done, Refusal, Report};
use super::row::Placed;
use crate::audit::Act;
use crate::error::{Error, Result};
use crate::store::Tx;

/// Who stands in the logs for an import. It is no name of a user, because nobody signed in.
const EDITOR: &str = "hai-platform import";

/// Writes what is not there yet; what is there stays as it is.
///
/// # Errors
/// [`Refusal::Problems`] says what does not fit what is there: then nothing of it may be kept.
pub async fn apply(tx: &mut Tx, plan: Plan) -> StdResult<Report, Refusal> {
    let mut outcome = Outcome::default();
    for user in plan.users {
        let written = user::write(tx, user.value, &mut outcome.at(&user.place)).await;
        outcome.count("user", &user.place, written)?;
    }
    for group in plan.memberships {
        let written = membership::write(tx, group.value).await;
        outcome.count("user_group", &group.place, written)?;
    }
    for Placed { place, value } in plan.environments {
        let written = crate::environment::add(tx, value).await;
        outcome.count("train_environment", &place, written.map(new_or_there))?;
    }
    for Placed { place, value } in plan.hosts {
        let written = crate::node::adopt(tx, value).await;
        outcome.count("host", &place, written.map(new_or_there))?;
    }
    for quota in plan.quotas {
        let written = quota::write(tx, quota.value, &mut outcome.at(&quota.place)).await;
        outcome.count("quota", &quota.place, written)?;
    }
    for rule in plan.rules {
        let written = rule::write(tx, rule.value, &mut outcome.at(&rule.place)).await;
        outcome.count("storage", &rule.place, written)?;
    }
    if !outcome.problems.is_empty() {
        return Err(Refusal::Problems(outcome.problems));
    }
    if outcome.report.has_changes() {
        tx.record(act(&outcome.report), "OK");
    }
    Ok(outcome.report)
}

/// What has become of it so far.
#[derive(Default)]
struct Outcome {
    report: Report,
    problems: Vec<Note>,
}

/// Remarks about one row.
struct Remarks<'a> {
    place: &'a Place,
    remarks: &'a mut Vec<Note>,
}

impl Remarks<'_> {
    fn add(&mut self, text: impl Into<String>) {
        self.remarks.push(self.place.says(text));
    }

    /// A remark that is made once, whatever number of rows it is about.
    fn add_once(&mut self, text: &str) {
        if !self.remarks.iter().any(|note| note.text == text) {
            self.add(text);
        }
    }
}

impl Outcome {
    fn at<'a>(&'a mut self, place: &'a Place) -> Remarks<'a> {
        Remarks {
            place,
            remarks: &mut self.report.remarks,
        }
    }

    /// Counts a row, or notes why it does not fit.
    ///
    /// # Errors
    /// If the database refuses: then all else would fail too.
    fn count(&mut self, table: &'static str, place: &Place, done: Result<Done>) -> Result<()> {
        match done {
            Ok(done) => self.report.count(table, done),
            Err(Error::Invalid(problems)) => {
                let texts = problems.into_iter().map(|problem| problem.reason);
                let notes = texts.map(|text| place.says(format!("{table}: {text}")));
                self.problems.extend(notes);
            }
            Err(Error::Conflict(text)) => {
                self.problems.push(place.says(format!("{table}: {text}")));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn new_or_there(is_new: bool) -> Done {
    if is_new { Done::Inserted } else { Done::There }
}

fn act(report: &Report) -> Act {
    let written = report.tables.iter().map(|tally| {
        let written = tally.inserted + tally.inactive;
        format!("{} {written}", tally.table)
    });
    Act {
        actor: EDITOR.to_owned(),
        user_name: EDITOR.to_owned(),
        action: "import".to_owned(),
        object: "platform".to_owned(),
        detail: written.collect::<Vec<_>>().join(", "),
        origin: crate::audit::Origin::default(),
    }
}
