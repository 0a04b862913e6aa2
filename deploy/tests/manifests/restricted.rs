//! Every pod in the namespace of the platform fits the Pod Security level `restricted`, and more.

use anyhow::Result;
use serde_json::{Value, json};

use crate::objects::{each, named, of_kinds, texts};

/// Kinds of volumes that the level allows and that are used here.
const VOLUMES: [&str; 3] = ["configMap", "emptyDir", "persistentVolumeClaim"];

fn pods() -> Result<Vec<(String, Value)>> {
    let owners = of_kinds(&["Deployment", "StatefulSet"])?;
    assert_eq!(owners.len(), 4, "serve, work, PostgreSQL, Redis");
    let pod = |owner: &Value| {
        assert_eq!(owner["metadata"]["namespace"], "hai");
        let spec = owner["spec"]["template"]["spec"].clone();
        (owner["metadata"]["name"].to_string(), spec)
    };
    Ok(owners.iter().map(pod).collect())
}

#[test]
fn the_platforms_namespace_is_restricted_and_that_of_tasks_cannot_be() -> Result<()> {
    for (name, level) in [("hai", "restricted"), ("hai-tasks", "privileged")] {
        let labels = &named("Namespace", name)?["metadata"]["labels"];
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], level);
    }
    Ok(())
}

#[test]
fn every_pod_of_the_platform_is_restricted() -> Result<()> {
    for (name, pod) in pods()? {
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true, "{name}");
        assert!(security["runAsUser"].as_i64() > Some(0), "{name}");
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
        for shared in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_eq!(pod[shared], Value::Null, "{name}");
        }
        for volume in each(&pod["volumes"]) {
            let is_allowed = VOLUMES.iter().any(|kind| !volume[kind].is_null());
            assert!(is_allowed, "{name}: {volume}");
        }
        assert_eq!(pod["initContainers"], Value::Null, "{name}");
        for container in each(&pod["containers"]) {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["capabilities"], json!({"drop": ["ALL"]}), "{name}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
        }
    }
    Ok(())
}

#[test]
fn every_container_says_what_it_needs_and_which_version_it_is() -> Result<()> {
    for (name, pod) in pods()? {
        for container in each(&pod["containers"]) {
            let resources = &container["resources"];
            for amount in ["cpu", "memory"] {
                assert!(resources["requests"][amount].is_string(), "{name}");
            }
            assert!(resources["limits"]["memory"].is_string(), "{name}");
            let image = container["image"].as_str().unwrap_or_default();
            let version = image.rsplit_once(':').map(|(_, version)| version);
            let is_exact = version.is_some_and(|it| it.matches('.').count() >= 1);
            assert!(is_exact, "{image} is another tomorrow");
            assert!(container["readinessProbe"].is_object(), "{name}");
        }
    }
    Ok(())
}

/// Alone, a policy without rules lets nobody in; the others name who comes.
#[test]
fn nothing_is_reached_that_no_policy_names() -> Result<()> {
    let policies = of_kinds(&["NetworkPolicy"])?;
    for namespace in ["hai", "hai-tasks"] {
        let nobody = policies.iter().find(|policy| {
            policy["metadata"]["namespace"] == namespace && policy["metadata"]["name"] == "nobody"
        });
        let nobody = nobody.map(|it| &it["spec"]);
        let expected = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
        assert_eq!(nobody, Some(&expected), "{namespace}");
    }
    for server in ["hai-postgres", "hai-redis"] {
        let spec = &named("NetworkPolicy", server)?["spec"];
        assert_eq!(texts(&spec["policyTypes"]), ["Ingress", "Egress"]);
        assert_eq!(spec["egress"], Value::Null, "{server} speaks to nobody");
        let from = &spec["ingress"][0]["from"][0]["podSelector"]["matchLabels"];
        assert_eq!(*from, json!({"app.kubernetes.io/name": "hai-platform"}));
    }
    Ok(())
}

#[test]
fn one_process_of_each_kind_is_always_there() -> Result<()> {
    for name in ["hai-platform-serve", "hai-platform-work"] {
        let spec = &named("Deployment", name)?["spec"];
        assert!(spec["replicas"].as_i64() >= Some(2), "{name}");
        assert_eq!(spec["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
        let budget = &named("PodDisruptionBudget", name)?["spec"];
        assert_eq!(budget["minAvailable"], 1);
        assert_eq!(budget["selector"], spec["selector"]);
    }
    Ok(())
}
