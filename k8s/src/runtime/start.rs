//! Starting ranks: first the Secret of their run, then their pods.

use std::collections::BTreeMap;

use domain::runtime::{LaunchRank, RuntimeError};
use protocol::FENCE_FILE;

use super::{KubernetesRuntime, same};
use crate::nodes::ClusterNode;
use crate::object::{Capacity, pod, secret};

impl KubernetesRuntime {
    /// Starts ranks of one run, with a result for each.
    pub(super) async fn start_run(
        &self,
        launches: &[&LaunchRank],
    ) -> Vec<Result<(), RuntimeError>> {
        let mut results = Vec::with_capacity(launches.len());
        let mut missing = Vec::new();
        let nodes = match self.cluster_nodes() {
            Ok(nodes) => nodes,
            Err(error) => {
                let why = error.to_string();
                return launches.iter().map(|_| Err(same(&error, &why))).collect();
            }
        };
        for launch in launches {
            match self.capacity(launch, &nodes) {
                Ok(None) => results.push(Ok(())),
                Ok(Some(capacity)) => {
                    missing.push((results.len(), *launch, capacity));
                    results.push(Ok(()));
                }
                Err(error) => results.push(Err(error)),
            }
        }
        if missing.is_empty() {
            return results;
        }
        let all: Vec<LaunchRank> = missing
            .iter()
            .map(|(_, launch, _)| (*launch).clone())
            .collect();
        let anchor = match secret(&self.cluster, &all, self.log) {
            Ok(wanted) => self.calls.ensure_secret(&wanted).await,
            Err(error) => Err(RuntimeError::rejected(error.to_string())),
        };
        let anchor = match anchor {
            Ok(anchor) => anchor,
            Err(error) => {
                let why = error.to_string();
                for (place, ..) in missing {
                    results[place] = Err(same(&error, &why));
                }
                return results;
            }
        };
        let started = missing.iter().map(|(place, launch, capacity)| async {
            let wanted = pod(&self.cluster, launch, *capacity, &anchor);
            let wanted = wanted.map_err(|error| RuntimeError::rejected(error.to_string()))?;
            // It was given up, perhaps by a server that has gone since: it does not begin again.
            let fence = launch.log_dir.join(FENCE_FILE);
            if tokio::fs::try_exists(&fence).await.unwrap_or(false) {
                return Ok(*place);
            }
            // What the kubelet makes for want of it is root's, and the platform is not.
            for dir in [&launch.log_dir].into_iter().chain(&launch.container.home) {
                let made = tokio::fs::create_dir_all(dir).await;
                made.map_err(|error| {
                    RuntimeError::unavailable(format!("make {}", dir.display()), error)
                })?;
            }
            let created = self.calls.ensure_pod(&wanted).await?;
            self.pods.send_modify(|pods| pods.created(&created));
            Ok::<_, RuntimeError>(*place)
        });
        let started = futures_util::future::join_all(started).await;
        for ((place, ..), started) in missing.iter().zip(started) {
            results[*place] = started.map(|_| ());
        }
        results
    }

    /// What the node of a rank has; none if the rank was started before, whatever became of it.
    fn capacity(
        &self,
        launch: &LaunchRank,
        nodes: &BTreeMap<String, ClusterNode>,
    ) -> Result<Option<Capacity>, RuntimeError> {
        if self.known(|pods| pods.get(&launch.key).is_some() || pods.is_fenced(&launch.key))? {
            return Ok(None);
        }
        let LaunchRank {
            key,
            node,
            run_world_size,
            ..
        } = launch;
        if key.rank >= *run_world_size {
            let reason = format!("rank {key} is not one of {run_world_size}");
            return Err(RuntimeError::rejected(reason));
        }
        let node = nodes.get(node).ok_or_else(|| {
            RuntimeError::rejected(format!("the cluster has no node `{node}` for us"))
        })?;
        Ok(Some(node.capacity))
    }
}
