//! Where log lines go: to standard error, so that what a command answers stays alone on standard output.

use tracing_subscriber::EnvFilter;

/// Begins to log. A second call changes nothing.
pub(crate) fn start(filter: Option<&str>) {
    let filter = EnvFilter::try_new(filter.unwrap_or("warn,domain=info,api=info,server=info"))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}
