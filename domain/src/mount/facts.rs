//! What templates and conditions may ask about a user and a task.

use entity::user::Role;

use super::value::{Value, Void};

/// A user, as rules see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    /// Name.
    pub name: String,
    /// Uid of the user's processes.
    pub uid: i64,
    /// The team. It is no group: what is for its members is for the groups that it gives them.
    pub shared_group: String,
    /// Inside or outside of the organisation.
    pub role: Role,
    /// Whether the user may sign in.
    pub active: bool,
    /// Every group: the role's, `public`, the memberships, and the user's own name.
    pub groups: Vec<String>,
}

/// A task, as rules see one. Its names are those of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFacts {
    /// Number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Node group.
    pub group: String,
    /// Number of nodes.
    pub nodes: i64,
    /// Kind of task, for example `training`.
    pub task_type: String,
    /// Environment.
    pub backend: String,
    /// Working directory.
    pub workspace: String,
    /// Priority; −1 for `AUTO`.
    pub priority: i64,
    /// The number that the user's code carries from run to run.
    pub whole_life_state: i64,
}

/// What a rule is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) user: &'a UserFacts,
    pub(super) task: Option<&'a TaskFacts>,
}

/// One thing that can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    User(Read<UserFacts>),
    /// The name of the task's owner, who is the user.
    TaskUserName,
    Task(Read<TaskFacts>),
}

/// What reads a fact.
type Read<T> = fn(&T) -> Value;

const USER_FIELDS: &[(&str, Read<UserFacts>)] = &[
    ("user_name", |user| text(&user.name)),
    ("user_id", |user| Value::Int(user.uid)),
    ("shared_group", |user| text(&user.shared_group)),
    ("role", |user| {
        text(match user.role {
            Role::Internal => "internal",
            Role::External => "external",
        })
    }),
    ("active", |user| Value::Bool(user.active)),
    ("group_list", |user| {
        Value::List(user.groups.iter().map(|group| text(group)).collect())
    }),
];

const TASK_FIELDS: &[(&str, Read<TaskFacts>)] = &[
    ("id", |task| Value::Int(task.id)),
    ("nb_name", |task| text(&task.name)),
    ("group", |task| text(&task.group)),
    ("nodes", |task| Value::Int(task.nodes)),
    ("task_type", |task| text(&task.task_type)),
    ("backend", |task| text(&task.backend)),
    ("workspace", |task| text(&task.workspace)),
    ("priority", |task| Value::Int(task.priority)),
    ("whole_life_state", |task| Value::Int(task.whole_life_state)),
];

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Field {
    /// The field `user.name`.
    pub(super) fn of_user(name: &str) -> Result<Self, String> {
        match USER_FIELDS.iter().find(|field| field.0 == name) {
            Some((_, read)) => Ok(Self::User(*read)),
            None => Err(unknown("user", name, USER_FIELDS.iter().map(|it| it.0))),
        }
    }

    /// The field `task.name`.
    pub(super) fn of_task(name: &str) -> Result<Self, String> {
        if name == "user_name" {
            return Ok(Self::TaskUserName);
        }
        match TASK_FIELDS.iter().find(|field| field.0 == name) {
            Some((_, read)) => Ok(Self::Task(*read)),
            None => {
                let known = TASK_FIELDS.iter().map(|it| it.0).chain(["user_name"]);
                Err(unknown("task", name, known))
            }
        }
    }

    /// Whether it can be asked only if there is a task.
    pub(super) fn needs_task(self) -> bool {
        !matches!(self, Self::User(_))
    }

    /// What it is.
    pub(super) fn read(self, facts: Facts<'_>) -> Result<Value, Void> {
        let task = || {
            facts
                .task
                .ok_or_else(|| Void("there is no task".to_owned()))
        };
        match self {
            Self::User(read) => Ok(read(facts.user)),
            Self::TaskUserName => task().map(|_| text(&facts.user.name)),
            Self::Task(read) => task().map(read),
        }
    }
}

impl UserFacts {
    /// Whether the user counts as a member of one of these groups; members of `root` belong to all.
    pub(super) fn in_any(&self, groups: &[&str]) -> bool {
        let is_one = |group: &String| group == "root" || groups.contains(&group.as_str());
        self.active && self.groups.iter().any(is_one)
    }
}

fn unknown<'a>(of: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    format!("`{of}` has no `{name}`: it has {}", known.join(", "))
}
