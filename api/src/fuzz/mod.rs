//! A generated attack on the whole API: every argument of every field gets what it does not expect.
//!
//! `HAI_FUZZ_REQUESTS` says how many requests; `cargo xtask fuzz` sends many.

mod model;
mod values;

use std::collections::BTreeMap;

use domain::testing::TestApp;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use self::model::{Field, Model};
use crate::testing::TestApi;

/// Requests of a usual test run.
const USUAL: usize = 600;
/// The closed list of `docs/errors.md`, without `INTERNAL`.
const CODES: [&str; 9] = [
    "INVALID_INPUT",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "NOT_FOUND",
    "CONFLICT",
    "QUOTA_EXCEEDED",
    "UNSUPPORTED",
    "RATE_LIMITED",
    "UNAVAILABLE",
];
/// What no answer may have: the inside of the server.
const INSIDES: [&str; 6] = ["sqlx", "SELECT ", "panicked", "src/", "sqlite", "unwrap()"];
/// Name of another user's task: no answer to a stranger may have it.
const CANARY: &str = "canary-of-somebody-else";

/// The ids that the attack knows, see `Model::usual`.
const TOKENS_THAT_ARE_GUESSED: usize = 5;
const MAKE_TOKEN: &str = "mutation { createAccessToken(input: {}) { token } }";

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where this test learns how long it is to be"
)]
fn n_requests() -> usize {
    let asked = std::env::var("HAI_FUZZ_REQUESTS").ok();
    asked.map_or(USUAL, |asked| asked.parse().expect("a number of requests"))
}

/// One hostile operation.
struct Attack {
    document: String,
    variables: Value,
}

impl Attack {
    /// At one argument of one field, with everything else as it should be or nothing at all.
    fn random(model: &Model, random: &mut StdRng) -> Self {
        let (operation, field) = model.any_field(random);
        match random.random_range(0..10) {
            0 => Self::wide(operation, field, model, random),
            1 => Self::deep(random),
            _ => Self::of(operation, field, model, random),
        }
    }

    fn of(operation: &str, field: &Field, model: &Model, random: &mut StdRng) -> Self {
        let mut variables = serde_json::Map::new();
        let mut declared = Vec::new();
        let mut passed = Vec::new();
        let target = field.arguments.choose(random).map(|target| &target.name);
        for argument in &field.arguments {
            let is_target = Some(&argument.name) == target;
            if !is_target && !argument.is_required() && random.random_bool(0.7) {
                continue;
            }
            let mut value = model.usual(&argument.kind, random);
            if is_target {
                values::spoil(&mut value, random);
            }
            variables.insert(argument.name.clone(), value);
            declared.push(format!("${}: {}", argument.name, argument.kind));
            passed.push(format!("{0}: ${0}", argument.name));
        }
        let list = |open: &str, items: &[String], close: &str| match items {
            [] => String::new(),
            items => format!("{open}{}{close}", items.join(", ")),
        };
        Self {
            document: format!(
                "{operation} {} {{ {}{} {} }}",
                list("(", &declared, ")"),
                field.name,
                list("(", &passed, ")"),
                model.selection(&field.kind, 3)
            ),
            variables: Value::Object(variables),
        }
    }

    /// The same field under very many names.
    fn wide(operation: &str, field: &Field, model: &Model, random: &mut StdRng) -> Self {
        let one = Self::of(operation, field, model, random);
        let inner = one.document.split_once('{').map_or("", |(_, inner)| inner);
        let inner = inner.trim_end().trim_end_matches('}');
        let many: String = (0..random.random_range(2..400))
            .map(|number| format!("a{number}: {inner}"))
            .collect();
        let head = one.document.split_once('{').map_or("", |(head, _)| head);
        Self {
            document: format!("{head} {{ {many} }}"),
            variables: one.variables,
        }
    }

    /// Levels within levels.
    fn deep(random: &mut StdRng) -> Self {
        let levels = random.random_range(1..3_000);
        let (open, close) = match random.random_range(0..3) {
            0 => (
                "tasks(first: 1) { nodes { user { tasks(first: 1) { nodes { ",
                "} } } } } ",
            ),
            1 => ("a { ", "} "),
            _ => ("... { ", "} "),
        };
        Self {
            document: format!("{{ {} id {} }}", open.repeat(levels), close.repeat(levels)),
            variables: json!({}),
        }
    }
}

/// The code of the first error, or `data`.
fn kind(answer: &Value) -> String {
    let code = answer.pointer("/errors/0/extensions/code");
    code.and_then(Value::as_str).unwrap_or("data").to_owned()
}

/// What is wrong with an answer, if anything is.
fn fault(answer: &Value, attack: &Attack) -> Option<String> {
    let asked = format!("{}{}", attack.document, attack.variables);
    let text = answer.to_string();
    if text.contains(CANARY) {
        return Some("it has somebody else's data".to_owned());
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or("none");
        if !CODES.contains(&code) {
            return Some(format!("it has the code {code}"));
        }
        let message = error["message"].to_string();
        if let Some(inside) = INSIDES
            .iter()
            .find(|inside| message.contains(**inside) && !asked.contains(**inside))
        {
            return Some(format!("it tells of {inside}"));
        }
    }
    let has_data = answer.get("data").is_some_and(|data| !data.is_null());
    (!has_data && answer["errors"].as_array().is_none_or(Vec::is_empty))
        .then(|| "it is empty".to_owned())
}

#[tokio::test]
async fn whatever_comes_every_answer_is_typed_and_nothing_leaks() {
    let api = TestApi::with_nodes(2).await;
    let victim = canary(&api.platform).await;
    let (_, stranger) = api.platform.user("stranger").await;
    // The stranger may end his own tokens: they are given more numbers than the attack guesses.
    for _ in 0..TOKENS_THAT_ARE_GUESSED {
        api.data(&stranger, MAKE_TOKEN, json!({})).await;
    }
    let last = api.data(&stranger, MAKE_TOKEN, json!({})).await;
    let token_of_stranger = last["createAccessToken"]["token"].as_str().unwrap();
    let schema = api.root(model::QUESTION, json!({})).await;
    let model = Model::read(&schema);
    let mut random = StdRng::seed_from_u64(20_261_127);
    let mut seen = BTreeMap::<String, usize>::new();
    for number in 0..n_requests() {
        let attack = Attack::random(&model, &mut random);
        let token = match random.random_range(0..8) {
            0 => None,
            1 => Some("ACCESS-nonsense\u{0}"),
            _ => Some(token_of_stranger),
        };
        let answer = api
            .ask(token, &attack.document, attack.variables.clone())
            .await;
        *seen.entry(kind(&answer)).or_default() += 1;
        if let Some(fault) = fault(&answer, &attack) {
            let document: String = attack.document.chars().take(2_000).collect();
            let variables: String = attack.variables.to_string().chars().take(2_000).collect();
            panic!("request {number}: {fault}\n{document}\n{variables}\n{answer:.2000}");
        }
    }
    // An attack that never comes through the door proves nothing.
    println!("{seen:?}");
    for often in [
        "data",
        "INVALID_INPUT",
        "NOT_FOUND",
        "FORBIDDEN",
        "UNAUTHENTICATED",
    ] {
        assert!(
            seen.get(often)
                .is_some_and(|times| *times > n_requests() / 100),
            "{seen:?}"
        );
    }
    let task = api.platform.task(victim).await;
    assert_eq!(
        (task.name.as_str(), task.version),
        (CANARY, 0),
        "it is as it was"
    );
}

/// A task that is none of the stranger's business.
async fn canary(platform: &TestApp) -> domain::task::TaskId {
    let (victim, _) = platform.user("victim").await;
    let document = platform.document(CANARY, 1);
    let task = platform.submit_document(&victim, document).await;
    task.expect("the task is accepted").id
}
