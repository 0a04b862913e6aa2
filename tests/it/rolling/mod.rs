//! Every process of a platform is replaced, one after the other and twice, while people use it: nobody loses anything.
//!
//! Nothing is timed: the next process goes when every user has been served, and everybody who follows the long task has seen
//! what it has printed, since the last one came.

mod place;
mod reader;
mod turn;
mod watcher;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use tests::{Gate, Replicas, within};
use tokio::sync::watch;
use tokio::task::JoinSet;

use place::Place;
use reader::Wire;
use turn::User;
use watcher::{Line, watch_line, watch_state, watch_tasks};

/// Those who answer are the second and the fourth.
const ROLES: [&str; 4] = ["work", "serve", "work", "serve"];
const SERVE: [usize; 2] = [1, 3];
const USERS: [&str; 3] = ["ada", "bob", "cyd"];
const ROUNDS: usize = 2;
/// What the long task prints while a process is away, and when another is there.
const LINES: [usize; 2] = [2, 1];
const N_LINES: usize = ROUNDS * ROLES.len() * (LINES[0] + LINES[1]);

#[tokio::test]
async fn nobody_notices_that_all_processes_are_replaced() -> Result<()> {
    match Replicas::start(&ROLES).await? {
        Some(replicas) => roll(replicas, 1).await,
        None => Ok(()),
    }
}

#[tokio::test]
async fn nobody_notices_it_with_a_redis_either() -> Result<()> {
    let redis = domain::testing::redis_url(8);
    match Replicas::start_with_redis(&ROLES, &redis).await? {
        Some(replicas) => roll(replicas, 2).await,
        None => Ok(()),
    }
}

async fn roll(mut replicas: Replicas, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let (urls, place) = watch::channel(SERVE.map(|number| replicas.url(number).to_owned()));
    let place = Place::new(place)?;
    let short = replicas.script("short.sh", turn::SCRIPT)?;

    let mut gate = Gate::new(&replicas.code(), "gate")?;
    let script = format!(
        "i=0\nwhile [ $i -lt {N_LINES} ]; do {}; i=$((i+1)); echo \"line $i\"; done\n",
        gate.wait()
    );
    let long = replicas.script("long.sh", &script)?;
    let admin = replicas.admin(SERVE[0]).await?;
    let long = admin.submit("long", &long, 1).await?;
    let mut watchers = JoinSet::new();
    let mut seen = Vec::new();
    for (slot, wire) in [Wire::WebSocket, Wire::Events].into_iter().enumerate() {
        let token = replicas.token();
        let (sender, lines) = watch::channel(0);
        seen.push(lines);
        let line = Line {
            id: long.clone(),
            seen: sender,
        };
        watchers.spawn(watch_line(place.reader(token, wire, slot), line));
        watchers.spawn(watch_state(place.reader(token, wire, slot), long.clone()));
    }

    let (stop, stopped) = watch::channel(false);
    let mut users = JoinSet::new();
    let mut turns = Vec::new();
    let mut expected = Vec::new();
    for (number, name) in USERS.into_iter().enumerate() {
        let token = admin.create_user(name).await?;
        let mut ready = Vec::new();
        let (tell, wanted) = watch::channel(None);
        for (slot, wire) in [Wire::WebSocket, Wire::Events].into_iter().enumerate() {
            let (is_ready, heard) = watch::channel(false);
            ready.push(heard);
            let reader = place.reader(&token, wire, slot);
            watchers.spawn(watch_tasks(reader, is_ready, wanted.clone()));
        }
        let (sender, receiver) = watch::channel(0);
        turns.push(receiver);
        expected.push(tell);
        let user = User {
            name,
            token,
            place: place.clone(),
            script: short.clone(),
            random: StdRng::seed_from_u64(seed << 8 | number as u64),
            acknowledged: Vec::new(),
            n_markers: 0,
            repeated: 0,
            turns: sender,
        };
        users.spawn(user.run(ready, stopped.clone()));
    }
    drop(admin);
    everybody_was_served(&mut turns, &mut users).await?;

    let mut printed = 0;
    for round in 0..ROUNDS {
        let mut order: Vec<usize> = (0..ROLES.len()).collect();
        order.shuffle(&mut random);
        for number in order {
            let what = || format!("round {round}, {} {number} of seed {seed}", ROLES[number]);
            let meanwhile = async || gate.open(LINES[0]).await;
            let restarted = replicas.restart(number, meanwhile).await;
            restarted.with_context(what)?;
            urls.send_replace(SERVE.map(|number| replicas.url(number).to_owned()));
            gate.open(LINES[1]).await?;
            printed += LINES[0] + LINES[1];
            for lines in &mut seen {
                let there = within(lines.wait_for(|n| *n >= printed)).await;
                let there = there.and_then(|there| Ok(there.map(drop)?));
                if there.is_err() {
                    failed(&mut watchers).await.with_context(what)?;
                }
                there.with_context(what)?;
            }
            let served = everybody_was_served(&mut turns, &mut users).await;
            served.with_context(what)?;
        }
    }

    stop.send_replace(true);
    let mut repeated = 0;
    while let Some(user) = users.join_next().await {
        let user = user??;
        repeated += user.repeated;
        let number = USERS.iter().position(|name| *name == user.name);
        all_are_there(&user).await?;
        let n_tasks = user.acknowledged.len();
        let followed = &user.acknowledged[user.n_markers..];
        let ids: BTreeSet<String> = followed.iter().map(|it| it.1.clone()).collect();
        expected[number.context("he is one of them")?].send_replace(Some(ids));
        println!("{} has {n_tasks} tasks", user.name);
    }
    let mut n_streams = 0;
    while let Some(again) = within(watchers.join_next()).await? {
        n_streams += again??;
    }
    println!(
        "seed {seed}: {repeated} requests were repeated, {n_streams} times a stream went on elsewhere"
    );
    ensure!(n_streams > 0, "no stream was ever cut");
    Ok(())
}

/// Waits until every user has had one whole turn from now on.
async fn everybody_was_served(
    turns: &mut [watch::Receiver<usize>],
    users: &mut JoinSet<Result<User>>,
) -> Result<()> {
    for turns in turns {
        // The one that is under way may have begun before.
        let wanted = *turns.borrow() + 2;
        let is_over = within(turns.wait_for(|n| *n >= wanted)).await?.is_err();
        if is_over {
            failed(users).await?;
        }
    }
    Ok(())
}

/// Why one of them has ended that should not.
async fn failed<T: 'static>(tasks: &mut JoinSet<Result<T>>) -> Result<()> {
    while let Some(ended) = tasks.try_join_next() {
        ended??;
    }
    Ok(())
}

/// Of what a user was told that it was submitted everything is there, once, and nothing else.
async fn all_are_there(user: &User) -> Result<()> {
    const LIST: &str = "query($after: String) { tasks(first: 50, after: $after) {
        nodes { id name runCount state } pageInfo { hasNextPage endCursor } } }";
    let client = user.place.client(&user.token, 0).await?;
    let (mut listed, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut page = client.ask(LIST, json!({"after": after})).await?["tasks"].take();
        for node in page["nodes"].as_array().into_iter().flatten() {
            let text = |field: &str| node[field].as_str().unwrap_or_default().to_owned();
            ensure!(text("state") == "FINISHED", "it is not over: {node}");
            let runs = node["runCount"].as_u64();
            ensure!(runs <= Some(1), "it has run more than once: {node}");
            listed.push((text("name"), text("id")));
        }
        after = page
            .pointer_mut("/pageInfo/endCursor")
            .map_or(Value::Null, Value::take);
        if page.pointer("/pageInfo/hasNextPage") != Some(&json!(true)) {
            break;
        }
    }
    listed.sort();
    let mut acknowledged = user.acknowledged.clone();
    acknowledged.sort();
    ensure!(listed == acknowledged, "{listed:#?} {acknowledged:#?}");
    Ok(())
}
