//! What the object of a pod says about its rank. Pure.

use domain::runtime::Observation;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodStatus,
};
use protocol::{ExitCause, ExitRecord, PROTOCOL_VERSION, RankExit};

use crate::names;

/// The signal of a process that the kernel killed for its memory.
const SIGKILL: i32 = 9;

/// What a pod says about its rank. It is over when the kubelet says so of its containers, and never because of what others
/// write into the object: who cleans up after a lost node calls its pods failed, too.
pub(crate) fn observe(pod: &Pod) -> Observation {
    let Some(status) = &pod.status else {
        return Observation::Alive;
    };
    match state(status.container_statuses.as_deref(), names::CONTAINER) {
        Some(ContainerState {
            terminated: Some(end),
            ..
        }) => over(end),
        Some(ContainerState {
            running: Some(_), ..
        }) => Observation::Alive,
        waiting => before(status, waiting),
    }
}

/// The container of the rank has not run yet.
fn before(status: &PodStatus, waiting: Option<&ContainerState>) -> Observation {
    let agent = state(status.init_container_statuses.as_deref(), names::AGENT);
    if let Some(end) = agent.and_then(|state| state.terminated.as_ref())
        && end.exit_code != 0
    {
        return start_failed(format!(
            "the agent cannot be brought into the pod (exit code {}): {}",
            end.exit_code,
            reason(end.reason.as_deref(), end.message.as_deref())
        ));
    }
    let has_begun = agent.is_some_and(|state| state.running.is_some());
    if status.phase.as_deref() == Some("Failed") && !has_begun {
        let why = reason(status.reason.as_deref(), status.message.as_deref());
        return start_failed(format!("its node refused it: {why}"));
    }
    match stuck(status, [waiting, agent]) {
        Some(why) => Observation::Stuck(why),
        None => Observation::Alive,
    }
}

/// What keeps a pod from its start, if somebody says it.
fn stuck(status: &PodStatus, containers: [Option<&ContainerState>; 2]) -> Option<String> {
    let waiting = containers.into_iter().flatten();
    for waiting in waiting.filter_map(|state| state.waiting.as_ref()) {
        let cause = waiting.reason.as_deref().unwrap_or_default();
        let message = waiting.message.as_deref();
        match cause {
            // What comes before every start.
            "" | "ContainerCreating" | "PodInitializing" => {}
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable" => {
                let why = reason(Some(cause), message);
                return Some(format!("its image cannot be pulled: {why}"));
            }
            _ => {
                return Some(format!(
                    "it cannot be created: {}",
                    reason(Some(cause), message)
                ));
            }
        }
    }
    let conditions = status.conditions.iter().flatten();
    let unscheduled = { conditions }
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    let why = reason(
        unscheduled.reason.as_deref(),
        unscheduled.message.as_deref(),
    );
    Some(format!("its node does not take it: {why}"))
}

/// The agent has said how the rank ended, or the kubelet has to.
fn over(end: &ContainerStateTerminated) -> Observation {
    let said = end.message.as_deref().unwrap_or_default();
    if let Ok(record) = serde_json::from_str::<ExitRecord>(said) {
        return Observation::Exited(record);
    }
    match end.reason.as_deref() {
        Some("OOMKilled") => Observation::Exited(record(RankExit {
            cause: ExitCause::Command,
            code: None,
            signal: Some(SIGKILL),
            message: Some(
                "it used more memory than its node has for it, and was killed".to_owned(),
            ),
            suspend: None,
        })),
        Some("StartError" | "ContainerCannotRun") => start_failed(format!(
            "its container cannot be started: {}",
            reason(None, end.message.as_deref())
        )),
        _ => Observation::Vanished,
    }
}

fn start_failed(message: String) -> Observation {
    Observation::Exited(record(RankExit {
        cause: ExitCause::StartFailed,
        code: None,
        signal: None,
        message: Some(message),
        suspend: None,
    }))
}

/// Of its log nothing is known: what its agent has reported counts.
fn record(exit: RankExit) -> ExitRecord {
    ExitRecord {
        protocol_version: PROTOCOL_VERSION,
        exit,
        log_end: 0,
    }
}

fn state<'a>(statuses: Option<&'a [ContainerStatus]>, name: &str) -> Option<&'a ContainerState> {
    let mut statuses = statuses.into_iter().flatten();
    statuses.find(|status| status.name == name)?.state.as_ref()
}

fn reason(word: Option<&str>, sentence: Option<&str>) -> String {
    let all = [word, sentence].into_iter().flatten();
    let all: Vec<&str> = all.map(str::trim).filter(|text| !text.is_empty()).collect();
    match all.is_empty() {
        true => "nobody says why".to_owned(),
        false => all.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: serde_json::Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "hai-42-3-0"}, "status": status}))
            .unwrap()
    }

    fn of_rank(state: serde_json::Value) -> serde_json::Value {
        json!([{"name": "rank", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state}])
    }

    fn of_agent(state: serde_json::Value) -> serde_json::Value {
        json!([{"name": "agent", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state}])
    }

    fn message(seen: &Observation) -> (Option<ExitCause>, &str) {
        match seen {
            Observation::Exited(record) => {
                let exit = &record.exit;
                (
                    Some(exit.cause),
                    exit.message.as_deref().unwrap_or_default(),
                )
            }
            Observation::Stuck(why) => (None, why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pod_is_alive_until_its_kubelet_says_otherwise() {
        let running = of_rank(json!({"running": {}}));
        for status in [
            json!({}),
            json!({"phase": "Pending"}),
            json!({"phase": "Pending", "containerStatuses": of_rank(json!({"waiting": {"reason": "PodInitializing"}}))}),
            json!({"phase": "Running", "containerStatuses": running}),
            // Its node is lost: whoever cleans up says that it has failed, and it goes on.
            json!({"phase": "Failed", "reason": "NodeLost", "containerStatuses": running}),
            json!({"phase": "Failed", "initContainerStatuses": of_agent(json!({"running": {}}))}),
        ] {
            assert_eq!(
                observe(&pod(status.clone())),
                Observation::Alive,
                "{status}"
            );
        }
        let unknown: Pod = serde_json::from_value(json!({"metadata": {}})).unwrap();
        assert_eq!(observe(&unknown), Observation::Alive);
    }

    #[test]
    fn the_last_word_of_the_agent_is_how_it_ended() {
        let record = domain::runtime::fake::exit_record(3);
        let word = serde_json::to_string(&record).unwrap();
        let ended = json!({"terminated": {"exitCode": 0, "message": word}});
        let seen = observe(&pod(
            json!({"phase": "Succeeded", "containerStatuses": of_rank(ended)}),
        ));
        assert_eq!(seen, Observation::Exited(record));
    }

    #[test]
    fn without_a_word_the_kubelet_says_what_it_knows() {
        let ended = |end: serde_json::Value| {
            observe(&pod(
                json!({"phase": "Failed", "containerStatuses": of_rank(json!({"terminated": end}))}),
            ))
        };
        let memory = ended(json!({"exitCode": 137, "reason": "OOMKilled"}));
        let (cause, text) = message(&memory);
        assert_eq!(cause, Some(ExitCause::Command));
        assert!(text.contains("memory"), "{text}");
        let wrong =
            ended(json!({"exitCode": 128, "reason": "StartError", "message": "no such file"}));
        assert_eq!(
            message(&wrong),
            (
                Some(ExitCause::StartFailed),
                "its container cannot be started: no such file"
            )
        );
        assert_eq!(
            ended(json!({"exitCode": 137, "reason": "Error"})),
            Observation::Vanished
        );
        assert_eq!(
            ended(json!({"exitCode": 0, "message": "Killed"})),
            Observation::Vanished
        );
    }

    #[test]
    fn what_never_ran_says_why() {
        let refused = observe(&pod(
            json!({"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough"}),
        ));
        assert_eq!(
            message(&refused),
            (
                Some(ExitCause::StartFailed),
                "its node refused it: OutOfcpu: Node didn't have enough"
            )
        );
        let agent = of_agent(json!({"terminated": {"exitCode": 1, "reason": "Error"}}));
        let broken = observe(&pod(
            json!({"phase": "Failed", "initContainerStatuses": agent}),
        ));
        assert_eq!(message(&broken).0, Some(ExitCause::StartFailed));
        let waits = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}});
        let image = observe(&pod(
            json!({"phase": "Pending", "containerStatuses": of_rank(waits)}),
        ));
        assert_eq!(
            message(&image),
            (
                None,
                "its image cannot be pulled: ImagePullBackOff: Back-off pulling image \"x\""
            )
        );
        let waits = json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"s\" not found"}});
        let secret = observe(&pod(
            json!({"phase": "Pending", "initContainerStatuses": of_agent(waits)}),
        ));
        assert!(message(&secret).1.contains("not found"), "{secret:?}");
        let unscheduled = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                                  "message": "0/3 nodes are available"}]);
        let nowhere = observe(&pod(json!({"phase": "Pending", "conditions": unscheduled})));
        assert_eq!(
            message(&nowhere),
            (
                None,
                "its node does not take it: Unschedulable: 0/3 nodes are available"
            )
        );
    }
}
