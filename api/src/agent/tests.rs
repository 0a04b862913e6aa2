//! What agents say and hear, through the schema.

use chrono::TimeDelta;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};

use crate::testing::{TestApi, refusal, statements_of};

const REGISTER: &str = "mutation ($version: Int! = 1) { registerAgent(input: {
    protocolVersion: $version, bootId: \"b\", pid: 7, startTime: 123456789012
}) { desired graceMs } }";
const REPORT: &str = "mutation ($input: ReportRankInput!) { reportRank(input: $input) }";
const ORDERS: &str = "subscription { agentOrders { desired graceMs } }";
const RENEW: &str = "mutation { renewAgentToken }";

fn desired(result: Option<Value>) -> Option<String> {
    let order = result?["data"]["agentOrders"].take();
    order["desired"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn an_agent_hears_every_order_from_the_gate_to_the_end() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.settle().await;
    let token = api.agent_token(id, 0).await;
    let agent = Some(token.as_str());

    let registered = api.ask(agent, REGISTER, json!({})).await;
    assert_eq!(
        registered["data"]["registerAgent"],
        json!({ "desired": "WAIT", "graceMs": 5000 })
    );
    let mut orders = api.follow_as(&token, ORDERS, json!({}));
    assert_eq!(desired(orders.next().await).as_deref(), Some("WAIT"));
    api.platform.settle().await;
    assert_eq!(desired(orders.next().await).as_deref(), Some("RUN"));

    let started = json!({ "input": { "logEnd": 5_000_000_000_i64, "started": true } });
    let reported = api.ask(agent, REPORT, started.clone()).await;
    assert_eq!(reported["data"]["reportRank"], true);
    assert_eq!(
        api.ask(agent, REPORT, started).await["data"]["reportRank"],
        true
    );

    let stop = "mutation ($id: ID!) { stopTask(id: $id) { id } }";
    api.root(stop, json!({ "id": id.to_string() })).await;
    api.platform.settle().await;
    assert_eq!(desired(orders.next().await).as_deref(), Some("STOP"));

    let exit = json!({ "cause": "STOPPED", "signal": 15, "message": "it was stopped" });
    let input = json!({ "input": { "logEnd": 9, "started": true, "exit": exit } });
    assert_eq!(
        api.ask(agent, REPORT, input).await["data"]["reportRank"],
        true
    );
    assert_eq!(desired(orders.next().await).as_deref(), Some("OVER"));
    assert_eq!(orders.next().await, None);

    let query =
        "query ($id: ID!) { task(id: $id) { currentRun { pods { state exitCode message } } } }";
    let task = api.root(query, json!({ "id": id.to_string() })).await["task"].take();
    let pod = json!({ "state": "STOPPED", "exitCode": 143, "message": "it was stopped" });
    assert_eq!(task["currentRun"]["pods"], json!([pod]));
}

#[tokio::test]
async fn a_report_is_written_only_if_it_says_something_new_and_always_wakes_who_reads_the_log() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.settle().await;
    let token = api.agent_token(id, 0).await;
    api.ask(Some(&token), REGISTER, json!({})).await;
    let mut follower = api.platform.app.events.follow_log(id, 0);
    let writes = || api.platform.app.store.faults.n_writes();
    let exit = json!({ "cause": "COMMAND", "code": 3 });
    for (length, what, is_news) in [
        (0, json!({ "started": false }), false),
        (1, json!({ "started": true }), true),
        (2, json!({ "started": true }), false),
        (
            3,
            json!({ "started": true, "suspend": { "received": true, "ready": true } }),
            true,
        ),
        (
            4,
            json!({ "started": true, "suspend": { "received": true, "ready": false } }),
            false,
        ),
        (5, json!({ "started": true, "exit": exit }), true),
        (6, json!({ "started": true, "exit": exit }), false),
    ] {
        let before = writes();
        let mut input = what.clone();
        input["logEnd"] = json!(length);
        let answer = api
            .ask(Some(&token), REPORT, json!({ "input": input }))
            .await;
        assert_eq!(answer["data"]["reportRank"], true, "{answer}");
        assert_eq!(writes() - before, u32::from(is_news), "{what}");
        let heard = follower.changed_or_grew().now_or_never();
        assert_eq!(heard, Some(is_news), "{what}");
        while follower.changed_or_grew().now_or_never().is_some() {}
    }
    let (_, pods) = api.platform.run(id).await;
    assert_eq!((pods[0].exit_code, pods[0].log_end), (Some(3), Some(5)));
}

#[tokio::test]
async fn a_report_that_says_nothing_new_costs_as_little_as_it_can() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.bring_up(id).await;
    let token = api.agent_token(id, 0).await;
    let input = json!({ "input": { "logEnd": 7, "started": true } });
    let report = statements_of(api.ask(Some(&token), REPORT, input)).await;
    let signing_in = statements_of(api.ask(Some(&token), "{ __typename }", json!({}))).await;
    assert_eq!(report, signing_in + 1);
}

#[tokio::test]
async fn a_token_ends_with_its_run_and_is_renewed_until_then() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.bring_up(id).await;
    let old = api.agent_token(id, 0).await;
    api.platform.clock.advance(TimeDelta::hours(25));
    let refused = refusal(&api.ask(Some(&old), REGISTER, json!({})).await);
    assert_eq!(refused.code, "FORBIDDEN");
    let renewed = api.ask(Some(&old), RENEW, json!({})).await["data"]["renewAgentToken"].take();
    let registered = api.ask(renewed.as_str(), REGISTER, json!({})).await;
    assert_eq!(registered["data"]["registerAgent"]["desired"], "RUN");

    api.platform.exit(id, 0, 0).await;
    api.platform.settle().await;
    for query in [REGISTER, RENEW] {
        let refused = refusal(&api.ask(renewed.as_str(), query, json!({})).await);
        assert_eq!(refused.code, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn agents_and_users_may_not_do_what_the_other_may() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.settle().await;
    let agent = api.agent_token(id, 0).await;
    for query in [
        "{ me { name } }",
        "{ tasks { totalCount } }",
        "{ nodes { totalCount } }",
        "{ clusterOverview { queuedTasks } }",
        "{ serverInfo { version } }",
        "{ task(id: 1) { name } }",
        "{ taskLog(id: 1) { cursor } }",
        "mutation { createUser(input: { name: \"x\" }) { token } }",
    ] {
        let refused = refusal(&api.ask(Some(&agent), query, json!({})).await);
        assert_eq!(refused.code, "FORBIDDEN", "{query}");
    }
    let input = json!({ "input": { "logEnd": 0, "started": true } });
    let root = &api.platform.root_token;
    for (query, variables) in [(REGISTER, json!({})), (REPORT, input), (RENEW, json!({}))] {
        assert_eq!(
            api.refusal(root, query, variables).await.code,
            "FORBIDDEN",
            "{query}"
        );
    }
    let results: Vec<Value> = api.follow(root, ORDERS, json!({})).collect().await;
    assert_eq!(refusal(&results[0]).code, "FORBIDDEN");
}

#[tokio::test]
async fn an_agent_of_another_age_is_refused() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    api.platform.settle().await;
    let agent = api.agent_token(id, 0).await;
    let refused = async |version: i32| {
        let variables = json!({ "version": version });
        refusal(&api.ask(Some(&agent), REGISTER, variables).await)
    };
    assert_eq!(refused(99).await.code, "UNSUPPORTED");
    let negative = refused(-1).await;
    assert_eq!(negative.field.as_deref(), Some("protocolVersion"));
}
