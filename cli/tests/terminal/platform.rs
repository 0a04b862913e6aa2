//! A loopback server that speaks as much HTTP, GraphQL and graphql-transport-ws as the client hears.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::{
    Message,
    handshake::server::{Request as Upgrade, Response as Welcome},
    http::HeaderValue,
};
use transport::{ClientMessage, Operation, SUBPROTOCOL, ServerMessage};

/// The token that the server accepts for subscriptions.
pub(crate) const TOKEN: &str = "s3cret-token";

/// An operation that the client asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Its name.
    pub(crate) name: String,
    /// Its variables.
    pub(crate) variables: Map<String, Value>,
    /// The request line and headers, for those over HTTP.
    pub(crate) head: String,
    /// How many of this name came before.
    pub(crate) before: usize,
}

/// What the server answers.
pub(crate) enum Answer {
    /// The `data` of a query, mutation, or of one event of a subscription.
    Data(Value),
    /// One GraphQL error with this code and message.
    Refusal(&'static str, &'static str),
    /// Another HTTP response, with this status.
    Plain(u16, &'static str),
    /// The events of a subscription, and what comes after them.
    Events(Vec<Value>, Then),
    /// The events of a subscription, once another operation was asked for so many times.
    EventsAfter(&'static str, usize, Vec<Value>),
}

/// What happens behind the last event of a subscription.
pub(crate) enum Then {
    /// Nothing, for as long as the client stays.
    Silence,
    /// The connection breaks.
    Cut,
}

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A running server. It ends with the test process.
pub(crate) struct Platform {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Platform {
    /// Starts a server that answers each operation as `script` says.
    pub(crate) fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server {
            script: Arc::new(script),
            any_asked: Arc::default(),
            asked: Arc::default(),
        };
        let asked = Arc::clone(&server.asked);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime
                .block_on(async { server.serve(TcpListener::from_std(listener).unwrap()).await });
        });
        Self { address, asked }
    }

    /// Its base address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The operations of this name that were asked so far.
    pub(crate) fn asked_for(&self, name: &str) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.name == name);
        asked
    }
}

#[derive(Clone)]
struct Server {
    script: Arc<Script>,
    /// Wakes whoever waits for an operation to be asked for.
    any_asked: Arc<Notify>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    async fn serve(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.spawn(self.clone().talk(stream));
        }
    }

    async fn talk(self, stream: TcpStream) {
        let mut start = [0; 3];
        while stream.peek(&mut start).await.unwrap_or(0) < start.len() {}
        if &start == b"GET" {
            self.talk_live(stream).await;
        } else {
            self.talk_once(stream).await;
        }
    }

    fn answer(&self, operation: Operation, head: &str) -> Answer {
        let name = operation.operation_name.unwrap_or_default();
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|asked| asked.name == name).count();
        asked.push(Asked {
            name,
            variables: operation.variables,
            head: head.to_owned(),
            before,
        });
        self.any_asked.notify_waiters();
        (self.script)(asked.last().unwrap())
    }

    async fn until_asked(&self, name: &str, times: usize) {
        loop {
            let more = self.any_asked.notified();
            let asked = |asked: &&Asked| asked.name == name;
            if self.asked.lock().unwrap().iter().filter(asked).count() >= times {
                return;
            }
            more.await;
        }
    }

    async fn talk_once(self, mut stream: TcpStream) {
        let mut received = Vec::new();
        let (head, body) = loop {
            if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some((head, body)) = complete(&received) {
                break (head, body);
            }
        };
        let operation = serde_json::from_slice(&body).unwrap();
        let (status, body) = match self.answer(operation, &head) {
            Answer::Data(data) => (200, json!({ "data": data }).to_string()),
            Answer::Refusal(code, message) => {
                let error = json!({ "message": message, "extensions": { "code": code } });
                let answer = json!({ "data": null, "errors": [error] });
                (200, answer.to_string())
            }
            Answer::Plain(status, text) => (status, text.to_owned()),
            Answer::Events(..) | Answer::EventsAfter(..) => panic!("events need a subscription"),
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all((head + &body).as_bytes()).await;
    }

    async fn talk_live(self, stream: TcpStream) {
        #[expect(
            clippy::result_large_err,
            reason = "the signature that tungstenite wants"
        )]
        let welcome = |_: &Upgrade, mut welcome: Welcome| {
            let protocol = HeaderValue::from_static(SUBPROTOCOL);
            welcome
                .headers_mut()
                .insert("sec-websocket-protocol", protocol);
            Ok(welcome)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, welcome)
            .await
            .unwrap();
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else {
                continue;
            };
            let mut replies = Vec::new();
            let mut then = Then::Silence;
            let next = |id: &str, events: Vec<Value>| -> Vec<ServerMessage> {
                let events = events.into_iter();
                let next = |data| ServerMessage::Next {
                    id: id.to_owned(),
                    payload: json!({ "data": data }),
                };
                events.map(next).collect()
            };
            match serde_json::from_str(&text).unwrap() {
                ClientMessage::ConnectionInit { payload } => {
                    assert_eq!(payload.unwrap().token.as_deref(), Some(TOKEN));
                    replies.push(ServerMessage::ConnectionAck { payload: None });
                }
                ClientMessage::Ping { payload } => replies.push(ServerMessage::Pong { payload }),
                ClientMessage::Pong { .. } | ClientMessage::Complete { .. } => {}
                ClientMessage::Subscribe { id, payload } => match self.answer(payload, "") {
                    Answer::Events(events, after) => {
                        replies = next(&id, events);
                        then = after;
                    }
                    Answer::EventsAfter(name, times, events) => {
                        self.until_asked(name, times).await;
                        replies = next(&id, events);
                    }
                    Answer::Refusal(code, message) => {
                        let error = json!({ "message": message, "extensions": { "code": code } });
                        replies.push(ServerMessage::Error {
                            id,
                            payload: vec![serde_json::from_value(error).unwrap()],
                        });
                    }
                    Answer::Data(_) | Answer::Plain(..) => panic!("a subscription has events"),
                },
            }
            for reply in replies {
                let text = serde_json::to_string(&reply).unwrap();
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            match then {
                Then::Silence => {}
                Then::Cut => return cut(socket.get_mut()).await,
            }
        }
    }
}

/// Ends a connection without a goodbye, but so that everything that was sent arrives.
async fn cut(stream: &mut TcpStream) {
    let _ = stream.shutdown().await;
    let mut unread = Vec::new();
    let _ = stream.read_to_end(&mut unread).await;
}

/// Head and body of a request that has arrived as a whole.
fn complete(received: &[u8]) -> Option<(String, Vec<u8>)> {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8(received[..end].to_vec()).unwrap();
    let body = &received[end + 4..];
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().unwrap())
    });
    (body.len() >= length.unwrap_or(0)).then(|| (head, body.to_vec()))
}

/// A task in this state.
pub(crate) fn task(id: &str, name: &str, state: &str) -> Value {
    let mut task: Value = serde_json::from_str(
        r#"{
            "user": { "name": "ada" }, "taskType": "TRAINING", "desired": "RUN", "outcome": null,
            "stopCode": 0, "exitCode": null, "priority": "HIGH", "group": "training", "zone": null,
            "nodeCount": 1, "environment": "default", "workspace": "/w", "command": "/w/x.py",
            "tags": [], "runCount": 0, "restartCount": 0, "createdAt": "2026-11-23T18:43:43Z",
            "startedAt": null, "finishedAt": null, "wait": null, "currentRun": null,
            "runs": { "nodes": [], "totalCount": 0 }
        }"#,
    )
    .unwrap();
    task["id"] = json!(id);
    task["name"] = json!(name);
    task["state"] = json!(state);
    task
}

/// A finished task.
pub(crate) fn finished(id: &str, outcome: &str, exit_code: i32) -> Value {
    let mut task = task(id, "train.py", "FINISHED");
    task["outcome"] = json!(outcome);
    task["exitCode"] = json!(exit_code);
    task
}

/// A line of the log; its cursor is the text itself.
pub(crate) fn line(text: &str) -> Value {
    json!({
        "kind": "LINE", "run": 1, "time": "2026-11-23T18:43:43Z", "text": text, "partial": false,
        "lostBytes": null, "cursor": text,
    })
}
