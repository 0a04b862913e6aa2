//! The connections to SQLite for queries that take long. Each has a thread that reads for it, and the system favours these
//! less: on a machine that has nothing else to do they are as fast as all others.

use std::fs;

use rustix::process::{Pid, setpriority_process};
use sea_orm::ConnectOptions;

/// How their threads are called. The system cuts names after fifteen characters.
pub(super) const NAME: &str = "hai-aside";
/// How much less they are favoured, as `nice` has it: as much as there is.
const NICE: i32 = 19;

/// Favours the threads of a pool less, each from the beginning of its connection on.
pub(super) fn favour_less(options: &mut ConnectOptions) {
    options.map_sqlx_sqlite_pool_opts(|options| {
        options.after_connect(|_, _| {
            favour_threads_less();
            Box::pin(async { Ok(()) })
        })
    });
}

/// What such a thread runs is not ours, so it is found by its name.
fn favour_threads_less() {
    for entry in fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(thread) = number.and_then(Pid::from_raw) else {
            continue;
        };
        if name.starts_with(NAME)
            && let Err(error) = setpriority_process(Some(thread), NICE)
        {
            tracing::debug!(%error, "long queries are as urgent as all others");
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::getpriority_process;
    use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

    use super::super::{Use, make_private, sqlite};
    use super::*;

    #[tokio::test]
    async fn the_thread_of_a_long_query_is_favoured_less_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("platform.db");
        make_private(&path).unwrap();
        let options = sqlite(&path, Use::LongQueries);
        let db = Database::connect(options).await.unwrap();
        db.query_one_raw(Statement::from_string(DbBackend::Sqlite, "SELECT 1"))
            .await
            .unwrap();
        let usual = getpriority_process(None).unwrap();
        let mut found = 0;
        for entry in fs::read_dir("/proc/self/task").unwrap().flatten() {
            let name = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            let thread = entry.file_name().to_str().unwrap().parse().unwrap();
            // A thread of another test may have ended meanwhile.
            let Ok(nice) = getpriority_process(Pid::from_raw(thread)) else {
                continue;
            };
            if name.starts_with(NAME) {
                assert_eq!(nice, NICE);
                found += 1;
            } else {
                assert_eq!(nice, usual, "{name}");
            }
        }
        assert!(found > 0);
        db.close().await.unwrap();
    }
}
