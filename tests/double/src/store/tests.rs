//! What the store does with objects.

use super::*;

fn us() -> Manager {
    Manager::default()
}

fn key(kind: Kind, name: &str) -> Key {
    Key {
        kind,
        namespace: if kind == Kind::Node { "" } else { "n" }.to_owned(),
        name: name.to_owned(),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> u16 {
    result.unwrap_err().code
}

/// A store with a node, and a pod on it that belongs to a secret.
fn store() -> Store {
    let mut store = Store::default();
    let node = json!({"metadata": {"name": "n1", "labels": {"host": "n1"}}});
    store.create(&key(Kind::Node, "n1"), node, &us()).unwrap();
    let secret = store
        .create(&key(Kind::Secret, "s"), json!({"data": {"a": "1"}}), &us())
        .unwrap();
    let pod = json!({
        "metadata": {"ownerReferences": [{"uid": secret["metadata"]["uid"]}]},
        "spec": {"nodeSelector": {"host": "n1"}, "terminationGracePeriodSeconds": 30},
    });
    store.create(&key(Kind::Pod, "p"), pod, &us()).unwrap();
    store
}

#[test]
fn an_object_is_created_once_and_changed_by_merging() {
    let mut store = store();
    let secret = key(Kind::Secret, "s");
    assert_eq!(code(store.create(&secret, json!({}), &us())), 409);
    let patch = json!({"data": {"b": "2"}, "status": {"no": 1}, "metadata": {"uid": "mine"}});
    let merged = store.merge(&secret, &patch, false, &us()).unwrap();
    assert_eq!(merged["data"], json!({"a": "1", "b": "2"}));
    assert_eq!(
        (merged["status"].clone(), merged["metadata"]["uid"].clone()),
        (json!(null), json!("uid-2"))
    );
    let version = store.version();
    store.merge(&secret, &patch, false, &us()).unwrap();
    assert_eq!(store.version(), version, "it is as it was");
    assert_eq!(
        code(store.merge(&key(Kind::Secret, "none"), &patch, false, &us())),
        404
    );
}

#[test]
fn a_pod_goes_to_the_node_of_its_selector_or_waits() {
    let mut store = store();
    assert_eq!(
        store.get(&key(Kind::Pod, "p")).unwrap()["spec"]["nodeName"],
        "n1"
    );
    let nowhere = json!({"spec": {"nodeSelector": {"host": "n2"}}});
    let waiting = store.create(&key(Kind::Pod, "q"), nowhere, &us()).unwrap();
    assert_eq!(
        waiting["status"]["conditions"][0]["reason"],
        "Unschedulable"
    );
}

#[test]
fn a_pod_on_a_node_goes_when_its_kubelet_is_done() {
    let mut store = store();
    let pod = key(Kind::Pod, "p");
    let other = Deletion {
        uid: Some("other".to_owned()),
        ..Deletion::default()
    };
    assert_eq!(code(store.delete(&pod, &other)), 409);
    let one = Deletion {
        grace: Some(1),
        ..Deletion::default()
    };
    let going = store.delete(&pod, &one).unwrap();
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 1);
    assert!(store.get(&pod).is_ok());
    store
        .delete(
            &pod,
            &Deletion {
                grace: Some(0),
                ..Deletion::default()
            },
        )
        .unwrap();
    assert_eq!(code(store.get(&pod)), 404);
}

#[test]
fn what_an_object_owns_goes_with_it() {
    let mut store = store();
    store
        .delete(&key(Kind::Secret, "s"), &Deletion::default())
        .unwrap();
    let pod = store.get(&key(Kind::Pod, "p")).unwrap();
    assert!(is_going(&pod), "its kubelet ends it");
    store
        .merge(
            &key(Kind::Pod, "p"),
            &json!({"status": {"phase": "Failed"}}),
            true,
            &us(),
        )
        .unwrap();
    store
        .delete(&key(Kind::Pod, "p"), &Deletion::default())
        .unwrap();
    assert_eq!(store.names(Kind::Pod), Vec::<String>::new());
}

#[test]
fn what_happened_can_be_watched_as_long_as_it_is_remembered() {
    let mut store = store();
    let all: Vec<What> = store.since(0).unwrap().map(|change| change.what).collect();
    assert_eq!(all, [What::Added; 3]);
    store
        .delete(&key(Kind::Node, "n1"), &Deletion::default())
        .unwrap();
    let last: Vec<What> = store.since(3).unwrap().map(|change| change.what).collect();
    assert_eq!(last, [What::Deleted]);
    store.forget_history();
    assert!(store.since(3).is_none());
    assert_eq!(store.since(4).unwrap().count(), 0);
}
