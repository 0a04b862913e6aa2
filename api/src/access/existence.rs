//! What one may not see cannot be told from what is not there: neither by the words of the answer nor by what the platform
//! does for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::{Request, Variables};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::contract::{operations, root_fields};
use super::names::{EDITOR, GUEST, MEMBER, NAMES, NOT_ASKED};
use super::world::World;
use crate::auth::Bearer;
use crate::testing::statements_of;

#[test]
fn every_argument_that_names_something_is_asked_about() {
    let names = root_fields().into_iter().flat_map(|field| {
        let names = field.names.into_iter();
        names.map(move |name| format!("{}.{name}", field.name))
    });
    let names: BTreeSet<String> = names.collect();
    let asked = NAMES.iter().map(|name| name.at).chain(NOT_ASKED);
    let asked: BTreeSet<String> = asked.map(str::to_owned).collect();
    assert_eq!(names, asked);
}

#[tokio::test]
async fn what_one_may_not_see_has_the_words_and_the_statements_of_what_is_not_there() {
    let operations = operations();
    for who in [GUEST, MEMBER, EDITOR] {
        let world = World::new(false).await;
        let bearer = world.bearer(who).await.unwrap();
        for name in NAMES.iter().filter(|name| name.not_for.contains(&who)) {
            let (field, _) = name.at.split_once('.').unwrap();
            let operation = operations[field];
            let question = format!("{operation} ($it: {}) {{ {} }}", name.of.kind(), name.ask);
            let [foreign, missing] = name.of.names(&world);
            let foreign = asked(&world, &bearer, &question, &foreign).await;
            let missing = asked(&world, &bearer, &question, &missing).await;
            assert_eq!(foreign, missing, "{} as {who:?}", name.at);
        }
    }
}

/// The answer without the name that was asked for, and how many statements it took.
async fn asked(world: &World, bearer: &Bearer, question: &str, it: &str) -> (Value, usize) {
    let variables = Variables::from_json(json!({ "it": it }));
    let request = Request::new(question).variables(variables);
    let engine = Arc::clone(&world.api.engine);
    let mut answer = Value::Null;
    let statements = statements_of(async {
        let mut results = std::pin::pin!(engine.results(Some(bearer.clone()), request));
        answer = serde_json::from_str(results.next().await.unwrap().result()).unwrap();
    });
    let statements = statements.await;
    let errors = answer.get_mut("errors").and_then(Value::as_array_mut);
    for error in errors.into_iter().flatten() {
        assert_ne!(error["extensions"]["code"], "INTERNAL", "{error:#}");
        leave_out(error, it);
    }
    (answer, statements)
}

/// Leaves a name out of all texts.
fn leave_out(value: &mut Value, name: &str) {
    match value {
        Value::String(text) => *text = text.replace(name, "…"),
        Value::Array(items) => items.iter_mut().for_each(|item| leave_out(item, name)),
        Value::Object(fields) => fields.values_mut().for_each(|field| leave_out(field, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
