//! An event stream as a foreign client reads it, for tests.

use std::collections::VecDeque;

use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::testing::Served;

/// An open stream.
pub(crate) struct EventStream {
    pub(crate) response: Response,
    unread: String,
    events: VecDeque<Told>,
}

/// What a server says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A result.
    Next(Value),
    /// There will be no more.
    Complete,
    /// A sign of life.
    Comment,
}

impl EventStream {
    /// Asks as the administrator.
    pub(crate) async fn root(served: &Served, query: &str, variables: Value) -> Self {
        let authorization = format!("Bearer {}", served.token());
        Self::open(served, Some(&authorization), query, variables).await
    }

    /// Asks with this header.
    pub(crate) async fn open(
        served: &Served,
        authorization: Option<&str>,
        query: &str,
        variables: Value,
    ) -> Self {
        let headers: Vec<_> = authorization
            .map(|authorization| ("authorization", authorization))
            .into_iter()
            .collect();
        Self::with(served, &headers, query, variables).await
    }

    /// Asks with these headers.
    pub(crate) async fn with(
        served: &Served,
        headers: &[(&str, &str)],
        query: &str,
        variables: Value,
    ) -> Self {
        let client = Client::builder().no_proxy().build().unwrap();
        let mut request = client
            .post(format!("{}/graphql", served.address))
            .header("accept", "text/event-stream")
            .header("content-type", "application/json")
            .body(json!({ "query": query, "variables": variables }).to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self {
            response: request.send().await.unwrap(),
            unread: String::new(),
            events: VecDeque::new(),
        }
    }

    /// The next that is said; none when the server has ended the stream.
    pub(crate) async fn hear(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.events.pop_front() {
                return Some(told);
            }
            let bytes = self.response.chunk().await.unwrap()?;
            self.unread.push_str(std::str::from_utf8(&bytes).unwrap());
            while let Some(end) = self.unread.find("\n\n") {
                let event: String = self.unread.drain(..end + 2).collect();
                self.events.push_back(read(event.trim_end_matches('\n')));
            }
        }
    }

    /// The next result, which must be one without errors.
    pub(crate) async fn data(&mut self) -> Value {
        loop {
            match self.hear().await {
                Some(Told::Next(mut result)) => {
                    assert!(result.get("errors").is_none(), "{result}");
                    return result["data"].take();
                }
                Some(Told::Comment) => {}
                other => panic!("no result but {other:?}"),
            }
        }
    }
}

fn read(event: &str) -> Told {
    if event.starts_with(':') {
        return Told::Comment;
    }
    let (name, data) = event.split_once('\n').unwrap_or((event, ""));
    match name {
        "event: next" => Told::Next(serde_json::from_str(&data["data: ".len()..]).unwrap()),
        // A browser passes over an event without data.
        "event: complete" if data == "data: null" => Told::Complete,
        _ => panic!("{event:?}"),
    }
}
