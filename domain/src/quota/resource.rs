//! Names of what a quota row is about: the grammar of the original, read and printed in one place.

use std::fmt;
use std::str::FromStr;

use scheduler::Level;

use super::resource_error::ResourceError;

/// Most characters of a name.
const MOST_CHARS: usize = 255;
/// How a line of `/etc/group` ends, behind which the number is put.
const GID: &str = ":${gid}";

/// What a quota row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// `node`: to use training nodes at all.
    Node,
    /// `node-<group>-<PRIORITY>`: nodes at the same time.
    Nodes(NodesOf),
    /// `node_limit-<group>-<PRIORITY>`, or `node_limit[<tag>]-…`: what no grant of nodes may exceed. The tag may be empty.
    NodeLimit(String, NodesOf),
    /// `node_role_limit-<group>-<PRIORITY>`: kept for those who read it elsewhere.
    NodeRoleLimit(NodesOf),
    /// `jupyter:<group>`: dev containers, their memory and their processors.
    Jupyter(String),
    /// `spot_jupyter`: dev containers with a node of their own that may be taken away.
    SpotJupyter,
    /// `dedicated_jupyter`: dev containers with a node of their own.
    DedicatedJupyter,
    /// `background_task`: tasks that use what is left over.
    BackgroundTask,
    /// `port`: ports of nodes.
    Port,
    /// `port:<record>`: a port that was given. It is a record, not a limit.
    PortRecord(String),
    /// `train_environment:<env>`: use of a built-in environment.
    TrainEnvironment(String),
    /// `custom_service:<type>:<port>`: a service of one's own in a dev container.
    CustomService(String, ServicePort),
    /// `cap:<CAPABILITY>`: a Linux capability in a container.
    Capability(String),
    /// `privileged`: a privileged container.
    Privileged,
    /// `host_ipc`: the node's shared memory.
    HostIpc,
    /// `host_pid`: the node's processes.
    HostPid,
    /// `host_network`: the node's network.
    HostNetwork,
    /// `<line>:${gid}`: the beginning of a line of `/etc/group` in a container; the amount is the number of the group.
    UnixGroup(String),
}

/// A node group at a priority.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodesOf {
    /// Node group, without a zone.
    pub group: String,
    /// Priority level.
    pub level: Level,
}

/// A port of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServicePort {
    /// `*`
    Any,
    /// This one.
    One(u16),
}

/// Names that stand alone.
const WORDS: [(&str, Resource); 9] = [
    ("node", Resource::Node),
    ("spot_jupyter", Resource::SpotJupyter),
    ("dedicated_jupyter", Resource::DedicatedJupyter),
    ("background_task", Resource::BackgroundTask),
    ("port", Resource::Port),
    ("privileged", Resource::Privileged),
    ("host_ipc", Resource::HostIpc),
    ("host_pid", Resource::HostPid),
    ("host_network", Resource::HostNetwork),
];

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(name: &str) -> Result<Self, ResourceError> {
        if name.chars().count() > MOST_CHARS {
            return Err(ResourceError::TooLong { most: MOST_CHARS });
        }
        if let Some(char) = name.chars().find(|char| !is_plain(*char)) {
            return Err(ResourceError::Character { char });
        }
        if let Some((_, word)) = WORDS.into_iter().find(|(word, _)| *word == name) {
            return Ok(word);
        }
        if let Some(line) = name.strip_suffix(GID) {
            return Ok(Self::UnixGroup(part("line", line)?));
        }
        // The name of a node group may have a `:`.
        if let Some((kind, rest)) = name.split_once(':')
            && let Some(found) = by_colon(kind, rest)?
        {
            return Ok(found);
        }
        let Some((kind, rest)) = name.split_once('-') else {
            return Err(ResourceError::unknown(name));
        };
        match kind {
            "node" => Ok(Self::Nodes(rest.parse()?)),
            "node_limit" => Ok(Self::NodeLimit(String::new(), rest.parse()?)),
            "node_role_limit" => Ok(Self::NodeRoleLimit(rest.parse()?)),
            _ => tagged(name)?.ok_or_else(|| ResourceError::unknown(name)),
        }
    }
}

fn by_colon(kind: &str, rest: &str) -> Result<Option<Resource>, ResourceError> {
    Ok(Some(match kind {
        "jupyter" => Resource::Jupyter(group(rest)?),
        "port" => Resource::PortRecord(part("record", rest)?),
        "train_environment" => Resource::TrainEnvironment(part("environment", rest)?),
        "cap" => Resource::Capability(part("capability", rest)?),
        "custom_service" => {
            let (kind, port) = rest
                .rsplit_once(':')
                .ok_or(ResourceError::Missing { part: "port" })?;
            Resource::CustomService(part("type", kind)?, port.parse()?)
        }
        _ => return Ok(None),
    }))
}

/// `node_limit[<tag>]-…`, in which the tag may have a `-`.
fn tagged(name: &str) -> Result<Option<Resource>, ResourceError> {
    let Some(rest) = name.strip_prefix("node_limit[") else {
        return Ok(None);
    };
    let (tag, nodes) = rest.split_once("]-").ok_or(ResourceError::OpenTag)?;
    Ok(Some(Resource::NodeLimit(checked_tag(tag)?, nodes.parse()?)))
}

/// A tag of a ceiling.
///
/// # Errors
/// If it is empty or has brackets or spaces.
pub(super) fn checked_tag(tag: &str) -> Result<String, ResourceError> {
    match tag
        .chars()
        .find(|char| !is_plain(*char) || ['[', ']'].contains(char))
    {
        Some(char) => Err(ResourceError::Character { char }),
        None => part("tag", tag),
    }
}

fn part(name: &'static str, text: &str) -> Result<String, ResourceError> {
    match text {
        "" => Err(ResourceError::Missing { part: name }),
        text => Ok(text.to_owned()),
    }
}

fn group(name: &str) -> Result<String, ResourceError> {
    match name.contains('#') {
        true => Err(ResourceError::Zone),
        false => part("group", name),
    }
}

fn is_plain(char: char) -> bool {
    !char.is_control() && !char.is_whitespace()
}

impl FromStr for NodesOf {
    type Err = ResourceError;

    /// The group may have a `-`: the word for the priority is the last piece.
    fn from_str(text: &str) -> Result<Self, ResourceError> {
        let (name, word) = text
            .rsplit_once('-')
            .ok_or(ResourceError::Missing { part: "priority" })?;
        let level = Level::from_name(word).ok_or_else(|| ResourceError::NoLevel {
            word: word.to_owned(),
        })?;
        let group = group(name)?;
        Ok(Self { group, level })
    }
}

impl FromStr for ServicePort {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let number = text.parse().ok().filter(|number| *number > 0);
        // Only one spelling: `+80` and `080` are numbers to Rust as well.
        let number = number.filter(|number: &u16| number.to_string() == text);
        let no_port = || ResourceError::NoPort {
            word: text.to_owned(),
        };
        number.map(Self::One).ok_or_else(no_port)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(nodes) => write!(f, "node-{nodes}"),
            Self::NodeLimit(tag, nodes) if tag.is_empty() => write!(f, "node_limit-{nodes}"),
            Self::NodeLimit(tag, nodes) => write!(f, "node_limit[{tag}]-{nodes}"),
            Self::NodeRoleLimit(nodes) => write!(f, "node_role_limit-{nodes}"),
            Self::Jupyter(group) => write!(f, "jupyter:{group}"),
            Self::PortRecord(record) => write!(f, "port:{record}"),
            Self::TrainEnvironment(environment) => write!(f, "train_environment:{environment}"),
            Self::CustomService(kind, port) => write!(f, "custom_service:{kind}:{port}"),
            Self::Capability(capability) => write!(f, "cap:{capability}"),
            Self::UnixGroup(line) => write!(f, "{line}{GID}"),
            Self::Node => f.write_str("node"),
            Self::SpotJupyter => f.write_str("spot_jupyter"),
            Self::DedicatedJupyter => f.write_str("dedicated_jupyter"),
            Self::BackgroundTask => f.write_str("background_task"),
            Self::Port => f.write_str("port"),
            Self::Privileged => f.write_str("privileged"),
            Self::HostIpc => f.write_str("host_ipc"),
            Self::HostPid => f.write_str("host_pid"),
            Self::HostNetwork => f.write_str("host_network"),
        }
    }
}

impl fmt::Display for NodesOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.group, self.level)
    }
}

impl fmt::Display for ServicePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(port) => port.fmt(f),
        }
    }
}
