//! The fence: a file by which a rank is ended that nobody can reach, on the storage that it shares with the platform.
//!
//! Its node may be cut off from everything else and run on. What cannot see the storage either cannot write there, so it does
//! no harm to what the next run of the task reads.

use std::path::Path;

use protocol::FENCE_PERIOD;
use tokio::fs::try_exists;
use tokio::time::sleep;

/// Waits until the fence is there; for ever without one.
pub(crate) async fn raised(fence: Option<&Path>) {
    let Some(fence) = fence else {
        return std::future::pending().await;
    };
    // Looking may hang with the storage: that holds up nothing else, and the next look sees it.
    while !try_exists(fence).await.unwrap_or(false) {
        sleep(FENCE_PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_seen_within_its_period() {
        let dir = tempfile::tempdir().unwrap();
        let fence = dir.path().join(protocol::FENCE_FILE);
        let early = timeout(Duration::from_secs(60), raised(Some(&fence))).await;
        assert!(early.is_err(), "it is not there");
        std::fs::write(&fence, "").unwrap();
        timeout(FENCE_PERIOD, raised(Some(&fence))).await.unwrap();
        assert!(timeout(FENCE_PERIOD, raised(None)).await.is_err());
    }
}
