//! The peer: the least that an axum server can do to send the same number of texts to the same number of sockets.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::routing::get;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::broadcast;
use tokio::time::interval;

use super::crowd::TASKS;
use crate::clock::now;
use crate::site::Ground;

/// A text as long as an update of ours, with a time in front.
const LENGTH: usize = 100;

type Channels = Arc<Vec<broadcast::Sender<Arc<str>>>>;

/// The peer in a process of its own, on the server's cores.
pub(super) struct Peer {
    pub(super) url: String,
    _process: Child,
}

impl Peer {
    pub(super) async fn start(ground: &Ground) -> Result<Self> {
        let mut process = Command::new("taskset")
            .args(["-c", ground.cores.as_deref().unwrap_or("0-1023")])
            .arg(std::env::current_exe()?)
            .arg("live-peer")
            .arg("--server")
            .arg(&ground.server)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().context("its output is a pipe")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        Ok(Self {
            url: line.context("the peer says where it is")?,
            _process: process,
        })
    }
}

/// Serves until it is killed.
pub(crate) async fn serve() -> Result<()> {
    let channels: Channels = Arc::new((0..TASKS).map(|_| broadcast::Sender::new(16)).collect());
    let router = Router::new()
        .route("/{number}", get(accept))
        .with_state(Arc::clone(&channels));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}", listener.local_addr()?);
    let send = async {
        let mut pace = interval(Duration::from_secs(1) / TASKS as u32);
        for number in (0..TASKS).cycle() {
            pace.tick().await;
            let text = format!("{} {}", stamp(), "x".repeat(LENGTH));
            let _ = channels[number].send(text.into());
        }
    };
    tokio::select! {
        served = async { axum::serve(listener, router).await } => Ok(served?),
        () = send => Ok(()),
    }
}

async fn accept(
    State(channels): State<Channels>,
    Path(number): Path<usize>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    let [mut first, mut second] =
        [number, number + TASKS / 2].map(|it| channels[it % TASKS].subscribe());
    upgrade.on_upgrade(move |mut socket: WebSocket| async move {
        loop {
            let text = tokio::select! {
                text = first.recv() => text,
                text = second.recv() => text,
            };
            let Ok(text) = text else { return };
            if socket.send(Message::text(&*text)).await.is_err() {
                return;
            }
        }
    })
}

/// Microseconds by the clock of this machine.
pub(super) fn stamp() -> u64 {
    u64::try_from(now().as_micros()).unwrap_or(u64::MAX)
}
