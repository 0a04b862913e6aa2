//! Bad input at every argument: a typed error that names the field, never an inside of the server.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::Platform;

/// A document, its variables, and the code and the field of the error that must come.
type Case = (&'static str, Value, &'static str, Option<&'static str>);

fn task(change: impl FnOnce(&mut Value)) -> Value {
    let mut input = json!({
        "name": "t",
        "spec": {"workspace": "/nowhere", "entrypoint": "x.sh"},
    });
    change(&mut input);
    json!({"input": input})
}

const SUBMIT: &str = "mutation($input: TaskInput!) { submitTask(input: $input) { id } }";
const YAML: &str = "mutation($yaml: String!, $key: String) { submitTaskYaml(yaml: $yaml, idempotencyKey: $key) { id } }";
const CREATE_USER: &str =
    "mutation($input: CreateUserInput!) { createUser(input: $input) { token } }";
const SET_QUOTA: &str = "mutation($input: SetQuotaInput!) { setQuota(input: $input) { nodes } }";
const TASKS: &str = "query($first: Int, $last: Int, $after: String, $before: String) {
    tasks(first: $first, last: $last, after: $after, before: $before) { totalCount } }";
const LOG: &str = "query($id: ID!, $rank: Int! = 0, $after: String, $first: Int! = 10) {
    taskLog(id: $id, rank: $rank, after: $after, first: $first) { cursor } }";
const NODES: &str =
    "query($first: Int, $after: String) { nodes(first: $first, after: $after) { totalCount } }";

fn quota(change: impl FnOnce(&mut Value)) -> Value {
    let mut input = json!({"owner": "public", "group": "training", "priority": "HIGH", "nodes": 1});
    change(&mut input);
    json!({"input": input})
}

fn cases() -> Vec<Case> {
    const BAD: &str = "INVALID_INPUT";
    vec![
        (
            SUBMIT,
            task(|t| t["name"] = json!("a(b)")),
            BAD,
            Some("name"),
        ),
        (SUBMIT, task(|t| t["name"] = json!("")), BAD, Some("name")),
        (
            SUBMIT,
            task(|t| t["version"] = json!(1)),
            BAD,
            Some("version"),
        ),
        (
            SUBMIT,
            task(|t| t["spec"]["workspace"] = json!("relative")),
            BAD,
            Some("spec.workspace"),
        ),
        (SUBMIT, task(|_| ()), BAD, Some("spec.workspace")),
        (
            SUBMIT,
            task(|t| t["spec"]["entrypoint"] = json!("")),
            BAD,
            Some("spec.entrypoint"),
        ),
        (
            SUBMIT,
            task(|t| t["resource"] = json!({"nodeCount": 0})),
            BAD,
            Some("resource.node_count"),
        ),
        (
            SUBMIT,
            task(|t| t["resource"] = json!({"group": "a#b#c"})),
            BAD,
            Some("resource.group"),
        ),
        (
            SUBMIT,
            task(|t| t["options"] = json!({"timeout": 0})),
            BAD,
            Some("options.timeout"),
        ),
        (
            SUBMIT,
            task(|t| t["options"] = json!({"tags": ["_x"]})),
            BAD,
            None,
        ),
        (SUBMIT, task(|t| t["priority"] = json!("URGENT")), BAD, None),
        (SUBMIT, json!({"input": 7}), BAD, None),
        (YAML, json!({"yaml": "prioritty: 3"}), BAD, None),
        (YAML, json!({"yaml": "a: ["}), BAD, Some("document")),
        (YAML, json!({"yaml": "version: 2", "key": ""}), BAD, None),
        (
            "mutation { stopTask(id: \"999999\") { id } }",
            json!({}),
            "NOT_FOUND",
            None,
        ),
        (
            "mutation { stopTask(id: \"'; DROP TABLE task; --\") { id } }",
            json!({}),
            "NOT_FOUND",
            None,
        ),
        (
            "mutation { stopTask(id: \"1\", as: SAVED) { id } }",
            json!({}),
            BAD,
            None,
        ),
        (
            "{ task(id: \"1\", name: \"x\") { id } }",
            json!({}),
            BAD,
            None,
        ),
        ("{ task { id } }", json!({}), BAD, None),
        (
            CREATE_USER,
            json!({"input": {"name": "root"}}),
            BAD,
            Some("name"),
        ),
        (
            CREATE_USER,
            json!({"input": {"name": "Ada Lovelace"}}),
            BAD,
            Some("name"),
        ),
        (
            CREATE_USER,
            json!({"input": {"name": "ada", "uid": -1}}),
            BAD,
            Some("uid"),
        ),
        (
            CREATE_USER,
            json!({"input": {"name": "ada", "groups": ["public"]}}),
            BAD,
            Some("groups"),
        ),
        (
            CREATE_USER,
            json!({"input": {"name": "admin"}}),
            "CONFLICT",
            None,
        ),
        (
            SET_QUOTA,
            quota(|q| q["owner"] = json!("nobody")),
            BAD,
            Some("owner"),
        ),
        (
            SET_QUOTA,
            quota(|q| q["group"] = json!("moon")),
            BAD,
            Some("group"),
        ),
        (
            SET_QUOTA,
            quota(|q| q["priority"] = json!("AUTO")),
            BAD,
            Some("priority"),
        ),
        (
            SET_QUOTA,
            quota(|q| q["nodes"] = json!(-1)),
            BAD,
            Some("nodes"),
        ),
        (
            SET_QUOTA,
            quota(|q| q["expiresAt"] = json!("2001-01-01T00:00:00Z")),
            BAD,
            Some("expiresAt"),
        ),
        (
            SET_QUOTA,
            quota(|q| q["expiresAt"] = json!("tomorrow")),
            BAD,
            None,
        ),
        (TASKS, json!({"first": -1}), BAD, Some("first")),
        (TASKS, json!({"first": 100_000}), BAD, Some("first")),
        (TASKS, json!({"first": 1, "last": 1}), BAD, None),
        (TASKS, json!({"after": "not a cursor"}), BAD, Some("after")),
        (TASKS, json!({"before": "\u{1}"}), BAD, Some("before")),
        (NODES, json!({"first": -1}), BAD, Some("first")),
        (NODES, json!({"after": "not a cursor"}), BAD, Some("after")),
        (LOG, json!({"id": "999999"}), "NOT_FOUND", None),
        ("{ nothing }", json!({}), BAD, None),
        ("{ me { ", json!({}), BAD, None),
    ]
}

#[tokio::test]
async fn every_bad_argument_gets_its_typed_error() -> Result<()> {
    let platform = Platform::start().await?;
    for (query, variables, code, field) in cases() {
        let body = json!({"query": query, "variables": variables});
        let (status, answer) = platform.admin.post(&body).await?;
        assert_eq!(status, 200, "{body}: {answer}");
        let error = answer
            .pointer("/errors/0")
            .with_context(|| format!("{body}: {answer}"))?;
        let found = error.pointer("/extensions/code").and_then(Value::as_str);
        assert_eq!(found, Some(code), "{body}: {answer}");
        if field.is_some() {
            let found = error.pointer("/extensions/field").and_then(Value::as_str);
            assert_eq!(found, field, "{body}: {answer}");
        }
        let text = answer.to_string().to_lowercase();
        for inside in ["sqlx", "select ", "insert ", "panicked", ".rs:"] {
            assert!(!text.contains(inside), "{body}: {answer}");
        }
    }
    platform.stop().await
}

#[tokio::test]
async fn the_character_nul_is_bad_input_wherever_a_text_goes() -> Result<()> {
    const KEYED: &str = "mutation($input: TaskInput!, $key: String!) {
        submitTask(input: $input, idempotencyKey: $key) { id } }";
    const NAMED: &str = "query($name: String!) { task(name: $name) { id } }";
    const FILTERED: &str =
        "query($filter: TaskFilter!) { tasks(filter: $filter) { totalCount nodes { id } } }";
    let platform = Platform::start().await?;
    platform.script("ok.sh", "exit 0\n")?;
    let good = json!({"name": "t", "spec": {"workspace": platform.code(), "entrypoint": "ok.sh"}});
    let nul = json!("a\u{0}b");
    for (query, variables) in [
        (KEYED, json!({"input": good, "key": nul})),
        (NAMED, json!({"name": nul})),
        (TASKS, json!({"before": nul})),
        (FILTERED, json!({"filter": {"user": nul}})),
        (FILTERED, json!({"filter": {"names": [nul]}})),
        (FILTERED, json!({"filter": {"nameContains": nul}})),
        (FILTERED, json!({"filter": {"groups": [nul]}})),
        (FILTERED, json!({"filter": {"tag": nul}})),
        (SET_QUOTA, quota(|q| q["owner"] = nul.clone())),
        (SET_QUOTA, quota(|q| q["group"] = nul.clone())),
        (CREATE_USER, json!({"input": {"name": nul}})),
        ("{ task(name: \"a\\u0000b\") { id } }", json!({})),
    ] {
        let body = json!({"query": query, "variables": variables});
        let (_, answer) = platform.admin.post(&body).await?;
        let code = answer.pointer("/errors/0/extensions/code");
        assert_eq!(code, Some(&json!("INVALID_INPUT")), "{body}: {answer}");
    }
    let (_, answer) = platform
        .admin
        .post(&json!({"query": KEYED, "variables": {"input": good, "key": "ab"}}))
        .await?;
    assert!(
        answer.get("errors").is_none(),
        "without it, it is good: {answer}"
    );
    platform.stop().await
}

#[tokio::test]
async fn log_arguments_are_checked_on_a_task_that_is_there() -> Result<()> {
    let platform = Platform::start().await?;
    let script = platform.script("ok.sh", "echo ok\n")?;
    let id = platform.admin.submit("ok", &script, 1).await?;
    platform.admin.finished(&id).await?;
    for (field, value) in [
        ("rank", json!(7)),
        ("rank", json!(-1)),
        ("after", json!("not a cursor")),
        ("first", json!(0)),
        ("first", json!(1_000_000)),
    ] {
        let mut variables = json!({"id": id});
        variables[field] = value;
        let (_, answer) = platform
            .admin
            .post(&json!({"query": LOG, "variables": variables}))
            .await?;
        let found = answer
            .pointer("/errors/0/extensions/field")
            .and_then(Value::as_str);
        assert_eq!(found, Some(field), "{variables}: {answer}");
    }
    platform.stop().await
}

#[tokio::test]
async fn without_a_good_token_nothing_is_told() -> Result<()> {
    let platform = Platform::start().await?;
    let http = reqwest::Client::new();
    let url = format!("{}/graphql", platform.url());
    for token in [None, Some("ACCESS-0000"), Some("a.b.c")] {
        let mut request = http.post(&url).json(&json!({"query": "{ me { name } }"}));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer: Value = request.send().await?.json().await?;
        assert_eq!(
            answer.pointer("/errors/0/extensions/code"),
            Some(&json!("UNAUTHENTICATED")),
            "{answer}"
        );
        assert!(answer.pointer("/data/me/name").is_none(), "{answer}");
    }
    platform.stop().await
}

#[tokio::test]
async fn deep_wide_and_large_requests_are_refused() -> Result<()> {
    let platform = Platform::start().await?;
    let mut deep = String::from("name");
    for _ in 0..40 {
        deep = format!("ofType {{ {deep} }}");
    }
    let deep = format!("{{ __schema {{ types {{ fields {{ type {{ {deep} }} }} }} }} }}");
    let aliases: String = (0..2000).map(|n| format!("a{n}: me {{ name }} ")).collect();
    for query in [deep, format!("{{ {aliases} }}")] {
        let (_, answer) = platform.admin.post(&json!({"query": query})).await?;
        let code = answer.pointer("/errors/0/extensions/code");
        assert_eq!(
            code,
            Some(&json!("INVALID_INPUT")),
            "{}",
            answer.to_string().chars().take(400).collect::<String>()
        );
    }
    let large = json!({"query": "{ me { name } }", "padding": "x".repeat(2 << 20)});
    let http = reqwest::Client::new();
    let status = http
        .post(format!("{}/graphql", platform.url()))
        .json(&large)
        .send()
        .await?
        .status();
    assert_eq!(status.as_u16(), 413);
    platform.stop().await
}
