//! Where the news come from: a subscription, and the whole again every few seconds and after each loss.

use std::time::Duration;

use cynic::{QueryBuilder, SubscriptionBuilder};
use futures_util::StreamExt;
use tokio::{sync::mpsc::Sender, time::MissedTickBehavior};
use transport::Connection;

use super::view::News;
use crate::{
    client::Client,
    error::Error,
    follow::{Loss, closed, loss, operation, read},
    operations::{FollowTasks, WatchCluster, WatchPage},
};

/// Places in the queue and free nodes change without a change of a task that the user may see.
const EVERY: Duration = Duration::from_secs(5);
/// More tasks are not read again and again: how many are left out is told.
const MOST_TASKS: usize = 5000;
/// How long to wait before a new connection.
const PAUSE: Duration = Duration::from_secs(2);

/// Sends news until nobody hears them, or until an error that another connection does not mend.
pub(super) async fn feed(client: &Client, news: &Sender<News>) -> Error {
    loop {
        match one_connection(client, news).await {
            Loss::Final(error) => return error,
            Loss::Passing(error) => {
                if news.send(News::Lost(error.told())).await.is_err() {
                    return error;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Reads all tasks that have not ended, page by page, as far as that is sensible every few seconds.
async fn everything(client: &Client) -> crate::error::Result<News> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let answer = client
            .ask(&WatchCluster::build(WatchPage { after }))
            .await?;
        tasks.extend(answer.tasks.nodes);
        let page = answer.tasks.page_info;
        if !page.has_next_page || tasks.len() >= MOST_TASKS {
            let n_all = usize::try_from(answer.tasks.total_count).unwrap_or_default();
            return Ok(News::All {
                n_left_out: match page.has_next_page {
                    true => n_all.saturating_sub(tasks.len()),
                    false => 0,
                },
                tasks,
                cluster: answer.cluster_overview,
            });
        }
        after = page.end_cursor;
    }
}

async fn one_connection(client: &Client, news: &Sender<News>) -> Loss {
    match follow(client, news).await {
        Ok(never) => match never {},
        Err(loss) => loss,
    }
}

async fn follow(client: &Client, news: &Sender<News>) -> Result<std::convert::Infallible, Loss> {
    let login = client.login();
    let address = login.address.to_string();
    let lost = |error| loss(&address, error);
    let connection = Connection::open(&address, Some(login.token.secret()))
        .await
        .map_err(lost)?;
    let mut changes = connection.subscribe(operation(&FollowTasks::build(()))?);
    // The first tick comes at once, behind the subscription: so no change falls between them.
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            _ = ticks.tick() => {
                everything(client).await.map_err(Loss::of)?
            }
            change = changes.next() => match change {
                Some(Ok(change)) => {
                    let change: FollowTasks = read(&address, change)?;
                    News::Changed(Box::new(change.tasks_changed))
                }
                None => return Err(loss(&address, closed())),
                Some(Err(error)) => return Err(lost(error)),
            },
        };
        if news.send(told).await.is_err() {
            return Err(loss(&address, closed()));
        }
    }
}
