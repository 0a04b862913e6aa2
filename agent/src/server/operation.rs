//! What an agent asks of the server's GraphQL.

use protocol::{Order, PROTOCOL_VERSION, ProcessId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use transport::Operation;

use super::{Failure, Status};

pub(super) const REGISTER: &str = "registerAgent";
pub(super) const ORDERS: &str = "agentOrders";
pub(super) const REPORT: &str = "reportRank";
pub(super) const RENEW: &str = "renewAgentToken";

pub(super) fn register(me: &ProcessId) -> Operation {
    let input = json!({
        "protocolVersion": PROTOCOL_VERSION,
        "bootId": me.boot_id,
        "pid": me.pid,
        "startTime": me.start_time,
    });
    Operation::new(
        "mutation ($input: RegisterAgentInput!) { registerAgent(input: $input) { desired graceMs } }",
    )
    .variable("input", input)
}

pub(super) fn orders() -> Operation {
    Operation::new("subscription { agentOrders { desired graceMs } }")
}

pub(super) fn report(status: &Status) -> Operation {
    let input = json!({
        "logEnd": status.log_end,
        "started": status.started,
        "exit": status.exit,
    });
    Operation::new("mutation ($input: ReportRankInput!) { reportRank(input: $input) }")
        .variable("input", input)
}

pub(super) fn renew() -> Operation {
    Operation::new("mutation { renewAgentToken }")
}

/// The answer to one of the above.
pub(super) fn answer<T: DeserializeOwned>(
    what: &'static str,
    data: Result<Value, transport::Error>,
) -> Result<T, Failure> {
    let mut data = data.map_err(|source| Failure::Server { what, source })?;
    let answer = data.get_mut(what).map(Value::take).unwrap_or_default();
    serde_json::from_value(answer).map_err(|source| Failure::Answer { what, source })
}

/// The answer to [`register`], and each item of [`orders`].
pub(super) fn order(
    what: &'static str,
    data: Result<Value, transport::Error>,
) -> Result<Order, Failure> {
    answer(what, data)
}

#[cfg(test)]
mod tests {
    use protocol::{Desired, ExitCause, RankExit};

    use super::*;

    #[test]
    fn a_report_is_what_the_schema_takes() {
        let exit = RankExit {
            cause: ExitCause::StartFailed,
            code: None,
            signal: Some(9),
            message: Some("Why.".into()),
        };
        let status = Status {
            log_end: 7,
            started: true,
            exit: Some(exit),
        };
        let expected = json!({
            "logEnd": 7,
            "started": true,
            "exit": { "cause": "START_FAILED", "code": null, "signal": 9, "message": "Why." },
        });
        assert_eq!(report(&status).variables["input"], expected);
    }

    #[test]
    fn an_order_is_read_and_anything_else_is_not_taken_for_one() {
        let data = json!({ "agentOrders": { "desired": "STOP", "graceMs": 5000 } });
        let expected = Order {
            desired: Desired::Stop,
            grace_ms: 5000,
        };
        assert_eq!(order(ORDERS, Ok(data)).unwrap(), expected);
        for data in [
            json!({}),
            json!(null),
            json!({ "agentOrders": { "desired": "DANCE" } }),
        ] {
            assert!(matches!(
                order(ORDERS, Ok(data)),
                Err(Failure::Answer { .. })
            ));
        }
    }
}
