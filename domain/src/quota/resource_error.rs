//! What is wrong with the name of a resource, as a clause that follows it.

use std::fmt;

use scheduler::Level;

/// Beginnings of the names that there are.
const KNOWN: &str = "node, node-GROUP-PRIORITY, node_limit-GROUP-PRIORITY, node_limit[TAG]-GROUP-PRIORITY, \
                     node_role_limit-GROUP-PRIORITY, jupyter:GROUP, spot_jupyter, dedicated_jupyter, background_task, \
                     port, port:RECORD, train_environment:NAME, custom_service:TYPE:PORT, cap:CAPABILITY, privileged, \
                     host_ipc, host_pid, host_network, LINE:${gid}";

/// What is wrong with the name of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceError {
    /// It begins like none.
    Unknown {
        /// The name.
        name: String,
    },
    /// A part of it is not there.
    Missing {
        /// Which.
        part: &'static str,
    },
    /// The last piece is no level.
    NoLevel {
        /// The piece.
        word: String,
    },
    /// The port is neither a number from 1 to 65535 nor `*`.
    NoPort {
        /// What is there.
        word: String,
    },
    /// A tag does not end.
    OpenTag,
    /// It names a zone of a group.
    Zone,
    /// It has a character that no name may have there.
    Character {
        /// The character.
        char: char,
    },
    /// It is too long.
    TooLong {
        /// Most characters.
        most: usize,
    },
}

impl ResourceError {
    pub(super) fn unknown(name: &str) -> Self {
        Self::Unknown {
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for ResourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => write!(f, "`{name}` is none of {KNOWN}"),
            Self::Missing { part } => write!(f, "has no {part}"),
            Self::NoLevel { word } => {
                let known = Level::ALL.map(Level::name).join(", ");
                write!(f, "ends with `{word}`, which is no priority of {known}")
            }
            Self::NoPort { word } => {
                write!(
                    f,
                    "has the port `{word}`, which is neither 1 to 65535 nor *"
                )
            }
            Self::OpenTag => f.write_str("has a tag without `]-` behind it"),
            Self::Zone => {
                f.write_str("names a zone behind `#`, but quotas are for whole node groups")
            }
            Self::Character { char } => write!(f, "must not have {char:?} there"),
            Self::TooLong { most } => write!(f, "must have at most {most} characters"),
        }
    }
}

impl std::error::Error for ResourceError {}
