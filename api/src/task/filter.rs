//! Which tasks of a list are wanted.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use domain::{App, Error, Result, task};

use super::kinds::TaskState;

/// Most entries of a list in a filter.
const MOST_ENTRIES: usize = 100;

/// Which tasks; what is left out does not matter. The conditions add up.
#[derive(Debug, Default, InputObject)]
pub(crate) struct TaskFilter {
    /// Only tasks of the user with this name.
    user: Option<String>,
    /// Only tasks with one of these names, at most 100.
    names: Option<Vec<String>>,
    /// Only tasks whose name contains this text; upper and lower case count as the same.
    name_contains: Option<String>,
    /// Only tasks in one of these states, at most 100.
    states: Option<Vec<TaskState>>,
    /// Only tasks of one of these node groups, at most 100.
    groups: Option<Vec<String>>,
    /// Only tasks with this tag.
    tag: Option<String>,
    /// Only tasks that were submitted at this time or later.
    created_after: Option<DateTime<Utc>>,
    /// Only tasks that were submitted before this time.
    created_before: Option<DateTime<Utc>>,
    /// Only tasks that their owners share in your team, in place of your own.
    #[graphql(default)]
    shared: bool,
}

impl TaskFilter {
    /// The same for the domain. A user whom nobody knows has no tasks.
    ///
    /// # Errors
    /// [`Error::Invalid`] names a list that is too long.
    pub(super) async fn resolve(self, app: &App) -> Result<task::Filter> {
        short("filter.names", self.names.as_deref())?;
        short("filter.states", self.states.as_deref())?;
        short("filter.groups", self.groups.as_deref())?;
        let user_ids = match &self.user {
            Some(name) => {
                let user = domain::user::find_by_name(app.reader(), name).await?;
                Some(user.iter().map(|user| user.id).collect())
            }
            None => None,
        };
        let states = self
            .states
            .map(|states| states.into_iter().map(Into::into).collect());
        Ok(task::Filter {
            user_ids,
            names: self.names,
            name_contains: self.name_contains,
            states,
            groups: self.groups,
            tag: self.tag,
            created_after: self.created_after,
            created_before: self.created_before,
            shared: self.shared,
        })
    }
}

fn short<T>(field: &str, entries: Option<&[T]>) -> Result<()> {
    let length = entries.map_or(0, <[T]>::len);
    if length <= MOST_ENTRIES {
        return Ok(());
    }
    let reason = format!("must have at most {MOST_ENTRIES} entries, not {length}");
    Err(Error::invalid(field, reason))
}
