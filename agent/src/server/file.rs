//! The files that say where the server is and who the agent is.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use protocol::ServerFile;

use super::Failure;
use crate::{process, record};

/// A server that lives now: another one at each `turn`, if there are several.
///
/// Those of this machine have a file each, in the directory `servers` beside that of the one that started last.
pub(super) fn server(path: &Path, turn: u64) -> Result<ServerFile, Failure> {
    let beside = fs::read_dir(path.with_file_name("servers"));
    let files = beside.into_iter().flatten().flatten();
    let files = files.map(|entry| entry.path());
    let is_record = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "json");
    let mut files: Vec<PathBuf> = files.filter(is_record).collect();
    files.sort_unstable();
    let alive: Vec<ServerFile> = files.iter().filter_map(|file| alive(file).ok()).collect();
    let n_alive = u64::try_from(alive.len()).unwrap_or(u64::MAX);
    let index = turn.checked_rem(n_alive).unwrap_or_default();
    let index = usize::try_from(index).unwrap_or_default();
    match alive.into_iter().nth(index) {
        Some(server) => Ok(server),
        None => self::alive(path),
    }
}

/// The server in a file, if it lives.
fn alive(path: &Path) -> Result<ServerFile, Failure> {
    let failed = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    let content = fs::read(path).map_err(failed)?;
    let server: ServerFile = serde_json::from_slice(&content)
        .map_err(io::Error::from)
        .map_err(failed)?;
    // Another program, or the server of another cluster, may listen on a dead server's address. Its word that it does
    // not know the run must not end the run.
    if server.pid != 0 && !process::exists(server.pid) {
        return Err(Failure::Stale);
    }
    Ok(server)
}

/// The agent's token.
pub(super) fn token(path: &Path) -> Result<String, Failure> {
    let failed = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    Ok(fs::read_to_string(path).map_err(failed)?.trim().to_owned())
}

/// Replaces the agent's token.
pub(super) fn replace_token(path: &Path, token: &str) -> Result<(), Failure> {
    let failed = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    record::replace(path, token.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(pid: u32) -> Result<String, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.json");
        fs::write(&path, format!(r#"{{"url":"http://host","pid":{pid}}}"#)).unwrap();
        server(&path, 0).map(|server| server.url)
    }

    #[test]
    fn the_address_of_a_dead_server_is_not_used() {
        assert_eq!(address_of(std::process::id()).unwrap(), "http://host");
        assert_eq!(address_of(0).unwrap(), "http://host");
        // Above the largest number that Linux gives.
        assert!(matches!(address_of(1 << 23), Err(Failure::Stale)));
    }

    #[test]
    fn several_servers_take_turns_and_dead_ones_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let servers = directory.path().join("servers");
        fs::create_dir(&servers).unwrap();
        let dead = 1 << 23;
        for (name, url, pid) in [("1", "a", 0), ("2", "dead", dead), ("3", "b", 0)] {
            let text = format!(r#"{{"url":"{url}","pid":{pid}}}"#);
            fs::write(servers.join(format!("{name}.json")), text).unwrap();
        }
        fs::write(servers.join("4.json"), "{").unwrap();
        fs::write(servers.join("4.lock"), "").unwrap();
        let path = directory.path().join("server.json");
        let turns = [0, 1, 2, u64::MAX].map(|turn| server(&path, turn).unwrap().url);
        assert_eq!(turns, ["a", "b", "a", "b"]);
        fs::remove_dir_all(&servers).unwrap();
        fs::write(&path, r#"{"url":"last","pid":0}"#).unwrap();
        assert_eq!(server(&path, 7).unwrap().url, "last");
    }
}
