//! What an agent asks of the server's GraphQL.

use protocol::{Order, PROTOCOL_VERSION, ProcessId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use transport::Operation;

use super::{Failure, Status, Wish};

pub(super) const REGISTER: &str = "registerAgent";
pub(super) const ORDERS: &str = "agentOrders";
pub(super) const REPORT: &str = "reportRank";
pub(super) const RENEW: &str = "renewAgentToken";

/// The fields of an order.
const ORDER: &str = "desired graceMs suspend { acknowledgeMs progressMs budgetMs }";

pub(super) fn register(me: &ProcessId) -> Operation {
    let input = json!({
        "protocolVersion": PROTOCOL_VERSION,
        "bootId": me.boot_id,
        "pid": me.pid,
        "startTime": me.start_time,
    });
    let query = format!(
        "mutation ($input: RegisterAgentInput!) {{ registerAgent(input: $input) {{ {ORDER} }} }}"
    );
    Operation::new(query).variable("input", input)
}

pub(super) fn orders() -> Operation {
    Operation::new(format!("subscription {{ agentOrders {{ {ORDER} }} }}"))
}

pub(super) fn report(status: &Status) -> Operation {
    let suspend = status.suspend.map(|suspend| {
        json!({
            "received": suspend.acknowledged,
            "ready": suspend.ready,
        })
    });
    let input = json!({
        "logEnd": status.log_end,
        "started": status.started,
        "suspend": suspend,
        "exit": status.exit,
    });
    Operation::new("mutation ($input: ReportRankInput!) { reportRank(input: $input) }")
        .variable("input", input)
}

pub(super) fn renew() -> Operation {
    Operation::new("mutation { renewAgentToken }")
}

pub(super) fn errand(wish: &Wish) -> Operation {
    let (name, kind, input) = match wish {
        Wish::LifeState { state } => (
            "setTaskLifeState",
            "SetTaskLifeStateInput",
            json!({ "state": state }),
        ),
        Wish::Priority {
            priority,
            custom_rank,
        } => (
            "setTaskPriority",
            "SetTaskPriorityInput",
            json!({ "priority": priority, "customRank": custom_rank }),
        ),
        Wish::Failure {
            hardware_ok,
            message,
        } => (
            "reportTaskFailure",
            "ReportTaskFailureInput",
            json!({ "hardwareOk": hardware_ok, "message": message }),
        ),
    };
    Operation::new(format!(
        "mutation ($input: {kind}!) {{ {name}(input: $input) }}"
    ))
    .variable("input", input)
}

/// The answer to one of the agent's own.
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
    use protocol::{Desired, ExitCause, RankExit, SuspendEnd, SuspendOrder};

    use super::*;

    #[test]
    fn a_report_is_what_the_schema_takes() {
        let suspend = SuspendEnd {
            acknowledged: true,
            ready: true,
            forced: false,
        };
        let exit = RankExit {
            cause: ExitCause::Suspended,
            code: None,
            signal: Some(15),
            message: Some("Why.".into()),
            suspend: Some(suspend),
        };
        let status = Status {
            log_end: 7,
            started: true,
            suspend: Some(suspend),
            exit: Some(exit),
        };
        let expected = json!({
            "logEnd": 7,
            "started": true,
            "suspend": { "received": true, "ready": true },
            "exit": {
                "cause": "SUSPENDED", "code": null, "signal": 15, "message": "Why.",
                "suspend": { "acknowledged": true, "ready": true, "forced": false },
            },
        });
        assert_eq!(report(&status).variables["input"], expected);
        let expected = json!({ "logEnd": 0, "started": false, "suspend": null, "exit": null });
        assert_eq!(report(&Status::default()).variables["input"], expected);
    }

    #[test]
    fn an_order_is_read_and_anything_else_is_not_taken_for_one() {
        let data =
            json!({ "agentOrders": { "desired": "STOP", "graceMs": 5000, "suspend": null } });
        let expected = Order {
            desired: Desired::Stop,
            grace_ms: 5000,
            suspend: None,
        };
        assert_eq!(order(ORDERS, Ok(data)).unwrap(), expected);
        let patience = json!({ "acknowledgeMs": 1, "progressMs": 2, "budgetMs": 3 });
        let data = json!({
            "agentOrders": { "desired": "SUSPEND", "graceMs": 5000, "suspend": patience },
        });
        let expected = Order {
            desired: Desired::Suspend,
            grace_ms: 5000,
            suspend: Some(SuspendOrder {
                acknowledge_ms: 1,
                progress_ms: 2,
                budget_ms: 3,
            }),
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
