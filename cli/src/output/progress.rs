//! What is shown while the platform lets the user wait: one line on standard error, gone at the end.

use std::{io, os::fd::AsFd, pin::pin, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

/// What is done sooner needs no sign of life.
const SHOWN_AFTER: Duration = Duration::from_secs(1);
/// How often the sign of life moves.
const EVERY: Duration = Duration::from_millis(120);

/// The sign of life of a command. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
    shown_from: Instant,
}

impl Progress {
    /// One that shows itself on standard error once the command takes long; never if not `wanted`.
    pub(crate) fn new(wanted: bool) -> Self {
        let hidden = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(None, hidden);
        let progress = Self {
            bar: bar.with_style(ProgressStyle::default_spinner()),
            shown_from: Instant::now() + SHOWN_AFTER,
        };
        if !wanted {
            progress.stop();
        }
        progress
    }

    /// Says what is being done.
    pub(crate) fn say(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// Waits for the work, and shows itself if that takes long.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep_until(self.shown_from) => self.show(),
        }
        work.await
    }

    /// Does something to the terminal while nothing of this is on it.
    pub(crate) fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        match self.is_shown() {
            true => self.bar.suspend(act),
            false => act(),
        }
    }

    /// Disappears for good: from here on something else has the terminal.
    pub(crate) fn stop(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        if !self.bar.is_finished() && self.bar.is_hidden() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(EVERY);
        }
    }

    fn is_shown(&self) -> bool {
        !self.bar.is_finished() && !self.bar.is_hidden()
    }
}

/// Whether another program reads standard output, and may have the terminal.
pub(super) fn is_piped() -> bool {
    use std::os::unix::fs::FileTypeExt;
    let out = io::stdout().as_fd().try_clone_to_owned();
    let facts = out.and_then(|out| std::fs::File::from(out).metadata());
    facts.is_ok_and(|facts| facts.file_type().is_fifo() || facts.file_type().is_socket())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_not_wanted_or_has_stopped_is_never_shown() {
        let unwanted = Progress::new(false);
        let mut stopped = Progress::new(true);
        stopped.shown_from = Instant::now();
        stopped.stop();
        for progress in [unwanted, stopped] {
            progress.show();
            assert!(progress.bar.is_hidden());
            assert_eq!(progress.during(async { 7 }).await, 7);
            assert_eq!(progress.aside(|| 8), 8);
        }
    }
}
