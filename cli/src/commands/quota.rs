//! `quota`: shows what somebody may have, sets it, and tells who did.

use cynic::{MutationBuilder, QueryBuilder};

use super::{Context, log_start::now, order::level};
use crate::{
    args::QuotaCommand,
    error::Result,
    operations::{
        HowManyNodes, HowMuch, LedgerOf, ListQuotaChanges, QuotaChangeFilter, ReadLedger,
        RemoveQuota, RemoveQuotaInput, SetMyQuota, SetMyQuotaInput, SetResourceQuota,
        SetResourceQuotaInput, SimulateQuota, SimulateQuotaInput, WhatIf, WhichChanges, WhichQuota,
    },
    output,
};

pub(super) async fn run(context: &mut Context, command: Option<QuotaCommand>) -> Result<u8> {
    let client = context.client()?;
    let mine = QuotaCommand::Show {
        user: None,
        group: None,
    };
    let text = match command.unwrap_or(mine) {
        QuotaCommand::Show { user, group } => {
            let which = LedgerOf { user, group };
            let answer = client.ask(&ReadLedger::build(which)).await?;
            let ledger = answer.quota_ledger;
            match context.json {
                true => output::json(&ledger),
                false => output::quota_ledger(&ledger, context.screen.look()),
            }
        }
        QuotaCommand::Set {
            owner,
            resource,
            amount,
            until,
            memory,
            cpus,
        } => {
            let input = SetResourceQuotaInput {
                owner,
                resource,
                amount,
                memory_gib: memory,
                cpus,
                expires_at: until.map(|until| until.ahead(now())),
            };
            let set = SetResourceQuota::build(HowMuch { input });
            let quota = client.ask(&set).await?.set_resource_quota;
            match context.json {
                true => output::json(&quota),
                false => output::quota_set(&quota),
            }
        }
        QuotaCommand::SetMine {
            group,
            priority,
            nodes,
        } => {
            let input = SetMyQuotaInput {
                group,
                priority: level(&priority)?,
                nodes,
            };
            let set = SetMyQuota::build(HowManyNodes { input });
            let quota = client.ask(&set).await?.set_my_quota;
            match context.json {
                true => output::json(&quota),
                false => output::own_quota_set(&quota),
            }
        }
        QuotaCommand::Remove { owner, resource } => {
            let input = RemoveQuotaInput { owner, resource };
            let remove = RemoveQuota::build(WhichQuota { input });
            let quota = client.ask(&remove).await?.remove_quota;
            match context.json {
                true => output::json(&quota),
                false => output::quota_removed(&quota),
            }
        }
        QuotaCommand::Log {
            owner,
            editor,
            resource,
            since,
            number,
        } => {
            let filter = QuotaChangeFilter {
                owner,
                editor,
                resource,
                after: since.map(|since| since.moment(now())),
            };
            let first = number;
            let which = WhichChanges { filter, first };
            let answer = client.ask(&ListQuotaChanges::build(which)).await?;
            let changes = answer.quota_changes.nodes;
            match context.json {
                true => output::json(&changes),
                false => output::quota_changes(&changes, context.screen.look()),
            }
        }
        QuotaCommand::Simulate {
            owner,
            resource,
            nodes,
        } => {
            let input = SimulateQuotaInput {
                owner,
                resource,
                nodes,
            };
            let answer = client.ask(&SimulateQuota::build(WhatIf { input })).await?;
            let simulation = answer.simulate_quota;
            match context.json {
                true => output::json(&simulation),
                false => output::quota_simulation(&simulation),
            }
        }
    };
    context.screen.print(&text)?;
    Ok(0)
}
