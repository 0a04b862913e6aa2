//! The client against a server on a real loopback socket, which follows the script of the test.

use std::{io, time::Duration};

use futures_util::{SinkExt, StreamExt, future::join};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::header::SEC_WEBSOCKET_PROTOCOL,
        protocol::CloseFrame,
    },
};

use super::*;
use crate::{ClientMessage, CloseCode, GraphqlError, InitPayload, SUBPROTOCOL, ServerMessage};

/// Long enough for any machine.
const LONG: Duration = Duration::from_secs(60);
const PATIENT: Timing = Timing {
    connect: LONG,
    heartbeat: LONG,
};
/// For what is about heartbeats.
const LIVELY: Timing = Timing {
    connect: LONG,
    heartbeat: Duration::from_millis(200),
};
/// For a welcome that never comes.
const HASTY: Timing = Timing {
    connect: Duration::from_millis(50),
    heartbeat: LONG,
};

struct Server(TcpListener);

impl Server {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn address(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    async fn tcp(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    /// The next client, before its first message.
    #[expect(clippy::result_large_err, reason = "the library's callback type")]
    async fn accept(&self) -> Peer {
        let choose = |request: &Request, mut response: Response| {
            assert_eq!(request.uri().path(), "/graphql");
            let offered = request.headers()[SEC_WEBSOCKET_PROTOCOL].clone();
            assert_eq!(offered, SUBPROTOCOL);
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, offered);
            Ok::<_, ErrorResponse>(response)
        };
        Peer(accept_hdr_async(self.tcp().await, choose).await.unwrap())
    }

    /// A client and the server's end of its connection.
    async fn connected(&self, timing: Timing) -> (Connection, Peer) {
        let address = self.address();
        let (client, peer) = join(
            Connection::open_with(&address, Some("secret"), timing),
            async {
                let mut peer = self.accept().await;
                peer.welcome().await;
                peer
            },
        )
        .await;
        (client.unwrap(), peer)
    }
}

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn hear(&mut self) -> ClientMessage {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn say(&mut self, message: ServerMessage) {
        self.0.send(Message::text(message.to_text())).await.unwrap();
    }

    async fn welcome(&mut self) {
        let payload = Some(InitPayload {
            token: Some("secret".into()),
        });
        assert_eq!(self.hear().await, ClientMessage::ConnectionInit { payload });
        self.say(ServerMessage::ConnectionAck { payload: None })
            .await;
    }

    /// The id of the operation that the client starts now.
    async fn subscribed(&mut self, query: &str) -> String {
        loop {
            match self.hear().await {
                ClientMessage::Subscribe { id, payload } if payload.query == query => return id,
                ClientMessage::Ping { .. } => {
                    self.say(ServerMessage::Pong { payload: None }).await;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn next(&mut self, id: &str, payload: Value) {
        self.say(ServerMessage::Next {
            id: id.into(),
            payload,
        })
        .await;
    }

    async fn complete(&mut self, id: &str) {
        self.say(ServerMessage::Complete { id: id.into() }).await;
    }

    async fn close(&mut self, code: CloseCode) {
        let frame = CloseFrame {
            code: code.code().into(),
            reason: code.reason().into(),
        };
        self.0.close(Some(frame)).await.unwrap();
    }
}

/// What `open` says to a server that does this with the client before the welcome.
async fn refused(timing: Timing, serve: impl AsyncFnOnce(&Server)) -> Error {
    let server = Server::start().await;
    let address = server.address();
    let (client, ()) = join(
        Connection::open_with(&address, Some("secret"), timing),
        serve(&server),
    )
    .await;
    client.unwrap_err()
}

#[tokio::test]
async fn a_query_gives_its_data_and_leaves_nothing_behind() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let (data, ()) = join(client.execute(Operation::new("{me}")), async {
        let id = peer.subscribed("{me}").await;
        peer.next(&id, json!({ "data": { "me": 1 } })).await;
        peer.complete(&id).await;
    })
    .await;
    assert_eq!(data.unwrap(), json!({ "me": 1 }));

    // The next thing the server hears is the next operation: the finished one is not completed again.
    let _next = client.subscribe(Operation::new("{you}"));
    peer.subscribed("{you}").await;
}

#[tokio::test]
async fn operations_run_side_by_side() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let (first, second) = (
        client.execute(Operation::new("{a}")),
        client.execute(Operation::new("{b}")),
    );
    let (answers, ()) = join(join(first, second), async {
        let (a, b) = (peer.subscribed("{a}").await, peer.subscribed("{b}").await);
        for (id, answer) in [(&b, "second"), (&a, "first")] {
            peer.next(id, json!({ "data": answer })).await;
            peer.complete(id).await;
        }
    })
    .await;
    assert_eq!(answers.0.unwrap(), json!("first"));
    assert_eq!(answers.1.unwrap(), json!("second"));
}

#[tokio::test]
async fn graphql_errors_are_typed() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let extensions = json!({ "code": "NOT_FOUND", "field": "id" });
    let error = json!({ "message": "no such task", "extensions": extensions });

    let mut results = client.subscribe(Operation::new("s"));
    let id = peer.subscribed("s").await;
    peer.next(&id, json!({ "data": null, "errors": [error] }))
        .await;
    peer.next(&id, json!({ "data": 2 })).await;
    let unauthenticated = GraphqlError {
        message: "expired".into(),
        code: Some("UNAUTHENTICATED".into()),
        field: None,
        retry_after: None,
    };
    peer.say(ServerMessage::Error {
        id,
        payload: vec![unauthenticated],
    })
    .await;

    let first = results.next().await.unwrap().unwrap_err();
    assert_eq!(first.code(), Some("NOT_FOUND"));
    assert!(matches!(&first, Error::Graphql(errors) if errors[0].field.as_deref() == Some("id")));
    assert_eq!(results.next().await.unwrap().unwrap(), json!(2));
    let last = results.next().await.unwrap().unwrap_err();
    assert!(matches!(last, Error::Unauthenticated(reason) if reason == "expired"));
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn a_dropped_subscription_is_completed() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let mut results = client.subscribe(Operation::new("s"));
    let id = peer.subscribed("s").await;
    peer.next(&id, json!({ "data": 1 })).await;
    assert_eq!(results.next().await.unwrap().unwrap(), json!(1));
    drop(results);
    assert_eq!(
        peer.hear().await,
        ClientMessage::Complete { id: id.clone() }
    );

    // A result that was under way is of no harm.
    peer.next(&id, json!({ "data": 2 })).await;
    peer.say(ServerMessage::Ping { payload: None }).await;
    assert_eq!(peer.hear().await, ClientMessage::Pong { payload: None });
}

#[tokio::test]
async fn an_unread_subscription_holds_the_server_back_and_loses_nothing() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(LIVELY).await;
    let results = client.subscribe(Operation::new("s"));
    let id = peer.subscribed("s").await;
    let count = RESULTS + 5;
    for n in 0..count {
        peer.next(&id, json!({ "data": n })).await;
    }
    // The last thing sent is not read: instead of its answer come unasked pongs, at each heartbeat.
    peer.close(CloseCode::GoingAway).await;
    while peer.hear().await != (ClientMessage::Pong { payload: None }) {}
    let received: Vec<_> = results.collect().await;
    let (numbers, end) = received.split_at(count);
    for (n, result) in numbers.iter().enumerate() {
        assert_eq!(result.as_ref().unwrap(), &json!(n));
    }
    assert!(
        matches!(
            end,
            [Err(Error::Closed {
                code: Some(1001),
                ..
            })]
        ),
        "{end:?}"
    );
}

const RESULTS: usize = driver::RESULTS_PER_OPERATION;

#[tokio::test]
async fn a_lost_connection_ends_every_operation_with_the_reason() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let mut results = client.subscribe(Operation::new("s"));
    let ended = async {
        peer.subscribed("s").await;
        peer.subscribed("{q}").await;
        peer.close(CloseCode::Forbidden).await;
    };
    let (answer, ()) = join(client.execute(Operation::new("{q}")), ended).await;
    assert!(
        matches!(answer, Err(Error::Unauthenticated(_))),
        "{answer:?}"
    );
    assert!(matches!(
        results.next().await,
        Some(Err(Error::Unauthenticated(_)))
    ));
    assert!(results.next().await.is_none());
    let later = client.execute(Operation::new("{later}")).await;
    assert!(matches!(later, Err(Error::Unauthenticated(_))), "{later:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_worth_another_attempt() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let mut results = client.subscribe(Operation::new("s"));
    peer.subscribed("s").await;
    drop(peer);
    assert!(results.next().await.unwrap().unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_server_that_stays_silent_is_given_up() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(LIVELY).await;
    let answer = client.execute(Operation::new("{q}")).await;
    assert!(matches!(answer, Err(Error::Silent)), "{answer:?}");
    // It was asked before it was given up.
    while peer.hear().await != (ClientMessage::Ping { payload: None }) {}
}

#[tokio::test]
async fn dropping_the_connection_ends_its_task_and_its_subscriptions() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let mut results = client.subscribe(Operation::new("s"));
    peer.subscribed("s").await;
    drop(client);
    assert!(matches!(
        results.next().await,
        Some(Err(Error::Closed { code: None, .. }))
    ));
    assert!(!matches!(peer.0.next().await, Some(Ok(_))));
}

#[tokio::test]
async fn closing_says_goodbye() {
    let server = Server::start().await;
    let (client, mut peer) = server.connected(PATIENT).await;
    let (message, ()) = join(peer.0.next(), client.close()).await;
    let frame = match message.unwrap().unwrap() {
        Message::Close(Some(frame)) => frame,
        other => panic!("{other:?}"),
    };
    assert_eq!(u16::from(frame.code), CloseCode::Normal.code());
}

#[tokio::test]
async fn a_refused_token_is_told_from_a_broken_protocol() {
    let error = refused(PATIENT, async |server| {
        server.accept().await.close(CloseCode::Forbidden).await;
    })
    .await;
    assert!(matches!(&error, Error::Unauthenticated(reason) if reason == "Forbidden"));
    assert!(!format!("{error:?}").contains("secret"));

    let error = refused(PATIENT, async |server| {
        server.accept().await.close(CloseCode::BadRequest).await;
    })
    .await;
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");

    let error = refused(PATIENT, async |server| {
        // The client hangs up in the middle of this handshake.
        let _ = accept_async(server.tcp().await).await;
    })
    .await;
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_may_be_tried_again() {
    let gone = Server::start().await.address();
    let error = Connection::open(&gone, None).await.unwrap_err();
    let Error::Unreachable(source) = &error else {
        panic!("{error:?}")
    };
    let source = source.downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);

    // A gateway in front of a server that is away.
    let error = refused(PATIENT, async |server| {
        let mut tcp = server.tcp().await;
        let _request = tcp.read(&mut [0; 4096]).await.unwrap();
        tcp.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");

    let error = refused(HASTY, async |server| {
        let mut peer = server.accept().await;
        peer.hear().await;
        // Hold the connection without a welcome until the client has lost its patience.
        while let Some(Ok(_)) = peer.0.next().await {}
    })
    .await;
    assert!(matches!(error, Error::Silent), "{error:?}");
}

#[tokio::test]
async fn an_encrypted_address_is_tried_encrypted() {
    let server = Server::start().await;
    let address = server.address().replace("http://", "https://");
    let (client, first) = join(Connection::open(&address, Some("secret")), async {
        let mut tcp = server.tcp().await;
        let mut first = [0];
        tcp.read_exact(&mut first).await.unwrap();
        first[0]
    })
    .await;
    assert!(client.unwrap_err().is_retryable());
    // A TLS handshake record, so the token was not sent in the clear.
    assert_eq!(first, 22);
}
