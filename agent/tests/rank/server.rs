//! The server as an agent sees it: it gives the order that the test sets, and tells the test what it heard.

use futures_util::{SinkExt, StreamExt};
use protocol::{Desired, Order, RankExit, SuspendOrder};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::header::SEC_WEBSOCKET_PROTOCOL,
        protocol::CloseFrame,
    },
};
use transport::{ClientMessage, CloseCode, Operation, SUBPROTOCOL, ServerMessage};

/// What an agent said.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It connected with this token.
    Connected(Option<String>),
    /// It registered with this input.
    Registered(Value),
    /// It reported.
    Reported(Report),
    /// It carried a wish of the command: the query and its variables.
    Wished(String, Value),
}

/// The input of `reportRank`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) log_end: u64,
    pub(crate) started: bool,
    pub(crate) suspend: Option<Suspension>,
    pub(crate) exit: Option<RankExit>,
}

/// How a suspension is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Suspension {
    pub(crate) received: bool,
    pub(crate) ready: bool,
}

/// A server; dropping it ends it and breaks its connections.
pub(crate) struct Server {
    pub(crate) url: String,
    state: watch::Sender<State>,
    heard: mpsc::UnboundedReceiver<Heard>,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct State {
    order: Order,
    /// Whether tokens are accepted.
    knows_the_run: bool,
    /// What `renewAgentToken` gives.
    new_token: String,
}

pub(crate) fn order(desired: Desired, grace_ms: u32) -> Order {
    Order {
        desired,
        grace_ms,
        suspend: None,
    }
}

/// An order to suspend, with its times in milliseconds.
pub(crate) fn suspend(acknowledge_ms: u32, progress_ms: u32, budget_ms: u32) -> Order {
    Order {
        desired: Desired::Suspend,
        grace_ms: 60_000,
        suspend: Some(SuspendOrder {
            acknowledge_ms,
            progress_ms,
            budget_ms,
        }),
    }
}

impl Server {
    pub(crate) async fn start(order: Order) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let new_token = "no token".to_owned();
        let (state, watched) = watch::channel(State {
            order,
            knows_the_run: true,
            new_token,
        });
        let (say, heard) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Connections end with this task.
            let mut connections = JoinSet::new();
            loop {
                let (socket, _peer) = listener.accept().await.unwrap();
                let connection = Connection {
                    state: watched.clone(),
                    heard: say.clone(),
                };
                connections.spawn(connection.serve(socket));
            }
        });
        Self {
            url,
            state,
            heard,
            _tasks: tasks,
        }
    }

    pub(crate) fn order(&self, order: Order) {
        self.state.send_modify(|state| state.order = order);
    }

    pub(crate) fn forget_the_run(&self) {
        self.state.send_modify(|state| state.knows_the_run = false);
    }

    pub(crate) fn give_new_token(&self, token: &str) {
        self.state
            .send_modify(|state| state.new_token = token.to_owned());
    }

    pub(crate) async fn hear(&mut self) -> Heard {
        self.heard.recv().await.expect("the server lives")
    }

    /// Whether no agent has said anything that the test has not heard.
    pub(crate) fn has_heard_nothing(&self) -> bool {
        self.heard.is_empty()
    }

    /// The next report for which this holds.
    pub(crate) async fn report(&mut self, mut which: impl FnMut(&Report) -> bool) -> Report {
        loop {
            if let Heard::Reported(report) = self.hear().await
                && which(&report)
            {
                return report;
            }
        }
    }

    /// The report of the end, with the exit.
    pub(crate) async fn exit(&mut self) -> (Report, RankExit) {
        let report = self.report(|report| report.exit.is_some()).await;
        let exit = report.exit.clone().unwrap();
        (report, exit)
    }
}

struct Connection {
    state: watch::Receiver<State>,
    heard: mpsc::UnboundedSender<Heard>,
}

type Socket = WebSocketStream<TcpStream>;

impl Connection {
    #[expect(clippy::result_large_err, reason = "the library's callback type")]
    async fn serve(mut self, socket: TcpStream) {
        let choose = |_: &Request, mut response: Response| {
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL.parse().unwrap());
            Ok::<_, ErrorResponse>(response)
        };
        let Ok(mut socket) = accept_hdr_async(socket, choose).await else {
            return;
        };
        let mut subscription: Option<String> = None;
        loop {
            let state = self.state.borrow_and_update().clone();
            if !state.knows_the_run {
                let code = CloseCode::Forbidden;
                let frame = CloseFrame {
                    code: code.code().into(),
                    reason: code.reason().into(),
                };
                let _ = socket.close(Some(frame)).await;
                return;
            }
            if let Some(id) = &subscription {
                next(&mut socket, id, json!({ "agentOrders": state.order })).await;
            }
            loop {
                tokio::select! {
                    message = socket.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let message = serde_json::from_str(&text).unwrap();
                            if let Some(id) = self.hear(&mut socket, message).await {
                                subscription = Some(id);
                                break;
                            }
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    },
                    changed = self.state.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        break;
                    }
                }
            }
        }
    }

    /// Answers a message; the id of the subscription to orders if it starts that.
    async fn hear(&mut self, socket: &mut Socket, message: ClientMessage) -> Option<String> {
        match message {
            ClientMessage::ConnectionInit { payload } => {
                let _ = self
                    .heard
                    .send(Heard::Connected(payload.and_then(|init| init.token)));
                say(socket, ServerMessage::ConnectionAck { payload: None }).await;
            }
            ClientMessage::Subscribe { id, payload } if payload.query.contains("agentOrders") => {
                return Some(id);
            }
            ClientMessage::Subscribe { id, payload } => {
                let data = self.execute(payload);
                next(socket, &id, data).await;
                say(socket, ServerMessage::Complete { id }).await;
            }
            ClientMessage::Ping { .. } => say(socket, ServerMessage::Pong { payload: None }).await,
            ClientMessage::Pong { .. } | ClientMessage::Complete { .. } => {}
        }
        None
    }

    fn execute(&mut self, operation: Operation) -> Value {
        let state = self.state.borrow().clone();
        let input = operation.variables.get("input").cloned();
        let (heard, data) = if operation.query.contains("registerAgent") {
            (
                Some(Heard::Registered(input.unwrap())),
                json!({ "registerAgent": state.order }),
            )
        } else if operation.query.contains("reportRank") {
            let report = serde_json::from_value(input.unwrap()).unwrap();
            (Some(Heard::Reported(report)), json!({ "reportRank": true }))
        } else if operation.query.contains("Task") {
            // Wishes of the command are about its task.
            let wished = Heard::Wished(operation.query, json!(operation.variables));
            (Some(wished), json!({}))
        } else {
            assert!(
                operation.query.contains("renewAgentToken"),
                "{}",
                operation.query
            );
            (None, json!({ "renewAgentToken": state.new_token }))
        };
        if let Some(heard) = heard {
            let _ = self.heard.send(heard);
        }
        data
    }
}

async fn next(socket: &mut Socket, id: &str, data: Value) {
    let payload = json!({ "data": data });
    say(
        socket,
        ServerMessage::Next {
            id: id.to_owned(),
            payload,
        },
    )
    .await;
}

/// The agent may be gone already; what the test waits for tells.
async fn say(socket: &mut Socket, message: ServerMessage) {
    let _ = socket.send(Message::text(message.to_text())).await;
}
