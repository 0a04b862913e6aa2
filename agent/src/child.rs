//! Starting the user's command.

use std::{
    fs, io,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::unistd::geteuid;
use protocol::{CONTROL_DIR, CONTROL_DIR_VAR, Identity, Launch, RANK_DIR_VAR};

/// Where the shell is looked for before the directories of the command's own `PATH`.
const SHELL_DIRECTORIES: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// Why the command does not run: sentences for the user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("The workspace {} does not exist.", .0.display())]
    NoWorkspace(PathBuf),
    #[error("The workspace {} is not a directory.", .0.display())]
    WorkspaceIsNoDirectory(PathBuf),
    #[error("The workspace {} cannot be entered by user {user}: {source}.", workspace.display())]
    WorkspaceIsClosed {
        workspace: PathBuf,
        user: String,
        source: io::Error,
    },
    #[error(
        "The interpreter bash was found neither in /usr/local/bin, /usr/bin, /bin nor in PATH."
    )]
    NoShell,
    #[error("The command cannot be started with {}: {source}.", shell.display())]
    Refused { shell: PathBuf, source: io::Error },
    #[error("There is no pipe for the command's output: {0}.")]
    NoPipe(io::Error),
    #[error("The command's control directory cannot be made: {0}.")]
    NoControl(io::Error),
}

/// Whom the command runs as, if that is another than the agent itself.
pub(crate) fn identity(launch: &Launch) -> Option<&Identity> {
    launch.identity.as_ref().filter(|_| geteuid().is_root())
}

/// Starts `bash -c <line>` in the workspace, with exactly the environment of the launch, as the launch's user if this
/// process may change it, in a process group of its own, and with all its output going into one pipe. Gives its process
/// number, which is also that of the group.
pub(crate) fn start(launch: &Launch, output: io::PipeWriter) -> Result<i32, StartError> {
    let workspace = &launch.command.workspace;
    let shell = find_shell(&SHELL_DIRECTORIES, &launch.command.env).ok_or(StartError::NoShell)?;
    match fs::metadata(workspace) {
        Ok(metadata) if !metadata.is_dir() => {
            return Err(StartError::WorkspaceIsNoDirectory(workspace.clone()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(StartError::NoWorkspace(workspace.clone()));
        }
        // The command's user may be allowed to enter what this process may not look at.
        Ok(_) | Err(_) => {}
    }

    let mut command = Command::new(&shell);
    command
        .args(["-c", &launch.command.line])
        .current_dir(workspace)
        .env_clear()
        .envs(launch.command.env.iter().map(|(name, value)| (name, value)))
        .env(RANK_DIR_VAR, &launch.rank_dir)
        .env(CONTROL_DIR_VAR, launch.rank_dir.join(CONTROL_DIR))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(StartError::NoPipe)?)
        .stderr(output)
        .process_group(0);
    let mut user = "the agent's own".to_owned();
    if let Some(identity) = identity(launch) {
        // As root the library drops the supplementary groups, too.
        command.uid(identity.uid).gid(identity.gid);
        user = format!("{} ({})", identity.user, identity.uid);
    }
    let child = command.spawn().map_err(|source| match source.kind() {
        // The shell was found a moment ago, so it is the workspace that cannot be entered.
        io::ErrorKind::PermissionDenied => StartError::WorkspaceIsClosed {
            workspace: workspace.clone(),
            user,
            source,
        },
        _ => StartError::Refused { shell, source },
    })?;
    Ok(i32::try_from(child.id()).expect("process numbers of Linux fit into 22 bits"))
}

fn find_shell(usual: &[&str], env: &[(String, String)]) -> Option<PathBuf> {
    let path = env.iter().rev().find(|(name, _value)| name == "PATH");
    let own = path
        .map(|(_name, value)| value.as_str())
        .unwrap_or_default();
    let is_program = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
    };
    (usual.iter().copied())
        .chain(own.split(':'))
        .map(Path::new)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join("bash"))
        .find(is_program)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_shell_is_found_in_the_usual_places() {
        let found = find_shell(&SHELL_DIRECTORIES, &[]).unwrap();
        assert!(
            SHELL_DIRECTORIES
                .iter()
                .any(|usual| found.starts_with(usual)),
            "{found:?}"
        );
    }

    #[test]
    fn elsewhere_the_last_path_of_the_command_counts() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("bash");
        let path = |value: String| ("PATH".to_owned(), value);
        let env = [
            path("/nowhere".into()),
            path(format!("a::{}", directory.path().display())),
        ];
        assert_eq!(find_shell(&[], &env), None);
        fs::write(&own, "").unwrap();
        assert_eq!(find_shell(&[], &env), None, "it is no program");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_shell(&[], &env), Some(own));
    }
}
