//! Where log lines go: to standard error, so that what a command answers stays alone on standard output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Begins to log what the filter says. A second call changes nothing.
pub(crate) fn start(filter: &str) {
    // Frames of the live protocol hold tokens: they are never logged, whatever the filter says.
    let filter = ["tungstenite=warn", "tokio_tungstenite=warn"]
        .iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(
            EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info")),
            EnvFilter::add_directive,
        );
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}
