//! One connection, from its beginning to its end.

use std::{future::pending, pin::pin, time::Duration};

use futures_util::{FutureExt, StreamExt, future::Fuse};
use protocol::ServerFile;
use tokio::time::{Instant, sleep_until};
use transport::Connection;

use super::{
    Errand, Failure, Link, Said, Status, errand, file,
    operation::{self, ORDERS, REGISTER, RENEW, REPORT},
    pace::Pace,
    token::Lifetime,
    whole,
};

/// When to try again to renew a token that is still good.
const RENEWAL_RETRY: Duration = Duration::from_secs(600);

/// A token of this process is not renewed sooner, whatever it says.
const SHORTEST_HALF: Duration = Duration::from_secs(60);

/// Stands for no renewal at all.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Why a connection ended.
pub(super) enum Ended {
    /// The token is half spent. Connecting again renews it.
    RenewalDue,
    /// It could not be made, or broke.
    Failed(Failure),
}

/// A report that was not answered yet.
struct Report {
    status: Status,
    /// When it was sent, if it says only that the log grew.
    sent: Option<Instant>,
}

impl Link {
    /// Connects to the server whose turn it is, registers, and serves until the connection ends. Also tells whether the agent was registered.
    pub(super) async fn session(&mut self, turn: u64) -> (Ended, bool) {
        let opened = async {
            let (connection, renew_at) = self.open(turn).await?;
            let registered = connection.execute(operation::register(&self.me)).await;
            let order = operation::order(REGISTER, registered)?;
            Ok((connection, renew_at, order))
        };
        match opened.await {
            Err(failure) => (Ended::Failed(failure), false),
            Ok((connection, renew_at, order)) => {
                tracing::info!(?order, "registered with the server");
                self.say(Said::Order(order)).await;
                let ended = self.serve(&connection, renew_at).await;
                (ended.unwrap_or_else(Ended::Failed), true)
            }
        }
    }

    /// Connects, first renewing the token if it is half spent. Also tells when to do that the next time.
    async fn open(&mut self, turn: u64) -> Result<(Connection, Instant), Failure> {
        let server = file::server(&self.launch.server_file, turn)?;
        let token = file::token(&self.launch.token_file)?;
        let connection = connect(&server, &token).await?;
        let renew_at = self.renew_at(&token);
        if Instant::now() < renew_at {
            return Ok((connection, renew_at));
        }
        match self.renew(&connection).await {
            Ok(token) => {
                connection.close().await;
                self.renewed = Some(Instant::now());
                let renew_at = self.renew_at(&token);
                Ok((connect(&server, &token).await?, renew_at))
            }
            Err(failure) if failure.is_over() || self.is_spent(&token) => Err(failure),
            Err(failure) => {
                tracing::warn!(error = whole(&failure), "the token was not renewed");
                Ok((connection, Instant::now() + RENEWAL_RETRY))
            }
        }
    }

    async fn renew(&self, connection: &Connection) -> Result<String, Failure> {
        let renewed = connection.execute(operation::renew()).await;
        let token: String = operation::answer(RENEW, renewed)?;
        file::replace_token(&self.launch.token_file, &token)?;
        tracing::info!("got a new token");
        Ok(token)
    }

    fn is_spent(&self, token: &str) -> bool {
        Lifetime::of(token).is_some_and(|lifetime| lifetime.is_spent((self.clock)()))
    }

    /// A token that this process got is counted from then, so that no difference between the clocks of the machines
    /// makes it look spent at once.
    fn renew_at(&self, token: &str) -> Instant {
        let now = Instant::now();
        match (Lifetime::of(token), self.renewed) {
            (None, _) => now + NEVER,
            (Some(lifetime), Some(renewed)) => {
                renewed + lifetime.half().clamp(SHORTEST_HALF, NEVER)
            }
            (Some(lifetime), None) => now + lifetime.until_half((self.clock)()).min(NEVER),
        }
    }

    /// Hears orders, and reports, one report at a time, each with the newest status. Beside that it carries one wish of
    /// the command after another.
    async fn serve(
        &mut self,
        connection: &Connection,
        renew_at: Instant,
    ) -> Result<Ended, Failure> {
        let mut orders = connection.subscribe(operation::orders());
        let mut acknowledged = None;
        let mut pace = Pace::new(Instant::now());
        let mut under_way = None;
        let mut report = pin!(Fuse::terminated());
        let mut carried = pin!(Fuse::terminated());
        if let Some(errand) = &self.errand {
            carried.set(connection.execute(operation::errand(&errand.wish)).fuse());
        }
        loop {
            let status = self.status.borrow_and_update().clone();
            let due = under_way.is_none() && acknowledged.as_ref() != Some(&status);
            let only_grew = acknowledged
                .as_ref()
                .is_some_and(|known: &Status| status.only_grew_since(known));
            if due && (!only_grew || Instant::now() >= pace.next()) {
                report.set(connection.execute(operation::report(&status)).fuse());
                under_way = Some(Report {
                    status,
                    sent: only_grew.then(Instant::now),
                });
                continue;
            }
            tokio::select! {
                order = orders.next() => match order {
                    Some(data) => {
                        let order = operation::order(ORDERS, data)?;
                        tracing::info!(?order, "heard an order");
                        self.say(Said::Order(order)).await;
                    }
                    None => return Err(Failure::Ended),
                },
                answer = &mut report => {
                    let _taken: bool = operation::answer(REPORT, answer)?;
                    let taken = under_way.take();
                    if let Some(sent) = taken.as_ref().and_then(|report| report.sent) {
                        pace.answered(sent, Instant::now());
                    }
                    acknowledged = taken.map(|report| report.status);
                    if acknowledged.as_ref().is_some_and(|status| status.exit.is_some()) {
                        self.say(Said::Acknowledged).await;
                    }
                }
                Some(errand) = self.errands.recv(), if self.errand.is_none() => {
                    if !errand.is_abandoned() {
                        carried.set(connection.execute(operation::errand(&errand.wish)).fuse());
                        self.errand = Some(errand);
                    }
                }
                () = abandoned(&mut self.errand) => {
                    carried.set(Fuse::terminated());
                    self.errand = None;
                }
                answer = &mut carried => errand::settle(&mut self.errand, answer)?,
                () = sleep_until(pace.next()), if due => {}
                changed = self.status.changed() => {
                    if changed.is_err() {
                        // The supervisor has ended, and drops this at once.
                        pending::<()>().await;
                    }
                }
                () = sleep_until(renew_at) => return Ok(Ended::RenewalDue),
            }
        }
    }
}

/// Waits until nobody waits for the errand any more.
async fn abandoned(errand: &mut Option<Errand>) {
    match errand {
        Some(errand) => errand.reply.closed().await,
        None => pending().await,
    }
}

async fn connect(server: &ServerFile, token: &str) -> Result<Connection, Failure> {
    let opened = match &server.certificate {
        Some(certificate) => match transport::trust_only(certificate) {
            Ok(trust) => Connection::open_trusting(&server.url, Some(token), trust).await,
            Err(error) => Err(error),
        },
        None => Connection::open(&server.url, Some(token)).await,
    };
    opened.map_err(|source| Failure::Server {
        what: "connecting",
        source,
    })
}
