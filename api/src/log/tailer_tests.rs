//! Many followers of one log.

use domain::events::Event;
use domain::task::TaskId;
use futures_util::future::join_all;
use serde_json::json;

use super::tests::{FOLLOW, STAMP, append, next, running, texts};
use crate::testing::{Results, TestApi, statements_of};

const N_FOLLOWERS: usize = 200;
/// Far more than it takes until all are at the end of the log.
const MOST_ROUNDS: usize = 20;
/// More than a follower may be behind.
const N_PIECES: usize = 100;

fn follow(api: &TestApi, id: TaskId) -> Results {
    let variables = json!({ "id": id.to_string() });
    api.follow(&api.platform.root_token, FOLLOW, variables)
}

/// A line is printed while all wait for it. Gives how many statements that took, and how many bytes tailers read.
async fn round(api: &TestApi, id: TaskId, followers: &mut [Results], line: &str) -> (usize, u64) {
    let logs = &api.platform.app.logs;
    let before = logs.n_tailed_bytes();
    let print = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        append(api, id, 1, format!("{STAMP}{line}\n"));
    };
    let n_statements = statements_of(async {
        let all = join_all(followers.iter_mut().map(next));
        let ((), told) = tokio::join!(print, all);
        for event in told {
            assert_eq!(texts(&event.unwrap()), [line]);
        }
    })
    .await;
    (n_statements, logs.n_tailed_bytes() - before)
}

#[tokio::test]
async fn two_hundred_followers_of_a_log_cost_the_reads_of_one_and_no_statement() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut followers: Vec<_> = (0..N_FOLLOWERS).map(|_| follow(&api, id)).collect();
    let line = "the same for all";
    let mut n_rounds = 0;
    while round(&api, id, &mut followers, line).await.0 > 0 {
        n_rounds += 1;
        assert!(n_rounds < MOST_ROUNDS, "they never meet");
    }
    let (n_statements, n_bytes) = round(&api, id, &mut followers, line).await;
    assert_eq!(n_statements, 0);
    assert_eq!(n_bytes, (STAMP.len() + line.len() + 1) as u64);
    assert_eq!(api.platform.app.logs.n_tailers(), 1);
}

#[tokio::test]
async fn a_follower_that_is_slow_misses_nothing_and_a_log_that_is_left_has_no_tailer() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut followers: Vec<_> = (0..2).map(|_| follow(&api, id)).collect();
    let mut n_rounds = 0;
    while round(&api, id, &mut followers, "begin").await.0 > 0 {
        n_rounds += 1;
        assert!(n_rounds < MOST_ROUNDS, "they never meet");
    }
    let (mut slow, mut fast) = (followers.remove(0), followers.remove(0));
    let expected: Vec<_> = (0..N_PIECES).map(|n| format!("line {n}")).collect();
    for line in &expected {
        append(&api, id, 1, format!("{STAMP}{line}\n"));
        assert_eq!(texts(&next(&mut fast).await.unwrap()), [line]);
    }
    let mut seen = Vec::new();
    while seen.len() < N_PIECES {
        let event = next(&mut slow).await.unwrap();
        seen.extend(texts(&event).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, expected);
    // It is beside the other again: what is printed now comes once to both.
    append(&api, id, 1, format!("{STAMP}last\n"));
    for results in [&mut slow, &mut fast] {
        assert_eq!(texts(&next(results).await.unwrap()), ["last"]);
    }
    drop((slow, fast));
    while api.platform.app.logs.n_tailers() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_log_ends_for_all_its_followers() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut followers: Vec<_> = (0..20).map(|_| follow(&api, id)).collect();
    round(&api, id, &mut followers, "first").await;
    append(&api, id, 1, format!("{STAMP}last"));
    api.platform.exit(id, 0, 0).await;
    api.platform.settle().await;
    for follower in &mut followers {
        let mut seen = Vec::new();
        while let Some(event) = next(follower).await {
            seen.extend(texts(&event).into_iter().map(str::to_owned));
        }
        assert_eq!(seen, ["last"]);
    }
}

#[tokio::test]
async fn a_hole_in_front_of_the_last_lines_does_not_hide_them() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut log = follow(&api, id);
    append(&api, id, 1, "one\n");
    assert_eq!(texts(&next(&mut log).await.unwrap()), ["one"]);
    let dir = api.platform.app.logs.rank_dir("admin", id.0, 1, 0);
    std::fs::write(dir.join("00000000000000001000.log"), "two\n").unwrap();
    api.platform.exit(id, 0, 0).await;
    api.platform.settle().await;
    assert_eq!(texts(&next(&mut log).await.unwrap()), ["", "two"]);
}

/// Takes as long as it is until the files are listed anew.
#[tokio::test]
async fn a_hole_is_told_also_while_there_are_wake_ups_all_the_time() {
    let api = TestApi::with_nodes(1).await;
    let id = running(&api).await;
    let mut log = follow(&api, id);
    append(&api, id, 1, "one\n");
    assert_eq!(texts(&next(&mut log).await.unwrap()), ["one"]);
    let app = &api.platform.app;
    let dir = app.logs.rank_dir("admin", id.0, 1, 0);
    let busy = async {
        while app.logs.n_tailers() == 0 {
            tokio::task::yield_now().await;
        }
        std::fs::write(dir.join("00000000000000001000.log"), "two\n").unwrap();
        loop {
            app.events.publish(Event::Log(id, 0));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        event = next(&mut log) => assert_eq!(texts(&event.unwrap()), ["", "two"]),
        () = busy => {}
    }
}
