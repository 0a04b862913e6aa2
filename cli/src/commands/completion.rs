//! Completion of words in a shell: a small script that asks this program, which may ask the platform.

use std::time::Duration;

use clap::CommandFactory;
use cynic::QueryBuilder;

use super::Context;
use crate::{
    args::{Args, CompletionArgs, ExperimentArgs, ExperimentKind, ScriptOptions, Shell},
    client::Client,
    error::{Error, Result},
    operations::{ListTasks, MyName, Offers, TaskPage, TaskState},
    select,
};

/// A user who presses a key does not wait longer than this.
const PATIENCE: Duration = Duration::from_secs(5);
/// As many tasks are offered.
const N_TASKS: i32 = 100;

const BASH: &str = r#"_hai_cli() {
    local IFS=$'\n'
    COMPREPLY=($(hai-cli __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _hai_cli hai-cli
"#;

/// `completion`: prints the script.
pub(super) fn print_script(context: &mut Context, args: &CompletionArgs) -> Result<u8> {
    match args.shell {
        Shell::Bash => context.screen.print(BASH)?,
    }
    Ok(0)
}

/// `__complete`: prints what the last word may become.
pub(super) async fn complete(context: &mut Context, words: &[String]) -> Result<u8> {
    let current = words.last().map_or("", String::as_str);
    let candidates = match wanted(words) {
        Wanted::Words(words) => words,
        Wanted::Files => return Ok(0),
        wanted => tokio::time::timeout(PATIENCE, ask(context, wanted))
            .await
            .map_err(|_elapsed| {
                Error::Usage("the platform is too slow to complete words".into())
            })??,
    };
    let fitting = candidates
        .iter()
        .filter(|candidate| candidate.starts_with(current));
    let lines: String = fitting.map(|candidate| format!("{candidate}\n")).collect();
    context.screen.print(&lines)?;
    Ok(0)
}

/// What fits at a place of the command line.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// One of these.
    Words(Vec<String>),
    /// The shell knows better.
    Files,
    /// A task, or only one that has not ended.
    Tasks { only_live: bool },
    /// A rank of this task.
    Ranks { experiment: String },
    /// A node group.
    Groups,
    /// An environment.
    Environments,
}

/// Decides what fits, from the definition of the arguments.
fn wanted(words: &[String]) -> Wanted {
    let (current, before) = match words.split_last() {
        Some((current, before)) => (current.as_str(), before),
        None => ("", words),
    };
    let program = Args::command();
    let name_at = before.iter().position(|word| !word.starts_with('-'));
    let command = name_at.and_then(|at| program.find_subcommand(&before[at]));
    let (Some(at), Some(command)) = (name_at, command) else {
        if current.starts_with('-') {
            return Wanted::Words(flags(&program));
        }
        let commands = program
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        return Wanted::Words(
            commands
                .map(|command| command.get_name().to_owned())
                .collect(),
        );
    };
    let rest = &before[at + 1..];
    let script_options = ScriptOptions::command();
    let command = match command.get_name() {
        "python" | "bash" | "exec" => match rest.iter().any(|word| word == "--" || word == "++") {
            true => &script_options,
            // The script and its own arguments.
            false => return Wanted::Files,
        },
        _ => command,
    };
    if let Some(option) = rest.last().and_then(|word| option(command, word)) {
        return value_of(option, command, rest);
    }
    if current.starts_with('-') {
        return Wanted::Words(flags(command));
    }
    match command.get_name() {
        "status" | "logs" | "stop" if positionals(command, rest).is_empty() => {
            let follows = rest.iter().any(|word| word == "-f" || word == "--follow");
            Wanted::Tasks {
                only_live: follows || command.get_name() == "stop",
            }
        }
        "completion" => Wanted::Words(vec!["bash".to_owned()]),
        "run" => Wanted::Files,
        _ => Wanted::Words(vec![]),
    }
}

/// What fits behind an option that takes a value.
fn value_of(option: &clap::Arg, command: &clap::Command, rest: &[String]) -> Wanted {
    let possible = option.get_possible_values();
    if !possible.is_empty() {
        return Wanted::Words(
            possible
                .iter()
                .map(|value| value.get_name().to_owned())
                .collect(),
        );
    }
    match option.get_id().as_str() {
        "group" => Wanted::Groups,
        "image" => Wanted::Environments,
        "rank" => match positionals(command, rest).first() {
            Some(experiment) => Wanted::Ranks {
                experiment: (*experiment).clone(),
            },
            None => Wanted::Words(vec!["0".to_owned()]),
        },
        "priority" => Wanted::Words(
            [
                "EXTREME_HIGH",
                "VERY_HIGH",
                "HIGH",
                "ABOVE_NORMAL",
                "NORMAL",
                "UNDER_NORMAL",
            ]
            .into_iter()
            .chain(["BELOW_NORMAL", "LOW", "AUTO"])
            .map(str::to_owned)
            .collect(),
        ),
        _ => Wanted::Words(vec![]),
    }
}

/// The option that a word is, if it takes a value.
fn option<'a>(command: &'a clap::Command, word: &str) -> Option<&'a clap::Arg> {
    let mut options = command
        .get_opts()
        .filter(|option| option.get_action().takes_values());
    options.find(|option| {
        let long = word.strip_prefix("--").is_some_and(|word| {
            option.get_long() == Some(word)
                || option
                    .get_all_aliases()
                    .is_some_and(|all| all.contains(&word))
        });
        let mut short = word.chars();
        long || (short.next() == Some('-')
            && short.next().is_some_and(|c| option.get_short() == Some(c))
            && short.next().is_none())
    })
}

/// The words that are neither options nor their values.
fn positionals<'a>(command: &clap::Command, rest: &'a [String]) -> Vec<&'a String> {
    let is_value = |at: usize| at > 0 && option(command, &rest[at - 1]).is_some();
    let words = rest.iter().enumerate();
    words
        .filter(|(at, word)| !word.starts_with('-') && !is_value(*at))
        .map(|(_, word)| word)
        .collect()
}

fn flags(command: &clap::Command) -> Vec<String> {
    let visible = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set());
    visible
        .filter_map(clap::Arg::get_long)
        .chain(["help", "json"])
        .map(|long| format!("--{long}"))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}

async fn ask(context: &Context, wanted: Wanted) -> Result<Vec<String>> {
    let client = context.client()?;
    match wanted {
        Wanted::Words(words) => Ok(words),
        Wanted::Files => Ok(vec![]),
        Wanted::Tasks { only_live } => tasks(&client, only_live).await,
        Wanted::Ranks { experiment } => {
            let kind = ExperimentKind::Auto;
            let task = select::find(&client, &ExperimentArgs { experiment, kind }).await?;
            Ok((0..task.summary.node_count)
                .map(|rank| rank.to_string())
                .collect())
        }
        Wanted::Groups => Ok(client.ask(&Offers::build(())).await?.server_info.groups),
        Wanted::Environments => Ok(client
            .ask(&Offers::build(()))
            .await?
            .server_info
            .environments),
    }
}

async fn tasks(client: &Client, only_live: bool) -> Result<Vec<String>> {
    let user = client.ask(&MyName::build(())).await?.me.name;
    let page = ListTasks::build(TaskPage {
        user,
        first: N_TASKS,
        after: None,
    });
    let tasks = client.ask(&page).await?.tasks.nodes;
    let mut names: Vec<String> = tasks
        .into_iter()
        .filter(|task| !only_live || task.state != TaskState::Finished)
        .map(|task| task.name)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fits at the end of a line; a blank at its end means that a new word begins.
    fn at(line: &str) -> Wanted {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        wanted(&words)
    }

    fn offers(line: &str, word: &str) -> bool {
        match at(line) {
            Wanted::Words(words) => words.iter().any(|offered| offered == word),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_word_is_a_command() {
        assert!(offers("", "status"));
        assert!(offers("--json st", "status"));
        assert!(!offers("", "__complete"));
        assert!(offers("--", "--json"));
    }

    #[test]
    fn options_come_from_the_definition_of_the_command() {
        assert!(offers("logs --", "--rank"));
        assert!(offers("list --p", "--page_size"));
        assert!(offers("python x.py a -- --", "--environments"));
    }

    #[test]
    fn a_task_is_offered_once_and_only_a_live_one_for_what_needs_it() {
        assert_eq!(at("status "), Wanted::Tasks { only_live: false });
        assert_eq!(at("logs "), Wanted::Tasks { only_live: false });
        assert_eq!(at("logs -f "), Wanted::Tasks { only_live: true });
        assert_eq!(at("stop tr"), Wanted::Tasks { only_live: true });
        assert_eq!(at("logs -r 1 "), Wanted::Tasks { only_live: false });
        assert_eq!(at("status x "), Wanted::Words(vec![]));
    }

    #[test]
    fn values_are_those_of_their_option() {
        assert!(offers("status x -t ", "yaml"));
        assert!(offers("run x.yml -p ", "HIGH"));
        assert_eq!(at("run x.yml -g "), Wanted::Groups);
        assert_eq!(at("bash x.sh -- -n 2 --group tr"), Wanted::Groups);
        assert_eq!(at("bash x.sh ++ -i "), Wanted::Environments);
        assert_eq!(at("bash x.sh -- -n "), Wanted::Words(vec![]));
        let experiment = "x".to_owned();
        assert_eq!(at("logs x -r "), Wanted::Ranks { experiment });
        assert_eq!(at("logs -r "), Wanted::Words(vec!["0".to_owned()]));
    }

    #[test]
    fn scripts_and_their_words_are_left_to_the_shell() {
        assert_eq!(at("python "), Wanted::Files);
        assert_eq!(at("python x.py --l"), Wanted::Files);
        assert_eq!(at("run "), Wanted::Files);
    }
}
