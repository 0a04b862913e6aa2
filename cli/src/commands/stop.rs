//! `stop`: ends a task.

use cynic::MutationBuilder;

use super::Context;
use crate::{
    args::StopArgs,
    error::Result,
    operations::{StopAs, StopOrder, StopTask, TaskState, TaskSummary},
    output, select,
};

pub(super) async fn run(context: &mut Context, args: &StopArgs) -> Result<u8> {
    let client = context.client()?;
    let before = select::find(&client, &args.experiment).await?.summary;
    let stop_as = match (args.succeeded, args.failed) {
        (true, _) => StopAs::Succeeded,
        (false, true) => StopAs::Failed,
        (false, false) => StopAs::Stopped,
    };
    let order = StopOrder {
        id: before.id.clone(),
        stop_as,
    };
    let after = client.ask(&StopTask::build(order)).await?.stop_task;
    let text = match context.json {
        true => output::json(&after),
        false => confirmation(&before, &after.summary),
    };
    context.screen.print(&text)?;
    Ok(0)
}

/// The one line that says what became of the order.
fn confirmation(before: &TaskSummary, after: &TaskSummary) -> String {
    let task = format!("task {} `{}`", after.id.inner(), after.name);
    let how = match &after.outcome {
        Some(outcome) => format!(": {outcome}"),
        None => String::new(),
    };
    match (&before.state, &after.state) {
        (TaskState::Finished, _) => format!("{task} had already ended{how}\n"),
        (_, TaskState::Finished) => format!("{task} has ended{how}\n"),
        _ => format!("{task} is being stopped\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{operations::Outcome, output::task_for_tests};

    #[test]
    fn the_confirmation_says_how_far_the_end_is() {
        let running = task_for_tests().summary;
        let mut ended = running.clone();
        ended.state = TaskState::Finished;
        ended.outcome = Some(Outcome::Stopped);
        assert_eq!(
            confirmation(&running, &running),
            "task 12 `train.py` is being stopped\n"
        );
        assert_eq!(
            confirmation(&running, &ended),
            "task 12 `train.py` has ended: stopped\n"
        );
        assert_eq!(
            confirmation(&ended, &ended),
            "task 12 `train.py` had already ended: stopped\n"
        );
    }
}
