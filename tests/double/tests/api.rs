//! The API server as its clients see it: over HTTP.

use std::time::Duration;

use double::{Double, Faults, Key, Kind};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

const PODS: &str = "/api/v1/namespaces/n/pods";
const MAPS: &str = "/api/v1/namespaces/n/configmaps";

struct Api {
    double: Double,
    client: Client,
}

impl Api {
    async fn new() -> Self {
        let double = Double::start().await.expect("a port is free");
        Self {
            double,
            client: Client::new(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.double.url());
        self.client.request(method, url)
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(method, path).json(&body);
        read(request.send().await.expect("it answers")).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(
            self.request(Method::GET, path)
                .send()
                .await
                .expect("it answers"),
        )
        .await
    }

    async fn apply(&self, path: &str, query: &str, body: Value) -> (u16, Value) {
        let request = self.request(Method::PATCH, &format!("{path}?{query}"));
        let request = request.header("content-type", "application/apply-patch+yaml");
        let sent = request.body(body.to_string()).send().await;
        read(sent.expect("it answers")).await
    }

    async fn map(&self, name: &str) -> (u16, Value) {
        let map = json!({"metadata": {"name": name, "labels": {"of": "us"}}, "data": {"a": "1"}});
        self.call(Method::POST, MAPS, map).await
    }
}

async fn read(response: Response) -> (u16, Value) {
    let code = response.status().as_u16();
    (code, response.json().await.expect("it is JSON"))
}

#[tokio::test]
async fn every_kind_is_created_listed_and_deleted() {
    let api = Api::new().await;
    for kind in Kind::all() {
        let root = match kind.group() {
            "" => "/api/v1".to_owned(),
            _ => format!("/apis/{}", kind.api_version()),
        };
        let plural = kind.plural();
        let all = match kind.is_in_cluster() {
            true => format!("{root}/{plural}"),
            false => format!("{root}/namespaces/n/{plural}"),
        };
        let object = json!({"apiVersion": kind.api_version(), "kind": kind.name(), "metadata": {"generateName": "a-"}});
        let (code, created) = api.call(Method::POST, &all, object.clone()).await;
        assert_eq!(code, 201, "{created}");
        let name = created["metadata"]["name"].as_str().expect("it has one");
        let (_, list) = api.get(&format!("{root}/{plural}")).await;
        assert_eq!(list["items"][0]["metadata"]["name"], name, "{kind:?}");
        let (code, _) = api
            .call(Method::DELETE, &format!("{all}/{name}"), json!({}))
            .await;
        assert_eq!((code, api.double.names(kind)), (200, Vec::new()));
        let (code, refused) = api.call(Method::POST, &all, json!({"kind": "Other"})).await;
        assert_eq!(code, 400, "{refused}");
    }
    assert_eq!(api.get("/api/v1/namespaces/n/things").await.0, 404);
    assert_eq!(api.get(&format!("{PODS}/p/log")).await.0, 404);
    let unknown = api.request(Method::GET, &format!("{PODS}?sendInitialEvents=true"));
    assert_eq!(unknown.send().await.expect("it answers").status(), 400);
}

#[tokio::test]
async fn who_changes_what_has_changed_meanwhile_is_refused() {
    let api = Api::new().await;
    let (_, first) = api.map("m").await;
    let path = format!("{MAPS}/m");
    let mut second = first.clone();
    second["data"] = json!({"b": "2"});
    let (code, seen) = api.call(Method::PUT, &path, second.clone()).await;
    assert_eq!((code, &seen["data"]), (200, &json!({"b": "2"})));
    let (code, refused) = api.call(Method::PUT, &path, second).await;
    assert_eq!((code, &refused["reason"]), (409, &json!("Conflict")));
    let patch = json!({"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}, "data": {"c": "3"}});
    let request = api.request(Method::PATCH, &path).body(patch.to_string());
    let request = request.header("content-type", "application/merge-patch+json");
    assert_eq!(request.send().await.expect("it answers").status(), 409);
    let stale = json!({"preconditions": {"resourceVersion": first["metadata"]["resourceVersion"]}});
    assert_eq!(api.call(Method::DELETE, &path, stale).await.0, 409);
}

#[tokio::test]
async fn an_object_is_applied_by_those_who_say_who_they_are() {
    let api = Api::new().await;
    let path = format!("{MAPS}/m");
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data});
    assert_eq!(api.apply(&path, "", map(json!({}))).await.0, 400);
    let (code, _) = api
        .apply(&path, "fieldManager=us", map(json!({"a": "1", "b": "1"})))
        .await;
    assert_eq!(code, 200);
    let (code, refused) = api
        .apply(&path, "fieldManager=them", map(json!({"a": "2"})))
        .await;
    assert_eq!(code, 409, "{refused}");
    let forced = api
        .apply(
            &path,
            "fieldManager=them&force=true",
            map(json!({"a": "2"})),
        )
        .await;
    assert_eq!(forced.1["data"], json!({"a": "2", "b": "1"}));
    let (_, last) = api.apply(&path, "fieldManager=us", map(json!({}))).await;
    assert_eq!(last["data"], json!({"a": "2"}), "each takes back its own");
    assert_eq!(
        api.apply(&format!("{MAPS}/x"), "fieldManager=us", map(json!({})))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_list_in_parts_is_of_one_moment_and_can_be_too_old() {
    let api = Api::new().await;
    for name in ["a", "b", "c"] {
        api.map(name).await;
    }
    let (_, first) = api
        .get(&format!("{MAPS}?limit=2&labelSelector=of=us"))
        .await;
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    let next = first["metadata"]["continue"]
        .as_str()
        .expect("there is more");
    let next = format!("{MAPS}?limit=2&continue={next}");
    api.call(Method::DELETE, &format!("{MAPS}/c"), json!({}))
        .await;
    let (_, second) = api.get(&next).await;
    assert_eq!(second["items"][0]["metadata"]["name"], "c");
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    api.double.forget_history();
    let (code, refused) = api.get(&next).await;
    assert_eq!((code, &refused["reason"]), (410, &json!("Expired")));
}

#[tokio::test]
async fn all_of_a_kind_are_deleted_together() {
    let api = Api::new().await;
    for name in ["a", "b"] {
        api.map(name).await;
    }
    api.call(Method::POST, MAPS, json!({"metadata": {"name": "c"}}))
        .await;
    let (code, _) = api
        .call(
            Method::DELETE,
            &format!("{MAPS}?labelSelector=of=us"),
            json!({}),
        )
        .await;
    assert_eq!(
        (code, api.double.names(Kind::ConfigMap)),
        (200, vec!["c".to_owned()])
    );
}

#[tokio::test]
async fn what_belongs_to_nothing_any_more_is_collected() {
    let api = Api::new().await;
    let map = json!({"metadata": {"name": "m", "ownerReferences": [{"uid": "gone"}]}});
    assert_eq!(api.call(Method::POST, MAPS, map).await.0, 201);
    assert_eq!(api.double.names(Kind::ConfigMap), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_namespace_takes_pods_when_it_has_its_account() {
    let api = Api::new().await;
    let (pods, account) = (
        "/api/v1/namespaces/m/pods",
        "/api/v1/namespaces/m/serviceaccounts/default",
    );
    let namespace = json!({"metadata": {"name": "m"}});
    let made = api.call(Method::POST, "/api/v1/namespaces", namespace);
    assert_eq!(made.await.0, 201);
    let pod = json!({"metadata": {"name": "p"}});
    let (code, refused) = api.call(Method::POST, pods, pod.clone()).await;
    assert_eq!((code, &refused["reason"]), (403, &json!("Forbidden")));
    let has_account = timeout(Duration::from_secs(60), async {
        while api.get(account).await.0 != 200 {
            tokio::task::yield_now().await;
        }
    });
    has_account.await.expect("it gets one");
    assert_eq!(api.call(Method::POST, pods, pod).await.0, 201);
}

#[tokio::test]
async fn only_what_is_allowed_is_done() {
    let api = Api::new().await;
    let role = json!({"kind": "Role", "metadata": {"namespace": "n"}, "rules": [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "list", "patch"]}]});
    api.double.allow_only(&[role]);
    assert_eq!(api.map("m").await.0, 201);
    assert_eq!(api.get(MAPS).await.0, 200);
    assert_eq!(api.double.refused(), Vec::<String>::new());
    let (code, refused) = api.get(&format!("{MAPS}?watch=true")).await;
    assert_eq!((code, &refused["reason"]), (403, &json!("Forbidden")));
    assert_eq!(api.get("/api/v1/configmaps").await.0, 403);
    assert_eq!(api.get(&format!("{PODS}/p/log")).await.0, 403);
    let said = api.double.refused();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(
        said[1].starts_with("configmaps is forbidden: User"),
        "{said:?}"
    );
    assert!(
        said[2].contains("cannot get resource \"pods/log\""),
        "{said:?}"
    );
}

#[tokio::test]
async fn to_apply_what_is_not_there_one_must_be_allowed_to_create_it() {
    let api = Api::new().await;
    let role = json!({"kind": "ClusterRole", "rules": [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}]});
    api.double.allow_only(&[role]);
    let map = json!({"metadata": {"name": "m"}});
    let (code, _) = api
        .apply(&format!("{MAPS}/m"), "fieldManager=us", map)
        .await;
    assert_eq!(code, 403);
}

#[tokio::test]
async fn the_share_of_calls_fails_and_some_of_them_are_done_nevertheless() {
    let api = Api::new().await;
    api.double.disturb(Faults {
        seed: 7,
        share: 0.5,
        latest: Duration::from_millis(1),
        ..Faults::default()
    });
    let (mut n_refused, mut n_closed, mut n_done) = (0, 0, 0);
    for n in 0..200 {
        let map = json!({"metadata": {"name": format!("m-{n}")}});
        let sent = api.request(Method::POST, MAPS).json(&map).send().await;
        match sent.map(|response| response.status()) {
            Ok(StatusCode::CREATED) => n_done += 1,
            Ok(_) => n_refused += 1,
            Err(_) => n_closed += 1,
        }
    }
    let n_there = api.double.names(Kind::ConfigMap).len();
    assert!(
        n_refused > 10 && n_closed > 10,
        "{n_refused} refused, {n_closed} closed"
    );
    assert!(n_there > n_done, "{n_done} answered, {n_there} done");
    api.double.calm();
    for _ in 0..50 {
        assert_eq!(api.get(MAPS).await.0, 200);
    }
}

#[tokio::test]
async fn a_server_that_is_restarted_has_what_it_had_where_it_was() {
    let api = Api::new().await;
    api.map("m").await;
    let mut watch = api.request(Method::GET, &format!("{MAPS}?watch=true&resourceVersion=0"));
    watch = watch.timeout(Duration::from_secs(60));
    let mut watch = watch.send().await.expect("it answers");
    assert!(watch.chunk().await.expect("it goes on").is_some());
    api.double.go_down().await;
    assert!(watch.chunk().await.is_err(), "every connection broke");
    let refused = api
        .request(Method::GET, MAPS)
        .send()
        .await
        .expect_err("nobody is there");
    assert!(refused.is_connect(), "{refused}");
    api.double.come_back().expect("the port is held");
    for _ in 0..3 {
        api.double.restart().await.expect("the port is held");
        assert_eq!(api.get(MAPS).await.1["items"][0]["metadata"]["name"], "m");
    }
}

#[tokio::test]
async fn a_disturbed_watch_tells_everything_in_the_end_and_may_tell_it_again() {
    let api = Api::new().await;
    api.double.disturb(Faults {
        seed: 3,
        share: 0.0,
        watch_share: 0.2,
        latest: Duration::from_millis(1),
        repeats: true,
    });
    let (mut since, mut told, mut n_expired) = (0, Vec::new(), 0);
    let key = |n: u64| format!("m-{n:02}");
    for n in 0..30 {
        api.map(&key(n)).await;
    }
    let all = timeout(Duration::from_secs(60), async {
        while since < 30 {
            let path = format!("{MAPS}?watch=true&resourceVersion={since}");
            // One that breaks at once has not even begun.
            let Ok(mut watch) = api.request(Method::GET, &path).send().await else {
                continue;
            };
            let mut lines = Vec::new();
            // What comes after the last end of a line was not told.
            while since < 30
                && let Ok(Some(more)) = watch.chunk().await
            {
                lines.extend_from_slice(&more);
                while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = lines.drain(..=end).collect();
                    let event: Value = serde_json::from_slice(&line).expect("a line is an event");
                    let version = event["object"]["metadata"]["resourceVersion"].as_str();
                    match version.and_then(|version| version.parse::<u64>().ok()) {
                        Some(version) => {
                            told.push(version);
                            since = since.max(version);
                        }
                        None => n_expired += 1,
                    }
                }
            }
        }
    });
    all.await.expect("it comes to an end");
    for version in 1..=30 {
        assert!(told.contains(&version), "{version} was never told");
    }
    assert!(
        told.len() > 30 && n_expired > 0,
        "{} told, {n_expired} expired",
        told.len()
    );
}

#[tokio::test]
async fn a_pod_that_waits_goes_to_a_node_that_comes_later() {
    let api = Api::new().await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeSelector": {"kubernetes.io/hostname": "n1"}}});
    api.call(Method::POST, PODS, pod).await;
    let key = Key {
        kind: Kind::Pod,
        namespace: "n".to_owned(),
        name: "p".to_owned(),
    };
    let node = || api.double.get(&key).expect("it is there")["spec"]["nodeName"].clone();
    assert_eq!(node(), Value::Null);
    api.double.add_node("n1", &[]).expect("it is new");
    assert_eq!(node(), "n1");
    let (_, list) = api.get("/api/v1/pods?fieldSelector=spec.nodeName=n1").await;
    assert_eq!(list["items"][0]["metadata"]["name"], "p");
}
