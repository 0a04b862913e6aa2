//! The language of the stories: one row a line, and `plan` where the planner is asked.
//!
//! ```text
//! # why this story is told
//! now 60s
//! policy [auto=HIGH,NORMAL] [protect=60s]
//! node NAME GROUP [zone=ZONE] [not_ready] [disabled] [held=t7] [held=other] [reserved=t7]
//! user NAME [groups=public,lab] [inactive]
//! quota OWNER GROUP LEVEL NODES [expires=60s]       OWNER is a user, or @ and a user group
//! ceiling OWNER GROUP LEVEL NODES [expires=60s]
//! task tKEY USER GROUP PRIORITY NODES [zone=ZONE] [rank=1.5] [not_before=60s] [held]
//!      [exclude=NODE@60s,NODE@90s]
//! run tKEY USER GROUP LEVEL on=NODE,NODE [since=60s] [draining] [unsuspendable] [wants=PRIORITY]
//! change ROW       replaces the rows of that name
//! gone NAME        removes them
//! plan             asks, writes down the answer, and carries it out
//! ```

use std::fmt::Write as _;

use scheduler::testing::{ceiling, grant, node, policy, snapshot, task, user};
use scheduler::{
    Decision, Holder, Level, Millis, Plan, Policy, Priority, Quota, Snapshot, Task, TaskKey,
    explain, plan,
};

use crate::words::{Options, key, level, millis, number, one, time};

/// Tells a story; the answer is what the planner said at each `plan`. The error starts with the
/// number of its line.
pub(crate) fn tell(text: &str) -> Result<String, String> {
    let mut story = Story {
        snapshot: snapshot(),
        policy: policy(),
        told: String::new(),
    };
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        story
            .hear(&words)
            .map_err(|error| format!("{}: {error}: {line}", index + 1))?;
    }
    Ok(story.told)
}

struct Story {
    snapshot: Snapshot,
    policy: Policy,
    told: String,
}

impl Story {
    fn hear(&mut self, words: &[&str]) -> Result<(), String> {
        let Some((verb, rest)) = words.split_first() else {
            return Ok(());
        };
        match *verb {
            "plan" => self.plan(),
            "gone" => self.remove(one(rest)?),
            "now" => self.snapshot.now = millis(one(rest)?)?,
            "policy" => {
                let mut options = Options::of(rest);
                if let Some(levels) = options.take_value("auto") {
                    let levels = levels.split(',').map(level);
                    self.policy.auto_levels = levels.collect::<Result<_, _>>()?;
                }
                if let Some(time) = options.take_value("protect") {
                    self.policy.protect_from_higher = millis(time)?;
                }
                options.end()?;
            }
            "change" => {
                self.remove(rest.get(1).ok_or("what changes?")?);
                self.hear(rest)?;
            }
            comment if comment.starts_with('#') => {}
            _ => self.add(verb, rest)?,
        }
        Ok(())
    }

    fn add(&mut self, kind: &str, words: &[&str]) -> Result<(), String> {
        let snapshot = self.snapshot.clone();
        self.snapshot = match (kind, words) {
            ("node", [name, group, rest @ ..]) => {
                let mut options = Options::of(rest);
                let mut row = node(name).in_group(group);
                row.zone = options.take_value("zone").map(Into::into);
                if options.take_flag("not_ready") {
                    row = row.not_ready();
                }
                if options.take_flag("disabled") {
                    row = row.disabled();
                }
                row.holder = match options.take_value("held") {
                    None => Holder::Free,
                    Some("other") => Holder::Other,
                    Some(holder) => Holder::Task(key(holder)?),
                };
                row.reserved_for = options.take_value("reserved").map(key).transpose()?;
                options.end()?;
                snapshot.with(row)
            }
            ("user", [name, rest @ ..]) => {
                let mut options = Options::of(rest);
                let groups = options.take_value("groups").unwrap_or_default();
                let groups: Vec<&str> = groups.split(',').filter(|name| !name.is_empty()).collect();
                let mut row = user(name).member_of(&groups);
                row.active = !options.take_flag("inactive");
                options.end()?;
                snapshot.with(row)
            }
            ("quota", [owner, group, level, nodes, rest @ ..]) => snapshot.with(quota(
                grant(owner, number(nodes)?).in_group(group),
                level,
                rest,
            )?),
            ("ceiling", [owner, group, level, nodes, rest @ ..]) => snapshot.with(quota(
                ceiling(owner, number(nodes)?).in_group(group),
                level,
                rest,
            )?),
            ("task", [name, user, group, priority, nodes, rest @ ..]) => {
                let row = task(key(name)?.0)
                    .of(user)
                    .in_group(group)
                    .wants(number(nodes)?);
                let priority: Priority = priority.parse().map_err(|error| format!("{error}"))?;
                snapshot.with(waiting(row.at(priority), rest)?)
            }
            ("run", [name, user, group, at, rest @ ..]) => {
                let mut options = Options::of(rest);
                let nodes: Vec<&str> = options
                    .take_value("on")
                    .ok_or("on which nodes?")?
                    .split(',')
                    .collect();
                let row = task(key(name)?.0).of(user).in_group(group);
                let mut row = row.at(Priority::Fixed(level(at)?)).active_on(&nodes);
                if let Some(time) = options.take_value("since") {
                    row = row.begun_at(millis(time)?);
                }
                if let Some(priority) = options.take_value("wants") {
                    row.priority = priority.parse().map_err(|error| format!("{error}"))?;
                }
                if options.take_flag("draining") {
                    row = row.draining();
                }
                if options.take_flag("unsuspendable") {
                    row = row.unsuspendable();
                }
                options.end()?;
                occupy(snapshot, row.key, &nodes).with(row)
            }
            _ => return Err("not understood".into()),
        };
        Ok(())
    }

    fn remove(&mut self, name: &str) {
        self.snapshot.nodes.retain(|node| node.name.0 != name);
        self.snapshot.users.retain(|user| user.name.0 != name);
        self.snapshot
            .tasks
            .retain(|task| format!("t{}", task.key) != name);
        for node in &mut self.snapshot.nodes {
            if matches!(node.holder, Holder::Task(task) if format!("t{task}") == name) {
                node.holder = Holder::Free;
            }
        }
    }

    fn plan(&mut self) {
        let plan = plan(&self.snapshot, &self.policy);
        write_down(&mut self.told, &plan, self.snapshot.now);
        self.snapshot = self.snapshot.clone().after(&plan);
    }
}

fn write_down(told: &mut String, plan: &Plan, now: Millis) {
    let mut line = |text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(told, "{text}");
    };
    line(format!("plan at {}", time(now)));
    for decision in &plan.decisions {
        line(match decision {
            Decision::Start { task, level, nodes } => {
                format!("  start task {task} at {level} on {}", list(nodes))
            }
            Decision::Relevel { task, level } => format!("  task {task} goes on at {level}"),
            Decision::Preempt {
                task,
                level,
                victims,
                nodes,
            } => format!(
                "  reserve {} for task {task} at {level}, suspend [{}]",
                list(nodes),
                list(victims)
            ),
            Decision::Release { task } => format!("  release what is reserved for task {task}"),
        });
    }
    for wait in &plan.report.waiting {
        let level = wait.level.map_or("AUTO", Level::name);
        let place = match wait.position {
            Some(position) => format!("{position} in line at {level}"),
            None => format!("outside at {level}"),
        };
        line(format!(
            "  task {}, {place}: {}",
            wait.task,
            explain(wait, now)
        ));
    }
    for issue in &plan.report.issues {
        line(format!("  issue: {issue}"));
    }
    if let Some(wake_at) = plan.wake_at {
        line(format!("  wake at {}", time(wake_at)));
    }
}

fn list(things: &[impl ToString]) -> String {
    let things: Vec<String> = things.iter().map(ToString::to_string).collect();
    things.join(" ")
}

fn occupy(mut snapshot: Snapshot, task: TaskKey, nodes: &[&str]) -> Snapshot {
    for node in snapshot
        .nodes
        .iter_mut()
        .filter(|node| nodes.contains(&node.name.0.as_str()))
    {
        node.holder = Holder::Task(task);
    }
    snapshot
}

fn quota(row: Quota, name: &str, words: &[&str]) -> Result<Quota, String> {
    let mut options = Options::of(words);
    let row = match Level::from_name(name) {
        Some(level) => row.at(level),
        None => Quota {
            level: number(name)?,
            ..row
        },
    };
    let expires_at = options.take_value("expires").map(millis).transpose()?;
    let tag = options.take_value("tag").unwrap_or_default();
    options.end()?;
    Ok(Quota { expires_at, ..row }.tagged(tag))
}

fn waiting(mut task: Task, words: &[&str]) -> Result<Task, String> {
    let mut options = Options::of(words);
    task.zone = options.take_value("zone").map(Into::into);
    task.custom_rank = options.take_value("rank").map(number).transpose()?;
    if let Some(time) = options.take_value("not_before") {
        task = task.not_before(millis(time)?);
    }
    if let Some(exclusions) = options.take_value("exclude") {
        for exclusion in exclusions.split(',') {
            let (node, until) = exclusion.split_once('@').ok_or("exclude NODE@TIME")?;
            task = task.excluding(node, millis(until)?);
        }
    }
    if options.take_flag("held") {
        task = task.held();
    }
    options.end()?;
    Ok(task)
}
