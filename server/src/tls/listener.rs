//! Connections to the API, with TLS or without.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// How long a client may take to agree on TLS.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clients that agree at the same time. More wait until the kernel hands them over.
const MOST: usize = 1024;

/// Where clients come in.
pub(crate) struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    /// Those who agree on TLS: none waits for another.
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl Listener {
    /// With TLS, if there is something to show.
    pub(crate) fn new(tcp: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        Self {
            tcp,
            tls: tls.map(TlsAcceptor::from),
            handshakes: JoinSet::new(),
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Either<TcpStream, TlsStream<TcpStream>>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let has_room = self.handshakes.len() < MOST;
            tokio::select! {
                (socket, address) = axum::serve::Listener::accept(&mut self.tcp), if has_room => {
                    match self.tls.clone() {
                        Some(tls) => {
                            self.handshakes.spawn(shake_hands(tls, socket, address));
                        }
                        None => return (Either::Left(socket), address),
                    }
                }
                Some(agreed) = self.handshakes.join_next() => {
                    if let Ok(Some((stream, address))) = agreed {
                        return (Either::Right(stream), address);
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

async fn shake_hands(
    tls: TlsAcceptor,
    socket: TcpStream,
    address: SocketAddr,
) -> Option<(TlsStream<TcpStream>, SocketAddr)> {
    match timeout(PATIENCE, tls.accept(socket)).await {
        Ok(Ok(stream)) => Some((stream, address)),
        // Whoever looks whether the port is open, or does not trust us, is no event.
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "a client did not agree on TLS");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "a client took too long to agree on TLS");
            None
        }
    }
}

/// A small message leaves at once. Otherwise it waits until the client has confirmed the one before it, which takes 40 ms
/// on Linux: as long as everything else together between a submit and the start of its command.
pub(crate) fn send_at_once(stream: &mut Either<TcpStream, TlsStream<TcpStream>>) {
    let socket = match stream {
        Either::Left(socket) => &*socket,
        Either::Right(stream) => stream.get_ref().0,
    };
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "a connection sends with delay");
    }
}
