//! Tasks through the schema.

use domain::auth::Token;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testing::{Refusal, TestApi, refusal, statements_of};

const SUBMIT: &str = "mutation ($input: TaskInput!, $key: String) {
    submitTask(input: $input, idempotencyKey: $key) { id }
}";

const EVERYTHING: &str = "query ($id: ID!) { task(id: $id) {
    name user { name groups } taskType state desired outcome stopCode exitCode priority group zone
    nodeCount environment workspace command tags runCount restartCount createdAt startedAt
    finishedAt wait { reason message position until } currentRun { number } runs { totalCount } schema
} }";

fn input(name: &str) -> Value {
    json!({
        "name": name,
        "spec": {
            "workspace": "/srv/code",
            "entrypoint": "train.py",
            "parameters": "--steps 5",
            "environments": [{ "name": "SEED", "value": "7" }],
        },
        "resource": { "nodeCount": 2 },
        "options": { "tags": ["nightly", "gpt"] },
    })
}

#[tokio::test]
async fn a_submitted_task_says_everything_about_itself() {
    let api = TestApi::with_nodes(1).await;
    let submitted = api.root(SUBMIT, json!({ "input": input("t") })).await;
    let id = submitted["submitTask"]["id"].clone();
    api.platform.settle().await;
    let mut task = api.root(EVERYTHING, json!({ "id": id })).await["task"].take();
    assert_eq!(task["createdAt"], "2024-10-04T00:00:00+00:00");
    task["createdAt"].take();
    task.sort_all_objects();
    insta::assert_snapshot!(serde_json::to_string_pretty(&task).unwrap());
}

#[tokio::test]
async fn yaml_and_input_say_the_same() {
    let api = TestApi::with_nodes(1).await;
    let yaml = "
version: 2
name: from-yaml
spec: { workspace: /srv/code, entrypoint: train.py, parameters: --steps 5, environments: { SEED: 7 } }
resource: { node_count: 2 }
options: { tags: [nightly, gpt] }
";
    let query = "mutation ($yaml: String!) { submitTaskYaml(yaml: $yaml) { id } }";
    let from_yaml = api.root(query, json!({ "yaml": yaml })).await;
    let typed = api.root(SUBMIT, json!({ "input": input("typed") })).await;
    let query =
        "query ($id: ID!) { task(id: $id) { command nodeCount tags environment group priority } }";
    let ids = [
        &from_yaml["submitTaskYaml"]["id"],
        &typed["submitTask"]["id"],
    ];
    let [one, other] = ids.map(|id| api.root(query, json!({ "id": id })));
    assert_eq!(one.await, other.await);
}

#[tokio::test]
async fn a_refused_submit_names_the_fields_of_the_document() {
    let api = TestApi::with_nodes(1).await;
    let mut wrong = input("t");
    wrong["resource"]["nodeCount"] = json!(0);
    wrong["spec"]["workspace"] = json!("relative");
    let token = Some(api.platform.root_token.reveal());
    let answer = api.ask(token, SUBMIT, json!({ "input": wrong })).await;
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "INVALID_INPUT");
    assert_eq!(extensions["field"], "spec.workspace");
    assert_eq!(extensions["fields"][1]["field"], "resource.node_count");
    assert_eq!(
        extensions["fields"][1]["reason"],
        "must be between 1 and 100000, not 0"
    );

    let mut twice = input("t");
    twice["spec"]["environments"] =
        json!([{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }]);
    let refusal = api
        .refusal(&api.platform.root_token, SUBMIT, json!({ "input": twice }))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("spec.environments.A"));
}

#[tokio::test]
async fn a_repeated_submit_with_the_same_key_is_one_submit() {
    let api = TestApi::with_nodes(1).await;
    let variables = json!({ "input": input("t"), "key": "k" });
    let first = api.root(SUBMIT, variables.clone()).await;
    assert_eq!(api.root(SUBMIT, variables).await, first);
    let refusal = api
        .refusal(
            &api.platform.root_token,
            SUBMIT,
            json!({ "input": input("t") }),
        )
        .await;
    assert_eq!(refusal.code, "CONFLICT");
}

#[tokio::test]
async fn a_task_is_found_by_its_id_or_its_name_by_those_who_may_see_it() {
    let api = TestApi::with_nodes(1).await;
    let (_, stranger) = api.platform.user("stranger").await;
    let id = api.platform.submit("mine", 1).await.id.to_string();
    let by_id = "query ($id: ID!) { task(id: $id) { name } }";
    let by_name = "query ($name: String!) { task(name: $name) { id } }";
    assert_eq!(
        api.root(by_id, json!({ "id": id })).await["task"]["name"],
        "mine"
    );
    assert_eq!(
        api.root(by_name, json!({ "name": "mine" })).await["task"]["id"],
        id.as_str()
    );
    for (token, query, variables) in [
        (&stranger, by_id, json!({ "id": id })),
        (&stranger, by_name, json!({ "name": "mine" })),
        (&api.platform.root_token, by_id, json!({ "id": "999" })),
        (
            &api.platform.root_token,
            by_id,
            json!({ "id": "no number" }),
        ),
    ] {
        assert_eq!(api.data(token, query, variables).await["task"], Value::Null);
    }
    for query in ["{ task { id } }", "{ task(id: 1, name: \"mine\") { id } }"] {
        let refusal = api.refusal(&stranger, query, json!({})).await;
        assert_eq!(refusal.code, "INVALID_INPUT");
    }
}

/// The names on a page, and where it ends.
fn page(data: &Value) -> (Vec<&str>, &Value) {
    let nodes = data["tasks"]["nodes"].as_array().unwrap();
    let names = nodes.iter().map(|node| node["name"].as_str().unwrap());
    (names.collect(), &data["tasks"]["pageInfo"])
}

#[tokio::test]
async fn pages_of_tasks_follow_each_other_in_both_directions() {
    let api = TestApi::with_nodes(1).await;
    for name in ["a", "b", "c", "d", "e"] {
        api.platform.submit(name, 1).await;
    }
    let forwards = "query ($after: String) { tasks(first: 2, after: $after) {
        nodes { name } totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
    } }";
    let mut after = Value::Null;
    for (expected, has_previous, has_next) in [
        (vec!["e", "d"], false, true),
        (vec!["c", "b"], true, true),
        (vec!["a"], true, false),
    ] {
        let data = api.root(forwards, json!({ "after": after })).await;
        assert_eq!(data["tasks"]["totalCount"], 5);
        let (names, info) = page(&data);
        assert_eq!(names, expected);
        assert_eq!(info["hasPreviousPage"], has_previous);
        assert_eq!(info["hasNextPage"], has_next);
        after = info["endCursor"].clone();
    }
    let backwards = "query ($before: String) { tasks(last: 2, before: $before) {
        nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor }
    } }";
    let mut before = Value::Null;
    for (expected, has_previous, has_next) in [
        (vec!["b", "a"], true, false),
        (vec!["d", "c"], true, true),
        (vec!["e"], false, true),
    ] {
        let data = api.root(backwards, json!({ "before": before })).await;
        let (names, info) = page(&data);
        assert_eq!(names, expected);
        assert_eq!(info["hasPreviousPage"], has_previous);
        assert_eq!(info["hasNextPage"], has_next);
        before = info["startCursor"].clone();
    }
}

#[tokio::test]
async fn a_filter_leaves_the_tasks_that_match() {
    let api = TestApi::with_nodes(1).await;
    let (ana, token) = api.platform.user("ana").await;
    let document = api.platform.document("of-ana", 1);
    api.platform.submit_document(&ana, document).await.unwrap();
    api.root(SUBMIT, json!({ "input": input("tagged_100%") }))
        .await;
    let done = api.platform.submit("done", 1).await;
    let stop = "mutation ($id: ID!) { stopTask(id: $id) { id } }";
    api.root(stop, json!({ "id": done.id.to_string() })).await;

    let query = "query ($filter: TaskFilter) { tasks(filter: $filter) { nodes { name } totalCount pageInfo { endCursor } } }";
    for (filter, expected) in [
        (json!({}), vec!["done", "tagged_100%", "of-ana"]),
        (json!({ "user": "ana" }), vec!["of-ana"]),
        (json!({ "user": "nobody-here" }), vec![]),
        (json!({ "names": ["done", "other"] }), vec!["done"]),
        (json!({ "names": [] }), vec![]),
        (
            json!({ "nameContains": "TAGGED_100%" }),
            vec!["tagged_100%"],
        ),
        (json!({ "nameContains": "%" }), vec!["tagged_100%"]),
        (json!({ "states": ["FINISHED"] }), vec!["done"]),
        (json!({ "states": [] }), vec![]),
        (
            json!({ "states": ["WAITING_INIT"], "tag": "gpt" }),
            vec!["tagged_100%"],
        ),
        (json!({ "groups": ["elsewhere"] }), vec![]),
        (json!({ "createdBefore": "2024-10-04T00:00:00Z" }), vec![]),
        (
            json!({ "createdAfter": "2024-10-04T00:00:00Z", "names": ["done"] }),
            vec!["done"],
        ),
    ] {
        let data = api.root(query, json!({ "filter": filter })).await;
        assert_eq!(page(&data).0, expected, "{filter}");
        assert_eq!(data["tasks"]["totalCount"], expected.len(), "{filter}");
    }
    let data = api.data(&token, query, json!({})).await;
    assert_eq!(page(&data).0, ["of-ana"]);
    let many = vec!["x"; 101];
    let refusal = api
        .refusal(&token, query, json!({ "filter": { "names": many } }))
        .await;
    assert_eq!(refusal.field.as_deref(), Some("filter.names"));
}

#[tokio::test]
async fn a_page_beyond_the_limit_is_refused_by_the_name_of_its_argument() {
    let api = TestApi::with_nodes(1).await;
    let token = &api.platform.root_token;
    for (query, field) in [
        ("{ tasks(first: 501) { totalCount } }", "first"),
        ("{ tasks(last: -1) { totalCount } }", "last"),
        ("{ tasks(after: \"x\") { totalCount } }", "after"),
        ("{ nodes(first: 501) { totalCount } }", "first"),
    ] {
        let refusal = api.refusal(token, query, json!({})).await;
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("INVALID_INPUT", Some(field))
        );
    }
}

#[tokio::test]
async fn a_task_is_stopped_as_its_owner_wants() {
    let api = TestApi::with_nodes(1).await;
    let (_, stranger) = api.platform.user("stranger").await;
    let running = api.platform.submit("running", 1).await.id;
    api.platform.bring_up(running).await;
    let queued = api.platform.submit("queued", 1).await.id;
    let stop = "mutation ($id: ID!, $as: StopAs!) {
        stopTask(id: $id, as: $as) { state desired outcome stopCode }
    }";
    let variables = json!({ "id": queued.to_string(), "as": "SUCCEEDED" });
    let refusal = api.refusal(&stranger, stop, variables.clone()).await;
    assert_eq!(refusal.code, "NOT_FOUND");
    let stopped = api.root(stop, variables).await;
    assert_eq!(
        stopped["stopTask"],
        json!({ "state": "FINISHED", "desired": "RUN", "outcome": "SUCCEEDED", "stopCode": 4096 })
    );
    let stopped = api
        .root(stop, json!({ "id": running.to_string(), "as": "FAILED" }))
        .await;
    assert_eq!(
        stopped["stopTask"],
        json!({ "state": "RUNNING", "desired": "STOP", "outcome": null, "stopCode": 0 })
    );
}

#[tokio::test]
async fn the_number_of_statements_does_not_grow_with_the_number_of_rows() {
    let api = TestApi::with_nodes(40).await;
    for n in 0..40 {
        api.platform.submit(&format!("t{n}"), 1).await;
    }
    api.platform.settle().await;
    let query = "query ($first: Int!) {
        tasks(first: $first) { nodes {
            name tags environment user { name groups } currentRun { number pods { node } } runs(first: 1) { nodes { number pods { rank } } }
        } }
        nodes(first: $first) { nodes { name task { name user { name } tags } } }
    }";
    let few = statements_of(api.root(query, json!({ "first": 2 }))).await;
    let many = statements_of(api.root(query, json!({ "first": 40 }))).await;
    assert!(few > 5, "the statements are not counted any more");
    // Keys of different parts of the query may meet or not; a statement per row would be 38 more.
    assert!(
        many < few + 10,
        "{few} statements for 2 rows, {many} for 40"
    );
}

const CHANGED: &str = "subscription ($id: ID!) { taskChanged(id: $id) { state outcome runCount } }";

#[tokio::test]
async fn a_followed_task_is_told_as_it_is_and_after_each_change_to_its_end() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id;
    let token = &api.platform.root_token;
    let mut task = api.follow(token, CHANGED, json!({ "id": id.to_string() }));
    let mut state = async || {
        task.next()
            .await
            .map(|result| result["data"]["taskChanged"].clone())
    };
    let told = |state, outcome: Value, runs| json!({ "state": state, "outcome": outcome, "runCount": runs });
    assert_eq!(state().await, Some(told("WAITING_INIT", Value::Null, 0)));
    api.platform.bring_up(id).await;
    assert_eq!(state().await, Some(told("RUNNING", Value::Null, 1)));
    api.platform.exit(id, 0, 0).await;
    api.platform.settle().await;
    assert_eq!(state().await, Some(told("FINISHED", json!("SUCCEEDED"), 1)));
    assert_eq!(state().await, None);
}

#[tokio::test]
async fn a_finished_task_is_told_once() {
    let api = TestApi::with_nodes(1).await;
    let id = api.platform.submit("t", 1).await.id.to_string();
    let stop = "mutation ($id: ID!) { stopTask(id: $id) { id } }";
    api.root(stop, json!({ "id": id })).await;
    let token = &api.platform.root_token;
    let results: Vec<Value> = api
        .follow(token, CHANGED, json!({ "id": id }))
        .collect()
        .await;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["data"]["taskChanged"]["state"], "FINISHED");
}

#[tokio::test]
async fn nobody_follows_what_he_may_not_see() {
    let api = TestApi::with_nodes(1).await;
    let (_, stranger) = api.platform.user("stranger").await;
    let id = api.platform.submit("t", 1).await.id.to_string();
    let results: Vec<Value> = api
        .follow(&stranger, CHANGED, json!({ "id": id }))
        .collect()
        .await;
    let expected = Refusal {
        code: "NOT_FOUND".into(),
        field: None,
        message: format!("there is no task {id}"),
    };
    assert_eq!(results.len(), 1);
    assert_eq!(refusal(&results[0]), expected);
}

#[tokio::test]
async fn a_followed_list_tells_what_changes_and_matches_and_may_be_seen() {
    let api = TestApi::with_nodes(1).await;
    let (ana, token) = api.platform.user("ana").await;
    let query = "subscription { tasksChanged(filter: { nameContains: \"gpt\" }) { name state } }";
    let mut changes = api.follow(&token, query, json!({}));
    let submit = async |name: &str| {
        let document = api.platform.document(name, 1);
        api.platform.submit_document(&ana, document).await.unwrap();
    };
    // Something changes again and again until the subscription has begun.
    let mut warm_ups = (0..).map(|n| format!("gpt-warm-up-{n}"));
    let begun = async {
        loop {
            submit(&warm_ups.next().unwrap()).await;
        }
    };
    tokio::select! {
        change = changes.next() => assert!(change.is_some()),
        () = begun => {}
    }
    api.platform.submit("gpt-of-root", 1).await;
    for name in ["other", "gpt-1", "gpt-2"] {
        submit(name).await;
    }
    let mut names = Vec::new();
    while names.len() < 2 {
        let change = changes.next().await.unwrap()["data"]["tasksChanged"].take();
        let name = change["name"].as_str().unwrap();
        if !name.starts_with("gpt-warm-up") {
            assert_eq!(change["state"], "WAITING_INIT");
            names.push(name.to_owned());
        }
    }
    assert_eq!(names, ["gpt-1", "gpt-2"]);
}

/// The writer of SQLite does nothing but to write: all that is asked is asked before, and once for all.
#[tokio::test]
async fn submits_that_share_a_write_cost_one_statement_each_and_few_for_all() {
    let api = TestApi::with_nodes(1).await;
    let submit = "mutation ($name: String!) {
        submitTask(input: { name: $name, spec: { workspace: \"/srv/code\", entrypoint: \"a.py\" } }) { id }
    }";
    let mut tokens = Vec::new();
    for number in 0..=10 {
        let (_, token) = api.platform.user(&format!("user{number}")).await;
        tokens.push(token);
    }
    let ask = async |number: usize| {
        let token = &tokens[number];
        api.data(token, submit, json!({ "name": format!("t{number}") }))
            .await;
    };
    let one = statements_of(ask(0)).await;
    // Who it is; live tasks, groups, environments and grants; the task, the act and the mark.
    assert_eq!(one, 1 + 4 + 3);
    // Somebody writes until all of them wait: else it is chance how many share a write.
    let submits = &api.platform.app.submits;
    let writing = submits.writing().await;
    let until_all_wait = async {
        while submits.n_waiting() < 10 {
            tokio::task::yield_now().await;
        }
        drop(writing);
    };
    let all = futures_util::future::join_all((1..=10).map(ask));
    let ten = statements_of(async { tokio::join!(all, until_all_wait) }).await;
    assert!(ten <= 10 + 2 * (4 + 3), "{ten}");
}

/// The ids of the tasks that are shared with somebody.
async fn shared_with(api: &TestApi, token: &Token) -> Vec<String> {
    let query = "{ tasks(filter: { shared: true }) { nodes { id } } }";
    let tasks = api.data(token, query, json!({})).await;
    let nodes = tasks["tasks"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_team_sees_what_is_shared_in_it_until_that_is_taken_back() {
    let api = TestApi::with_nodes(1).await;
    let [ana, bob, eve] = ["ana", "bob", "eve"].map(|name| api.platform.user(name));
    let ((_, ana), (_, bob), (_, eve)) = (ana.await, bob.await, eve.await);
    let elsewhere =
        "mutation { updateUser(input: { user: \"eve\", sharedGroup: \"others\" }) { id } }";
    api.root(elsewhere, json!({})).await;
    let submit = "mutation { submitTask(input: {
        name: \"t\", spec: { workspace: \"/srv/code\", entrypoint: \"a.py\" }, options: { sharedInGroup: true }
    }) { id sharedInGroup } }";
    let task = api.data(&ana, submit, json!({})).await["submitTask"].take();
    assert_eq!(task["sharedInGroup"], "default");
    let id = task["id"].as_str().unwrap();
    assert_eq!(shared_with(&api, &bob).await, [id]);
    assert!(shared_with(&api, &eve).await.is_empty());
    let own = api.data(&bob, "{ tasks { totalCount } }", json!({})).await;
    assert_eq!(own["tasks"]["totalCount"], 0, "they do not come unasked");

    let follow = format!("subscription {{ taskChanged(id: {id}) {{ state }} }}");
    let mut followed = api.follow(&bob, &follow, json!({}));
    let first = followed.next().await.unwrap();
    assert_eq!(first["data"]["taskChanged"]["state"], "WAITING_INIT");
    let stop = format!("mutation {{ stopTask(id: {id}) {{ id }} }}");
    assert_eq!(api.refusal(&bob, &stop, json!({})).await.code, "FORBIDDEN");
    assert_eq!(api.refusal(&eve, &stop, json!({})).await.code, "NOT_FOUND");
    let unshare = format!("mutation {{ unshareTask(id: {id}) {{ sharedInGroup }} }}");
    assert_eq!(
        api.refusal(&bob, &unshare, json!({})).await.code,
        "FORBIDDEN"
    );
    let unshared = api.data(&ana, &unshare, json!({})).await;
    assert_eq!(unshared["unshareTask"]["sharedInGroup"], Value::Null);
    let end = followed.next().await.unwrap();
    assert_eq!(refusal(&end).code, "NOT_FOUND");
    assert!(shared_with(&api, &bob).await.is_empty());
    let share = unshare.replace("unshareTask", "shareTask");
    api.data(&ana, &share, json!({})).await;
    assert_eq!(shared_with(&api, &bob).await, [id]);
}
