//! Two clusters as one keep what one promises.

use async_trait::async_trait;
use domain::runtime::contract::{self, Subject};
use domain::runtime::{LaunchRank, Observation, RankKey, Runtime};
use double::Kind;
use k8s::Clusters;
use protocol::ExitRecord;

use crate::cluster::Cluster;

/// Two clusters, of which everything happens in the second.
struct Two {
    east: Cluster,
    west: Cluster,
    clusters: Clusters,
}

impl Two {
    async fn new() -> Self {
        let east = Cluster::with_nodes(&["e1"], "evaluation").await;
        let west = Cluster::new().await;
        Self {
            clusters: together(&east, &west),
            east,
            west,
        }
    }
}

/// The two, as a platform has them that was just started.
fn together(east: &Cluster, west: &Cluster) -> Clusters {
    Clusters::new(vec![
        ("east".to_owned(), east.runtime.clone()),
        ("west".to_owned(), west.runtime.clone()),
    ])
}

#[async_trait]
impl Subject for Two {
    fn runtime(&self) -> &dyn Runtime {
        &self.clusters
    }

    fn node(&self) -> String {
        self.west.node()
    }

    fn launch(&self, rank: RankKey) -> LaunchRank {
        self.west.launch(rank)
    }

    async fn is_up(&self, rank: &RankKey) {
        self.west.is_up(rank).await;
    }

    async fn finish(&self, rank: &RankKey, code: i32) -> ExitRecord {
        self.west.finish(rank, code).await
    }

    async fn crash(&self, rank: &RankKey) {
        self.west.crash(rank).await;
    }

    fn n_agents(&self, rank: &RankKey) -> usize {
        self.east.n_agents(rank) + self.west.n_agents(rank)
    }
}

#[tokio::test]
async fn they_keep_the_contract() {
    contract::check(Two::new).await;
}

#[tokio::test]
async fn each_run_is_where_its_nodes_are_and_is_found_there_after_a_restart() {
    let mut two = Two::new().await;
    let key = |task| RankKey {
        task,
        run: 1,
        rank: 0,
    };
    let launch = LaunchRank {
        node: "e1".to_owned(),
        ..two.east.launch(key(1))
    };
    for launch in [launch, two.west.launch(key(2))] {
        two.clusters.start(&launch).await.unwrap();
    }
    assert_eq!(two.east.double.names(Kind::Pod), ["hai-1-1-0"]);
    assert_eq!(two.west.double.names(Kind::Pod), ["hai-2-1-0"]);
    two.clusters = together(&two.east, &two.west);
    for task in [1, 2] {
        let seen = two.clusters.observe(&key(task)).await.unwrap();
        assert_eq!(seen, Observation::Alive);
    }
    assert_eq!(two.clusters.nodes().await.unwrap().len(), 3);
    let mut ranks = two.clusters.list().await.unwrap();
    ranks.sort_unstable();
    assert_eq!(ranks, [key(1), key(2)]);
}
