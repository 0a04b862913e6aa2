//! The clock that all processes of this machine have in common.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "two processes have only the clock of their machine in common"
)]
pub(crate) fn now() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}
