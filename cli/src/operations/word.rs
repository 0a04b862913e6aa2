//! The words of the schema.

use super::schema;

/// An enum of the schema that tolerates what only newer platforms know.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, cynic::Enum)]
        pub(crate) enum $name {
            $($variant,)+
            /// A value of a newer platform.
            #[cynic(fallback)]
            Other(String),
        }

        impl std::fmt::Display for $name {
            /// The schema's word in small letters.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let word = match serde_json::to_value(self) {
                    Ok(serde_json::Value::String(word)) => word,
                    Ok(_) | Err(_) => "?".to_owned(),
                };
                f.pad(&word.to_lowercase())
            }
        }
    };
}

words!(
    /// What a token is good for.
    TokenScope { All, ExceptJupyter, Read }
);
words!(
    /// Where a task is.
    TaskState { WaitingInit, Running, Suspended, Finished }
);
words!(
    /// How a task or a run ended.
    Outcome { Succeeded, Failed, Stopped, Suspended, Timeout, Lost, StartFailed }
);
words!(
    /// What the owner wants.
    TaskDesired { Run, Hold, Stop }
);
words!(
    /// Kind of task.
    TaskType { Training }
);
words!(
    /// Priority by name.
    Priority {
        ExtremeHigh, VeryHigh, High, AboveNormal, Normal, UnderNormal, BelowNormal, Low, Auto,
    }
);
words!(
    /// Whether a quota gives or limits.
    QuotaKind { Grant, Ceiling }
);
words!(
    /// Where a run is.
    RunState { Starting, Running, Draining, Ended }
);
words!(
    /// Why a run is being ended.
    DrainReason { Stop, Suspend, StartFailed, RankFailed, Lost, Timeout, Done }
);
words!(
    /// Where one rank of a run is.
    PodState { Created, Registered, Running, Succeeded, Failed, Stopped, Lost }
);
words!(
    /// Whether tasks may start on a node.
    NodeStatus { Ready, NotReady }
);
words!(
    /// What a node came to.
    NodeStateKind { Ready, NotReady, Disabled, Enabled, Removed }
);
words!(
    /// Whose user it is.
    UserRole { Internal, External }
);
words!(
    /// A line of the log, or a hole in it.
    LogItemKind { Line, Gap }
);

/// As what a task is to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, cynic::Enum)]
pub(crate) enum StopAs {
    Stopped,
    Succeeded,
    Failed,
}

/// How a pattern is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, cynic::Enum)]
pub(crate) enum LogPatternKind {
    Literal,
    Regex,
}
