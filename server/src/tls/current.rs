//! The certificate that new connections are shown. Open ones keep what they began with.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::files::{Files, Texts};

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(30);

/// What is spoken inside. A WebSocket needs HTTP/1.1.
const PROTOCOL: &[u8] = b"http/1.1";

/// The certificate that is shown now.
pub(crate) struct Current {
    files: Files,
    shown: Arc<Shown>,
    /// What the files said when they were last looked at, good or not.
    known: Option<Texts>,
}

/// What handshakes ask.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Current {
    /// Takes what the files hold.
    ///
    /// # Errors
    /// If they cannot be used.
    pub(crate) fn of(files: Files) -> Result<Self> {
        let known = files.read()?;
        let key = files.parse(&known)?;
        Ok(Self {
            files,
            shown: Arc::new(Shown(RwLock::new(Arc::new(key)))),
            known: Some(known),
        })
    }

    /// What handshakes are made with.
    ///
    /// # Errors
    /// If no version of TLS can be spoken.
    pub(crate) fn config(&self) -> Result<Arc<ServerConfig>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.shown.clone());
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Arc::new(config))
    }

    /// The certificate of the server, in PEM.
    pub(crate) fn own(&self) -> Option<String> {
        self.known.as_ref().map(Texts::own)
    }

    /// Looks at the files again. Whether there is another certificate now.
    ///
    /// # Errors
    /// If they have changed and cannot be used, the first time that it is seen: what was shown is shown on.
    pub(super) fn look(&mut self) -> Result<bool> {
        let now = match self.files.read() {
            Ok(now) => Some(now),
            Err(_) if self.known.is_none() => return Ok(false),
            Err(error) => {
                self.known = None;
                return Err(error);
            }
        };
        if now == self.known {
            return Ok(false);
        }
        self.known.clone_from(&now);
        let Some(now) = now else { return Ok(false) };
        let key = self.files.parse(&now)?;
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(true)
    }

    /// Looks again and again, and at a SIGHUP, and tells of each new certificate, until it is to stop.
    pub(crate) async fn watch(mut self, stop: CancellationToken, tell: impl Fn(Option<String>)) {
        let mut asked = match signal(SignalKind::hangup()) {
            Ok(asked) => Some(asked),
            Err(error) => {
                tracing::warn!(%error, "SIGHUP is not heard: certificates are looked at by time alone");
                None
            }
        };
        loop {
            let hangup = async {
                match &mut asked {
                    Some(asked) => asked.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
                _ = hangup => {}
            }
            match self.look() {
                Ok(true) => {
                    tracing::info!(path = %self.files.certificate.display(), "there is a new certificate");
                    tell(self.own());
                }
                Ok(false) => {}
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the new certificate is not used, the old one stays");
                }
            }
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(shown.clone())
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}
