//! What ranks do on any cluster, whoever plays their kubelets.

use domain::runtime::contract::sample_exposures;
use domain::runtime::{Container, Killed, LaunchRank, Observation, RankKey, Runtime, RuntimeError};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use kube::ResourceExt;

use crate::look::state;
use crate::place::{Adapter, Place, in_a_namespace};

const RANK: RankKey = RankKey {
    task: 42,
    run: 3,
    rank: 0,
};
const OTHER: RankKey = RankKey { rank: 1, ..RANK };

/// Starts a rank, and waits until it runs.
async fn start(place: &Place, adapter: &Adapter, rank: RankKey) {
    let started = adapter.runtime.start(&place.launch(rank)).await;
    started.expect("a rank can be started");
    place.until_it_runs(&rank).await;
}

async fn observe(adapter: &Adapter, rank: RankKey) -> Observation {
    let seen = adapter.runtime.observe(&rank).await;
    seen.expect("a rank can be observed")
}

/// Kills a rank, until nothing of it is left.
async fn kill(adapter: &Adapter, rank: RankKey) {
    let is_gone = async |runtime: &k8s::KubernetesRuntime| {
        let killed = runtime.kill(&rank).await;
        killed.expect("a rank can be killed") == Killed::Gone
    };
    adapter.until("it is gone", is_gone).await;
}

/// Forgets ranks that are over, after which the cluster has nothing of them.
async fn forget(place: &Place, adapter: &Adapter, ranks: &[RankKey]) {
    for forgotten in adapter.runtime.forget_all(ranks).await {
        forgotten.expect("what is over can be forgotten");
    }
    place.until_nothing_is_left(ranks).await;
}

#[tokio::test]
async fn a_rank_that_runs_is_alive_and_its_end_leaves_nothing() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        assert_eq!(observe(&adapter, RANK).await, Observation::NotStarted);
        start(place, &adapter, RANK).await;
        assert_eq!(observe(&adapter, RANK).await, Observation::Alive);
        assert_eq!(adapter.runtime.list().await.unwrap(), [RANK]);
        let refused = adapter.runtime.forget(&RANK).await;
        assert!(
            matches!(refused, Err(RuntimeError::Rejected { .. })),
            "it runs: {refused:?}"
        );
        kill(&adapter, RANK).await;
        forget(place, &adapter, &[RANK]).await;
        assert_eq!(observe(&adapter, RANK).await, Observation::NotStarted);
        assert_eq!(adapter.runtime.list().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_rank_is_started_once_however_often_that_is_asked() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        let launch = place.launch(RANK);
        let (one, two) = tokio::join!(
            adapter.runtime.start(&launch),
            adapter.runtime.start(&launch)
        );
        one.and(two).unwrap();
        place.until_it_runs(&RANK).await;
        let uid = place.pod(&RANK).await.and_then(|pod| pod.uid());
        let again = place.adapter().await;
        for adapter in [&adapter, &again] {
            adapter.runtime.start(&launch).await.unwrap();
        }
        assert_eq!(place.names().await, ["pod hai-42-3-0", "secret hai-42-3"]);
        assert_eq!(place.pod(&RANK).await.and_then(|pod| pod.uid()), uid);
        kill(&adapter, RANK).await;
        adapter.runtime.start(&launch).await.unwrap();
        assert!(!place.may_run(&RANK).await, "it was killed");
    })
    .await;
}

#[tokio::test]
async fn a_rank_is_over_only_when_its_kubelet_has_said_so_or_it_is_fenced_off() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        start(place, &adapter, RANK).await;
        let killed = adapter.runtime.kill(&RANK).await.unwrap();
        assert_eq!(killed, Killed::Going, "its kubelet has not said anything");
        let is_over = async |runtime: &k8s::KubernetesRuntime| {
            let killed = runtime.kill(&RANK).await.unwrap();
            let seen = runtime.observe(&RANK).await.unwrap();
            let is_over = matches!(
                seen,
                Observation::Exited(_) | Observation::Vanished | Observation::Fenced
            );
            assert!(
                !(is_over || killed == Killed::Gone) || !place.may_run(&RANK).await,
                "{killed:?} and {seen:?}, and nobody has said that its container has ended"
            );
            is_over && killed == Killed::Gone
        };
        adapter.until("it is over", is_over).await;
    })
    .await;
}

#[tokio::test]
async fn a_rank_whose_pod_was_removed_by_force_is_not_over_until_it_is_fenced_off() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        start(place, &adapter, RANK).await;
        place.remove_by_force(&RANK).await;
        let is_noticed = async |runtime: &k8s::KubernetesRuntime| {
            runtime.observe(&RANK).await.unwrap() == Observation::Orphaned
        };
        adapter.until("its loss is noticed", is_noticed).await;
        let refused = adapter.runtime.forget(&RANK).await;
        assert!(
            matches!(refused, Err(RuntimeError::Rejected { .. })),
            "its container may run on: {refused:?}"
        );
        kill(&adapter, RANK).await;
        assert_eq!(observe(&adapter, RANK).await, Observation::Fenced);
        forget(place, &adapter, &[RANK]).await;
        assert_eq!(observe(&adapter, RANK).await, Observation::NotStarted);
    })
    .await;
}

#[tokio::test]
async fn the_ranks_of_a_run_share_a_secret_which_owns_their_pods() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        let launches = [RANK, OTHER].map(|rank| place.launch(rank));
        for started in adapter.runtime.start_all(&launches).await {
            started.unwrap();
        }
        let secret = place.secret(&RANK.run_key()).await.unwrap();
        let data = secret.data.clone().unwrap_or_default();
        for key in ["launch.json", "server.json", "rank-0.json", "rank-1.json"] {
            assert!(data.contains_key(key), "{key} is missing");
        }
        for launch in &launches {
            let pod = place.pod(&launch.key).await.unwrap();
            let owners = pod.owner_references().iter().map(|owner| &owner.uid);
            assert_eq!(owners.collect::<Vec<_>>(), [&secret.uid().unwrap()]);
            let selector = pod.spec.unwrap().node_selector.unwrap_or_default();
            assert_eq!(selector["kubernetes.io/hostname"], launch.node);
        }
        for rank in [RANK, OTHER] {
            kill(&adapter, rank).await;
        }
        forget(place, &adapter, &[RANK, OTHER]).await;
    })
    .await;
}

#[tokio::test]
async fn a_rank_that_is_forgotten_takes_no_other_with_it() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        start(place, &adapter, RANK).await;
        start(place, &adapter, OTHER).await;
        kill(&adapter, RANK).await;
        adapter.runtime.forget(&RANK).await.unwrap();
        place.until_pod(&RANK, "is gone", |pod| pod.is_none()).await;
        assert_eq!(observe(&adapter, OTHER).await, Observation::Alive);
        assert!(place.may_run(&OTHER).await);
        assert!(place.secret(&OTHER.run_key()).await.is_some());
        assert_eq!(adapter.runtime.list().await.unwrap(), [OTHER]);
    })
    .await;
}

#[tokio::test]
async fn a_platform_that_was_started_again_finds_its_ranks() {
    in_a_namespace(async |place| {
        let before = place.adapter().await;
        start(place, &before, RANK).await;
        start(place, &before, OTHER).await;
        drop(before);
        let adapter = place.adapter().await;
        let mut ranks = adapter.runtime.list().await.unwrap();
        ranks.sort_unstable();
        assert_eq!(ranks, [RANK, OTHER]);
        for rank in ranks {
            assert_eq!(observe(&adapter, rank).await, Observation::Alive);
            kill(&adapter, rank).await;
        }
        forget(place, &adapter, &[RANK, OTHER]).await;
    })
    .await;
}

#[tokio::test]
async fn a_rank_without_an_image_is_not_over_and_can_be_ended() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        let launch = LaunchRank {
            container: Container {
                image: "registry.invalid/none:0".to_owned(),
                ..Container::default()
            },
            ..place.launch(RANK)
        };
        adapter.runtime.start(&launch).await.unwrap();
        let is_told = |pod: Option<&_>| pod.and_then(state).is_some();
        place
            .until_pod(&RANK, "has a kubelet that says something", is_told)
            .await;
        let seen = observe(&adapter, RANK).await;
        assert!(
            matches!(seen, Observation::Alive | Observation::Stuck(_)),
            "{seen:?}"
        );
        kill(&adapter, RANK).await;
        forget(place, &adapter, &[RANK]).await;
    })
    .await;
}

#[tokio::test]
async fn what_can_never_be_started_leaves_nothing_in_the_cluster() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        let launch = LaunchRank {
            node: "no-such-node".to_owned(),
            ..place.launch(RANK)
        };
        let refused = adapter.runtime.start(&launch).await;
        assert!(
            matches!(refused, Err(RuntimeError::Rejected { .. })),
            "{refused:?}"
        );
        assert_eq!(place.names().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn a_rank_is_exposed_where_it_asks_for_that_and_only_as_long_as_it_is_there() {
    in_a_namespace(async |place| {
        let adapter = place.adapter().await;
        let mut launch = place.launch(RANK);
        launch.container.exposures = sample_exposures();
        adapter.runtime.start(&launch).await.unwrap();
        place.until_it_runs(&RANK).await;
        let name = "hai-42-3-0";
        let there = (
            place.is_there::<Service>(name).await,
            place.is_there::<Service>("hai-42-3-0-ports").await,
            place.is_there::<Ingress>(name).await,
            place.is_there::<NetworkPolicy>(name).await,
        );
        assert_eq!(there, (true, true, true, true));
        kill(&adapter, RANK).await;
        forget(place, &adapter, &[RANK]).await;
        place.until_gone::<Service>(name).await;
        place.until_gone::<Service>("hai-42-3-0-ports").await;
        place.until_gone::<Ingress>(name).await;
        place.until_gone::<NetworkPolicy>(name).await;
    })
    .await;
}
