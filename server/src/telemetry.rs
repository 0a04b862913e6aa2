//! Where log lines go: to standard error, so that what a command answers stays alone on standard output.

use std::io::IsTerminal;

use anyhow::{Context, Result, bail};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Begins to log what the filter says. A second call changes nothing.
///
/// # Errors
/// If the filter cannot be understood.
pub(crate) fn start(filter: &str, format: Format) -> Result<()> {
    let is_terminal = std::io::stderr().is_terminal();
    let lines = lines(format, std::io::stderr, is_terminal);
    let _ = filtered(filter)?.with(lines).try_init();
    Ok(())
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

impl Format {
    /// The format with this name; text if none is named.
    ///
    /// # Errors
    /// If there is none with this name.
    pub(crate) fn parse(name: Option<&str>) -> Result<Self> {
        match name {
            None | Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            Some(other) => bail!("HAI_LOG_FORMAT={other}: say text or json"),
        }
    }
}

/// Writes lines. In JSON the fields stand at the top, and those of the spans around in `spans`.
fn lines<S, W>(format: Format, writer: W, colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(colours && format == Format::Text)
        .with_target(false);
    match format {
        Format::Text => layer.boxed(),
        Format::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .boxed(),
    }
}

/// What the filter lets through, and never what holds secrets: a frame of the live protocol, or the address with which
/// a connection to the database is opened.
fn filtered(filter: &str) -> Result<impl Subscriber + for<'a> LookupSpan<'a> + use<>> {
    Ok(tracing_subscriber::registry()
        .with(parse(filter)?)
        .with(filter_fn(holds_no_secret))
        .with(filter_fn(is_said_once)))
}

/// The client of a cluster tells of every failure, and so do we, with what it means.
fn is_said_once(event: &Metadata<'_>) -> bool {
    !event.target().starts_with("kube_client") || *event.level() != Level::ERROR
}

fn holds_no_secret(event: &Metadata<'_>) -> bool {
    // The span of a function there has all its arguments.
    let of_opening = event.is_span()
        && event.target().starts_with("sea_orm")
        && event.name().contains("connect");
    if of_opening {
        return false;
    }
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
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    /// Where lines go in a test.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format) -> String {
        let page = Page::default();
        let writer = page.clone();
        let lines = lines(format, move || writer.clone(), false);
        with_default(filtered("error").unwrap().with(lines), || {
            let span = tracing::error_span!("request", request.id = "r1");
            span.in_scope(|| tracing::error!(error.id = "e1", "it failed"));
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_says_under_which_request_it_was_written() {
        let text = written(Format::Text);
        assert!(
            text.ends_with("ERROR request{request.id=\"r1\"}: it failed error.id=\"e1\"\n"),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
        assert_eq!(
            (&json["level"], &json["message"], &json["error.id"]),
            (&"ERROR".into(), &"it failed".into(), &"e1".into())
        );
        assert_eq!(json["spans"][0]["request.id"], "r1");
        assert!(json["timestamp"].is_string());
    }

    #[test]
    fn a_format_that_is_not_known_is_refused_by_name() {
        assert_eq!(Format::parse(None).unwrap(), Format::Text);
        assert_eq!(Format::parse(Some("json")).unwrap(), Format::Json);
        let error = Format::parse(Some("xml")).unwrap_err().to_string();
        assert_eq!(error, "HAI_LOG_FORMAT=xml: say text or json");
    }

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
    fn the_address_of_the_database_is_not_logged_even_if_the_filter_asks_for_it() {
        with_default(filtered("trace").unwrap(), || {
            let opening = tracing::trace_span!(target: "sea_orm::driver::sqlx_postgres", "connect", url = "x");
            let asking = tracing::trace_span!(target: "sea_orm::driver::sqlx_postgres", "query");
            assert!(opening.is_disabled() && !asking.is_disabled());
        });
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
