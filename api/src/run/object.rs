//! A run and its pods as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::node::Sight;
use domain::run::{
    Moved, Pod as PodRow, RankEvent as EventRow, Run as Row, RunId, is_spoilt, why_again,
};

use super::kinds::{DrainReason, PodState, PodSuspend, RunState};
use crate::context::Access;
use crate::limits;
use crate::loaders::{EventsOf, PodsOf, RunsOf};
use crate::task::{Outcome, Priority};

/// A run with its pods, which are fetched if somebody asks and they are not known yet.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    row: Row,
    pods: Option<Arc<[PodRow]>>,
}

impl From<Row> for Run {
    fn from(row: Row) -> Self {
        Self { row, pods: None }
    }
}

impl Run {
    /// One that was read with its pods, by rank.
    pub(crate) fn with_pods(row: Row, pods: Arc<[PodRow]>) -> Self {
        Self {
            row,
            pods: Some(pods),
        }
    }

    async fn rows(&self, ctx: &Context<'_>) -> Result<Vec<PodRow>> {
        match &self.pods {
            Some(pods) => Ok(pods.to_vec()),
            None => pods(ctx, self.row.id).await,
        }
    }
}

/// One attempt of a task on fixed nodes.
#[Object]
impl Run {
    /// Id of the run.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// Number within the task, from 1.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// Where it is in its life.
    async fn state(&self) -> RunState {
        self.row.state.into()
    }

    /// Why it is ending, or ended.
    async fn drain_reason(&self) -> Option<DrainReason> {
        self.row.drain_reason.map(Into::into)
    }

    /// How it ended; absent while it has not.
    async fn outcome(&self) -> Option<Outcome> {
        self.row.outcome.map(Into::into)
    }

    /// How it ended, as a bit; 0 while it has not.
    async fn stop_code(&self) -> i32 {
        self.row.stop_code
    }

    /// Exit code of the first rank that failed, 0 if all succeeded; absent if no command ran to an end.
    async fn exit_code(&self) -> Option<i32> {
        self.row.exit_code
    }

    /// One sentence on the end, where the outcome does not say it all.
    #[graphql(complexity = "limits::SOME")]
    async fn message(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let Some(message) = self.row.message.clone() else {
            return Ok(None);
        };
        let sight = ctx.sight();
        if !sight.is_masked() {
            return Ok(Some(message));
        }
        let pods = self.rows(ctx).await?;
        let nodes = pods.iter().map(|pod| &*pod.node_name);
        Ok(Some(sight.text(&message, nodes)))
    }

    /// One sentence on why the task ran again; absent for the first run.
    #[graphql(complexity = "limits::SOME")]
    async fn start_message(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let Some(previous) = previous(ctx, &self.row).await? else {
            return Ok(None);
        };
        let (mut from, mut to) = (Vec::new(), Vec::new());
        if is_spoilt(&previous) {
            from = pods(ctx, previous.id).await?;
            to = self.rows(ctx).await?;
        }
        let sight = ctx.sight();
        let [from, to] = [from, to].map(|pods| seen(sight, pods));
        let moved = Moved {
            from: &from,
            to: &to,
        };
        Ok(why_again(&previous, moved))
    }

    /// The level at which it runs and uses quota.
    async fn priority(&self) -> Result<Priority> {
        Ok(Priority::from_value(self.row.level)?)
    }

    /// When it was given its nodes.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When every agent had registered and the command started.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.row.started_at
    }

    /// When nothing of it was left.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.row.ended_at
    }

    /// Its ranks in order: one per node, so at most 100000.
    #[graphql(complexity = "limits::SOME * child_complexity")]
    async fn pods(&self, ctx: &Context<'_>) -> Result<Vec<Pod>> {
        let pods = seen(ctx.sight(), self.rows(ctx).await?);
        Ok(pods.into_iter().map(Pod::from).collect())
    }

    /// What went wrong with its ranks, as the cluster told it, and may have been put right since: the newest first, at most 100.
    #[graphql(complexity = "limits::SOME * child_complexity")]
    async fn events(&self, ctx: &Context<'_>) -> Result<Vec<RankEvent>> {
        let events = ctx.loaders().load(EventsOf(self.row.id)).await?;
        let events = events.unwrap_or_default();
        let sight = ctx.sight();
        let nodes = match sight.is_masked() && !events.is_empty() {
            true => self.rows(ctx).await?,
            false => Vec::new(),
        };
        let seen = |mut event: EventRow| {
            let nodes = nodes.iter().map(|pod| &*pod.node_name);
            event.message = sight.text(&event.message, nodes);
            RankEvent::from(event)
        };
        Ok(events.into_iter().map(seen).collect())
    }
}

/// Pods as somebody sees them.
fn seen(sight: Sight<'_>, pods: Vec<PodRow>) -> Vec<PodRow> {
    pods.into_iter().map(|pod| sight.pod(pod)).collect()
}

async fn pods(ctx: &Context<'_>, id: RunId) -> Result<Vec<PodRow>> {
    Ok(ctx.loaders().load(PodsOf(id)).await?.unwrap_or_default())
}

async fn previous(ctx: &Context<'_>, run: &Row) -> Result<Option<Row>> {
    let number = run.number - 1;
    if number < 1 {
        return Ok(None);
    }
    let key = RunsOf {
        task_id: run.task_id,
        numbers: number..=number,
    };
    let runs = ctx.loaders().load(key).await?.unwrap_or_default();
    Ok(runs.into_iter().next())
}

/// One rank of a run on one node.
#[derive(Debug, SimpleObject)]
pub(crate) struct Pod {
    /// Index within the run, from 0; rank 0 is the master.
    rank: i32,
    /// Name of its node; for guests a mask, the same one wherever that node is named.
    node: String,
    /// Where it is in its life.
    state: PodState,
    /// How far it came with giving way, if it was asked to.
    suspend: Option<PodSuspend>,
    /// Exit code; 128 + n if signal n killed it; absent if no command ran to an end.
    exit_code: Option<i32>,
    /// When its command started.
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    ended_at: Option<DateTime<Utc>>,
    /// One sentence on the end, where the code does not say it all.
    message: Option<String>,
}

impl From<PodRow> for Pod {
    fn from(row: PodRow) -> Self {
        Self {
            rank: row.rank,
            node: row.node_name,
            state: row.state.into(),
            suspend: row.suspend.map(Into::into),
            exit_code: row.exit_code,
            started_at: row.started_at,
            ended_at: row.ended_at,
            message: row.message,
        }
    }
}

/// Something that went wrong with a rank, as the cluster told it.
#[derive(Debug, SimpleObject)]
pub(crate) struct RankEvent {
    /// Index of the rank within the run, from 0.
    rank: i32,
    /// In a word: `FailedScheduling`, `BackOff`.
    reason: String,
    /// In a sentence.
    message: String,
    /// Who saw it: `kubelet`, `default-scheduler`.
    source: String,
    /// How often.
    count: i32,
    /// When first.
    first_at: DateTime<Utc>,
    /// When last.
    last_at: DateTime<Utc>,
}

impl From<EventRow> for RankEvent {
    fn from(row: EventRow) -> Self {
        Self {
            rank: row.rank,
            reason: row.reason,
            message: row.message,
            source: row.source,
            count: row.count,
            first_at: row.first_at,
            last_at: row.last_at,
        }
    }
}
