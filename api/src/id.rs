//! Ids and cursors as texts: clients keep them and hand them back, and need not know what is in them.

use async_graphql::ID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::auth::tokens::TokenId;
use domain::session::SessionId;
use domain::task::{NoPosition, Position, TaskId};
use domain::{Error, Result};

/// Characters of a client's text that a message repeats.
const SHOWN_CHARS: usize = 40;

/// The task that an id means.
///
/// # Errors
/// [`Error::NotFound`] if it is not the id of any task.
pub(crate) fn task_id(id: &ID) -> Result<TaskId> {
    number("task", id).map(TaskId)
}

/// The token that an id means.
///
/// # Errors
/// [`Error::NotFound`] if it is not the id of any token.
pub(crate) fn token_id(id: &ID) -> Result<TokenId> {
    number("access token", id).map(TokenId)
}

/// The session that an id means.
///
/// # Errors
/// [`Error::NotFound`] if it is not the id of any session.
pub(crate) fn session_id(id: &ID) -> Result<SessionId> {
    number("session", id).map(SessionId)
}

fn number(what: &'static str, id: &ID) -> Result<i64> {
    let number: Option<i64> = id.parse().ok();
    number
        // Only the one spelling that we give out: `+1` and `01` are numbers to Rust, but not ours.
        .filter(|number| number.to_string() == id.as_str())
        .ok_or_else(|| Error::not_found(what, id.chars().take(SHOWN_CHARS).collect::<String>()))
}

/// Which list a cursor belongs to: one of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// Tasks, by number.
    Tasks,
    /// Runs of a task, by number.
    Runs,
    /// Nodes, by name.
    Nodes,
    /// States of a node, by number.
    NodeStates,
    /// The audit log, by number.
    Audit,
    /// Rules for mounts, by number.
    MountRules,
    /// Users, by name.
    Users,
    /// Access tokens, by number.
    Tokens,
    /// Sessions of browsers, by number.
    Sessions,
    /// Quotas of nodes, by number.
    Quotas,
    /// Other quotas, by number.
    ResourceQuotas,
    /// Changes of quotas, by number.
    QuotaChanges,
}

impl List {
    fn prefix(self) -> &'static str {
        match self {
            Self::Tasks => "task:",
            Self::Runs => "run:",
            Self::Nodes => "node:",
            Self::NodeStates => "node-state:",
            Self::Audit => "audit:",
            Self::MountRules => "mount-rule:",
            Self::Users => "user:",
            Self::Tokens => "token:",
            Self::Sessions => "session:",
            Self::Quotas => "quota:",
            Self::ResourceQuotas => "resource-quota:",
            Self::QuotaChanges => "quota-change:",
        }
    }

    /// The cursor of the item with this key.
    pub(crate) fn cursor(self, key: impl ToString) -> String {
        URL_SAFE_NO_PAD.encode(self.prefix().to_owned() + &key.to_string())
    }

    /// The key behind a cursor.
    pub(crate) fn key(self, cursor: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.strip_prefix(self.prefix()).map(str::to_owned)
    }
}

/// The cursor of a position in the changes of tasks.
pub(crate) fn of_position(position: &Position) -> String {
    URL_SAFE_NO_PAD.encode(position.to_string())
}

/// The position behind a cursor.
pub(crate) fn position(cursor: &str) -> std::result::Result<Position, NoPosition> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| NoPosition)?;
    let text = String::from_utf8(bytes).map_err(|_| NoPosition)?;
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number_in_its_one_spelling() {
        assert_eq!(task_id(&ID::from("42")).unwrap(), TaskId(42));
        for text in ["", "+42", "042", "4 2", "x", "99999999999999999999"] {
            let error = task_id(&ID::from(text)).unwrap_err();
            assert!(matches!(error, Error::NotFound { .. }), "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_not_repeated_whole() {
        let error = task_id(&ID::from("x".repeat(1000))).unwrap_err();
        assert!(error.to_string().len() < 100);
    }

    #[test]
    fn a_cursor_leads_back_to_its_key_in_its_own_list_only() {
        for list in [List::Tasks, List::Runs, List::Nodes, List::MountRules] {
            for key in ["7", "node-1", "ü:/"] {
                let cursor = list.cursor(key);
                assert_eq!(list.key(&cursor).as_deref(), Some(key));
                assert!(
                    cursor
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
                );
            }
        }
        assert_eq!(List::Runs.key(&List::Tasks.cursor(7)), None);
        assert_eq!(List::Tasks.key("not a cursor"), None);
    }
}
