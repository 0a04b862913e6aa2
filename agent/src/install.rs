//! Brings this program, and what a rank is started with, to where a container of any image has them.
//!
//! ```text
//! FROM   launch.json  rank.json  server.json         read-only: what a run has in common, what the rank has for itself
//! TO     launch.json  token  server.json  rank/      (0600, the directory 0711)
//!        bin/hai-agent                               (0755)
//! ```

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use protocol::{LAUNCH_FILE, Launch, RankPart, join};
use serde::de::DeserializeOwned;

use crate::record;

/// What of a rank is its own.
const PART_FILE: &str = "rank.json";
/// Where the server is.
const SERVER_FILE: &str = "server.json";
const TOKEN_FILE: &str = "token";
const PROGRAM: &str = "hai-agent";

/// Brings `program` and the files in `from` to `to`. It may be repeated.
pub(crate) fn install(program: &Path, from: &Path, to: &Path) -> io::Result<()> {
    let common: Launch = read(&from.join(LAUNCH_FILE))?;
    let part: RankPart = read(&from.join(PART_FILE))?;
    let (launch, token) = join(common, part);
    let server = fs::read(from.join(SERVER_FILE))?;

    // The user's processes pass through it to their control directory, and list nothing.
    fs::set_permissions(to, Permissions::from_mode(0o711))?;
    for name in ["bin", "rank"] {
        let mut directory = DirBuilder::new();
        directory
            .recursive(true)
            .mode(0o711)
            .create(to.join(name))?;
    }
    record::replace_for_now(&to.join(LAUNCH_FILE), &serde_json::to_vec(&launch)?)?;
    record::replace_for_now(&to.join(TOKEN_FILE), token.as_bytes())?;
    record::replace_for_now(&to.join(SERVER_FILE), &server)?;
    let installed = to.join("bin").join(PROGRAM);
    fs::copy(program, &installed)?;
    fs::set_permissions(&installed, Permissions::from_mode(0o755))
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let content = fs::read(path).map_err(named)?;
    serde_json::from_slice(&content).map_err(|error| named(error.into()))
}

#[cfg(test)]
mod tests {
    use protocol::{Command, LogLimits, PROTOCOL_VERSION, split};

    use super::*;

    #[test]
    fn a_rank_finds_its_launch_its_token_and_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for path in [&from, &to] {
            fs::create_dir(path).unwrap();
        }
        let launch = Launch {
            protocol_version: PROTOCOL_VERSION,
            task_id: 42,
            run: 3,
            rank: 1,
            world_size: 2,
            node: "n1".to_owned(),
            server_file: to.join(SERVER_FILE),
            token_file: to.join(TOKEN_FILE),
            rank_dir: to.join("rank"),
            log_dir: "/log/1".into(),
            log: LogLimits {
                segment_bytes: 1,
                budget_bytes: 2,
            },
            command: Command {
                workspace: "/code".into(),
                line: "true".to_owned(),
                env: vec![("RANK".to_owned(), "1".to_owned())],
            },
            identity: None,
            silence_secs: None,
            last_word: None,
            home: None,
            fence: None,
        };
        let common = Launch {
            rank: 0,
            log_dir: "/log/0".into(),
            ..launch.clone()
        };
        let part = split(&common, launch.clone(), "secret");
        fs::write(from.join(LAUNCH_FILE), serde_json::to_vec(&common).unwrap()).unwrap();
        fs::write(from.join(PART_FILE), serde_json::to_vec(&part).unwrap()).unwrap();
        fs::write(from.join(SERVER_FILE), "{}").unwrap();
        let program = dir.path().join("program");
        fs::write(&program, "agent").unwrap();
        for _ in 0..2 {
            install(&program, &from, &to).unwrap();
        }
        let installed: Launch = read(&to.join(LAUNCH_FILE)).unwrap();
        assert_eq!(installed, launch);
        assert_eq!(fs::read_to_string(&launch.token_file).unwrap(), "secret");
        assert_eq!(
            fs::read_to_string(to.join("bin/hai-agent")).unwrap(),
            "agent"
        );
        for (path, mode) in [
            ("token", 0o600),
            ("launch.json", 0o600),
            ("rank", 0o711),
            ("bin/hai-agent", 0o755),
        ] {
            let found = fs::metadata(to.join(path)).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{path}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = install(Path::new("/bin/true"), dir.path(), dir.path()).unwrap_err();
        assert!(error.to_string().contains("launch.json"), "{error}");
    }
}
