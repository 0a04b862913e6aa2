//! What the API says of the objects of a namespace, waited for by watching.

use domain::runtime::{RankKey, RunKey};
use k8s_openapi::api::core::v1::{ContainerState, Pod, Secret};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams};
use kube::runtime::wait::await_condition;
use kube::{Api, Resource, ResourceExt};
use tokio::time::timeout;

use crate::place::{PATIENCE, Place};

/// The container of the user's command.
const CONTAINER: &str = "rank";

impl Place {
    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The pod of a rank, if there is one.
    pub(crate) async fn pod(&self, rank: &RankKey) -> Option<Pod> {
        let found = self.pods().get_opt(&pod_name(rank)).await;
        found.expect("the API says whether there is a pod")
    }

    /// The Secret of a run, if there is one.
    pub(crate) async fn secret(&self, run: &RunKey) -> Option<Secret> {
        let found = self.secrets().get_opt(&format!("hai-{run}")).await;
        found.expect("the API says whether there is a Secret")
    }

    /// Names of all pods and Secrets that were made for ranks.
    pub(crate) async fn names(&self) -> Vec<String> {
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=hai-platform");
        let pods = self.pods().list(&ours).await.expect("pods can be listed");
        let secrets = self.secrets().list(&ours).await;
        let secrets = secrets.expect("Secrets can be listed");
        let pods = pods.iter().map(|pod| format!("pod {}", pod.name_any()));
        let secrets = secrets.iter().map(ResourceExt::name_any);
        pods.chain(secrets.map(|name| format!("secret {name}")))
            .collect()
    }

    /// Removes the pod of a rank as `kubectl delete --force` does: whatever its kubelet says.
    pub(crate) async fn remove_by_force(&self, rank: &RankKey) {
        let at_once = DeleteParams::default().grace_period(0);
        let removed = self.pods().delete(&pod_name(rank), &at_once).await;
        removed.expect("a pod can be removed");
    }

    /// Waits until the pod of a rank is as wanted.
    pub(crate) async fn until_pod(
        &self,
        rank: &RankKey,
        what: &str,
        holds: impl Fn(Option<&Pod>) -> bool + Send + Sync,
    ) {
        let name = pod_name(rank);
        let waited = await_condition(self.pods(), &name, holds);
        match timeout(PATIENCE, waited).await {
            Ok(seen) => drop(seen.expect("the API lets a pod be watched")),
            Err(_) => {
                let pod = self.pod(rank).await.and_then(|pod| pod.status);
                panic!("after {PATIENCE:?} it is still not so that {name} {what}: {pod:?}");
            }
        }
    }

    /// Waits until the container of a rank runs.
    pub(crate) async fn until_it_runs(&self, rank: &RankKey) {
        let runs = |pod: Option<&Pod>| {
            pod.and_then(state)
                .is_some_and(|state| state.running.is_some())
        };
        self.until_pod(rank, "runs", runs).await;
    }

    /// Whether an object is there.
    pub(crate) async fn is_there<K: Resource<DynamicType = ()>>(&self, name: &str) -> bool {
        let found = self.objects::<K>().get_opt(name).await;
        found.expect("the API says whether it is there").is_some()
    }

    /// Waits until an object has gone with what owned it.
    pub(crate) async fn until_gone<K: Resource<DynamicType = ()>>(&self, name: &str) {
        let gone = |object: Option<&DynamicObject>| object.is_none();
        let gone = await_condition(self.objects::<K>(), name, gone);
        let gone = timeout(PATIENCE, gone).await;
        let gone = gone.unwrap_or_else(|_| panic!("after {PATIENCE:?} {name} is still there"));
        gone.expect("the API lets it be watched");
    }

    fn objects<K: Resource<DynamicType = ()>>(&self) -> Api<DynamicObject> {
        let kind = ApiResource::erase::<K>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind)
    }

    /// Waits until neither a pod nor a Secret is left of a run.
    pub(crate) async fn until_nothing_is_left(&self, ranks: &[RankKey]) {
        for rank in ranks {
            self.until_pod(rank, "is gone", |pod| pod.is_none()).await;
            let name = format!("hai-{}", rank.run_key());
            let gone = |secret: Option<&Secret>| secret.is_none();
            let gone = await_condition(self.secrets(), &name, gone);
            let gone = timeout(PATIENCE, gone).await.expect("the Secret goes");
            gone.expect("the API lets a Secret be watched");
        }
        assert_eq!(self.names().await, Vec::<String>::new());
    }

    /// Whether something of a rank may run, as far as the API says: it has a pod of whose container nobody has said that it
    /// has ended.
    pub(crate) async fn may_run(&self, rank: &RankKey) -> bool {
        let pod = self.pod(rank).await;
        pod.is_some_and(|pod| state(&pod).is_none_or(|state| state.terminated.is_none()))
    }
}

pub(crate) fn pod_name(rank: &RankKey) -> String {
    format!("hai-{rank}")
}

/// What the kubelet says of the container of the user's command.
pub(crate) fn state(pod: &Pod) -> Option<&ContainerState> {
    let all = pod.status.as_ref()?.container_statuses.as_ref()?;
    let container = all.iter().find(|status| status.name == CONTAINER)?;
    container.state.as_ref()
}
