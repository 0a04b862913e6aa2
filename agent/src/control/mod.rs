//! How the command of a rank talks to its agent: a directory with one byte to look at and a socket to call.
//!
//! Everything in it belongs to the command's user, who may spoil it at no harm but to the own rank: the agent keeps the
//! file and the socket open and never looks at their names again.

mod call;
mod socket;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt, fchown, lchown},
    },
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;
use protocol::{CONTROL_DIR, Launch, SOCKET_FILE, SUSPEND_FILE};
use tokio::{net::UnixListener, sync::mpsc};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::child;

pub(crate) use call::{Answer, Call, Request};

/// The agent's side of the control directory. Dropping it ends all calls.
pub(crate) struct Control {
    flag: File,
    /// What the flag shows.
    suspend: bool,
    _socket: AbortOnDropHandle<()>,
}

impl Control {
    /// Makes the directory, with the flag down, and takes calls from now on. No command of the rank runs yet.
    pub(crate) fn open(launch: &Launch, calls: mpsc::Sender<Call>) -> io::Result<Self> {
        let path = launch.rank_dir.join(CONTROL_DIR);
        // Another agent may have come as far as this and died.
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        DirBuilder::new().mode(0o700).create(&path)?;
        let directory = File::open(&path)?;
        // Addresses of sockets are short. Through the descriptor, any directory has a short name.
        let inside =
            |name| PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()));
        let flag = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(inside(SUSPEND_FILE))?;
        flag.write_all_at(b"0", 0)?;
        let socket = inside(SOCKET_FILE);
        let listener = UnixListener::bind(&socket)?;

        let mut caller = geteuid().as_raw();
        if let Some(identity) = child::identity(launch) {
            caller = identity.uid;
            let (uid, gid) = (Some(identity.uid), Some(identity.gid));
            fchown(&flag, uid, gid)?;
            lchown(&socket, uid, gid)?;
            // Last, so that nothing in it is the user's before it is complete.
            fchown(&directory, uid, gid)?;
            let_pass(&launch.rank_dir)?;
        }
        let accept = socket::accept(listener, caller, calls);
        Ok(Self {
            flag,
            suspend: false,
            _socket: AbortOnDropHandle::new(TaskTracker::new().spawn(accept)),
        })
    }

    /// Shows the command whether it is to suspend. What fails is tried again at the next word.
    pub(crate) fn show(&mut self, suspend: bool) {
        if suspend == self.suspend {
            return;
        }
        let byte = if suspend { b"1" } else { b"0" };
        match self.flag.write_all_at(byte, 0) {
            Ok(()) => self.suspend = suspend,
            Err(error) => tracing::error!(%error, "the flag to suspend cannot be set"),
        }
    }
}

/// Lets others pass through a directory, but not look around: what else is in it is closed to them.
fn let_pass(directory: &Path) -> io::Result<()> {
    let mode = fs::metadata(directory)?.permissions().mode();
    fs::set_permissions(directory, Permissions::from_mode(mode | 0o011))
}
