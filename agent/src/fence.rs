//! The fence: a file by which a rank is ended that nobody can reach, on the storage that it shares with the platform.
//!
//! The platform makes it before the rank, empty, and writes into it to raise it. It is opened anew for each look. Of a file
//! that is new a network file system may say for a minute that it is not there; but whoever opens one that was always there reads
//! what others have written into it and closed.
//!
//! One that is not there can be raised no more: its directory was removed, or this node has another storage than the
//! platform. A rank that could not be ended does not begin, and does not go on.
//!
//! Its node may be cut off from everything else and run on. What cannot see the storage either cannot write there, so it does
//! no harm to what the next run of the task reads.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use protocol::FENCE_PERIOD;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing yet: the storage has not answered.
    Nothing,
    /// The rank may run.
    Down,
    /// The platform has given the rank up.
    Raised,
    /// There is none.
    Missing,
}

/// Looks every period, as long as this is there.
pub(crate) struct Fence {
    seen: watch::Receiver<Sight>,
    _looks: AbortOnDropHandle<()>,
}

impl Fence {
    /// Begins to look; at nothing, if there is no need for a fence.
    pub(crate) fn watch(path: Option<PathBuf>) -> Self {
        let (tell, seen) = watch::channel(Sight::Nothing);
        let looks = TaskTracker::new().spawn(look_again_and_again(path, tell));
        Self {
            seen,
            _looks: AbortOnDropHandle::new(looks),
        }
    }

    /// Waits until something else is seen. May be dropped without loss.
    pub(crate) async fn changed(&mut self) -> Sight {
        match self.seen.changed().await {
            Ok(()) => *self.seen.borrow_and_update(),
            // Whoever looks never ends.
            Err(_) => std::future::pending().await,
        }
    }
}

async fn look_again_and_again(path: Option<PathBuf>, tell: watch::Sender<Sight>) {
    let Some(path) = path else {
        tell.send_replace(Sight::Down);
        return std::future::pending().await;
    };
    let mut is_in_sight = true;
    loop {
        // Looking may hang with the storage: that holds up nothing else, and the next look sees it.
        match look(&path).await {
            Ok(seen) => {
                is_in_sight = true;
                tell.send_if_modified(|sight| std::mem::replace(sight, seen) != seen);
            }
            Err(error) => {
                if std::mem::take(&mut is_in_sight) {
                    let path = path.display();
                    tracing::warn!(%path, %error, "the fence cannot be read for now");
                }
            }
        }
        sleep(FENCE_PERIOD).await;
    }
}

async fn look(path: &Path) -> io::Result<Sight> {
    match tokio::fs::read(path).await {
        Ok(content) if content.is_empty() => Ok(Sight::Down),
        Ok(_) => Ok(Sight::Raised),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::StaleNetworkFileHandle => {
                Ok(Sight::Missing)
            }
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// What is seen until nothing new is for long.
    async fn sights(fence: &mut Fence) -> Vec<Sight> {
        let mut all = Vec::new();
        while let Ok(sight) = timeout(LONG, fence.changed()).await {
            all.push(sight);
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_seen_within_its_period_when_it_is_written_into() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(protocol::FENCE_FILE);
        let mut raised = fs::File::create(&path).unwrap();
        let mut fence = Fence::watch(Some(path));
        assert_eq!(sights(&mut fence).await, [Sight::Down]);
        raised.write_all(b"given up\n").unwrap();
        let begun = Instant::now();
        assert_eq!(fence.changed().await, Sight::Raised);
        assert!(begun.elapsed() <= FENCE_PERIOD);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_raised_before_the_first_look_is_raised() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(protocol::FENCE_FILE);
        fs::write(&path, "given up\n").unwrap();
        assert_eq!(sights(&mut Fence::watch(Some(path))).await, [Sight::Raised]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_not_there_is_missing_and_so_is_one_whose_directory_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("log");
        let path = inner.join(protocol::FENCE_FILE);
        let mut fence = Fence::watch(Some(path.clone()));
        assert_eq!(sights(&mut fence).await, [Sight::Missing]);
        fs::create_dir(&inner).unwrap();
        fs::write(&path, "").unwrap();
        let mut fence = Fence::watch(Some(path));
        assert_eq!(fence.changed().await, Sight::Down);
        fs::remove_dir_all(&inner).unwrap();
        assert_eq!(sights(&mut fence).await, [Sight::Missing]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_for_now_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(protocol::FENCE_FILE);
        // A link to itself can be followed by nobody.
        symlink(&path, &path).unwrap();
        let mut fence = Fence::watch(Some(path.clone()));
        assert_eq!(sights(&mut fence).await, []);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(sights(&mut fence).await, [Sight::Down]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_needs_none_may_run() {
        assert_eq!(sights(&mut Fence::watch(None)).await, [Sight::Down]);
    }
}
