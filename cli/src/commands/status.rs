//! `status`: one task, its ranks, and why it waits.

use super::Context;
use crate::{args::StatusArgs, error::Result, output, select};

pub(super) async fn run(context: &mut Context, args: &StatusArgs) -> Result<u8> {
    let client = context.client()?;
    let task = select::find(&client, &args.experiment).await?;
    let text = match context.json {
        true => output::json(&task),
        false => output::task_detail(&task, context.screen.look()),
    };
    context.screen.print(&text)?;
    Ok(0)
}
