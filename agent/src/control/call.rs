//! What a command says to its agent, and what it is answered.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A request, as one line of JSON: `{"call":"set_whole_life_state","state":3}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(crate) enum Request {
    /// The command has seen that it is to suspend.
    SuspendReceived,
    /// The command is saving, and needs more time.
    Saving,
    /// The command has saved and may be ended.
    GoSuspend,
    /// How long the command may print nothing.
    SetWatchdogTime {
        /// Seconds, at least 1.
        seconds: NonZeroU32,
    },
    /// What the next run of the task gets as its whole life state.
    SetWholeLifeState {
        /// The number.
        state: i32,
    },
    /// How urgent the task is from now on.
    SetPriority {
        /// Name of a level in the server's schema, for example `HIGH`.
        priority: String,
        /// Place among the tasks of the same user.
        #[serde(default)]
        custom_rank: Option<f64>,
    },
    /// The command found that it cannot go on here.
    ReportFailure {
        /// Whether the machine is in order.
        hardware_ok: bool,
        /// What it found.
        message: String,
    },
}

/// Nothing, or a sentence why not.
pub(crate) type Answer = Result<(), String>;

/// A request and where its answer goes. Nobody waits for it any more if `reply` is closed.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// The answer as a line.
pub(super) fn line(answer: Answer) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line {
        ok: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }
    let line = Line {
        ok: answer.is_ok(),
        message: answer.err(),
    };
    let mut bytes = serde_json::to_vec(&line).expect("strings and booleans have a form in JSON");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Request, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    #[test]
    fn every_request_has_its_line() {
        for (line, request) in [
            (r#"{"call":"suspend_received"}"#, Request::SuspendReceived),
            (r#"{"call":"saving","more":1}"#, Request::Saving),
            (r#"{"call":"go_suspend"}"#, Request::GoSuspend),
            (
                r#"{"call":"set_watchdog_time","seconds":60}"#,
                Request::SetWatchdogTime {
                    seconds: NonZeroU32::new(60).unwrap(),
                },
            ),
            (
                r#"{"call":"set_whole_life_state","state":-3}"#,
                Request::SetWholeLifeState { state: -3 },
            ),
            (
                r#"{"call":"set_priority","priority":"HIGH"}"#,
                Request::SetPriority {
                    priority: "HIGH".into(),
                    custom_rank: None,
                },
            ),
            (
                r#"{"call":"report_failure","hardware_ok":false,"message":"GPU 3 is gone"}"#,
                Request::ReportFailure {
                    hardware_ok: false,
                    message: "GPU 3 is gone".into(),
                },
            ),
        ] {
            assert_eq!(read(line), Ok(request), "{line}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for (line, reason) in [
            ("", "EOF"),
            ("{}", "missing field `call`"),
            (r#"{"call":"dance"}"#, "unknown variant `dance`"),
            (
                r#"{"call":"set_whole_life_state"}"#,
                "missing field `state`",
            ),
            (r#"{"call":"set_watchdog_time","seconds":0}"#, "nonzero"),
        ] {
            let refusal = read(line).unwrap_err();
            assert!(refusal.contains(reason), "{line}: {refusal}");
        }
    }

    #[test]
    fn an_answer_is_one_line() {
        assert_eq!(line(Ok(())), b"{\"ok\":true}\n");
        assert_eq!(
            line(Err("No\nline".into())),
            b"{\"ok\":false,\"message\":\"No\\nline\"}\n"
        );
    }
}
