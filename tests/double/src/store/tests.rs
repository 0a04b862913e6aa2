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
    let pod = key(Kind::Pod, "p");
    let version = store.version();
    store.delete(&pod, &Deletion::default()).unwrap();
    assert_eq!(store.version(), version, "its kubelet removes it");
    let now = Deletion {
        grace: Some(0),
        ..Deletion::default()
    };
    store.delete(&pod, &now).unwrap();
    assert_eq!(store.names(Kind::Pod), Vec::<String>::new());
}

#[test]
fn what_is_to_go_may_go_sooner_and_not_later() {
    let mut store = store();
    let pod = key(Kind::Pod, "p");
    let mut until = |grace: Option<u64>| {
        let how = Deletion {
            grace,
            ..Deletion::default()
        };
        let meta = store.delete(&pod, &how).unwrap()["metadata"].clone();
        let until = moment(&meta["deletionTimestamp"]).unwrap() - DateTime::UNIX_EPOCH;
        (until.num_seconds(), meta["resourceVersion"].clone())
    };
    let (usual, first) = until(None);
    assert_eq!(usual, 30);
    let (sooner, second) = until(Some(1));
    assert!(sooner == 1 && second != first);
    for grace in [None, Some(1), Some(30)] {
        assert_eq!(until(grace), (1, second.clone()), "{grace:?}");
    }
    assert_eq!(until(Some(0)).0, 0);
    assert_eq!(code(store.get(&pod)), 404);
}

#[test]
fn a_namespace_goes_when_nothing_is_left_in_it_and_takes_nothing_meanwhile() {
    let mut store = store();
    let namespace = Key {
        kind: Kind::Namespace,
        ..key(Kind::Node, "m")
    };
    let made = store.create(&namespace, json!({}), &us()).unwrap();
    assert_eq!(made["status"]["phase"], "Active");
    let inside = |kind: Kind, name: &str| Key {
        namespace: "m".to_owned(),
        ..key(kind, name)
    };
    let pod =
        json!({"spec": {"nodeSelector": {"host": "n1"}, "terminationGracePeriodSeconds": 30}});
    let created = store.create(&inside(Kind::Pod, "p"), pod.clone(), &us());
    assert_eq!(code(created), 403, "it has no account yet");
    assert_eq!(store.without_account(), ["m"]);
    store.add_account("m");
    assert_eq!(store.without_account(), Vec::<String>::new());
    store.create(&inside(Kind::Pod, "p"), pod, &us()).unwrap();
    store
        .create(&inside(Kind::Secret, "s"), json!({}), &us())
        .unwrap();
    store.delete(&namespace, &Deletion::default()).unwrap();
    let going = store.get(&namespace).unwrap();
    assert_eq!(going["status"]["phase"], "Terminating");
    assert_eq!(code(store.get(&inside(Kind::Secret, "s"))), 404);
    let late = |store: &mut Store| code(store.create(&inside(Kind::Secret, "t"), json!({}), &us()));
    assert_eq!(late(&mut store), 403);
    let now = Deletion {
        grace: Some(0),
        ..Deletion::default()
    };
    store.delete(&inside(Kind::Pod, "p"), &now).unwrap();
    assert_eq!(code(store.get(&namespace)), 404);
    assert_eq!(late(&mut store), 404);
    assert_eq!(store.names(Kind::Pod), ["p"], "others are not touched");
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
