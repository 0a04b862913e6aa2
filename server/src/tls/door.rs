//! How connections to the API begin: with TLS or without.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// How long a client may take to agree on TLS.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where clients come in.
#[derive(Clone)]
pub(crate) struct Door {
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// With TLS, if there is something to show.
    pub(crate) fn new(tls: Option<Arc<ServerConfig>>) -> Self {
        Self {
            tls: tls.map(TlsAcceptor::from),
        }
    }

    /// What a connection goes on as; nothing if its client does not agree in time. None waits for another.
    pub(crate) async fn open(
        self,
        socket: TcpStream,
    ) -> Option<Either<TcpStream, TlsStream<TcpStream>>> {
        let Some(tls) = self.tls else {
            return Some(Either::Left(socket));
        };
        match timeout(PATIENCE, tls.accept(socket)).await {
            Ok(Ok(stream)) => Some(Either::Right(stream)),
            // Whoever looks whether the port is open, or does not trust us, is no event.
            Ok(Err(error)) => {
                tracing::debug!(%error, "a client did not agree on TLS");
                None
            }
            Err(_) => {
                tracing::debug!("a client took too long to agree on TLS");
                None
            }
        }
    }
}
