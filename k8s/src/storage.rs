//! What is done on the storage that the platform shares with ranks. It may hang, so threads do it that may.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use domain::runtime::{LaunchRank, RankKey, RuntimeError, ownership};
use protocol::FENCE_FILE;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// Makes the directories of a rank, and says whether it may start. One that was given up, perhaps by a server that has gone
/// since, may not.
///
/// What the kubelet makes for want of it is root's, and open. Here it is closed: the agent, which is root where the platform
/// need not be, gives it to the user.
pub(crate) async fn prepare(launch: &LaunchRank) -> Result<bool, RuntimeError> {
    let (log_dir, home) = (launch.log_dir.clone(), launch.container.home.clone());
    let action = format!("prepare the directories of rank {}", launch.key);
    on_storage(action, move || {
        // Before its pod: whatever its node remembers of files that were not there, this one always was.
        if open_fence(&log_dir)?.read(&mut [0])? > 0 {
            return Ok(false);
        }
        if let Some(home) = home {
            ownership::create_workspace(&home, None)?;
        }
        Ok(true)
    })
    .await
}

/// Raises the fence of a rank that has its log there, and says since when everybody finds it raised.
pub(crate) async fn fence(rank: RankKey, log_dir: PathBuf) -> Result<Instant, RuntimeError> {
    on_storage(format!("fence off rank {rank}"), move || {
        let mut fence = open_fence(&log_dir)?;
        fence.write_all(b"The platform has given this rank up.\n")?;
        fence.sync_all()?;
        // Its name is to outlive a loss of power, too.
        File::open(&log_dir)?.sync_all()?;
        Ok(Instant::now())
    })
    .await
}

/// The fence of a rank that has its log there; it is made unless it is there. What is in it stays in it, and the file is never
/// another one.
fn open_fence(log_dir: &Path) -> io::Result<File> {
    ownership::create_log_dir(log_dir, None)?;
    let mut options = File::options();
    options.read(true).append(true).create(true);
    options.open(log_dir.join(FENCE_FILE))
}

async fn on_storage<T: Send + 'static>(
    action: String,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RuntimeError> {
    let done = spawn_blocking(work).await;
    let done = done.map_err(io::Error::from).flatten();
    done.map_err(|error| RuntimeError::unavailable(action, error))
}
