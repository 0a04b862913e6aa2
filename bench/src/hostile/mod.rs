//! What one hostile client costs another one: a well-behaved client asks and submits alone, and then beside each kind of flood.
//!
//! Both are users without any rights beyond their own, on one server of one core, with their load on the other. In each round
//! the client is measured alone and beside every kind, one after the other; what counts is the median of the rounds. So a
//! figure says how much later an answer comes because of somebody else, and not how fast the machine is. It says nothing
//! about floods that fill the network, or that come from a thousand addresses.

mod flood;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::client::Client;
use crate::figure::{Goal, p99, say};
use crate::site::{Engines, Ground, Site};
use flood::{Flood, Kind, Target};

/// Until a flood is one.
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(8);
/// So often the client submits, however fast it is answered: who measures as often as there are answers looks seldom when
/// they are slow, and what happens once a second then counts for more.
const PACE: Duration = Duration::from_millis(20);
/// Queries for each submit.
const QUERIES: usize = 4;
/// Tasks of the hostile client, so that there is something to be asked for.
const TASKS: usize = 100;
/// What may be lost by a flood: a fifth, or so many milliseconds.
const GOAL_MILLIS: f64 = 5.0;

const QUERY: &str = "{ me { name } tasks(first: 10) { nodes { id name state priority } } }";

/// How it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    /// How often.
    pub(crate) rounds: usize,
    /// Sockets of the client that does not read.
    pub(crate) sockets: usize,
}

/// All but one in a hundred of the answers to one client took no longer, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Seen {
    query: f64,
    submit: f64,
}

/// Measures on SQLite.
pub(crate) async fn run(ground: &Ground, rounds: Rounds) -> Result<()> {
    let site = Site::start(ground, &Engines::LAPTOP, 1).await?;
    site.script("hold.sh", "exec sleep 100000")?;
    site.script("true.sh", "true")?;
    let admin = Client::new(&site, &site.token);
    admin.submit("hold", "hold.sh").await?;
    let token = admin.create_user("hostile").await?;
    let hostile = Client::new(&site, &token);
    let mut ids = Vec::new();
    for number in 0..TASKS {
        ids.push(hostile.submit(&format!("h{number}"), "true.sh").await?);
    }
    let target = Target {
        url: site.url().to_owned(),
        token,
        ids,
        sockets: rounds.sockets,
    };
    let mut number = 0;
    measure(&good(&site, &admin, 0).await?, &mut number).await?;
    let mut alone = Vec::new();
    let mut beside = Kind::ALL.map(|kind| (kind, Vec::new()));
    for round in 1..=rounds.rounds {
        let good = good(&site, &admin, round).await?;
        alone.push(measure(&good, &mut number).await?);
        for (kind, seen) in &mut beside {
            let flood = Flood::begin(*kind, &target).await?;
            sleep(WARM_UP).await;
            seen.push(measure(&good, &mut number).await?);
            flood.end();
            sleep(WARM_UP).await;
        }
    }
    for (what, of) in [
        ("query", (|seen| seen.query) as fn(&Seen) -> f64),
        ("submit", |seen| seen.submit),
    ] {
        let alone = median(alone.iter().map(of));
        say(
            "hostile",
            &format!("{what} p99, alone"),
            alone,
            "ms",
            Goal::None,
        );
        for (kind, seen) in &beside {
            let with = median(seen.iter().map(of));
            let metric = format!("{what} p99, beside {}", kind.name());
            say("hostile", &metric, with, "ms", Goal::None);
            let most = f64::max(alone / 5.0, GOAL_MILLIS);
            let more = format!("{what} p99, later because of {}", kind.name());
            say("hostile", &more, with - alone, "ms", Goal::AtMost(most));
        }
    }
    Ok(())
}

/// The client that is measured: another user in each round, because nobody may have more than so many tasks waiting.
async fn good(site: &Site, admin: &Client, round: usize) -> Result<Client> {
    let token = admin.create_user(&format!("good{round}")).await?;
    Ok(Client::new(site, &token))
}

/// Asks and submits one after the other, fifty times a second. An answer that is refused is a failure: it is not this client that is too much.
async fn measure(client: &Client, number: &mut usize) -> Result<Seen> {
    let (mut queries, mut submits) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while begun.elapsed() < MEASURED {
        pace.tick().await;
        for _ in 0..QUERIES {
            let asked = Instant::now();
            client.ask(QUERY, &json!({})).await?;
            queries.push(asked.elapsed());
        }
        let asked = Instant::now();
        client.submit(&format!("g{number}"), "true.sh").await?;
        submits.push(asked.elapsed());
        *number += 1;
    }
    Ok(Seen {
        query: p99(&mut queries),
        submit: p99(&mut submits),
    })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    *values
        .get(values.len() / 2)
        .expect("something was measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_round_is_not_the_median() {
        assert_eq!(median([3.0, 900.0, 1.0, 2.0, 4.0].into_iter()), 3.0);
    }
}
