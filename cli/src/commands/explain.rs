//! `explain`: why a task waits, and what would help.

use cynic::QueryBuilder;

use super::Context;
use crate::{
    args::ExplainArgs,
    error::Result,
    operations::{ExplainTask, ExplainedTask},
    output::{self, Explanation},
    select::Selection,
};

pub(super) async fn run(context: &mut Context, args: &ExplainArgs) -> Result<u8> {
    let selection = Selection::of(&args.experiment)?;
    let client = context.client()?;
    let query = ExplainTask::build(ExplainedTask {
        id: selection.selector.id.clone(),
        name: selection.selector.name.clone(),
    });
    let answer = client.ask(&query).await?;
    let task = answer.task.ok_or_else(|| selection.missing())?;
    let explanation = Explanation::new(
        task,
        answer.cluster_overview.groups,
        &answer.me.name,
        answer.me.quotas.unwrap_or_default(),
        &context.program,
    );
    let text = match context.json {
        true => output::json(&explanation),
        false => explanation.text(),
    };
    context.screen.print(&text)?;
    Ok(0)
}
