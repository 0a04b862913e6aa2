//! Several clusters as one: the nodes of all are handed out together.
//!
//! The ranks of a run find each other only within their cluster. So a node group is in one cluster, and where a group or a node
//! of the same name is in several, the first has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::mount::ResolvedMount;
use domain::runtime::{
    Killed, LaunchRank, NodeReport, Observation, RankEvent, RankKey, Rendezvous, RunKey, Runtime,
    RuntimeError, RuntimeKind, Visibility,
};
use futures_util::future::BoxFuture;

use crate::lock;

type Answers<'a, T> = BoxFuture<'a, Vec<Result<T, RuntimeError>>>;

/// Clusters with their names.
pub struct Clusters {
    all: Vec<(String, Arc<dyn Runtime>)>,
    /// In which of them each run is, as far as it was heard of since this process began.
    homes: Mutex<BTreeMap<RunKey, usize>>,
    /// Nodes of which it was said that they are not used.
    told: Mutex<BTreeSet<String>>,
}

impl std::fmt::Debug for Clusters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.all.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl Clusters {
    /// Those of the list, of which the earlier ones come first.
    pub fn new(all: Vec<(String, Arc<dyn Runtime>)>) -> Self {
        Self {
            all,
            homes: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// The nodes that can be used, each with its cluster. A cluster that tells of none keeps nobody from the others.
    async fn offered(&self) -> Result<Vec<(usize, NodeReport)>, RuntimeError> {
        let mut offered: Vec<(usize, NodeReport)> = Vec::new();
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut failure = None;
        for (place, (cluster, runtime)) in self.all.iter().enumerate() {
            let nodes = match runtime.nodes().await {
                Ok(nodes) => nodes,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            for node in nodes {
                let owner = *groups.entry(node.group.clone()).or_insert(place);
                if owner == place && names.insert(node.name.clone()) {
                    offered.push((place, node));
                } else if lock(&self.told).insert(format!("{cluster}/{}", node.name)) {
                    tracing::warn!(
                        node.name,
                        node.group,
                        cluster,
                        "a node is not used: another cluster has one of this name, or its group"
                    );
                }
            }
        }
        match failure {
            Some(error) if offered.is_empty() => Err(error),
            _ => Ok(offered),
        }
    }

    /// The cluster that has all of these nodes.
    async fn place_of(
        &self,
        nodes: impl Iterator<Item = &str> + Send,
    ) -> Result<usize, RuntimeError> {
        let offered = self.offered().await?;
        let mut place = None;
        for node in nodes {
            let found = offered.iter().find(|(_, offered)| offered.name == node);
            let (found, _) = found.ok_or_else(|| {
                RuntimeError::rejected(format!("no cluster has a node `{node}` for us"))
            })?;
            if *place.get_or_insert(*found) != *found {
                let reason = format!(
                    "node `{node}` is in another cluster than other nodes of the run, whose ranks would not find each other"
                );
                return Err(RuntimeError::rejected(reason));
            }
        }
        place.ok_or_else(|| RuntimeError::rejected("a run needs a node"))
    }

    /// Starts the ranks of one run.
    async fn start_run(
        &self,
        run: RunKey,
        launches: &[LaunchRank],
    ) -> Vec<Result<(), RuntimeError>> {
        let home = lock(&self.homes).get(&run).copied();
        let nodes = launches.iter().map(|launch| launch.node.as_str());
        let place = match home {
            Some(place) => Ok(place),
            None => self.place_of(nodes).await,
        };
        match place {
            Ok(place) => {
                lock(&self.homes).insert(run, place);
                match self.all.get(place) {
                    Some((_, runtime)) => runtime.start_all(launches).await,
                    None => Vec::new(),
                }
            }
            Err(error) => {
                let refused = launches.iter();
                refused.map(|_| Err(crate::runtime::same(&error))).collect()
            }
        }
    }

    /// Asks each cluster about its ranks, and all clusters about those of which nobody knows where they are. Of several answers
    /// the weightiest counts; with it comes whose it is.
    async fn ask<T: Send>(
        &self,
        ranks: &[RankKey],
        ask: for<'a> fn(&'a dyn Runtime, &'a [RankKey]) -> Answers<'a, T>,
        weight: fn(&Result<T, RuntimeError>) -> u8,
    ) -> Vec<(usize, Result<T, RuntimeError>)> {
        let homes: Vec<Option<usize>> = {
            let homes = lock(&self.homes);
            let home = |rank: &RankKey| homes.get(&rank.run_key()).copied();
            ranks.iter().map(home).collect()
        };
        let mut all: Vec<Option<(usize, Result<T, RuntimeError>)>> = Vec::new();
        all.resize_with(ranks.len(), || None);
        for (place, (_, runtime)) in self.all.iter().enumerate() {
            let is_asked = |home: &Option<usize>| home.is_none_or(|home| home == place);
            let asked: Vec<usize> = (0..ranks.len())
                .filter(|at| is_asked(&homes[*at]))
                .collect();
            let of_place: Vec<RankKey> = asked.iter().map(|at| ranks[*at]).collect();
            let answers = ask(runtime.as_ref(), &of_place).await;
            for (at, answer) in asked.into_iter().zip(answers) {
                let before = all[at].as_ref().map(|(_, before)| weight(before));
                if before.is_none_or(|before| weight(&answer) > before) {
                    all[at] = Some((place, answer));
                }
            }
        }
        let none = || RuntimeError::unavailable("ask a cluster", "there is none");
        all.into_iter()
            .map(|answer| answer.unwrap_or_else(|| (0, Err(none()))))
            .collect()
    }
}

#[async_trait]
impl Runtime for Clusters {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Kubernetes
    }

    async fn nodes(&self) -> Result<Vec<NodeReport>, RuntimeError> {
        let offered = self.offered().await?.into_iter();
        Ok(offered.map(|(_, node)| node).collect())
    }

    async fn take_out_of_use(&self, disabled: &[String]) -> Result<(), RuntimeError> {
        let mut all = Ok(());
        for (_, runtime) in &self.all {
            let one = runtime.take_out_of_use(disabled).await;
            all = all.and(one);
        }
        all
    }

    async fn rendezvous(&self, run: &RunKey, nodes: &[String]) -> Result<Rendezvous, RuntimeError> {
        let place = self.place_of(nodes.iter().map(String::as_str)).await?;
        lock(&self.homes).insert(*run, place);
        match self.all.get(place) {
            Some((_, runtime)) => runtime.rendezvous(run, nodes).await,
            None => Err(RuntimeError::rejected("there is no such cluster")),
        }
    }

    async fn start(&self, launch: &LaunchRank) -> Result<(), RuntimeError> {
        let mut started = self.start_all(std::slice::from_ref(launch)).await;
        started.pop().unwrap_or(Ok(()))
    }

    async fn start_all(&self, launches: &[LaunchRank]) -> Vec<Result<(), RuntimeError>> {
        let mut started = Vec::with_capacity(launches.len());
        for launches in launches.chunk_by(|a, b| a.key.run_key() == b.key.run_key()) {
            if let Some(first) = launches.first() {
                started.extend(self.start_run(first.key.run_key(), launches).await);
            }
        }
        started
    }

    async fn observe(&self, rank: &RankKey) -> Result<Observation, RuntimeError> {
        let mut seen = self.observe_all(std::slice::from_ref(rank)).await;
        seen.pop().unwrap_or(Ok(Observation::NotStarted))
    }

    async fn observe_all(&self, ranks: &[RankKey]) -> Vec<Result<Observation, RuntimeError>> {
        let seen = self.ask(
            ranks,
            |runtime, ranks| runtime.observe_all(ranks),
            |seen| match seen {
                Ok(Observation::NotStarted) => 0,
                // It may be there.
                Err(_) => 1,
                Ok(_) => 2,
            },
        );
        let seen = seen.await;
        let mut homes = lock(&self.homes);
        for (rank, (place, seen)) in ranks.iter().zip(&seen) {
            if matches!(seen, Ok(seen) if *seen != Observation::NotStarted) {
                homes.insert(rank.run_key(), *place);
            }
        }
        seen.into_iter().map(|(_, seen)| seen).collect()
    }

    async fn kill(&self, rank: &RankKey) -> Result<Killed, RuntimeError> {
        let rank = [*rank];
        let killed = self.ask(
            &rank,
            |runtime, ranks| {
                Box::pin(async move {
                    let mut killed = Vec::new();
                    for rank in ranks {
                        killed.push(runtime.kill(rank).await);
                    }
                    killed
                })
            },
            |killed| match killed {
                Ok(Killed::Gone) => 0,
                Ok(Killed::Going) => 1,
                Err(_) => 2,
            },
        );
        let mut killed = killed.await;
        killed.pop().map_or(Ok(Killed::Gone), |(_, killed)| killed)
    }

    async fn events(&self) -> Result<Vec<RankEvent>, RuntimeError> {
        let mut all = Vec::new();
        for (_, runtime) in &self.all {
            all.extend(runtime.events().await?);
        }
        Ok(all)
    }

    async fn list(&self) -> Result<Vec<RankKey>, RuntimeError> {
        let (mut ranks, mut failure) = (Vec::new(), None);
        for (place, (_, runtime)) in self.all.iter().enumerate() {
            match runtime.list().await {
                Ok(listed) => {
                    let runs = listed.iter().map(|rank| (rank.run_key(), place));
                    lock(&self.homes).extend(runs);
                    ranks.extend(listed);
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if ranks.is_empty() => Err(error),
            _ => Ok(ranks),
        }
    }

    async fn forget(&self, rank: &RankKey) -> Result<(), RuntimeError> {
        let mut forgotten = self.forget_all(std::slice::from_ref(rank)).await;
        forgotten.pop().unwrap_or(Ok(()))
    }

    async fn forget_all(&self, ranks: &[RankKey]) -> Vec<Result<(), RuntimeError>> {
        let forgotten = self.ask(
            ranks,
            |runtime, ranks| runtime.forget_all(ranks),
            |forgotten| u8::from(forgotten.is_err()),
        );
        let forgotten = forgotten.await;
        let mut homes = lock(&self.homes);
        for (rank, (_, forgotten)) in ranks.iter().zip(&forgotten) {
            // If others of its run are left, they are looked for.
            if forgotten.is_ok() {
                homes.remove(&rank.run_key());
            }
        }
        forgotten.into_iter().map(|(_, done)| done).collect()
    }

    async fn visibility(&self, mounts: &[ResolvedMount]) -> Result<Vec<Visibility>, RuntimeError> {
        match self.all.first() {
            Some((_, runtime)) => runtime.visibility(mounts).await,
            None => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::runtime::contract::sample_launch;
    use domain::runtime::fake::FakeRuntime;

    use super::*;

    fn node(name: &str, group: &str) -> NodeReport {
        NodeReport {
            name: name.to_owned(),
            group: group.to_owned(),
            zone: None,
            ready: true,
            cpus: 8,
            memory_bytes: 1 << 30,
            gpus: 8,
        }
    }

    fn two() -> (Arc<FakeRuntime>, Arc<FakeRuntime>, Clusters) {
        let east = [node("e1", "training"), node("e2", "training")];
        let east = Arc::new(FakeRuntime::new(east.into()));
        let west = [
            node("w1", "small"),
            node("w2", "small"),
            node("w3", "training"),
            node("e1", "small"),
        ];
        let west = Arc::new(FakeRuntime::new(west.into()));
        let clusters = again(&east, &west);
        (east, west, clusters)
    }

    /// As after a restart of the platform.
    fn again(east: &Arc<FakeRuntime>, west: &Arc<FakeRuntime>) -> Clusters {
        Clusters::new(vec![
            ("east".to_owned(), east.clone()),
            ("west".to_owned(), west.clone()),
        ])
    }

    const RANK: RankKey = RankKey {
        task: 42,
        run: 3,
        rank: 0,
    };
    const OTHER: RankKey = RankKey {
        task: 42,
        run: 3,
        rank: 1,
    };

    #[tokio::test]
    async fn a_group_is_in_one_cluster_and_a_name_too() {
        let (_, _, clusters) = two();
        let nodes = clusters.nodes().await.unwrap();
        let names: Vec<&str> = nodes.iter().map(|node| &*node.name).collect();
        assert_eq!(names, ["e1", "e2", "w1", "w2"]);
    }

    #[tokio::test]
    async fn a_run_is_started_where_its_nodes_are_and_found_again() {
        let (east, west, clusters) = two();
        let launches = [sample_launch(RANK, "w1"), sample_launch(OTHER, "w2")];
        for started in clusters.start_all(&launches).await {
            started.unwrap();
        }
        assert_eq!(
            (east.started(), west.started()),
            (vec![], vec![RANK, OTHER])
        );
        let clusters = again(&east, &west);
        assert_eq!(clusters.observe(&RANK).await.unwrap(), Observation::Alive);
        let before = east.n_calls();
        assert_eq!(clusters.observe(&OTHER).await.unwrap(), Observation::Alive);
        assert_eq!(clusters.kill(&RANK).await.unwrap(), Killed::Gone);
        assert_eq!(east.n_calls(), before, "it is known where the run is");
        west.vanish(&OTHER);
        assert_eq!(clusters.list().await.unwrap(), [RANK, OTHER]);
        clusters.forget(&RANK).await.unwrap();
        clusters.forget(&OTHER).await.unwrap();
        assert_eq!(clusters.list().await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_run_in_two_clusters_is_refused() {
        let (east, west, clusters) = two();
        let launches = [sample_launch(RANK, "e1"), sample_launch(OTHER, "w2")];
        for started in clusters.start_all(&launches).await {
            let error = started.unwrap_err();
            assert!(matches!(error, RuntimeError::Rejected { .. }), "{error}");
        }
        assert_eq!((east.started(), west.started()), (vec![], vec![]));
        let run = RANK.run_key();
        let (both, west) = (["e1", "w1"], ["w1", "w2"]);
        let owned = |nodes: [&str; 2]| nodes.map(str::to_owned);
        assert!(clusters.rendezvous(&run, &owned(both)).await.is_err());
        clusters.rendezvous(&run, &owned(west)).await.unwrap();
    }

    #[tokio::test]
    async fn what_may_be_in_a_cluster_that_is_away_has_not_ended() {
        let (east, west, clusters) = two();
        clusters.start(&sample_launch(RANK, "w1")).await.unwrap();
        let clusters = again(&east, &west);
        west.fail_call(1);
        assert!(clusters.observe(&RANK).await.is_err(), "only it would know");
        west.fail_call(1);
        assert!(clusters.kill(&RANK).await.is_err());
        assert_eq!(west.killed(), []);
        west.fail_call(1);
        assert_eq!(clusters.nodes().await.unwrap().len(), 2, "the others go on");
        assert_eq!(clusters.kill(&RANK).await.unwrap(), Killed::Gone);
        assert_eq!(west.killed(), [RANK]);
    }
}
