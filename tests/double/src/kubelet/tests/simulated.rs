//! Pods whose containers are nothing but the word that they run.

use super::*;
use crate::kubelet::{End, Fate};

#[tokio::test]
async fn a_pod_runs_until_it_is_told_to_end_and_goes_when_it_is_deleted() {
    let cluster = Cluster::simulated(Behaviour::default()).await;
    let pod = cluster.pod(
        "p",
        &json!({"initContainers": [{"name": "agent", "image": "a"}]}),
    );
    let seen = cluster.until(&pod, is_running).await;
    assert_eq!(seen["status"]["phase"], "Running");
    let init = &seen["status"]["initContainerStatuses"][0]["state"]["terminated"];
    assert_eq!(init["reason"], "Completed");
    assert_eq!(condition(&seen, "Ready"), "True");
    assert!(
        seen["status"]["podIP"]
            .as_str()
            .unwrap()
            .starts_with("127.")
    );
    let end = End {
        message: Some("bye".to_owned()),
        ..End::of_code(3)
    };
    cluster.kubelets.end(&pod, end);
    let seen = cluster.until(&pod, is_over).await;
    assert_eq!(seen["status"]["phase"], "Failed");
    let ended = &state(&seen)["terminated"];
    assert_eq!(
        (
            ended["exitCode"].clone(),
            ended["reason"].clone(),
            ended["message"].clone()
        ),
        (json!(3), json!("Error"), json!("bye"))
    );
    assert_eq!(condition(&seen, "Ready"), "False");
    cluster.delete(&pod, 30);
    cluster.is_gone(&pod).await;
    let journal = cluster.kubelets.journal();
    assert!(journal.running().is_empty());
    assert_eq!(journal.n_starts(&pod), 1);
}

#[tokio::test]
async fn a_deleted_pod_is_asked_to_end_and_its_end_is_told_before_it_goes() {
    let cluster = Cluster::simulated(Behaviour::default()).await;
    let pod = cluster.pod("p", &json!({}));
    cluster.until(&pod, is_running).await;
    let before = cluster.double.shared.lock().version();
    cluster.delete(&pod, 30);
    cluster.is_gone(&pod).await;
    let store = cluster.double.shared.lock();
    let told = store.since(before).unwrap();
    let told: Vec<Value> = { told.filter(|change| change.key == pod) }
        .map(|change| state(&change.object)["terminated"]["exitCode"].clone())
        .collect();
    assert_eq!(
        told,
        [Value::Null, json!(143), json!(143)],
        "deleted, ended, gone"
    );
}

#[tokio::test]
async fn one_that_does_not_heed_is_killed_when_its_grace_is_over() {
    let cluster = Cluster::simulated(Behaviour {
        when_asked: None,
        ..Behaviour::default()
    })
    .await;
    let pod = cluster.pod("p", &json!({}));
    cluster.until(&pod, is_running).await;
    cluster.delete(&pod, 30);
    cluster.pass(29);
    cluster.until(&pod, is_running).await;
    // Who wants it sooner says so.
    cluster.delete(&pod, 29);
    cluster.is_gone(&pod).await;
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_tried_again_and_again() {
    let cluster = Cluster::simulated(Behaviour {
        start_delay: Duration::from_secs(5),
        failed_pulls: 2,
        ..Behaviour::default()
    })
    .await;
    let pod = cluster.pod("p", &json!({}));
    let waits = |reason: &'static str| move |pod: &Value| state(pod)["waiting"]["reason"] == reason;
    while cluster.kubelets.is_idle() {
        tokio::task::yield_now().await;
    }
    cluster.pass(5);
    for pause in [10, 20] {
        cluster.until(&pod, waits("ErrImagePull")).await;
        cluster.pass(1);
        let seen = cluster.until(&pod, waits("ImagePullBackOff")).await;
        assert_eq!(seen["status"]["phase"], "Pending");
        cluster.pass(pause);
    }
    cluster.until(&pod, is_running).await;
    let warned = Key {
        kind: Kind::Event,
        name: format!("{}.failed", pod.name),
        ..pod
    };
    let warned = cluster.double.get(&warned).unwrap();
    assert_eq!(
        (&warned["type"], &warned["count"]),
        (&json!("Warning"), &json!(2))
    );
}

#[tokio::test]
async fn a_pod_meets_its_fate_when_its_time_has_come() {
    let why = "The node was low on resource: memory.";
    for (fate, phase, reason) in [
        (Fate::Ends(End::of_code(0)), "Succeeded", Value::Null),
        (Fate::Ends(End::out_of_memory()), "Failed", Value::Null),
        (Fate::Evicted(why.to_owned()), "Failed", json!("Evicted")),
    ] {
        let cluster = Cluster::simulated(Behaviour {
            fate: Some((Duration::from_secs(60), fate.clone())),
            ..Behaviour::default()
        })
        .await;
        let pod = cluster.pod("p", &json!({}));
        cluster.until(&pod, is_running).await;
        cluster.pass(59);
        cluster.until(&pod, is_running).await;
        cluster.pass(1);
        let seen = cluster.until(&pod, is_over).await;
        let status = &seen["status"];
        assert_eq!(
            (&status["phase"], &status["reason"]),
            (&json!(phase), &reason)
        );
        if let Fate::Ends(end) = fate {
            assert_eq!(state(&seen)["terminated"]["exitCode"], end.code);
            assert_eq!(state(&seen)["terminated"]["reason"], end.word());
        }
    }
}

#[tokio::test]
async fn a_pod_that_is_deleted_before_it_runs_never_does() {
    let cluster = Cluster::simulated(Behaviour {
        failed_pulls: 99,
        ..Behaviour::default()
    })
    .await;
    let pod = cluster.pod("p", &json!({}));
    cluster
        .until(&pod, |pod| state(pod)["waiting"].is_object())
        .await;
    cluster.delete(&pod, 30);
    cluster.is_gone(&pod).await;
    assert_eq!(cluster.kubelets.journal().n_starts(&pod), 0);
}

#[tokio::test]
async fn nothing_is_heard_of_a_silent_node_until_it_comes_back() {
    let cluster = Cluster::simulated(Behaviour::default()).await;
    let (ends, runs) = (
        cluster.pod("ends", &json!({})),
        cluster.pod("runs", &json!({})),
    );
    for pod in [&ends, &runs] {
        cluster.until(pod, is_running).await;
    }
    cluster.kubelets.silence("n1");
    let node = Key {
        kind: Kind::Node,
        namespace: String::new(),
        name: "n1".to_owned(),
    };
    let seen = cluster.double.get(&node).unwrap();
    assert_eq!(condition(&seen, "Ready"), "Unknown");
    cluster.kubelets.end(&ends, End::of_code(3));
    cluster.delete(&runs, 1);
    let late = cluster.pod("late", &json!({}));
    while cluster.kubelets.journal().running().len() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(
        is_running(&cluster.double.get(&ends).unwrap()),
        "it ended, but nobody heard of it"
    );
    cluster.kubelets.hear("n1");
    assert_eq!(
        condition(&cluster.double.get(&node).unwrap(), "Ready"),
        "True"
    );
    let seen = cluster.until(&ends, is_over).await;
    assert_eq!(state(&seen)["terminated"]["exitCode"], 3);
    cluster.is_gone(&runs).await;
    cluster.until(&late, is_running).await;
}

#[tokio::test]
async fn a_node_that_is_silent_from_the_first_moment_never_says_that_it_is_well() {
    let cluster = Cluster::simulated(Behaviour::default()).await;
    cluster.kubelets.silence("n1");
    cluster.double.add_node("n2", &[]).unwrap();
    let elsewhere = json!({"nodeSelector": {"kubernetes.io/hostname": "n2"}});
    let pod = cluster.pod("p", &elsewhere);
    cluster.until(&pod, is_running).await;
    let node = Key {
        kind: Kind::Node,
        namespace: String::new(),
        name: "n1".to_owned(),
    };
    let seen = cluster.double.get(&node).unwrap();
    assert_eq!(condition(&seen, "Ready"), "Unknown");
}

#[tokio::test]
async fn a_pod_that_hangs_ends_when_it_is_let_go() {
    let cluster = Cluster::simulated(Behaviour {
        hangs_on_delete: true,
        ..Behaviour::default()
    })
    .await;
    let pod = cluster.pod("p", &json!({}));
    cluster.until(&pod, is_running).await;
    cluster.delete(&pod, 1);
    cluster.pass(1000);
    cluster.until(&pod, is_running).await;
    cluster.kubelets.let_go(&pod);
    cluster.is_gone(&pod).await;
}

#[tokio::test]
async fn a_pod_whose_object_is_taken_away_still_runs_until_its_kubelet_has_ended_it() {
    let cluster = Cluster::simulated(Behaviour {
        when_asked: None,
        ..Behaviour::default()
    })
    .await;
    let pod = cluster.pod("p", &json!({}));
    cluster.until(&pod, is_running).await;
    cluster.double.lose(&pod).unwrap();
    let again = cluster.pod("p", &json!({}));
    cluster.until(&again, is_running).await;
    let journal = cluster.kubelets.journal();
    assert_eq!(journal.doubled(), [pod].into());
    cluster.pass(30);
    while cluster.kubelets.journal().running().len() > 1 {
        tokio::task::yield_now().await;
    }
    assert!(is_running(&cluster.double.get(&again).unwrap()));
}
