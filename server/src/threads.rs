//! Threads beside those that answer requests. What takes long on them lets nobody wait: the system takes the processor from
//! them as soon as there is a request.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// How much less workers are favoured, as `nice` has it: a fourth is left for them.
const WORKERS: i32 = 5;
/// The same of what is watched by thousands: a tenth.
const ASIDE: i32 = 10;

/// Threads of one kind, as many as there are processors. They end when this is dropped, whatever still runs on them.
#[derive(Debug)]
pub(crate) struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    /// For the workers: a plan is computed in one go.
    ///
    /// # Errors
    /// If the system has none left.
    pub(crate) fn of_workers() -> io::Result<Self> {
        Self::start("workers", WORKERS)
    }

    /// For the live connections of people.
    ///
    /// # Errors
    /// As [`Threads::of_workers`].
    pub(crate) fn aside() -> io::Result<Self> {
        Self::start("aside", ASIDE)
    }

    /// Where to spawn.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    fn start(name: &str, nice: i32) -> io::Result<Self> {
        let favour_less = move || {
            if let Err(error) = rustix::process::nice(nice) {
                tracing::debug!(%error, "all threads are as urgent as those that answer");
            }
        };
        let runtime = Builder::new_multi_thread()
            .thread_name(name)
            .on_thread_start(favour_less)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // To wait for them is not allowed where others are served.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
