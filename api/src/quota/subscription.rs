//! One's own quotas, live.

use std::time::Duration;

use async_graphql::{Context, Result, Subscription};
use domain::App;
use domain::events::{Event, Listener};
use domain::quota::{self, Ledger};
use domain::user::UserId;
use futures_util::Stream;
use tokio::time::sleep;

use super::QuotaLedger;
use crate::context::Access;
use crate::live::{self, Source};

/// Quotas, live.
#[derive(Debug, Default)]
pub(crate) struct QuotaSubscription;

#[Subscription]
impl QuotaSubscription {
    /// Your quotas: as they are now, then whenever what you hold or may hold is another. Changes in quick succession may
    /// arrive as one.
    async fn quota_changed(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<QuotaLedger>> + use<>> {
        let app = ctx.app();
        let user = ctx.user()?;
        Ok(live::results(Mine {
            user: user.id,
            name: user.name.clone(),
            listener: app.events.subscribe(),
            app: app.clone(),
            known: None,
        }))
    }
}

/// Gives the ledger of one user again and again.
struct Mine {
    app: App,
    user: UserId,
    name: String,
    listener: Listener,
    /// What was given last.
    known: Option<Ledger>,
}

impl Source for Mine {
    type Item = QuotaLedger;

    async fn next(&mut self) -> domain::Result<Option<QuotaLedger>> {
        loop {
            self.listener.drain();
            let app = &self.app;
            let ledger = quota::ledger(app.reader(), app.now(), self.user).await?;
            let is_new = self.known.as_ref() != Some(&ledger);
            self.known = Some(ledger.clone());
            if is_new {
                return Ok(Some(QuotaLedger::of(self.name.clone(), ledger)));
            }
            self.wait().await;
        }
    }
}

impl Mine {
    /// Waits until a quota or a run changes, or a row expires. Other processes wake nobody here.
    async fn wait(&mut self) {
        let expires = self.known.as_ref().and_then(|known| known.valid_until);
        let left = expires.and_then(|end| (end - self.app.now()).to_std().ok());
        let period = self.app.settings.period;
        let patience = left.unwrap_or(Duration::MAX).min(period);
        let changed = async {
            loop {
                match self.listener.next().await {
                    Event::Run(..) | Event::Quotas | Event::Resync => return,
                    Event::Task(_)
                    | Event::Wait(_)
                    | Event::Log(..)
                    | Event::Nodes
                    | Event::Access(_) => {}
                }
            }
        };
        tokio::select! {
            () = changed => {}
            () = sleep(patience) => {}
        }
    }
}
