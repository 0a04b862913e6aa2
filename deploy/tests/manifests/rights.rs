//! Nobody may ask the cluster more than he needs.

use anyhow::Result;
use serde_json::Value;

use crate::objects::{each, named, of_kinds, texts};

fn rules(kind: &str) -> Result<Vec<Value>> {
    let roles = of_kinds(&[kind])?;
    assert!(!roles.is_empty(), "there is no {kind}");
    Ok(roles
        .iter()
        .flat_map(|role| each(&role["rules"]).cloned())
        .collect())
}

fn bindings() -> Result<Vec<Value>> {
    of_kinds(&["RoleBinding", "ClusterRoleBinding"])
}

#[test]
fn no_rule_speaks_of_everything() -> Result<()> {
    for rule in rules("Role")?.into_iter().chain(rules("ClusterRole")?) {
        for part in ["apiGroups", "resources", "verbs"] {
            let words = texts(&rule[part]);
            assert!(!words.is_empty(), "{rule}");
            assert!(words.iter().all(|word| !word.contains('*')), "{rule}");
        }
        // With these one gives oneself everything else.
        for mighty in ["escalate", "bind", "impersonate"] {
            assert!(!texts(&rule["verbs"]).contains(&mighty), "{rule}");
        }
    }
    Ok(())
}

#[test]
fn secrets_are_neither_listed_nor_watched() -> Result<()> {
    let rules = rules("Role")?;
    let about_secrets = rules
        .iter()
        .filter(|rule| texts(&rule["resources"]).contains(&"secrets"));
    let mut n_rules = 0;
    for rule in about_secrets {
        n_rules += 1;
        assert_eq!(
            texts(&rule["verbs"]),
            ["create", "delete", "get", "patch"],
            "{rule}"
        );
    }
    assert_eq!(n_rules, 1);
    Ok(())
}

#[test]
fn nothing_but_nodes_is_given_in_the_whole_cluster() -> Result<()> {
    for rule in rules("ClusterRole")? {
        assert_eq!(texts(&rule["apiGroups"]), [""], "{rule}");
        assert_eq!(texts(&rule["resources"]), ["nodes"], "{rule}");
        let verbs = texts(&rule["verbs"]);
        assert_eq!(verbs, ["list", "patch", "watch"], "{rule}");
    }
    for binding in of_kinds(&["ClusterRoleBinding"])? {
        assert_eq!(binding["roleRef"]["name"], "hai-platform-nodes");
    }
    Ok(())
}

#[test]
fn only_work_is_given_anything_and_only_beside_tasks() -> Result<()> {
    for binding in bindings()? {
        let subjects: Vec<&Value> = each(&binding["subjects"]).collect();
        assert_eq!(subjects.len(), 1, "{binding}");
        assert_eq!(subjects[0]["kind"], "ServiceAccount");
        assert_eq!(subjects[0]["name"], "hai-platform-work");
        assert_eq!(subjects[0]["namespace"], "hai");
    }
    for role in of_kinds(&["Role", "RoleBinding"])? {
        assert_eq!(role["metadata"]["namespace"], "hai-tasks", "{role}");
    }
    Ok(())
}

#[test]
fn who_answers_people_cannot_speak_with_the_cluster() -> Result<()> {
    for (name, is_given) in [("hai-platform-serve", false), ("hai-platform-work", true)] {
        let pod = &named("Deployment", name)?["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], name);
        assert_eq!(pod["automountServiceAccountToken"], is_given, "{name}");
        let account = named("ServiceAccount", name)?;
        assert_eq!(account["automountServiceAccountToken"], false);
    }
    for name in ["hai-postgres", "hai-redis"] {
        let servers = of_kinds(&["StatefulSet", "Deployment"])?;
        let server = servers.iter().find(|it| it["metadata"]["name"] == name);
        let pod = server.map(|it| &it["spec"]["template"]["spec"]);
        let is_given = pod.map(|pod| &pod["automountServiceAccountToken"]);
        assert_eq!(is_given, Some(&Value::Bool(false)), "{name}");
    }
    Ok(())
}
