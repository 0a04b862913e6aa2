//! What is asked of the API server: every call of ours, and what its failure means.

use std::path::PathBuf;

use domain::runtime::{RankKey, RunKey, RuntimeError};
use k8s_openapi::api::core::v1::{Event, Node, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client, Error, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::object::Exposed;
use crate::{labels, names};

/// Calls that are under way at the same time. The API server has others to answer.
const MOST_CALLS: usize = 32;
/// How long the kubelet gives a rank that is killed. None at all would mean that it is forgotten, not that it ends.
const KILL_SECS: u32 = 1;

/// The objects of a cluster that we touch.
pub(crate) struct Calls {
    pub(crate) pods: Api<Pod>,
    pub(crate) nodes: Api<Node>,
    pub(crate) events: Api<Event>,
    secrets: Api<Secret>,
    services: Api<Service>,
    ingresses: Api<Ingress>,
    policies: Api<NetworkPolicy>,
    places: Semaphore,
}

/// What a Secret says of its run to those who do not read what is in it.
pub(crate) struct Anchor {
    /// Where the logs of the run are.
    pub(crate) log_dir: Option<PathBuf>,
}

impl Calls {
    pub(crate) fn new(client: &Client, namespace: &str) -> Self {
        Self {
            pods: Api::namespaced(client.clone(), namespace),
            nodes: Api::all(client.clone()),
            events: Api::namespaced(client.clone(), namespace),
            secrets: Api::namespaced(client.clone(), namespace),
            services: Api::namespaced(client.clone(), namespace),
            ingresses: Api::namespaced(client.clone(), namespace),
            policies: Api::namespaced(client.clone(), namespace),
            places: Semaphore::new(MOST_CALLS),
        }
    }

    /// Creates the Secret of a run, or adds to the one that is there.
    pub(crate) async fn ensure_secret(&self, wanted: &Secret) -> Result<Secret, RuntimeError> {
        let created = self.call(self.secrets.create(&ours(), wanted)).await;
        let created = match created {
            Err(error) if code(&error) == Some(409) => {
                // What is there was begun by us, and may have other ranks already.
                let name = wanted.metadata.name.as_deref().unwrap_or_default();
                let more = Secret {
                    metadata: kube::api::ObjectMeta::default(),
                    data: wanted.data.clone(),
                    ..Secret::default()
                };
                let patch = Patch::Merge(&more);
                let params = PatchParams {
                    field_manager: Some(labels::MANAGER.to_owned()),
                    ..PatchParams::default()
                };
                self.call(self.secrets.patch(name, &params, &patch)).await
            }
            created => created,
        };
        created.map_err(|error| failure("write the Secret of a run", error))
    }

    /// The Secret of a run, if it is there and is to stay.
    pub(crate) async fn secret(&self, run: &RunKey) -> Result<Option<Anchor>, RuntimeError> {
        let name = names::secret(run);
        let found = self.call(self.secrets.get_metadata_opt(&name)).await;
        let found = found.map_err(|error| failure("look for the Secret of a run", error))?;
        let found = found.filter(|secret| secret.metadata.deletion_timestamp.is_none());
        Ok(found.map(|secret| Anchor {
            log_dir: secret
                .metadata
                .annotations
                .as_ref()
                .and_then(labels::log_dir),
        }))
    }

    /// Removes the Secret of a run, and with it its pods. That there is none is fine.
    pub(crate) async fn delete_secret(&self, run: &RunKey) -> Result<(), RuntimeError> {
        let name = names::secret(run);
        let params = DeleteParams::background();
        let deleted = self.call(self.secrets.delete(&name, &params)).await;
        gone("remove the Secret of a run", deleted)
    }

    /// Creates a pod, or answers the one that is there.
    pub(crate) async fn ensure_pod(&self, wanted: &Pod) -> Result<Pod, RuntimeError> {
        let created = self.call(self.pods.create(&ours(), wanted)).await;
        let pod = match created {
            Err(error) if code(&error) == Some(409) => {
                let name = wanted.metadata.name.as_deref().unwrap_or_default();
                self.call(self.pods.get(name)).await
            }
            created => created,
        };
        let pod = pod.map_err(|error| failure("create the pod of a rank", error))?;
        if pod.metadata.owner_references != wanted.metadata.owner_references {
            // It goes, because its Secret has gone.
            return Err(RuntimeError::unavailable(
                "create the pod of a rank",
                "one of the same name, of an earlier Secret, is still there",
            ));
        }
        Ok(pod)
    }

    /// Makes what exposes a rank as it is wanted, whatever is there.
    pub(crate) async fn expose(&self, wanted: &Exposed) -> Result<(), RuntimeError> {
        for service in &wanted.services {
            self.apply(&self.services, service).await?;
        }
        if let Some(ingress) = &wanted.ingress {
            self.apply(&self.ingresses, ingress).await?;
        }
        if let Some(policy) = &wanted.policy {
            self.apply(&self.policies, policy).await?;
        }
        Ok(())
    }

    async fn apply<K>(&self, api: &Api<K>, wanted: &K) -> Result<(), RuntimeError>
    where
        K: Resource + Serialize + DeserializeOwned + Clone + std::fmt::Debug + Sync,
    {
        let name = wanted.meta().name.as_deref().unwrap_or_default();
        // Nobody else has anything to say about objects of ours.
        let params = PatchParams::apply(labels::MANAGER).force();
        let patch = Patch::Apply(wanted);
        let applied = self.call(api.patch(name, &params, &patch)).await;
        let applied = applied.map(drop);
        applied.map_err(|error| failure("expose a rank", error))
    }

    /// Ends the pod of a rank. That there is none is fine.
    pub(crate) async fn delete_pod(&self, key: &RankKey, uid: &str) -> Result<(), RuntimeError> {
        let params = DeleteParams {
            grace_period_seconds: Some(KILL_SECS),
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let deleted = self.call(self.pods.delete(&names::pod(key), &params)).await;
        match deleted {
            // Another one has its name: that of this uid is gone.
            Err(error) if code(&error) == Some(409) => Ok(()),
            deleted => gone("end the pod of a rank", deleted),
        }
    }

    /// Changes a node.
    pub(crate) async fn change_node(&self, name: &str, change: &Value) -> Result<(), RuntimeError> {
        let params = PatchParams {
            field_manager: Some(labels::MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(change);
        let changed = self.call(self.nodes.patch(name, &params, &patch)).await;
        gone("label and cordon a node", changed)
    }

    async fn call<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        // It is never closed; if it were, the call would only not be counted.
        let _place = self.places.acquire().await;
        request.await
    }
}

fn ours() -> PostParams {
    PostParams {
        field_manager: Some(labels::MANAGER.to_owned()),
        ..PostParams::default()
    }
}

fn gone<T>(action: &str, deleted: Result<T, Error>) -> Result<(), RuntimeError> {
    match deleted {
        Ok(_) => Ok(()),
        Err(error) if code(&error) == Some(404) => Ok(()),
        Err(error) => Err(failure(action, error)),
    }
}

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// What the API server does not understand, it never will. Everything else may be otherwise the next time, a missing
/// permission too: no task is lost for it.
fn failure(action: &str, error: Error) -> RuntimeError {
    match &error {
        Error::Api(status) if matches!(status.code, 400 | 422) => RuntimeError::rejected(format!(
            "the cluster refuses to {action}: {}",
            status.message
        )),
        _ => RuntimeError::unavailable(action, error),
    }
}
