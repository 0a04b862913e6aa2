//! What may be asked for. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::store::{Refusal, refusal};

/// Who asks.
const USER: &str = "system:serviceaccount:default:client";

/// What somebody wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) verb: &'static str,
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    /// The part of an object, as in `pods/status`; empty for the whole.
    pub(crate) part: String,
    /// Empty for the cluster.
    pub(crate) namespace: String,
    /// Empty if no object is named.
    pub(crate) name: String,
}

/// The rules that allow something, and what they did not.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    /// None: everything is allowed.
    roles: Option<Vec<Value>>,
    refused: BTreeSet<String>,
}

impl Permissions {
    pub(crate) fn only(roles: &[Value]) -> Self {
        Self {
            roles: Some(roles.to_vec()),
            refused: BTreeSet::new(),
        }
    }

    /// What was refused, each once.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.refused.iter().cloned().collect()
    }

    pub(crate) fn check(&mut self, wish: &Wish) -> Result<(), Refusal> {
        let is_allowed = { self.roles.as_ref() }.is_none_or(|roles| allows(roles, wish));
        if is_allowed {
            return Ok(());
        }
        let message = wish.forbidden();
        self.refused.insert(message.clone());
        Err(refusal(403, "Forbidden", message))
    }
}

fn allows(roles: &[Value], wish: &Wish) -> bool {
    let rules = roles.iter().filter(|role| is_in_force(role, wish));
    let mut rules = rules.flat_map(|role| role["rules"].as_array().into_iter().flatten());
    rules.any(|rule| allows_by(rule, wish))
}

/// Whether a role says anything of where something is wanted. One that is in no namespace says it of all.
fn is_in_force(role: &Value, wish: &Wish) -> bool {
    let namespace = role["metadata"]["namespace"].as_str();
    role["kind"] == "ClusterRole"
        || (!wish.namespace.is_empty() && namespace.is_none_or(|it| it == wish.namespace))
}

fn allows_by(rule: &Value, wish: &Wish) -> bool {
    let has = |part: &str, wanted: &str| {
        let mut all = rule[part].as_array().into_iter().flatten();
        all.any(|it| it == "*" || it == wanted)
    };
    let resource = wish.resource();
    let any_part = format!("*/{}", wish.part);
    let has_resource =
        has("resources", &resource) || (!wish.part.is_empty() && has("resources", &any_part));
    let names = rule["resourceNames"].as_array();
    let has_name = names.is_none_or(|names| {
        names.is_empty()
            || (!wish.name.is_empty() && names.iter().any(|it| it == wish.name.as_str()))
    });
    has("apiGroups", wish.group) && has_resource && has("verbs", wish.verb) && has_name
}

impl Wish {
    fn resource(&self) -> String {
        match self.part.as_str() {
            "" => self.resource.to_owned(),
            part => format!("{}/{part}", self.resource),
        }
    }

    /// As the API server says it.
    fn forbidden(&self) -> String {
        let Self {
            verb, group, name, ..
        } = self;
        let what = match *group {
            "" => self.resource.to_owned(),
            group => format!("{}.{group}", self.resource),
        };
        let named = match name.as_str() {
            "" => String::new(),
            name => format!(" \"{name}\""),
        };
        let place = match self.namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        format!(
            "{what}{named} is forbidden: User \"{USER}\" cannot {verb} resource \"{}\" in API group \"{group}\" {place}",
            self.resource()
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wish(verb: &'static str, resource: &'static str, name: &str) -> Wish {
        Wish {
            verb,
            group: "",
            resource,
            part: String::new(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn only_what_a_rule_says_is_allowed() {
        let role = json!({"kind": "Role", "metadata": {"namespace": "n"}, "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create"], "resourceNames": ["s"]},
            {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["*"]}]});
        let status = Wish {
            part: "status".to_owned(),
            ..wish("patch", "pods", "p")
        };
        let elsewhere = Wish {
            namespace: "m".to_owned(),
            ..wish("get", "pods", "p")
        };
        let foreign = Wish {
            group: "apps",
            ..wish("get", "pods", "p")
        };
        for (wish, is_allowed) in [
            (wish("create", "pods", ""), true),
            (wish("delete", "pods", "p"), false),
            (wish("get", "secrets", "s"), true),
            (wish("get", "secrets", "t"), false),
            (wish("create", "secrets", ""), false),
            (status, true),
            (elsewhere, false),
            (foreign, false),
        ] {
            let checked = Permissions::only(std::slice::from_ref(&role)).check(&wish);
            assert_eq!(checked.is_ok(), is_allowed, "{wish:?}");
        }
        assert!(
            Permissions::default()
                .check(&wish("list", "nodes", ""))
                .is_ok()
        );
    }

    #[test]
    fn a_role_of_the_cluster_is_for_every_namespace_and_for_none() {
        let role = json!({"kind": "ClusterRole", "rules": [
            {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]}]});
        let nodes = Wish {
            namespace: String::new(),
            ..wish("list", "nodes", "")
        };
        let mut permissions = Permissions::only(&[role]);
        assert!(permissions.check(&nodes).is_ok());
        assert!(permissions.check(&wish("list", "pods", "")).is_ok());
    }

    #[test]
    fn what_is_refused_is_said_as_the_api_server_says_it_and_remembered() {
        let mut permissions = Permissions::only(&[]);
        for _ in 0..2 {
            let refused = permissions.check(&wish("list", "secrets", "")).unwrap_err();
            assert_eq!((refused.code, refused.reason), (403, "Forbidden"));
        }
        let policy = Wish {
            group: "networking.k8s.io",
            namespace: String::new(),
            ..wish("get", "networkpolicies", "a")
        };
        permissions.check(&policy).unwrap_err();
        assert_eq!(
            permissions.refused(),
            [
                "networkpolicies.networking.k8s.io \"a\" is forbidden: User \"system:serviceaccount:default:client\" cannot get resource \"networkpolicies\" in API group \"networking.k8s.io\" at the cluster scope",
                "secrets is forbidden: User \"system:serviceaccount:default:client\" cannot list resource \"secrets\" in API group \"\" in the namespace \"n\"",
            ]
        );
    }
}
