//! What a hostile client does, again and again, until it is ended.

use std::fmt::Write as _;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::socket::Socket;

/// Clients that ask for much, and that send much, at the same time.
const AT_ONCE: usize = 64;
/// Clients that send slowly.
const SLOW: usize = 500;
/// Between two bytes of such a client.
const DRIP: Duration = Duration::from_millis(100);
/// Length of a giant request: almost as much as the server takes.
const GIANT_BYTES: usize = 1_000_000;
/// Sockets that are being opened at the same time.
const OPENING: usize = 100;
/// Pages of one expensive query.
const PAGES: usize = 80;
/// Whoever was turned away comes again at once, which no client should.
const PAUSE: Duration = Duration::from_millis(10);

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asks for as much as a query may.
    Expensive,
    /// Opens WebSockets with subscriptions, and reads nothing.
    Sockets,
    /// Sends requests byte by byte.
    Slow,
    /// Sends requests that are as long as may be.
    Giant,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Expensive, Self::Sockets, Self::Slow, Self::Giant];

    /// How figures call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Expensive => "expensive queries",
            Self::Sockets => "sockets that are not read",
            Self::Slow => "requests byte by byte",
            Self::Giant => "giant requests",
        }
    }
}

/// A flood that goes on until it is ended.
///
/// It has a thread of its own, which the system favours less than the client that is measured: they share a core, and a
/// client that waits for the processor would be measured in place of the server.
pub(super) struct Flood {
    thread: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

/// Who floods what.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) token: String,
    /// Tasks of the hostile client.
    pub(super) ids: Vec<String>,
    /// Sockets of the client that does not read.
    pub(super) sockets: usize,
}

impl Flood {
    /// Begins it.
    pub(super) async fn begin(kind: Kind, target: &Target) -> Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let target = target.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::spawn(move || {
            // Where that is not allowed, the figures are worse than they are.
            let _ = rustix::process::nice(19);
            runtime.block_on(async {
                let mut work = match Self::work(kind, &target).await {
                    Ok(work) => work,
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return;
                    }
                };
                if ready.send(Ok(())).is_ok() {
                    // It ends with its sender, too.
                    let _ = stopped.await;
                }
                work.shutdown().await;
            });
        });
        is_ready.await.context("the flood has ended")??;
        Ok(Self { thread, stop })
    }

    async fn work(kind: Kind, target: &Target) -> Result<JoinSet<()>> {
        let Target {
            url,
            token,
            ids,
            sockets,
        } = target;
        let mut work = JoinSet::new();
        match kind {
            Kind::Expensive => {
                let body = json!({"query": expensive()});
                for _ in 0..AT_ONCE {
                    work.spawn(ask_for_ever(url.clone(), token.clone(), body.clone()));
                }
            }
            Kind::Giant => {
                let filler = "x".repeat(GIANT_BYTES);
                let body = json!({"query": "{ me { name } }", "variables": {"x": filler}});
                for _ in 0..AT_ONCE {
                    work.spawn(ask_for_ever(url.clone(), token.clone(), body.clone()));
                }
            }
            Kind::Slow => {
                let address = url.trim_start_matches("http://");
                for _ in 0..SLOW {
                    work.spawn(drip_for_ever(address.to_owned(), token.clone()));
                }
            }
            Kind::Sockets => {
                let open = open_sockets(url, token, ids, *sockets).await?;
                work.spawn(async move {
                    let _open = open;
                    std::future::pending::<()>().await;
                });
                work.spawn(change_for_ever(url.clone(), token.clone(), ids.clone()));
            }
        }
        Ok(work)
    }

    /// Ends it.
    pub(super) fn end(self) {
        drop(self.stop);
        // It has ended if it has panicked.
        let _ = self.thread.join();
    }
}

/// As many fields as a query may have, with a statement for each page.
fn expensive() -> String {
    let mut query = "{".to_owned();
    for number in 0..PAGES {
        // Writing to a string cannot fail.
        let _ = write!(
            query,
            " a{number}: tasks(first: 100) {{ nodes {{
                id name state outcome priority createdAt finishedAt user {{ name }} }} }}"
        );
    }
    query + " }"
}

async fn ask_for_ever(url: String, token: String, body: Value) {
    let http = reqwest::Client::new();
    let body = body.to_string();
    loop {
        let request = http.post(format!("{url}/graphql")).bearer_auth(&token);
        let request = request.header("content-type", "application/json");
        // It reads its answers, so that nothing but the question is to blame.
        match request.body(body.clone()).send().await {
            Ok(answer) if answer.status().is_success() => _ = answer.bytes().await,
            Ok(_) | Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn drip_for_ever(address: String, token: String) {
    loop {
        if drip(&address, &token).await.is_err() {
            sleep(PAUSE).await;
        }
    }
}

/// Sends one request as slowly as the server lets it.
async fn drip(address: &str, token: &str) -> Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {GIANT_BYTES}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await?;
    let mut answer = [0; 1024];
    for _ in 0..GIANT_BYTES {
        socket.write_all(b" ").await?;
        // An answer before the end is a refusal.
        if timeout(DRIP, socket.read(&mut answer)).await.is_ok() {
            break;
        }
    }
    Ok(())
}

async fn open_sockets(url: &str, token: &str, ids: &[String], n: usize) -> Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    let mut opening: JoinSet<Result<Socket>> = JoinSet::new();
    for number in 0..n {
        if opening.len() >= OPENING {
            sockets.push(opening.join_next().await.context("some open")???);
        }
        let (url, token) = (url.to_owned(), token.to_owned());
        let id = ids[number % ids.len()].clone();
        opening.spawn(async move {
            let mut socket = Socket::sign_in(&url, &token).await?;
            let one =
                format!("subscription {{ taskChanged(id: {id}) {{ id name priority state }} }}");
            socket.subscribe(0, &one).await?;
            let all = "subscription { tasksChanged { id name priority state } }";
            socket.subscribe(1, all).await?;
            Ok(socket)
        });
    }
    while let Some(opened) = opening.join_next().await {
        sockets.push(opened??);
    }
    Ok(sockets)
}

/// Changes the tasks that the sockets follow, fifty times a second.
async fn change_for_ever(url: String, token: String, ids: Vec<String>) {
    let http = reqwest::Client::new();
    let query = "mutation($id: ID!, $to: Priority!) {
        updateTaskPriority(id: $id, input: {priority: $to, forEveryRun: true}) { id } }";
    for round in 0_usize.. {
        let level = ["LOW", "NORMAL"][round / ids.len() % 2];
        let body =
            json!({"query": query, "variables": {"id": ids[round % ids.len()], "to": level}});
        let request = http.post(format!("{url}/graphql")).bearer_auth(&token);
        let _ = request.json(&body).send().await;
        sleep(Duration::from_millis(20)).await;
    }
}
