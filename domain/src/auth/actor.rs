//! Who is asking.

use entity::access_token::Scope as Stored;
use entity::{RunId, TaskId, UserId, user};

use super::Action;

/// Whoever asks for something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person or an account.
    User(UserActor),
    /// The agent of one rank.
    Agent(AgentActor),
}

/// A signed-in user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserActor {
    /// Number of the user.
    pub id: UserId,
    /// Name of the user: as whom everything is done.
    pub name: String,
    /// Name of whoever holds the token: another user, if the token was made for one.
    pub holder: String,
    /// What the token is good for.
    pub scope: Scope,
    /// Inside or outside of the organisation.
    pub role: user::Role,
    /// The team.
    pub shared_group: String,
    /// Every group the user belongs to: the role's, `public`, the memberships, and the user's own name.
    pub groups: Vec<String>,
}

/// The agent of one rank, known by its run-scoped token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgentActor {
    /// The task.
    pub task: TaskId,
    /// The run; the token is good while the run is open.
    pub run: RunId,
    /// The rank.
    pub rank: i32,
    /// Whether the token has run out: then it may only be renewed.
    pub expired: bool,
}

impl Actor {
    /// The user, if it is one.
    pub fn user(&self) -> Option<&UserActor> {
        match self {
            Self::User(user) => Some(user),
            Self::Agent(_) => None,
        }
    }

    /// The agent, if it is one.
    pub fn agent(&self) -> Option<&AgentActor> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::User(_) => None,
        }
    }
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything that its user may do.
    All,
    /// The same, except to sign in to dev containers and to make or revoke tokens.
    ExceptJupyter,
    /// To read.
    Read,
}

impl Scope {
    /// Whether it is good for that.
    pub fn allows(self, action: Action) -> bool {
        match self {
            Self::All => true,
            Self::ExceptJupyter => !matches!(action, Action::MakeToken | Action::ReadTokens),
            Self::Read => action.is_reading() && action != Action::ReadTokens,
        }
    }
}

impl From<Stored> for Scope {
    fn from(scope: Stored) -> Self {
        match scope {
            Stored::All => Self::All,
            Stored::ExceptJupyter => Self::ExceptJupyter,
            Stored::Read => Self::Read,
        }
    }
}

impl From<Scope> for Stored {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => Self::All,
            Scope::ExceptJupyter => Self::ExceptJupyter,
            Scope::Read => Self::Read,
        }
    }
}

impl UserActor {
    /// Whether another holds the token.
    pub fn is_delegated(&self) -> bool {
        self.holder != self.name
    }

    /// Whether the user belongs to one of the groups; members of `root` belong to all.
    pub fn in_any(&self, groups: &[&str]) -> bool {
        self.is_root()
            || self
                .groups
                .iter()
                .any(|group| groups.contains(&group.as_str()))
    }

    /// Whether the user may do everything.
    pub fn is_root(&self) -> bool {
        self.groups.iter().any(|group| group == "root")
    }
}
