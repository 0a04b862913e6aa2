//! What a cluster does by itself, a moment later.

use std::time::Duration;

use crate::Shared;

/// A namespace has its account so much later: who is quicker is refused.
const LATE: Duration = Duration::from_millis(100);

/// Gives every namespace that is made the account of pods that name none.
pub(crate) async fn add_accounts(shared: Shared) {
    let mut changed = shared.changed.subscribe();
    loop {
        changed.mark_unchanged();
        let lacking = shared.lock().without_account();
        if !lacking.is_empty() {
            tokio::time::sleep(LATE).await;
            let add = |name: &String| shared.with(|store| store.add_account(name));
            lacking.iter().for_each(add);
        } else if changed.changed().await.is_err() {
            return;
        }
    }
}
