//! Whoever may no longer go on stops at once, on every live connection: nothing here waits for a recheck.

use std::time::Duration;

use domain::auth::Token;
use serde_json::{Value, json};

use crate::config::{ApiConfig, Timing};
use crate::http::sse::client::{EventStream, Told};
use crate::testing::{Served, Session};
use crate::ws::client::Client;

const HOUR: Duration = Duration::from_secs(3600);

async fn served() -> Served {
    Served::start(ApiConfig {
        timing: Timing {
            recheck: HOUR,
            ..Timing::default()
        },
        ..ApiConfig::default()
    })
    .await
}

/// With what somebody comes.
enum Proof {
    Token(String),
    Cookie(String),
}

impl From<&Token> for Proof {
    fn from(token: &Token) -> Self {
        Self::Token(token.reveal().to_owned())
    }
}

/// The live connections of one who follows all that he may see.
struct Live {
    socket: Client,
    stream: EventStream,
}

/// Gives what one may hold, then each change of it.
const FOLLOW: &str = "subscription { quotaChanged { quotas { group priority limit } } }";

impl Live {
    async fn begin(served: &Served, proof: &Proof) -> Self {
        let (mut socket, headers) = match proof {
            Proof::Token(token) => {
                let socket = Client::welcome(served, json!({ "token": token })).await;
                (socket, vec![("authorization", format!("Bearer {token}"))])
            }
            Proof::Cookie(cookie) => {
                let mut socket = Client::browse(served, cookie, &served.address).await;
                assert_eq!(socket.hear().await["type"], "connection_ack");
                let origin = ("origin", served.address.clone());
                (socket, vec![("cookie", cookie.clone()), origin])
            }
        };
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, it)| (*name, it.as_str()))
            .collect();
        let mut stream = EventStream::with(served, &headers, FOLLOW, json!({})).await;
        socket.subscribe("1", FOLLOW).await;
        socket.hear_of_success().await;
        stream.data().await;
        Self { socket, stream }
    }

    /// Both are told why, and end.
    async fn must_be_shut_out(self, why: &str) {
        let Self { mut socket, stream } = self;
        let error = socket.hear().await;
        assert_eq!(error["type"], "error", "{why}");
        assert_eq!(error["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(socket.closed().await, 4403, "{why}");
        ends_with(stream, "UNAUTHENTICATED").await;
    }

    /// Both are told of a change of the quotas.
    async fn goes_on(mut self, served: &Served) {
        let set = "mutation ($owner: String!, $nodes: Int!) {
            setQuota(input: { owner: $owner, group: \"training\", priority: NORMAL, nodes: $nodes }) { nodes }
        }";
        served
            .api
            .root(set, json!({ "owner": "admin", "nodes": 77 }))
            .await;
        assert_eq!(self.socket.hear_of_success().await["type"], "next");
        self.stream.data().await;
    }
}

async fn ends_with(mut stream: EventStream, expected: &str) {
    let Some(Told::Next(told)) = stream.hear().await else {
        panic!("{expected} was expected");
    };
    assert_eq!(told["errors"][0]["extensions"]["code"], expected);
    assert_eq!(stream.hear().await, Some(Told::Complete));
    assert_eq!(stream.hear().await, None);
}

async fn root(served: &Served, mutation: &str) -> Value {
    let mutation = format!("mutation {{ {mutation} }}");
    served.api.root(&mutation, json!({})).await
}

/// The id of the newest token of a user.
async fn token_id(served: &Served, user: &str) -> String {
    let ask = "query ($user: String) { accessTokens(filter: { user: $user }) { nodes { id } } }";
    let answer = served.api.root(ask, json!({ "user": user })).await;
    let id = answer["accessTokens"]["nodes"][0]["id"].as_str();
    id.unwrap().to_owned()
}

#[tokio::test]
async fn streams_end_at_once_with_their_token() {
    for mutation in [
        "revokeAccessToken(id: \"@\") { id }",
        "rotateToken(id: \"@\") { token }",
        "setUserActive(input: { user: \"ana\", active: false }) { id }",
    ] {
        let served = served().await;
        let (_, token) = served.api.platform.user("ana").await;
        let live = Live::begin(&served, &Proof::from(&token)).await;
        let other = Live::begin(&served, &Proof::Token(served.token().to_owned())).await;
        let id = token_id(&served, "ana").await;
        root(&served, &mutation.replace('@', &id)).await;
        live.must_be_shut_out(mutation).await;
        other.goes_on(&served).await;
    }
}

#[tokio::test]
async fn streams_of_a_browser_end_at_once_with_its_session() {
    for mutation in [
        "endSession(id: \"@\") { id }",
        "endAllSessions(input: {}) { count }",
        "",
    ] {
        let served = served().await;
        let cookie = Session::begin(&served).await.cookie;
        let live = Live::begin(&served, &Proof::Cookie(cookie.clone())).await;
        let own_token = Live::begin(&served, &Proof::Token(served.token().to_owned())).await;
        if mutation.is_empty() {
            sign_out(&served, &cookie).await;
        } else {
            let sessions = "{ sessions { nodes { id } } }";
            let sessions = served.api.root(sessions, json!({})).await;
            let id = sessions["sessions"]["nodes"][0]["id"].as_str().unwrap();
            root(&served, &mutation.replace('@', id)).await;
        }
        live.must_be_shut_out(mutation).await;
        own_token.goes_on(&served).await;
    }
}

async fn sign_out(served: &Served, cookie: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.delete(format!("{}/session", served.address));
    let request = request.header("origin", &served.address);
    let answer = request.header("cookie", cookie).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn streams_end_at_once_with_whoever_holds_their_token() {
    let served = served().await;
    served.api.platform.user("ana").await;
    let make = "createAccessToken(input: { holder: \"ana\" }) { token }";
    let made = root(&served, make).await;
    let held = made["createAccessToken"]["token"].as_str().unwrap();
    let live = Live::begin(&served, &Proof::Token(held.to_owned())).await;
    let own_token = Live::begin(&served, &Proof::Token(served.token().to_owned())).await;
    let shut_out = "setUserActive(input: { user: \"ana\", active: false }) { id }";
    root(&served, shut_out).await;
    live.must_be_shut_out(shut_out).await;
    own_token.goes_on(&served).await;
}

#[tokio::test]
async fn what_was_begun_with_other_rights_ends_at_once_and_can_begin_anew() {
    for mutation in [
        "setUserGroups(input: { user: \"ana\", groups: [\"walkers\"] }) { id }",
        "setSharedGroupGroups(input: { sharedGroup: \"default\", groups: [\"walkers\"] }) { name }",
    ] {
        let served = served().await;
        let (_, token) = served.api.platform.user("ana").await;
        let Live { mut socket, stream } = Live::begin(&served, &Proof::from(&token)).await;
        root(&served, mutation).await;
        let error = socket.hear().await;
        assert_eq!(error["type"], "error", "{mutation}");
        assert_eq!(error["payload"][0]["extensions"]["code"], "UNAVAILABLE");
        ends_with(stream, "UNAVAILABLE").await;
        socket.subscribe("1", FOLLOW).await;
        assert_eq!(socket.hear_of_success().await["type"], "next");
    }
}

#[tokio::test]
async fn whoever_shuts_himself_out_is_told_that_he_did() {
    let served = served().await;
    let (_, token) = served.api.platform.user("ana").await;
    let id = token_id(&served, "ana").await;
    let mut client = Client::welcome(&served, json!({ "token": token.reveal() })).await;
    let revoke = format!("mutation {{ revokeAccessToken(id: \"{id}\") {{ id }} }}");
    client.subscribe("1", &revoke).await;
    let told = client.hear_of_success().await;
    assert_eq!(
        told["payload"]["data"]["revokeAccessToken"]["id"],
        id.as_str()
    );
    assert_eq!(client.closed().await, 4403);
}
