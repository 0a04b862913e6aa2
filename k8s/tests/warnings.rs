//! What the cluster warns of about pods.

#[expect(dead_code, reason = "other tests need more of it")]
mod cluster;

use domain::runtime::contract::Subject;
use domain::runtime::{RankKey, Runtime};

use cluster::{Cluster, pod};

const RANK: RankKey = RankKey {
    task: 42,
    run: 3,
    rank: 0,
};

#[tokio::test]
async fn what_goes_wrong_with_a_pod_is_told_and_counted() {
    let cluster = Cluster::new().await;
    let started = cluster.runtime.start(&cluster.launch(RANK)).await;
    started.unwrap();
    for _ in 0..2 {
        let warned = cluster.double.warn(&pod(&RANK), "Failed", "no such image");
        warned.unwrap();
    }
    cluster
        .until(async |runtime| {
            let told = runtime.events().await.unwrap();
            told.first().is_some_and(|event| event.count == 2)
        })
        .await;
    let told = cluster.runtime.events().await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].rank, &*told[0].reason), (RANK, "Failed"));
    assert_eq!(
        (&*told[0].message, &*told[0].source),
        ("no such image", "kubelet")
    );
}
