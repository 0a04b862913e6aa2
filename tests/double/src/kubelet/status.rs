//! What a kubelet says about a pod. Pure.

use serde_json::{Value, json};

use super::behaviour::End;

/// What is known of a pod.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) host_ip: String,
    pub(super) pod_ip: Option<String>,
    /// Since when its kubelet has it.
    pub(super) since: String,
    pub(super) init: Vec<(String, State)>,
    pub(super) containers: Vec<(String, State)>,
    /// Why the pod is over, other than by the end of its containers.
    pub(super) why: Option<(&'static str, String)>,
}

/// What a container does.
#[derive(Debug, Clone)]
pub(super) enum State {
    Waiting {
        reason: &'static str,
        message: Option<String>,
    },
    Running {
        since: String,
    },
    Ended {
        since: String,
        at: String,
        end: End,
    },
}

impl State {
    pub(super) fn waits(reason: &'static str) -> Self {
        Self::Waiting {
            reason,
            message: None,
        }
    }

    fn is_running(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    fn code(&self) -> Option<i32> {
        match self {
            Self::Ended { end, .. } => Some(end.code),
            Self::Waiting { .. } | Self::Running { .. } => None,
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Waiting { reason, message } => {
                let mut waiting = json!({"reason": reason});
                if let Some(message) = message {
                    waiting["message"] = json!(message);
                }
                json!({"waiting": waiting})
            }
            Self::Running { since } => json!({"running": {"startedAt": since}}),
            Self::Ended { since, at, end } => {
                let mut terminated = json!({
                    "exitCode": end.code, "reason": end.word(), "startedAt": since, "finishedAt": at,
                });
                if let Some(message) = &end.message {
                    terminated["message"] = json!(message);
                }
                json!({"terminated": terminated})
            }
        }
    }
}

impl View {
    /// The phase of the pod.
    pub(super) fn phase(&self) -> &'static str {
        let has_failed = |all: &[(String, State)]| {
            let mut codes = all.iter().filter_map(|(_, state)| state.code());
            codes.any(|code| code != 0)
        };
        let is_over = |(_, state): &(String, State)| state.code().is_some();
        if self.why.is_some() || has_failed(&self.init) {
            "Failed"
        } else if self.containers.iter().all(is_over) && !self.containers.is_empty() {
            match has_failed(&self.containers) {
                true => "Failed",
                false => "Succeeded",
            }
        } else if { self.containers.iter() }.any(|(_, state)| state.is_running()) {
            "Running"
        } else {
            "Pending"
        }
    }

    /// The status of the pod as its object has it, where `before` is what it had until `now`.
    pub(super) fn status(&self, pod: &Value, before: &Value, now: &str) -> Value {
        let phase = self.phase();
        let mut status = json!({
            "phase": phase,
            "conditions": self.conditions(&before["conditions"], now),
            "hostIP": self.host_ip,
            "hostIPs": [{"ip": self.host_ip}],
            "startTime": self.since,
            "qosClass": "Burstable",
        });
        if let Some(ip) = &self.pod_ip {
            status["podIP"] = json!(ip);
            status["podIPs"] = json!([{"ip": ip}]);
        }
        if let Some((reason, message)) = &self.why {
            status["reason"] = json!(reason);
            status["message"] = json!(message);
        }
        for (name, spec, all) in [
            ("initContainerStatuses", "initContainers", &self.init),
            ("containerStatuses", "containers", &self.containers),
        ] {
            if !all.is_empty() {
                let all = all
                    .iter()
                    .map(|(name, state)| of_container(pod, spec, name, state));
                status[name] = all.collect();
            }
        }
        status
    }

    fn conditions(&self, before: &Value, now: &str) -> Value {
        let is_initialized = self.init.iter().all(|(_, state)| state.code() == Some(0));
        let is_ready = { self.containers.iter() }.all(|(_, state)| state.is_running())
            && !self.containers.is_empty();
        let is_over = matches!(self.phase(), "Succeeded" | "Failed");
        let unready = match is_over {
            true => "PodCompleted",
            false => "ContainersNotReady",
        };
        let mut all = vec![
            (
                "PodReadyToStartContainers",
                self.pod_ip.is_some() && !is_over,
                "",
            ),
            ("Initialized", is_initialized, "ContainersNotInitialized"),
            ("Ready", is_ready, unready),
            ("ContainersReady", is_ready, unready),
            ("PodScheduled", true, ""),
        ];
        if self
            .why
            .as_ref()
            .is_some_and(|(reason, _)| *reason == EVICTED)
        {
            all.push(("DisruptionTarget", true, "TerminationByKubelet"));
        }
        let all = all.into_iter().map(|(kind, holds, reason)| {
            let status = if holds { "True" } else { "False" };
            let mut condition = json!({
                "type": kind, "status": status, "lastProbeTime": null,
                "lastTransitionTime": since(before, kind, status).unwrap_or(now),
            });
            if !reason.is_empty() && (!holds || kind == "DisruptionTarget") {
                condition["reason"] = json!(reason);
            }
            condition
        });
        all.collect()
    }
}

/// The kubelet's word for a pod whose room is needed.
pub(super) const EVICTED: &str = "Evicted";

/// Since when a condition is as it is.
fn since<'a>(before: &'a Value, kind: &str, status: &str) -> Option<&'a str> {
    let mut before = before.as_array()?.iter();
    let same = before.find(|it| it["type"] == kind && it["status"] == status)?;
    same["lastTransitionTime"].as_str()
}

fn of_container(pod: &Value, spec: &str, name: &str, state: &State) -> Value {
    let specs = pod["spec"][spec].as_array();
    let spec = { specs.into_iter().flatten() }.find(|spec| spec["name"] == name);
    let image = spec.map_or(&Value::Null, |spec| &spec["image"]);
    let image = image.as_str().unwrap_or_default();
    let was_started = !matches!(state, State::Waiting { .. });
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let id = was_started.then(|| format!("double://{uid}/{name}"));
    let mut status = json!({
        "name": name, "image": image, "imageID": "", "lastState": {}, "restartCount": 0,
        "ready": state.is_running() || state.code() == Some(0), "started": state.is_running(),
        "state": state.value(),
    });
    if let Some(id) = id {
        status["containerID"] = json!(id);
        status["imageID"] = json!(format!("{image}@double"));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32) -> State {
        State::Ended {
            since: "s".to_owned(),
            at: "e".to_owned(),
            end: End::of_code(code),
        }
    }

    fn view(init: State, container: State) -> View {
        View {
            init: vec![("agent".to_owned(), init)],
            containers: vec![("rank".to_owned(), container)],
            ..View::default()
        }
    }

    #[test]
    fn the_phase_follows_from_the_containers() {
        let running = || State::Running {
            since: "s".to_owned(),
        };
        let waiting = || State::waits("PodInitializing");
        for (init, container, phase) in [
            (waiting(), waiting(), "Pending"),
            (running(), waiting(), "Pending"),
            (ended(0), waiting(), "Pending"),
            (ended(1), waiting(), "Failed"),
            (ended(0), running(), "Running"),
            (ended(0), ended(0), "Succeeded"),
            (ended(0), ended(3), "Failed"),
        ] {
            assert_eq!(view(init, container).phase(), phase);
        }
        let evicted = View {
            why: Some((EVICTED, "no room".to_owned())),
            ..view(ended(0), running())
        };
        assert_eq!(evicted.phase(), "Failed");
    }

    #[test]
    fn a_condition_keeps_the_time_since_which_it_holds() {
        let pod = json!({"metadata": {"uid": "u"}, "spec": {"containers": [{"name": "rank", "image": "i"}]}});
        let begun = view(
            ended(0),
            State::Running {
                since: "s".to_owned(),
            },
        );
        let begun = begun.status(&pod, &Value::Null, "t1");
        let over = view(ended(0), ended(3)).status(&pod, &begun, "t2");
        let condition = |kind: &str| {
            let all = over["conditions"].as_array().unwrap();
            all.iter().find(|it| it["type"] == kind).unwrap().clone()
        };
        assert_eq!(condition("PodScheduled")["lastTransitionTime"], "t1");
        let ready = condition("Ready");
        assert_eq!(
            (ready["lastTransitionTime"].clone(), ready["reason"].clone()),
            (json!("t2"), json!("PodCompleted"))
        );
        assert_eq!(
            over["containerStatuses"][0]["state"]["terminated"],
            json!({"exitCode": 3, "reason": "Error", "startedAt": "s", "finishedAt": "e"})
        );
    }
}
