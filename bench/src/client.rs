//! GraphQL over HTTP, as any client sends it.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::site::Site;

/// A client with a token and connections of its own.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    code: PathBuf,
}

impl Client {
    /// The client of a token, at the first server.
    pub(crate) fn new(site: &Site, token: &str) -> Self {
        Self::at(site, 0, token)
    }

    /// The client of a token at a server; numbers go round.
    pub(crate) fn at(site: &Site, number: usize, token: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: format!("{}/graphql", site.url_of(number)),
            token: token.to_owned(),
            code: site.code(),
        }
    }

    /// The `data` of a query or mutation.
    ///
    /// # Errors
    /// If there is no answer, or it has errors.
    pub(crate) async fn ask(&self, query: &str, variables: &Value) -> Result<Value> {
        let body = json!({"query": query, "variables": variables});
        let request = self.http.post(&self.url).bearer_auth(&self.token);
        let mut answer: Value = request.json(&body).send().await?.json().await?;
        if let Some(errors) = answer.get("errors") {
            bail!("{errors}");
        }
        Ok(answer["data"].take())
    }

    /// Submits a task of one node whose command is `bash SCRIPT` in the site's directory, and answers its id.
    pub(crate) async fn submit(&self, name: &str, script: &str) -> Result<String> {
        self.submit_on(name, script, 1).await
    }

    /// The same for so many nodes.
    pub(crate) async fn submit_on(&self, name: &str, script: &str, nodes: u32) -> Result<String> {
        let query = "mutation($input: TaskInput!) { submitTask(input: $input) { id } }";
        let spec = json!({"workspace": self.code, "entrypoint": script});
        let resource = json!({"nodeCount": nodes});
        let input = json!({"name": name, "spec": spec, "resource": resource});
        let data = self.ask(query, &json!({"input": input})).await?;
        let id = data.pointer("/submitTask/id").and_then(Value::as_str);
        Ok(id.context("a task has an id")?.to_owned())
    }

    /// Creates a user and answers the token.
    pub(crate) async fn create_user(&self, name: &str) -> Result<String> {
        let query = "mutation($name: String!) { createUser(input: {name: $name}) { token } }";
        let data = self.ask(query, &json!({"name": name})).await?;
        let token = data.pointer("/createUser/token").and_then(Value::as_str);
        Ok(token.context("a user has a token")?.to_owned())
    }
}
