//! The account of the platform in a namespace: it may do what `deploy/` allows, and nothing else.

use std::path::Path;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef, Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, PostParams};
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;

/// What is applied to every cluster.
const ACCESS: &str = include_str!("../../../deploy/base/access.yaml");
const GROUP: &str = "rbac.authorization.k8s.io";
const NAME: &str = "hai-platform-work";

/// Makes the account in a namespace, and answers a client that is it.
pub(crate) async fn client(kubeconfig: &Path, admin: &Client, namespace: &Namespace) -> Client {
    let name = namespace.metadata.name.as_deref().expect("it has a name");
    let post = PostParams::default();
    let in_namespace = ObjectMeta {
        name: Some(NAME.to_owned()),
        ..ObjectMeta::default()
    };
    // What is in no namespace goes with this one.
    let in_cluster = ObjectMeta {
        name: Some(name.to_owned()),
        owner_references: Some(vec![OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            name: name.to_owned(),
            uid: namespace.metadata.uid.clone().expect("it has one"),
            ..OwnerReference::default()
        }]),
        ..ObjectMeta::default()
    };

    let accounts = Api::<ServiceAccount>::namespaced(admin.clone(), name);
    let account = ServiceAccount {
        metadata: in_namespace.clone(),
        ..ServiceAccount::default()
    };
    let made = accounts.create(&post, &account).await;
    made.expect("an account can be made");
    let role = Role {
        metadata: in_namespace.clone(),
        ..written("Role")
    };
    let roles = Api::namespaced(admin.clone(), name);
    roles
        .create(&post, &role)
        .await
        .expect("a Role can be made");
    let binding = RoleBinding {
        metadata: in_namespace,
        role_ref: role_ref("Role", NAME),
        subjects: Some(vec![subject(name)]),
    };
    let bindings = Api::namespaced(admin.clone(), name);
    let made = bindings.create(&post, &binding).await;
    made.expect("a RoleBinding can be made");
    let role = ClusterRole {
        metadata: in_cluster.clone(),
        ..written("ClusterRole")
    };
    let made = Api::all(admin.clone()).create(&post, &role).await;
    made.expect("a ClusterRole can be made");
    let binding = ClusterRoleBinding {
        metadata: in_cluster,
        role_ref: role_ref("ClusterRole", name),
        subjects: Some(vec![subject(name)]),
    };
    let made = Api::all(admin.clone()).create(&post, &binding).await;
    made.expect("a ClusterRoleBinding can be made");

    let request = TokenRequest {
        spec: Some(TokenRequestSpec::default()),
        ..TokenRequest::default()
    };
    let given = accounts.create_token_request(NAME, &post, &request).await;
    let given = given.expect("the cluster gives the account a token");
    let token = given.status.and_then(|status| status.token);
    let token = token.expect("it is in the answer");
    let file = Kubeconfig::read_from(kubeconfig).expect("it was read before");
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    let mut config = config.expect("it was understood before");
    config.auth_info = AuthInfo {
        token: Some(token.into()),
        ..AuthInfo::default()
    };
    config.default_retry = false;
    Client::try_from(config).expect("it is a client")
}

/// The one object of a kind in `deploy/`.
fn written<T: serde::de::DeserializeOwned>(kind: &str) -> T {
    let objects: Vec<Value> = serde_saphyr::from_multiple(ACCESS).expect("it is YAML");
    let mut objects = objects.into_iter().filter(|object| object["kind"] == kind);
    let object = objects.next().expect("there is one");
    assert!(objects.next().is_none(), "there are several");
    serde_json::from_value(object).expect("it is of its kind")
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef {
        api_group: Some(GROUP.to_owned()),
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

fn subject(namespace: &str) -> Subject {
    Subject {
        kind: "ServiceAccount".to_owned(),
        name: NAME.to_owned(),
        namespace: Some(namespace.to_owned()),
        ..Subject::default()
    }
}
