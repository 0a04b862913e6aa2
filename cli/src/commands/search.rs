//! `search`: lines in the logs of tasks, shown as they are found.

use cynic::QueryBuilder;
use serde_json::json;

use super::Context;
use crate::{
    args::SearchArgs,
    client::Client,
    error::{Result, exit},
    operations::{LogPatternKind, LogSearch, SearchLog, Task, TaskLogMatch},
    output::{self, SearchLook},
    select,
};

/// Lines that are asked for at once: few, so that the first ones are soon there.
const LINES_PER_PAGE: u32 = 100;

/// Searches one task after the other. One that fails does not keep the others from their turn.
pub(super) async fn run(context: &mut Context, args: &SearchArgs) -> Result<u8> {
    let client = context.client()?;
    let mut search = Search {
        context,
        client,
        args,
        n_found: 0,
    };
    let mut worst = 0;
    for experiment in args.experiments.each() {
        let searched = match select::find(&search.client, &experiment).await {
            Ok(task) => search.task(&task).await,
            Err(error) => Err(error),
        };
        match searched {
            Ok(()) => {}
            Err(error) if error.is_closed_output() || error.is_about_all() => return Err(error),
            Err(error) => {
                worst = worst.max(error.exit());
                let line = error.line(&search.context.program);
                search.context.screen.note(&line);
            }
        }
        if search.left() == Some(0) {
            break;
        }
    }
    Ok(match (worst, search.n_found) {
        (0, 0) => exit::NOTHING_FOUND,
        (worst, _) => worst,
    })
}

struct Search<'a> {
    context: &'a mut Context,
    client: Client,
    args: &'a SearchArgs,
    n_found: u32,
}

impl Search<'_> {
    async fn task(&mut self, task: &Task) -> Result<()> {
        let (mut after, mut n_bytes) = (None, 0);
        loop {
            let question = SearchLog::build(self.question(task, after));
            let answer = self.client.ask(&question).await?.search_task_log;
            n_bytes += answer.scanned_bytes;
            let found = answer.matches.iter();
            let wanted = found.filter(|found| self.args.run.is_none_or(|run| run == found.run));
            let left = self.left().map_or(usize::MAX, |left| left as usize);
            let wanted: Vec<&TaskLogMatch> = wanted.take(left).collect();
            self.n_found += u32::try_from(wanted.len()).unwrap_or(u32::MAX);
            self.show(task, &wanted)?;
            if !answer.has_next || self.left() == Some(0) {
                return Ok(());
            }
            self.say(task, n_bytes);
            after = Some(answer.cursor);
        }
    }

    /// How many lines are still wanted, if not all.
    fn left(&self) -> Option<u32> {
        let limit = self.args.limit?;
        Some(limit.saturating_sub(self.n_found))
    }

    fn question(&self, task: &Task, after: Option<String>) -> LogSearch {
        // The lines of other runs count for the platform, but not for the user.
        let limit = self.left().filter(|_| self.args.run.is_none());
        let first = limit.unwrap_or(LINES_PER_PAGE).min(LINES_PER_PAGE);
        LogSearch {
            id: task.summary.id.clone(),
            ranks: (!self.args.ranks.is_empty()).then(|| self.args.ranks.clone()),
            pattern: self.args.pattern.clone(),
            kind: match self.args.regex {
                true => LogPatternKind::Regex,
                false => LogPatternKind::Literal,
            },
            case_sensitive: !self.args.ignore_case,
            after,
            first: i32::try_from(first).unwrap_or(i32::MAX),
        }
    }

    fn show(&mut self, task: &Task, lines: &[&TaskLogMatch]) -> Result<()> {
        let name = task.summary.name.as_str();
        let several_tasks = self.args.experiments.experiments.len() > 1;
        let look = SearchLook {
            task: several_tasks.then_some(name),
            ranks: task.summary.node_count > 1 && self.args.ranks.len() != 1,
            look: self.context.screen.look(),
        };
        let shown = lines.iter().map(|line| match self.context.json {
            true => json_line(task, line),
            false => output::found(line, look),
        });
        let shown: String = shown.collect();
        self.context.screen.print(&shown)
    }

    fn say(&self, task: &Task, n_bytes: i64) {
        let name = &task.summary.name;
        let n_mebibytes = n_bytes >> 20;
        let progress = self.context.screen.progress();
        progress.say(format!("searching {name}: {n_mebibytes} MiB looked at"));
    }
}

fn json_line(task: &Task, line: &TaskLogMatch) -> String {
    let mut object = json!(line);
    object["task"] = json!({ "id": task.summary.id, "name": task.summary.name });
    output::json_line(&object)
}
