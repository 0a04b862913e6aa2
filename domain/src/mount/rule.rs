//! A rule: what it says, whether that makes sense, and how strong it is for whom.

use std::collections::BTreeSet;
use std::fmt;

use entity::MountRuleId;
use entity::mount_rule::{Action, Kind, Model};
use sha2::{Digest, Sha256};

use super::condition::Condition;
use super::template::Template;
use super::{Mount, UserFacts};
use crate::auth::hex;
use crate::error::Problem;

/// Longest path, in bytes.
const LONGEST_PATH: usize = 1024;
/// Longest name of an owner, in bytes.
const LONGEST_OWNER: usize = 255;
/// Most conditions of a rule.
const MOST_CONDITIONS: usize = 20;

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What is mounted: a template. At the end of one that takes, `*` stands for anything.
    pub host_path: String,
    /// Where tasks see it: a template, in the same way.
    pub mount_path: String,
    /// Names of users and of user groups.
    pub owners: Vec<String>,
    /// All of them must hold.
    pub conditions: Vec<String>,
    /// What kind of thing is mounted.
    pub kind: Kind,
    /// Whether tasks may only read it.
    pub read_only: bool,
    /// Whether the mount is given or taken.
    pub action: Action,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The platform's configuration.
    Configured,
    /// A row.
    Rule(MountRuleId),
}

/// How strong a rule is for a user, the weakest first: what is stronger is applied later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// The platform's configuration.
    Configured,
    /// For a group, without conditions.
    Group,
    /// For a group, with conditions.
    GroupConditional,
    /// For the user himself, without conditions.
    User,
    /// For the user himself, with conditions.
    UserConditional,
}

/// A rule that was read. One that makes no sense, as a row of an earlier release may, does not count and says why.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where it comes from.
    pub source: Source,
    /// What it says.
    pub definition: Definition,
    pub(super) meaning: Result<Meaning, Vec<Problem>>,
}

/// What a rule means.
#[derive(Debug, Clone)]
pub(super) struct Meaning {
    pub(super) host_path: Template,
    pub(super) mount_path: Template,
    pub(super) conditions: Vec<Condition>,
}

impl Definition {
    /// What makes no sense in it.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        self.read().err().unwrap_or_default()
    }

    /// Makes it one that takes: it does not ask what kind of thing it takes.
    pub(crate) fn take_anything(&mut self) {
        (self.action, self.kind, self.read_only) = (Action::Remove, Kind::Path, true);
    }

    /// Whether it takes whole trees.
    pub fn has_wildcard(&self) -> bool {
        self.host_path.ends_with('*') || self.mount_path.ends_with('*')
    }

    /// The conditions without order.
    pub(super) fn condition_set(&self) -> BTreeSet<&str> {
        self.conditions.iter().map(String::as_str).collect()
    }

    /// Whether another rule is about the same mount in the same cases.
    pub(super) fn is_about_the_same(&self, other: &Self) -> bool {
        self.host_path == other.host_path
            && self.mount_path == other.mount_path
            && self.condition_set() == other.condition_set()
    }

    /// A digest that is the same for rules of the same owners about the same mount in the same cases.
    pub(super) fn identity(&self) -> String {
        let owners: BTreeSet<&str> = self.owners.iter().map(String::as_str).collect();
        let parts = serde_json::json!([
            self.host_path,
            self.mount_path,
            owners,
            self.condition_set()
        ]);
        hex(&Sha256::digest(parts.to_string()))
    }

    /// What it means.
    ///
    /// # Errors
    /// Names the fields that make no sense.
    pub(super) fn read(&self) -> Result<Meaning, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut wrong = |field: String, reason: String| problems.push(Problem { field, reason });
        let host_path = self.template("hostPath", &self.host_path, &mut wrong);
        let mount_path = self.template("mountPath", &self.mount_path, &mut wrong);
        if self.owners.is_empty() {
            wrong("owner".to_owned(), "must be a user or a group".to_owned());
        }
        for owner in &self.owners {
            if owner.is_empty() || owner.len() > LONGEST_OWNER {
                let reason = format!("must have 1 to {LONGEST_OWNER} bytes");
                wrong("owner".to_owned(), reason);
            }
        }
        if self.conditions.len() > MOST_CONDITIONS {
            let reason = format!("must have at most {MOST_CONDITIONS} entries");
            wrong("conditions".to_owned(), reason);
        }
        let mut conditions = Vec::new();
        for (index, text) in self.conditions.iter().enumerate() {
            match Condition::parse(text) {
                Ok(condition) => conditions.push(condition),
                Err(reason) => wrong(format!("conditions.{index}"), reason),
            }
        }
        match (host_path, mount_path) {
            (Some(host_path), Some(mount_path)) if problems.is_empty() => Ok(Meaning {
                host_path,
                mount_path,
                conditions,
            }),
            _ => Err(problems),
        }
    }

    fn template(
        &self,
        field: &str,
        text: &str,
        wrong: &mut impl FnMut(String, String),
    ) -> Option<Template> {
        let may_be_a_name = field == "hostPath"
            && (self.action == Action::Remove
                || matches!(self.kind, Kind::ConfigMap | Kind::VolumeClaim));
        let stars = text.matches('*').count();
        let is_a_star_at_the_end = stars == 1 && text.ends_with('*');
        let reason = if text.len() > LONGEST_PATH {
            format!("must have at most {LONGEST_PATH} bytes")
        } else if text.is_empty() {
            "is empty".to_owned()
        } else if !may_be_a_name && !text.starts_with(['/', '{', '*']) {
            "must be an absolute path".to_owned()
        } else if text.contains('\0') || text.split('/').any(|part| part == "..") {
            "must not contain `..` or NUL".to_owned()
        } else if stars > 0 && self.action == Action::Add {
            "must not contain `*`: only what takes mounts may end with it".to_owned()
        } else if stars > 0 && !is_a_star_at_the_end {
            "may have `*` only at its end".to_owned()
        } else {
            match Template::parse(text) {
                Ok(template) => return Some(template),
                Err(reason) => reason,
            }
        };
        wrong(field.to_owned(), reason);
        None
    }
}

impl Rule {
    /// A rule that says this.
    pub fn new(source: Source, definition: Definition) -> Self {
        Self {
            source,
            meaning: definition.read(),
            definition,
        }
    }

    /// A configured directory, for everybody.
    pub(super) fn configured(mount: &Mount) -> Self {
        let path = mount.path.to_string_lossy().into_owned();
        Self {
            source: Source::Configured,
            meaning: Ok(Meaning {
                host_path: Template::literal(&path),
                mount_path: Template::literal(&path),
                conditions: Vec::new(),
            }),
            definition: Definition {
                host_path: path.clone(),
                mount_path: path,
                owners: vec!["public".to_owned()],
                conditions: Vec::new(),
                kind: Kind::Directory,
                read_only: mount.read_only,
                action: Action::Add,
            },
        }
    }

    /// Whether it can be held against a user only together with a task.
    pub fn needs_task(&self) -> bool {
        self.meaning.as_ref().is_ok_and(|meaning| {
            meaning.host_path.needs_task()
                || meaning.mount_path.needs_task()
                || meaning.conditions.iter().any(Condition::needs_task)
        })
    }

    /// How strong it is for a user, if it is meant for him.
    pub fn rank(&self, user: &UserFacts) -> Option<Rank> {
        let owners = &self.definition.owners;
        let is_his_own = owners.contains(&user.name);
        let is_his_groups = || owners.iter().any(|owner| user.groups.contains(owner));
        match (self.source, self.definition.conditions.is_empty()) {
            (Source::Configured, _) => Some(Rank::Configured),
            (_, true) if is_his_own => Some(Rank::User),
            (_, false) if is_his_own => Some(Rank::UserConditional),
            (_, true) if is_his_groups() => Some(Rank::Group),
            (_, false) if is_his_groups() => Some(Rank::GroupConditional),
            _ => None,
        }
    }
}

impl From<Model> for Definition {
    fn from(row: Model) -> Self {
        Self {
            host_path: row.host_path,
            mount_path: row.mount_path,
            owners: row.owners.0,
            conditions: row.conditions.0,
            kind: row.mount_type,
            read_only: row.read_only,
            action: row.action,
        }
    }
}

impl From<Model> for Rule {
    fn from(row: Model) -> Self {
        Self::new(Source::Rule(row.id), row.into())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("the configuration"),
            Self::Rule(id) => write!(f, "rule {id}"),
        }
    }
}
