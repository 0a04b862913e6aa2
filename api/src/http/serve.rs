//! Who is let in: connections, each with a place, and each only for as long as its client does its part.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, UPGRADE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use domain::auth::agent_token;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::router::{PROBES, Shared, failed};
use super::stream::Patient;
use crate::config::Timing;
use crate::load::Seat;

/// What is kept of a request's head and of an answer that is being sent.
const BUFFER_BYTES: usize = 64 << 10;
/// How long to wait when no connection can be accepted, for example because there are too many open files.
const PAUSE: Duration = Duration::from_secs(1);
/// Clients that are being told that there is no room for them. More are cut off.
const MOST_FAREWELLS: usize = 64;
/// How long such a client may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What answers at an address.
pub struct Front {
    pub(super) router: Router,
    pub(super) shared: Shared,
}

/// Marks the requests of a connection of the reserve.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfReserve;

impl Front {
    /// Serves whoever connects, until it is to `end` and all are served. It speaks HTTP/1.1, over what `open` makes of a
    /// socket; one with which that does not succeed is dropped.
    pub async fn serve<S, O>(
        self,
        listener: TcpListener,
        open: impl Fn(TcpStream) -> O + Send,
        end: CancellationToken,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        O: Future<Output = Option<S>> + Send + 'static,
    {
        let Self { router, shared } = self;
        let connections = TaskTracker::new();
        let farewells = Arc::new(Semaphore::new(MOST_FAREWELLS));
        while let Some((socket, peer)) = accept(&listener, &end).await {
            match shared.engine.load().connection(peer.ip()) {
                Ok(seat) => {
                    // A small message leaves at once. Otherwise it waits until the client has confirmed the one before it,
                    // which takes 40 ms on Linux: as long as everything else together between a submit and the start of
                    // its command.
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "a connection sends with delay");
                    }
                    let opened = open(socket);
                    let (router, timing, end) = (router.clone(), shared.config.timing, end.clone());
                    connections.spawn(async move {
                        let opened = end.run_until_cancelled(opened).await;
                        if let Some(stream) = opened.flatten() {
                            Guest { stream, peer, seat }
                                .serve(router, timing, end)
                                .await;
                        }
                    });
                }
                Err(full) => {
                    if let Ok(permit) = Arc::clone(&farewells).try_acquire_owned() {
                        connections.spawn(async move {
                            let _ = timeout(FAREWELL, turn_away(socket, failed(full))).await;
                            drop(permit);
                        });
                    }
                }
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }
}

/// The next client; none when it is time to stop.
async fn accept(
    listener: &TcpListener,
    end: &CancellationToken,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = end.run_until_cancelled(listener.accept()).await?;
        match accepted {
            Ok(accepted) => return Some(accepted),
            // The client was faster.
            Err(error) if is_of_one(error.kind()) => {}
            Err(error) => {
                tracing::warn!(%error, "connections cannot be accepted");
                end.run_until_cancelled(sleep(PAUSE)).await?;
            }
        }
    }
}

fn is_of_one(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// For [`Front::serve`] without encryption.
pub async fn plain(socket: TcpStream) -> Option<TcpStream> {
    Some(socket)
}

/// A client that was let in.
struct Guest<S> {
    stream: S,
    peer: SocketAddr,
    seat: Seat,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Guest<S> {
    /// Serves it until either side ends the connection. Its place goes with it when it becomes a WebSocket.
    async fn serve(self, router: Router, timing: Timing, end: CancellationToken) {
        let Self { stream, peer, seat } = self;
        let Seat {
            place,
            is_of_reserve,
        } = seat;
        let stream = TokioIo::new(Patient::new(stream, timing.stall, place));
        let router = TowerToHyperService::new(router);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            if is_of_reserve {
                request.extensions_mut().insert(OfReserve);
            }
            router.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(timing.head)
            .max_buf_size(BUFFER_BYTES)
            .serve_connection(stream, service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = end.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }
}

/// Tells a client why it is not let in, whatever it asks for.
async fn turn_away(mut socket: TcpStream, answer: Response) -> io::Result<()> {
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, BUFFER_BYTES).await;
    let body = body.map_err(io::Error::other)?;
    let mut text = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
    for (name, value) in &head.headers {
        text.extend_from_slice(name.as_ref());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    text.extend_from_slice(b"connection: close\r\n\r\n");
    text.extend_from_slice(&body);
    socket.write_all(&text).await?;
    socket.shutdown().await?;
    // What is closed before everything was read may be gone before the client has read the answer.
    let mut unread = [0; 1024];
    while socket.read(&mut unread).await? > 0 {}
    Ok(())
}

/// On a connection of the reserve only those are served who go first. Who comes with a WebSocket is known when it introduces
/// itself.
pub(super) async fn keep_reserve(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let is_of_reserve = request.extensions().get::<OfReserve>().is_some();
    let goes_first = PROBES.contains(&request.uri().path())
        || request.headers().contains_key(UPGRADE)
        || is_agent(request.headers());
    if !is_of_reserve || goes_first {
        return next.run(request).await;
    }
    let mut answer = failed(shared.engine.load().not_for_usual());
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}

fn is_agent(headers: &HeaderMap) -> bool {
    let authorization = headers.get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let token = authorization.and_then(|value| value.trim().split_once(' '));
    token.is_some_and(|(_, token)| agent_token::is_agent_token(token.trim()))
}
