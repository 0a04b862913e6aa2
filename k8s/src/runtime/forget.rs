//! Forgetting ranks: their pods, and with the last of a run its Secret.

use std::collections::BTreeSet;

use domain::runtime::{RankKey, RunKey, RuntimeError};

use super::{KubernetesRuntime, same};
use crate::lock;

impl KubernetesRuntime {
    /// Removes ranks of one run of which nothing is left, with a result for each.
    pub(super) async fn forget_run(
        &self,
        run: &RunKey,
        keys: &[RankKey],
    ) -> Vec<Result<(), RuntimeError>> {
        let mut results = Vec::with_capacity(keys.len());
        for key in keys {
            let is_over = self.known(|pods| pods.is_over(key));
            results.push(match is_over {
                Ok(true) => Ok(()),
                Ok(false) => {
                    let reason = format!("rank {key} still has processes");
                    Err(RuntimeError::rejected(reason))
                }
                Err(error) => Err(error),
            });
        }
        let over: BTreeSet<RankKey> = { keys.iter().zip(&results) }
            .filter_map(|(key, result)| result.is_ok().then_some(*key))
            .collect();
        let is_left = |key: &RankKey| key.run_key() == *run && !over.contains(key);
        let is_last = !self.pods.borrow().keys().iter().any(is_left);
        for (key, result) in keys.iter().zip(&mut results) {
            if result.is_err() {
                continue;
            }
            let uid = self.pods.borrow().uid(key).map(str::to_owned);
            if let Some(uid) = uid.filter(|_| !is_last) {
                *result = self.calls.delete_pod(key, &uid).await;
            }
        }
        if is_last && let Err(error) = self.calls.delete_secret(run).await {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(same(&error));
            }
        }
        let gone: Vec<&RankKey> = { keys.iter().zip(&results) }
            .filter_map(|(key, result)| result.is_ok().then_some(key))
            .collect();
        lock(&self.fences).retain(|key, _| !gone.contains(&key));
        self.pods
            .send_modify(|pods| gone.into_iter().for_each(|key| pods.forget(key)));
        results
    }
}
