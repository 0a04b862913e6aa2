//! The log of restarts through the schema: why each run ended, and why the next one began.

use domain::runtime::RankEvent;
use domain::task::TaskId;
use domain::workers::{EventKeeper, Worker};
use serde_json::{Value, json};

use crate::testing::{TestApi, statements_of};

const RUNS: &str = "query ($id: ID!, $first: Int) { task(id: $id) {
    runs(first: $first) { nodes { number outcome message startMessage } }
} }";

async fn change(api: &TestApi, id: TaskId, mutation: &str) {
    let query = format!("mutation ($id: ID!) {{ {mutation}(id: $id) {{ id }} }}");
    api.root(&query, json!({ "id": id.to_string() })).await;
    api.platform.settle().await;
}

async fn runs(api: &TestApi, id: TaskId, first: i32) -> Value {
    let variables = json!({ "id": id.to_string(), "first": first });
    api.root(RUNS, variables).await["task"]["runs"]["nodes"].take()
}

/// The only rank exits.
async fn exit(api: &TestApi, id: TaskId, code: i32) {
    api.platform.exit(id, 0, code).await;
    api.platform.settle().await;
}

#[tokio::test]
async fn each_run_says_why_it_ended_and_the_next_why_it_began() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.bring_up(id).await;
    exit(&api, id, 3).await;
    change(&api, id, "resumeTask").await;
    api.platform.bring_up(id).await;
    change(&api, id, "stopTask").await;
    exit(&api, id, 143).await;
    change(&api, id, "resumeTask").await;
    assert_eq!(
        runs(&api, id, 50).await,
        json!([
            {
                "number": 3, "outcome": null, "message": null,
                "startMessage": "it was resumed after run 2 was stopped",
            },
            {
                "number": 2, "outcome": "STOPPED",
                "message": "it was stopped; rank 0 on node-1 exited with 143",
                "startMessage": "it runs again after run 1 failed",
            },
            {
                "number": 1, "outcome": "FAILED",
                "message": "rank 0 on node-1 exited with 3", "startMessage": null,
            },
        ])
    );
}

#[tokio::test]
async fn a_hold_that_nobody_noticed_is_told_all_the_same() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    // No command runs yet, so nothing can notice it.
    api.platform.settle().await;
    change(&api, id, "suspendTask").await;
    let told = runs(&api, id, 1).await[0]["message"].take();
    assert_eq!(told, "it was put on hold");
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_number_of_runs() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    for _ in 0..8 {
        api.platform.bring_up(id).await;
        exit(&api, id, 0).await;
        change(&api, id, "resumeTask").await;
    }
    let few = statements_of(runs(&api, id, 2)).await;
    let many = statements_of(runs(&api, id, 9)).await;
    assert!(many <= few + 2, "{few} statements for 2 runs, {many} for 9");
}

#[tokio::test]
async fn what_the_cluster_warned_of_is_kept_with_the_run() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.bring_up(id).await;
    let at = "2026-01-02T03:04:05Z".parse().unwrap();
    let rank = api.platform.rank(id, 0).await;
    api.platform.runtime.tell(RankEvent {
        rank,
        uid: "u".to_owned(),
        reason: "Failed".to_owned(),
        message: "Failed to pull image \"x\"".to_owned(),
        source: "kubelet".to_owned(),
        count: 2,
        first_at: at,
        last_at: at,
    });
    let mut keeper = EventKeeper::new(api.platform.app.clone());
    for _ in 0..2 {
        keeper.tick().await.unwrap();
    }
    let query = "query ($id: ID!) { task(id: $id) { currentRun {
        events { rank reason message source count firstAt lastAt }
    } } }";
    let mut seen = api.root(query, json!({ "id": id.to_string() })).await;
    let at = "2026-01-02T03:04:05+00:00";
    assert_eq!(
        seen["task"]["currentRun"]["events"].take(),
        json!([{
            "rank": 0, "reason": "Failed", "message": "Failed to pull image \"x\"",
            "source": "kubelet", "count": 2, "firstAt": at, "lastAt": at,
        }])
    );
}
