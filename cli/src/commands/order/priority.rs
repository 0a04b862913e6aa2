//! `priority`: changes how urgent one task is.

use cynic::MutationBuilder;

use crate::{
    args::PriorityArgs,
    commands::Context,
    error::{Error, Result},
    operations::{Priority, TaskState, TaskSummary, UpdateTaskPriority, Urgency, UrgencyOf},
    output, select,
    submission::{self, LEVELS},
};

pub(in crate::commands) async fn run(context: &mut Context, args: &PriorityArgs) -> Result<u8> {
    let level = args.priority.as_ref().map(level).transpose()?;
    let client = context.client()?;
    let before = select::find(&client, &args.experiment).await?.summary;
    let input = Urgency {
        priority: level,
        for_every_run: args.every_run,
        custom_rank: args.place,
    };
    let order = UpdateTaskPriority::build(UrgencyOf {
        id: before.id,
        input: input.clone(),
    });
    let task = client.ask(&order).await?.update_task_priority;
    let text = match context.json {
        true => output::json(&task),
        false => told(&task.summary, &input),
    };
    context.screen.print(&text)?;
    Ok(0)
}

/// The level that was typed, by number or name.
pub(in crate::commands) fn level(typed: &submission::Priority) -> Result<Priority> {
    let name = typed.name();
    let known = LEVELS.iter().any(|(_, level)| *level == name);
    let level = known.then(|| serde_json::from_value(name.clone().into()).ok());
    level.flatten().ok_or_else(|| {
        let levels = LEVELS.map(|(number, name)| format!("{number} {name}"));
        Error::Usage(format!(
            "there is no priority `{name}`: use one of {}",
            levels.join(", ")
        ))
    })
}

/// The one line that says what has changed, and for how long.
fn told(task: &TaskSummary, input: &Urgency) -> String {
    let mut changes = Vec::new();
    if let Some(priority) = &input.priority {
        let until = match (input.for_every_run, &task.state) {
            (true, _) => "every run",
            (false, TaskState::Running) => "its present run",
            (false, _) => "its next run",
        };
        changes.push(format!("priority {priority} for {until}"));
    }
    if let Some(rank) = input.custom_rank {
        changes.push(format!("place {rank} among your tasks"));
    }
    let changes = changes.join(", ");
    format!("task {} `{}`: {changes}\n", task.id.inner(), task.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::task_for_tests;

    #[test]
    fn a_level_has_a_number_and_a_name_and_others_are_refused_with_the_list() {
        let level = |text: &str| super::level(&text.parse().unwrap());
        assert_eq!(level("30").unwrap(), Priority::High);
        assert_eq!(level("above-normal").unwrap(), Priority::AboveNormal);
        assert_eq!(level("-1").unwrap(), Priority::Auto);
        for wrong in ["31", "urgent"] {
            let error = level(wrong).unwrap_err();
            assert!(error.to_string().contains("40 VERY_HIGH"), "{error}");
            assert_eq!(error.exit(), 2);
        }
    }

    #[test]
    fn the_confirmation_says_for_how_long() {
        let mut task = task_for_tests().summary;
        let mut input = Urgency {
            priority: Some(Priority::High),
            for_every_run: false,
            custom_rank: None,
        };
        let line = |change: &str| format!("task 12 `train.py`: {change}\n");
        assert_eq!(
            told(&task, &input),
            line("priority high for its present run")
        );
        task.state = TaskState::Suspended;
        assert_eq!(told(&task, &input), line("priority high for its next run"));
        input.for_every_run = true;
        input.custom_rank = Some(-2.5);
        assert_eq!(
            told(&task, &input),
            line("priority high for every run, place -2.5 among your tasks")
        );
        input.priority = None;
        assert_eq!(told(&task, &input), line("place -2.5 among your tasks"));
    }
}
