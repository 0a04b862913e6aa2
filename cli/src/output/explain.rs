//! Why a task waits, in full sentences with numbers, and what would help.

use serde::Serialize;

use super::table::moment;
use crate::operations::{
    GroupOverview, Outcome, Priority, QuotaUsage, Task, TaskDesired, TaskState, TaskSummary,
};

/// What there is to know about why a task waits.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// The task.
    pub(crate) task: Task,
    /// Its node group; absent if there is none of this name.
    pub(crate) group: Option<GroupOverview>,
    /// What its owner holds and may hold there; empty if the task is somebody else's.
    pub(crate) quotas: Vec<QuotaUsage>,
    /// What would help, a sentence each.
    pub(crate) help: Vec<String>,
}

impl Explanation {
    /// Picks what matters to the task. `program` is how the user calls this one.
    pub(crate) fn new(
        task: Task,
        groups: Vec<GroupOverview>,
        me: &str,
        mut quotas: Vec<QuotaUsage>,
        program: &str,
    ) -> Self {
        let name = &task.summary.group;
        let group = groups.into_iter().find(|group| group.name == *name);
        let is_mine = task.summary.user.name == me;
        quotas.retain(|quota| is_mine && quota.group == *name);
        let help = help(&task.summary, &quotas, program);
        Self {
            task,
            group,
            quotas,
            help,
        }
    }

    /// All of it for people.
    pub(crate) fn text(&self) -> String {
        let task = &self.task.summary;
        let mut text = format!("{}\n", self.headline());
        if waits(task) {
            text += &format!("{}\n", place(task));
            if let Some(group) = &self.group {
                text += &format!("{}\n", nodes(group));
            }
            for quota in self.quotas.iter().filter(|quota| bears_on(task, quota)) {
                text += &format!("{}\n", usage(quota));
            }
        }
        if !self.help.is_empty() {
            text += "\nWhat would help:\n";
            text.extend(self.help.iter().map(|help| format!("- {help}\n")));
        }
        text
    }

    fn headline(&self) -> String {
        let task = &self.task.summary;
        let named = format!("Task {} `{}`", task.id.inner(), task.name);
        let needs = format!(
            "{} of the group {} at priority {}",
            count(task.node_count, "node"),
            task.group,
            task.priority
        );
        match (&task.state, &task.wait) {
            (TaskState::Running, _) => {
                let since = self
                    .task
                    .current_run
                    .as_ref()
                    .map(|run| run.facts.created_at);
                format!(
                    "{named} does not wait: it has had {needs} since {} UTC.",
                    moment(since)
                )
            }
            (TaskState::Finished, _) => {
                let how = task.outcome.as_ref().map_or("ended".to_owned(), how_ended);
                format!(
                    "{named} does not wait: it {how} at {} UTC.",
                    moment(task.finished_at)
                )
            }
            (_, Some(wait)) => {
                format!("{named} waits for {needs}.\nThe reason: {}.", wait.message)
            }
            (_, None) => format!(
                "{named} waits for {needs}.\nThe scheduler has not looked at it yet: ask again in a moment."
            ),
        }
    }
}

fn waits(task: &TaskSummary) -> bool {
    !matches!(task.state, TaskState::Running | TaskState::Finished)
}

fn how_ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded | Outcome::Failed => outcome.to_string(),
        Outcome::Stopped | Outcome::Suspended | Outcome::Lost => format!("was {outcome}"),
        Outcome::Timeout => "took too long or was silent for too long".to_owned(),
        Outcome::StartFailed => "could not be started".to_owned(),
        Outcome::Other(_) => format!("ended ({outcome})"),
    }
}

/// Where it stands in the line, and when time alone ends the wait.
fn place(task: &TaskSummary) -> String {
    let wait = task.wait.as_ref();
    let position = match wait.and_then(|wait| wait.position) {
        Some(1) => format!("It is the next to start in the group {}.", task.group),
        Some(n) => format!(
            "It is number {n} in the line of the group {}: {} before it.",
            task.group,
            match n {
                2 => "1 task is".to_owned(),
                n => format!("{} tasks are", n - 1),
            }
        ),
        None => format!("It does not stand in the line of the group {}.", task.group),
    };
    match wait.and_then(|wait| wait.until) {
        Some(until) => format!(
            "{position} It is tried again at {} UTC.",
            moment(Some(until))
        ),
        None => position,
    }
}

fn nodes(group: &GroupOverview) -> String {
    format!(
        "The group {} has {}: {} can take tasks, {} working, {} free.",
        group.name,
        count(group.nodes, "node"),
        group.ready,
        is(group.working),
        is(group.free),
    )
}

fn usage(quota: &QuotaUsage) -> String {
    format!(
        "At priority {} you hold {} of the {} you may hold there.",
        quota.priority,
        quota.used,
        count(quota.limit, "node")
    )
}

/// Whether the task could use this quota.
fn bears_on(task: &TaskSummary, quota: &QuotaUsage) -> bool {
    task.priority == Priority::Auto || task.priority == quota.priority
}

/// What the owner can do, and what nobody need do.
fn help(task: &TaskSummary, quotas: &[QuotaUsage], program: &str) -> Vec<String> {
    let id = task.id.inner();
    let command = |words: &str| format!("`{program} {words}`");
    let reason = task.wait.as_ref().map(|wait| wait.reason.as_str());
    let fewer = format!(
        "submit it for fewer than {}",
        count(task.node_count, "node")
    );
    let other_group = format!(
        "submit it to another group: {} shows them",
        command("nodes --tree")
    );
    let more_quota = format!(
        "ask an administrator for more quota in the group {}",
        task.group
    );
    let stop_own = format!(
        "end or suspend another of your tasks: {} shows them",
        command("list")
    );
    let level = roomy(task, quotas).map(|level| {
        let words = format!("priority {id} {level}");
        let command = command(&words);
        format!("use a priority at which you have room: {command}")
    });
    let levels: Vec<String> = level.into_iter().collect();
    let sentences = match (&task.state, &task.desired, reason) {
        (TaskState::Running, ..) => vec![],
        (TaskState::Finished, ..) => {
            vec![format!(
                "run it again: {}",
                command(&format!("resume {id}"))
            )]
        }
        (_, TaskDesired::Hold, _) | (_, _, Some("HELD")) => {
            vec![format!("let it run: {}", command(&format!("resume {id}")))]
        }
        (_, _, Some("GROUP_TOO_SMALL" | "NO_SUCH_GROUP")) => vec![fewer, other_group],
        (_, _, Some("NO_QUOTA")) => [levels, vec![more_quota, other_group]].concat(),
        (_, _, Some("QUOTA_TOO_SMALL")) => [levels, vec![fewer, more_quota]].concat(),
        (_, _, Some("OUT_OF_QUOTA")) => [levels, vec![stop_own, more_quota]].concat(),
        (_, _, Some("BACKOFF" | "EXCLUDED_NODES")) => vec![
            format!("see why it failed: {}", command(&format!("describe {id}"))),
            "nothing else: it is tried again by itself".to_owned(),
        ],
        (_, _, Some("DRAINING")) => {
            vec!["nothing: the nodes are being given back, it starts by itself".to_owned()]
        }
        (_, _, Some("NOT_ENOUGH_NODES" | "BEHIND")) => vec![
            "wait: it starts by itself as soon as its nodes are free".to_owned(),
            format!(
                "make it more urgent, if your quota allows: {}",
                command(&format!("priority {id} PRIORITY"))
            ),
            fewer,
            other_group,
        ],
        (_, _, Some("UNKNOWN_USER" | "INACTIVE_USER" | "DUPLICATE")) => {
            vec!["tell an administrator, with this sentence".to_owned()]
        }
        (_, _, Some(_) | None) => vec![],
    };
    // A single node cannot become fewer.
    let possible =
        |sentence: &String| task.node_count > 1 || !sentence.starts_with("submit it for fewer");
    sentences.into_iter().filter(possible).collect()
}

/// The name of another level at which the task would fit into the quota.
fn roomy(task: &TaskSummary, quotas: &[QuotaUsage]) -> Option<String> {
    let fits = |quota: &&QuotaUsage| {
        quota.priority != task.priority && quota.limit - quota.used >= task.node_count
    };
    let fitting = quotas.iter().find(fits)?;
    Some(fitting.priority.to_string())
}

fn count(n: i32, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn is(n: i32) -> String {
    match n {
        1 => "1 is".to_owned(),
        n => format!("{n} are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{operations::Wait, output::task_for_tests};

    fn explained(reason: &str, position: Option<i32>, change: impl Fn(&mut TaskSummary)) -> String {
        let mut task = task_for_tests();
        task.current_run = None;
        task.summary.state = TaskState::WaitingInit;
        task.summary.wait = Some(Wait {
            reason: reason.to_owned(),
            message: "waits for 1 more node in group training: 2 nodes needed, 1 free".to_owned(),
            position,
            until: None,
        });
        change(&mut task.summary);
        let group = |name: &str| GroupOverview {
            name: name.to_owned(),
            nodes: 8,
            ready: 7,
            free: 1,
            working: 6,
            disabled: 0,
        };
        let quota = |priority, used| QuotaUsage {
            group: "training".to_owned(),
            priority,
            used,
            limit: 6,
        };
        let quotas = vec![quota(Priority::High, 6), quota(Priority::Low, 0)];
        let groups = vec![group("debug"), group("training")];
        Explanation::new(task, groups, "ada", quotas, "hai-cli").text()
    }

    #[test]
    fn a_waiting_task_is_told_the_numbers_its_place_and_what_would_help() {
        let expected = "\
Task 12 `train.py` waits for 2 nodes of the group training at priority high.
The reason: waits for 1 more node in group training: 2 nodes needed, 1 free.
It is number 3 in the line of the group training: 2 tasks are before it.
The group training has 8 nodes: 7 can take tasks, 6 are working, 1 is free.
At priority high you hold 6 of the 6 nodes you may hold there.

What would help:
- wait: it starts by itself as soon as its nodes are free
- make it more urgent, if your quota allows: `hai-cli priority 12 PRIORITY`
- submit it for fewer than 2 nodes
- submit it to another group: `hai-cli nodes --tree` shows them
";
        assert_eq!(explained("NOT_ENOUGH_NODES", Some(3), |_| {}), expected);
    }

    #[test]
    fn without_quota_the_level_with_room_is_named() {
        let text = explained("OUT_OF_QUOTA", Some(1), |_| {});
        assert!(text.contains("It is the next to start"), "{text}");
        assert!(text.contains("`hai-cli priority 12 low`"), "{text}");
        let others = explained("OUT_OF_QUOTA", Some(1), |task| {
            task.user.name = "bob".to_owned();
        });
        assert!(!others.contains("you hold"), "{others}");
        assert!(!others.contains("priority 12"), "{others}");
    }

    #[test]
    fn a_single_node_is_not_told_to_become_fewer() {
        let text = explained("QUOTA_TOO_SMALL", None, |task| task.node_count = 1);
        assert!(!text.contains("fewer"), "{text}");
    }

    #[test]
    fn what_does_not_wait_says_so_and_what_is_on_hold_can_be_resumed() {
        let text = explained("HELD", None, |task| task.desired = TaskDesired::Hold);
        assert!(
            text.ends_with("- let it run: `hai-cli resume 12`\n"),
            "{text}"
        );
        let text = explained("X", None, |task| {
            task.state = TaskState::Finished;
            task.outcome = Some(Outcome::Failed);
        });
        assert!(
            text.starts_with("Task 12 `train.py` does not wait: it failed at "),
            "{text}"
        );
        assert!(!text.contains("in the line"), "{text}");
        let text = explained("X", None, |task| task.wait = None);
        assert!(text.contains("has not looked at it yet"), "{text}");
    }
}
