//! The files that say where the server is and who the agent is.

use std::{fs, io, path::Path};

use protocol::ServerFile;

use super::Failure;
use crate::{process, record};

/// Address of the server that lives now.
pub(super) fn address(path: &Path) -> Result<String, Failure> {
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
    Ok(server.url)
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
        address(&path)
    }

    #[test]
    fn the_address_of_a_dead_server_is_not_used() {
        assert_eq!(address_of(std::process::id()).unwrap(), "http://host");
        assert_eq!(address_of(0).unwrap(), "http://host");
        // Above the largest number that Linux gives.
        assert!(matches!(address_of(1 << 23), Err(Failure::Stale)));
    }
}
