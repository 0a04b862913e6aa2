//! The adapter in a cluster that fails: histories by chance, in which runs are started, stopped and forgotten by somebody who
//! repeats what failed. Calls fail, watches break, the API server restarts; nodes fall silent, for a while or for good, pods hang
//! and are removed by force. `HAI_CHAOS_HISTORIES=200` is the long form.
//!
//! ```text
//! story   what is wanted, and what happens, by chance
//! caller  makes it so, as the scheduler, the launcher, the supervisor and the janitor do
//! world   the double, its kubelets, and the adapter
//! agents  in the containers: they end what was fenced off
//! check   what must hold
//! ```
//!
//! A failure names its history, which is also its seed.

mod agents;
mod caller;
mod check;
mod story;
mod world;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Histories, if nobody says how many.
const USUAL: u64 = 20;
/// Histories at the same time: they wait most of the time.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_comes_about_whatever_fails_meanwhile() {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut histories = JoinSet::new();
    for seed in histories_to_tell() {
        let places = Arc::clone(&places);
        histories.spawn(async move {
            let _place = places.acquire_owned().await;
            story::tell(seed).await
        });
    }
    let mut failures = Vec::new();
    while let Some(told) = histories.join_next().await {
        if let Err(failure) = told.expect("a history does not panic") {
            failures.push(failure);
        }
    }
    failures.sort();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// A number, or `FIRST..LAST`.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is a program that starts here"
)]
fn histories_to_tell() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("HAI_CHAOS_HISTORIES") else {
        return 0..USUAL;
    };
    let number = |text: &str| {
        text.parse()
            .expect("HAI_CHAOS_HISTORIES is a number, or FIRST..LAST")
    };
    match text.split_once("..") {
        Some((first, last)) => number(first)..number(last),
        None => 0..number(&text),
    }
}
