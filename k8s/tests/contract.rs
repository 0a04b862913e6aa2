//! The adapter on the double of an API server: what every runtime does, and what only a cluster can do to it.

mod cluster;
mod clusters;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use cluster::{Cluster, killed, pod, runtime};
use domain::runtime::contract::{self, Subject};
use domain::runtime::{Container, Killed, LaunchRank, Observation, RankKey, Runtime, RuntimeError};
use double::{End, Kind};
use k8s_openapi::ByteString;
use protocol::{FENCE_FILE, FENCE_PERIOD, Launch, join};
use tokio_util::sync::CancellationToken;

const RANK: RankKey = RankKey {
    task: 42,
    run: 3,
    rank: 0,
};
const OTHER: RankKey = RankKey { rank: 1, ..RANK };

#[tokio::test]
async fn it_keeps_the_contract() {
    contract::check(Cluster::new).await;
}

#[tokio::test]
async fn the_life_of_one_rank_takes_three_writes() {
    let cluster = Cluster::new().await;
    cluster.runtime.start(&cluster.launch(RANK)).await.unwrap();
    cluster.is_up(&RANK).await;
    cluster.finish(&RANK, 0).await;
    cluster.runtime.forget(&RANK).await.unwrap();
    assert_eq!(
        cluster.double.n_writes(),
        3,
        "its Secret, its pod, and the end of both"
    );
    for kind in [Kind::Secret, Kind::Pod] {
        assert_eq!(cluster.double.names(kind), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_exposes_a_rank_is_there_with_its_pod_and_goes_with_its_secret() {
    let cluster = Cluster::new().await;
    let mut launch = cluster.launch(RANK);
    launch.container.exposures = contract::sample_exposures();
    cluster.runtime.start(&launch).await.unwrap();
    assert_eq!(
        cluster.double.n_writes(),
        2 + 4,
        "beside its Secret and its pod two Services, an Ingress, and who may speak with it"
    );
    let services = cluster.double.names(Kind::Service);
    assert_eq!(services, ["hai-42-3-0", "hai-42-3-0-ports"]);
    for kind in [Kind::Ingress, Kind::NetworkPolicy] {
        assert_eq!(cluster.double.names(kind), ["hai-42-3-0"]);
    }
    cluster.is_up(&RANK).await;
    cluster.finish(&RANK, 0).await;
    cluster.runtime.forget(&RANK).await.unwrap();
    for kind in [Kind::Service, Kind::Ingress, Kind::NetworkPolicy] {
        assert_eq!(cluster.double.names(kind), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_ranks_of_a_run_share_a_secret_and_each_is_on_its_node() {
    let cluster = Cluster::new().await;
    let other = LaunchRank {
        node: "n2".to_owned(),
        ..cluster.launch(OTHER)
    };
    let launches = [cluster.launch(RANK), other];
    let started = cluster.runtime.start_all(&launches).await;
    assert!(started.iter().all(Result::is_ok), "{started:?}");
    assert_eq!(cluster.double.n_writes(), 3);
    assert_eq!(cluster.double.names(Kind::Secret), ["hai-42-3"]);
    for (rank, node) in [(RANK, "n1"), (OTHER, "n2")] {
        let pod = cluster.double.get(&pod(&rank)).unwrap();
        assert_eq!(pod["spec"]["nodeName"], node);
    }
}

#[tokio::test]
async fn the_log_and_the_home_of_a_rank_are_closed_and_the_way_to_them_can_only_be_passed() {
    let cluster = Cluster::new().await;
    let usual = cluster.launch(RANK);
    let home = usual.log_dir.join("workspaces/ada");
    let launch = LaunchRank {
        uid: 10_001,
        log_dir: usual.log_dir.join("log/ada/42/3/0"),
        container: Container {
            home: Some(home.clone()),
            ..Container::default()
        },
        ..usual.clone()
    };
    cluster.runtime.start(&launch).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    for dir in [&launch.log_dir, &home] {
        // Its agent, which is root, gives it to the user.
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
        let way = dir.ancestors().skip(1);
        for dir in way.take_while(|dir| dir.starts_with(&usual.log_dir)) {
            assert_eq!(mode(dir), 0o711, "{}", dir.display());
        }
    }
}

#[tokio::test]
async fn a_rank_that_is_started_later_finds_what_it_needs_in_the_same_secret() {
    let cluster = Cluster::new().await;
    for rank in [RANK, OTHER] {
        cluster.runtime.start(&cluster.launch(rank)).await.unwrap();
    }
    let secret = double::Key {
        kind: Kind::Secret,
        name: "hai-42-3".to_owned(),
        ..pod(&RANK)
    };
    let data = cluster.double.get(&secret).unwrap()["data"].clone();
    for key in ["launch.json", "server.json", "rank-0.json", "rank-1.json"] {
        assert!(data[key].is_string(), "{key} is missing");
    }
}

#[tokio::test]
async fn a_platform_that_was_started_again_finds_its_ranks() {
    let cluster = Cluster::new().await;
    for rank in [RANK, OTHER] {
        cluster.runtime.start(&cluster.launch(rank)).await.unwrap();
        cluster.is_up(&rank).await;
    }
    cluster.crash(&OTHER).await;
    let stop = CancellationToken::new();
    let again = runtime(&cluster.double, &stop);
    cluster.until(async |_| again.list().await.is_ok()).await;
    let mut ranks = again.list().await.unwrap();
    ranks.sort_unstable();
    assert_eq!(ranks, [RANK, OTHER]);
    assert_eq!(again.observe(&RANK).await.unwrap(), Observation::Alive);
    assert_eq!(again.observe(&OTHER).await.unwrap(), Observation::Vanished);
    stop.cancel();
}

#[tokio::test]
async fn what_keeps_a_rank_from_its_start_is_told() {
    let cluster = Cluster::new().await;
    cluster.runtime.start(&cluster.launch(RANK)).await.unwrap();
    let wrong = "Back-off pulling image \"registry.example/ada:7\"";
    cluster
        .double
        .keep_waiting(&pod(&RANK), "ImagePullBackOff", wrong)
        .unwrap();
    cluster
        .sees(&RANK, |seen| matches!(seen, Observation::Stuck(_)))
        .await;
    let seen = cluster.runtime.observe(&RANK).await.unwrap();
    let told = format!("its image cannot be pulled: ImagePullBackOff: {wrong}");
    assert_eq!(seen, Observation::Stuck(told));
    // It is pulled after all.
    cluster.is_up(&RANK).await;
    cluster
        .sees(&RANK, |seen| *seen == Observation::Alive)
        .await;
}

#[tokio::test]
async fn a_rank_that_used_too_much_memory_has_failed_and_is_not_lost() {
    let cluster = Cluster::new().await;
    cluster.runtime.start(&cluster.launch(RANK)).await.unwrap();
    cluster.is_up(&RANK).await;
    let end = End {
        reason: Some("OOMKilled"),
        ..killed()
    };
    cluster.double.end(&pod(&RANK), &end).unwrap();
    cluster
        .sees(&RANK, |seen| matches!(seen, Observation::Exited(_)))
        .await;
    let Observation::Exited(record) = cluster.runtime.observe(&RANK).await.unwrap() else {
        panic!("it has ended");
    };
    assert!(record.exit.message.unwrap().contains("memory"));
}

/// Whether the fence of a rank, which is there from the beginning, is raised.
fn is_raised(launch: &LaunchRank) -> bool {
    let fence = std::fs::metadata(launch.log_dir.join(FENCE_FILE));
    fence.expect("it is there").len() > 0
}

/// Goes on when agents must have seen a fence.
async fn pass_fence_time() {
    tokio::time::pause();
    tokio::time::advance(FENCE_PERIOD * 2).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_fence_is_there_before_its_pod_and_is_raised_as_it_is_by_however_many() {
    let cluster = Cluster::new().await;
    let launch = cluster.launch(RANK);
    let fence = launch.log_dir.join(FENCE_FILE);
    let (double, watched) = (Arc::clone(&cluster.double), fence.clone());
    let pod_comes = async {
        let mut changes = double.changes();
        while double.get(&pod(&RANK)).is_none() {
            changes.changed().await.unwrap();
        }
        std::fs::metadata(&watched).unwrap()
    };
    let (started, before) = tokio::join!(cluster.runtime.start(&launch), pod_comes);
    started.unwrap();
    assert_eq!(before.len(), 0, "it may run");
    cluster.double.lose(&pod(&RANK)).unwrap();
    let stop = CancellationToken::new();
    let mut length = 0;
    for _ in 0..2 {
        let server = runtime(&cluster.double, &stop);
        let is_lost = async |_: &k8s::KubernetesRuntime| {
            let seen = server.observe(&RANK).await;
            seen.is_ok_and(|seen| seen == Observation::Orphaned)
        };
        cluster.until(is_lost).await;
        assert_eq!(server.kill(&RANK).await.unwrap(), Killed::Going);
        let after = std::fs::metadata(&fence).unwrap();
        assert_eq!(after.ino(), before.ino(), "its agent looks into this one");
        assert!(after.len() > length, "nobody lowers it");
        length = after.len();
    }
    stop.cancel();
}

#[tokio::test]
async fn a_rank_that_was_given_up_before_it_began_does_not_begin() {
    let cluster = Cluster::new().await;
    let launch = cluster.launch(RANK);
    cluster.runtime.start(&launch).await.unwrap();
    cluster.double.lose(&pod(&RANK)).unwrap();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Orphaned)
        .await;
    assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Going);
    // A server that knows nothing of it, while its fence rises.
    let stop = CancellationToken::new();
    let other = runtime(&cluster.double, &stop);
    cluster.until(async |_| other.nodes().await.is_ok()).await;
    other.start(&launch).await.unwrap();
    assert_eq!(cluster.double.names(Kind::Pod), Vec::<String>::new());
    stop.cancel();
}

#[tokio::test]
async fn for_a_rank_that_was_given_up_nothing_is_made() {
    let cluster = Cluster::new().await;
    let launch = cluster.launch(RANK);
    // By a server that has gone since.
    std::fs::create_dir_all(&launch.log_dir).unwrap();
    std::fs::write(launch.log_dir.join(FENCE_FILE), "given up").unwrap();
    cluster.runtime.start(&launch).await.unwrap();
    assert_eq!(cluster.double.n_writes(), 0);
    // The other one of its run is started all the same.
    let both = [RANK, OTHER].map(|rank| cluster.launch(rank));
    for started in cluster.runtime.start_all(&both).await {
        started.unwrap();
    }
    assert_eq!(cluster.double.names(Kind::Pod), ["hai-42-3-1"]);
}

#[tokio::test]
async fn each_agent_of_a_run_looks_at_its_own_fence() {
    let cluster = Cluster::new().await;
    let launches = [RANK, OTHER].map(|rank| cluster.launch(rank));
    for started in cluster.runtime.start_all(&launches).await {
        started.unwrap();
    }
    let secret = double::Key {
        kind: Kind::Secret,
        name: "hai-42-3".to_owned(),
        ..pod(&RANK)
    };
    let data = cluster.double.get(&secret).unwrap()["data"].clone();
    let read = |key: &str| {
        let ByteString(bytes) = serde_json::from_value(data[key].clone()).unwrap();
        bytes
    };
    let common: Launch = serde_json::from_slice(&read("launch.json")).unwrap();
    for launch in &launches {
        let part = read(&format!("rank-{}.json", launch.key.rank));
        let (told, _) = join(common.clone(), serde_json::from_slice(&part).unwrap());
        assert_eq!(told.fence, Some(launch.log_dir.join(FENCE_FILE)));
    }
}

#[tokio::test]
async fn a_pod_that_somebody_removes_without_its_kubelet_is_over_when_it_is_fenced_off() {
    let cluster = Cluster::new().await;
    let launch = cluster.launch(RANK);
    cluster.runtime.start(&launch).await.unwrap();
    cluster.is_up(&RANK).await;
    cluster.double.lose(&pod(&RANK)).unwrap();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Orphaned)
        .await;
    let refused = cluster.runtime.forget(&RANK).await;
    assert!(
        matches!(refused, Err(RuntimeError::Rejected { .. })),
        "{refused:?}"
    );
    for _ in 0..2 {
        assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Going);
        assert!(is_raised(&launch));
    }
    pass_fence_time().await;
    assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    let seen = cluster.runtime.observe(&RANK).await.unwrap();
    assert_eq!(seen, Observation::Fenced);
    cluster.runtime.start(&launch).await.unwrap();
    assert_eq!(cluster.n_agents(&RANK), 0, "it is not started again");
    cluster.runtime.forget(&RANK).await.unwrap();
    assert_eq!(cluster.runtime.list().await.unwrap(), []);
}

#[tokio::test]
async fn what_was_removed_while_nobody_watched_is_not_over_either() {
    let cluster = Cluster::new().await;
    let launch = cluster.launch(RANK);
    cluster.runtime.start(&launch).await.unwrap();
    cluster.is_up(&RANK).await;
    cluster.double.lose(&pod(&RANK)).unwrap();
    let stop = CancellationToken::new();
    let again = runtime(&cluster.double, &stop);
    cluster.until(async |_| again.list().await.is_ok()).await;
    assert_eq!(again.observe(&RANK).await.unwrap(), Observation::Orphaned);
    assert_eq!(again.kill(&RANK).await.unwrap(), Killed::Going);
    assert!(is_raised(&launch));
    pass_fence_time().await;
    assert_eq!(again.kill(&RANK).await.unwrap(), Killed::Gone);
    assert_eq!(again.observe(&RANK).await.unwrap(), Observation::Fenced);
    let third = runtime(&cluster.double, &stop);
    cluster.until(async |_| third.nodes().await.is_ok()).await;
    third.start(&launch).await.unwrap();
    assert_eq!(cluster.double.names(Kind::Pod), Vec::<String>::new());
    stop.cancel();
}

#[tokio::test]
async fn a_rank_of_a_silent_node_is_over_when_it_is_fenced_off_and_its_node_is_swept_first() {
    let mut cluster = Cluster::new().await;
    cluster.stop_kubelets().await;
    cluster.runtime.start(&cluster.launch(RANK)).await.unwrap();
    cluster.is_up(&RANK).await;
    let is_ready = async |runtime: &k8s::KubernetesRuntime| {
        let nodes = runtime.nodes().await.unwrap();
        nodes.iter().any(|node| node.name == "n1" && node.ready)
    };
    cluster.double.set_ready("n1", false).unwrap();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Orphaned)
        .await;
    assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Going);
    let object = cluster.double.get(&pod(&RANK)).unwrap();
    assert!(
        object["metadata"]["deletionTimestamp"].is_string(),
        "its node is told, when it is back"
    );
    pass_fence_time().await;
    assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    cluster.runtime.forget(&RANK).await.unwrap();
    cluster.double.set_ready("n1", true).unwrap();
    assert!(!is_ready(&cluster.runtime).await, "it may run on there");
    cluster.start_kubelets();
    cluster.until(is_ready).await;
}

#[tokio::test]
async fn of_what_is_forgotten_no_fence_is_remembered() {
    let mut cluster = Cluster::new().await;
    cluster.stop_kubelets().await;
    let launch = cluster.launch(RANK);
    cluster.runtime.start(&launch).await.unwrap();
    cluster.is_up(&RANK).await;
    cluster.double.set_ready("n1", false).unwrap();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Orphaned)
        .await;
    assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Going);
    // Its node is back before it is given up.
    cluster.double.set_ready("n1", true).unwrap();
    cluster.start_kubelets();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Vanished)
        .await;
    cluster.runtime.forget(&RANK).await.unwrap();
    pass_fence_time().await;

    std::fs::remove_dir_all(&launch.log_dir).unwrap();
    cluster.runtime.start(&launch).await.unwrap();
    cluster.double.lose(&pod(&RANK)).unwrap();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Orphaned)
        .await;
    assert_eq!(cluster.runtime.kill(&RANK).await.unwrap(), Killed::Going);
    assert!(is_raised(&launch), "a new one");
}

#[tokio::test]
async fn whoever_cannot_go_on_watching_lists_again_and_misses_nothing() {
    let cluster = Cluster::new().await;
    cluster.runtime.start(&cluster.launch(RANK)).await.unwrap();
    cluster.double.run(&pod(&RANK)).unwrap();
    // Every watch breaks, and what happens meanwhile is not remembered.
    cluster.double.break_watches();
    cluster.double.end(&pod(&RANK), &killed()).unwrap();
    cluster.double.forget_history();
    cluster
        .sees(&RANK, |seen| *seen == Observation::Vanished)
        .await;
}

#[tokio::test]
async fn a_node_that_is_gone_takes_no_ranks() {
    let cluster = Cluster::new().await;
    let names = async || {
        let nodes = cluster.runtime.nodes().await.unwrap();
        nodes.into_iter().map(|node| node.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["n1", "n2"]);
    cluster.double.remove_node("n2").unwrap();
    cluster.until(async |_| names().await == ["n1"]).await;
    let launch = LaunchRank {
        node: "n2".to_owned(),
        ..cluster.launch(RANK)
    };
    let refused = cluster.runtime.start(&launch).await;
    assert!(
        matches!(refused, Err(RuntimeError::Rejected { .. })),
        "{refused:?}"
    );
    assert_eq!(cluster.double.n_writes(), 0, "nothing was begun");
}

#[tokio::test]
async fn a_node_that_is_disabled_is_labelled_and_cordoned_until_it_is_enabled() {
    let cluster = Cluster::new().await;
    let node = |name: &str| {
        let node = cluster.double.get(&double::Key {
            kind: Kind::Node,
            namespace: String::new(),
            name: name.to_owned(),
        });
        let node = node.unwrap();
        let label = &node["metadata"]["labels"]["hai-platform/disabled"];
        (label.clone(), node["spec"]["unschedulable"] == true)
    };
    cluster.double.cordon("n2").unwrap();
    let ready = async |runtime: &k8s::KubernetesRuntime| {
        let nodes = runtime.nodes().await.unwrap();
        let ready = nodes.into_iter().filter(|node| node.ready);
        ready.map(|node| node.name).collect::<Vec<_>>()
    };
    cluster
        .until(async |runtime| ready(runtime).await == ["n1"])
        .await;
    let both = ["n1".to_owned(), "n2".to_owned()];
    cluster.runtime.take_out_of_use(&both).await.unwrap();
    assert_eq!(node("n1"), ("cordoned".into(), true));
    assert_eq!(node("n2"), ("cordoned-before".into(), true));
    assert_eq!(
        ready(&cluster.runtime).await,
        ["n1"],
        "why it gets nothing the platform says"
    );
    let is_known = async |runtime: &k8s::KubernetesRuntime| {
        runtime.take_out_of_use(&[]).await.unwrap();
        node("n1") == (serde_json::Value::Null, false)
    };
    cluster.until(is_known).await;
    assert_eq!(node("n2"), (serde_json::Value::Null, true), "it stays so");
}
