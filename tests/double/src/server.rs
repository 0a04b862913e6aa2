//! The port: connections come in, and break when somebody wants them to.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::Shared;
use crate::fault::CallFault;
use crate::http;
use crate::store::refusal;

/// Connections that wait until they are taken.
const BACKLOG: u32 = 1024;

/// What serves a cluster.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    routes: Router,
    shared: Shared,
    /// Holds the port, so that nobody else gets it while we do not answer.
    _held: TcpSocket,
    /// None while nobody answers.
    work: Mutex<Option<JoinSet<()>>>,
}

/// The connection is to break.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is to break")
    }
}

impl std::error::Error for Cut {}

impl Server {
    /// Serves on a free port of this machine.
    pub(crate) fn start(shared: Shared) -> Result<Self> {
        let held = socket("127.0.0.1:0".parse()?)?;
        let server = Self {
            address: held.local_addr()?,
            routes: http::routes(shared.clone()),
            shared,
            _held: held,
            work: Mutex::new(None),
        };
        server.answer()?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks every connection, and takes no more.
    pub(crate) async fn stop(&self) {
        let work = { self.work.lock() }
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut work) = work {
            work.shutdown().await;
        }
    }

    /// Takes connections.
    pub(crate) fn answer(&self) -> Result<()> {
        let listener = socket(self.address)?.listen(BACKLOG)?;
        let mut work = JoinSet::new();
        work.spawn(serve(listener, self.routes.clone(), self.shared.clone()));
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
        Ok(())
    }
}

fn socket(address: SocketAddr) -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address).context("no port is free")?;
    Ok(socket)
}

async fn serve(listener: TcpListener, routes: Router, shared: Shared) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // One that broke at once is no loss.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, routes.clone(), shared.clone()));
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, routes: Router, shared: Shared) {
    // What is said is short, and is to be there at once.
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |request| {
        let (routes, shared) = (routes.clone(), shared.clone());
        async move { answer(&routes, &shared, request).await }
    });
    let stream = TokioIo::new(stream);
    // It ends when the other side goes, or when it is to.
    let _ = http1::Builder::new()
        .serve_connection(stream, service)
        .await;
}

async fn answer(
    routes: &TowerToHyperService<Router>,
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let query = request.uri().query().unwrap_or_default();
    let is_watch = { query.split('&') }.any(|part| matches!(part, "watch=1" | "watch=true"));
    let what = if is_watch {
        "WATCH"
    } else {
        request.method().as_str()
    };
    let fault = shared.fault_of_call(&format!("{what} {}", request.uri().path()));
    let done = async {
        let done: Result<_, Infallible> = routes.call(request).await;
        match done {
            Ok(response) => response,
        }
    };
    match fault {
        None => Ok(done.await),
        Some(CallFault::Refused(code)) => Ok(refused(code)),
        Some(CallFault::Closed) => Err(Cut),
        Some(CallFault::Lost) => {
            done.await;
            Err(Cut)
        }
        Some(CallFault::Late(late)) => {
            let response = done.await;
            tokio::time::sleep(late).await;
            Ok(response)
        }
    }
}

fn refused(code: u16) -> Response<Body> {
    let (reason, message) = match code {
        429 => (
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request",
        ),
        _ => (
            "InternalError",
            "Internal error occurred: etcdserver: request timed out",
        ),
    };
    let mut response = refusal(code, reason, message).into_response();
    if code == 429 {
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
    }
    response
}
