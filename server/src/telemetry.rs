//! Where log lines go: to standard error, so that what a command answers stays alone on standard output.

use std::io::IsTerminal;

use anyhow::{Context, Result, bail};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to log what the filter says. A second call changes nothing.
///
/// # Errors
/// If the filter cannot be understood.
pub(crate) fn start(filter: &str) -> Result<()> {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let _ = filtered(filter)?.with(lines).try_init();
    Ok(())
}

/// What the filter lets through, and never a frame of the live protocol: frames hold tokens.
fn filtered(filter: &str) -> Result<impl Subscriber + for<'a> LookupSpan<'a> + use<>> {
    Ok(tracing_subscriber::registry()
        .with(parse(filter)?)
        .with(filter_fn(holds_no_frame)))
}

fn holds_no_frame(event: &Metadata<'_>) -> bool {
    let of_frames = event.target().starts_with("tungstenite")
        || event.target().starts_with("tokio_tungstenite");
    !of_frames || *event.level() <= Level::WARN
}

/// Reads a filter in the syntax of `tracing`. A lone word must be a level: `tracing` would take `inof` for the name of a
/// module, and log nothing at all.
fn parse(filter: &str) -> Result<EnvFilter> {
    let is_plain = !filter.contains('[');
    let typo = filter
        .split(',')
        .map(str::trim)
        .filter(|word| is_plain && !word.is_empty() && !word.contains('='))
        .find(|word| word.parse::<LevelFilter>().is_err());
    if let Some(word) = typo {
        bail!("HAI_LOG={filter}: {word} is not a level: say one like info, or MODULE=LEVEL");
    }
    EnvFilter::try_new(filter)
        .with_context(|| format!("HAI_LOG={filter} is not a filter like info,sqlx=warn"))
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;

    use super::*;

    #[test]
    fn frames_are_not_logged_even_if_the_filter_asks_for_them() {
        for filter in [
            "trace",
            "tungstenite::protocol=trace",
            "tokio_tungstenite=trace",
        ] {
            with_default(filtered(filter).unwrap(), || {
                assert!(!tracing::enabled!(target: "tungstenite::protocol::frame", Level::TRACE));
                assert!(!tracing::enabled!(target: "tokio_tungstenite::compat", Level::INFO));
            });
        }
    }

    #[test]
    fn the_filter_decides_on_everything_else() {
        with_default(filtered("warn,domain=debug").unwrap(), || {
            assert!(tracing::enabled!(target: "domain::run", Level::DEBUG));
            assert!(!tracing::enabled!(target: "domain::run", Level::TRACE));
            assert!(!tracing::enabled!(target: "sqlx", Level::INFO));
            assert!(tracing::enabled!(target: "tungstenite", Level::WARN));
        });
    }

    #[test]
    fn a_filter_with_a_typo_is_refused_by_name() {
        for typo in ["inof", "warn,domain=inof", "warn,debgu"] {
            let error = format!("{:#}", parse(typo).unwrap_err());
            assert!(error.starts_with(&format!("HAI_LOG={typo}")), "{error}");
        }
        for right in ["off", "INFO", "warn,domain=info,", "[span{id}]=debug"] {
            assert!(parse(right).is_ok(), "{right}");
        }
    }
}
