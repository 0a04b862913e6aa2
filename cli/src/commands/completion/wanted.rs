//! What fits at a place of the command line.

use clap::CommandFactory;

use crate::{
    args::{Args, ScriptOptions},
    submission::LEVELS,
};

/// What fits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
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
pub(super) fn wanted(words: &[String]) -> Wanted {
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
    let (command, rest) = innermost(command, &before[at + 1..]);
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
    let n_before = positionals(command, rest).len();
    if n_before == 0 && command.has_subcommands() {
        let below = command.get_subcommands();
        return Wanted::Words(below.map(|one| one.get_name().to_owned()).collect());
    }
    let places: Vec<&clap::Arg> = command.get_positionals().collect();
    let last = places.last().filter(|last| takes_many(last));
    let place = places.get(n_before).or(last);
    place.map_or(Wanted::Words(vec![]), |place| {
        value_of(place, command, rest)
    })
}

/// The command that was meant, down to the one below which there are no more, and the words behind it.
fn innermost<'a>(
    command: &'a clap::Command,
    rest: &'a [String],
) -> (&'a clap::Command, &'a [String]) {
    let at = rest.iter().position(|word| !word.starts_with('-'));
    let below = at.and_then(|at| Some((command.find_subcommand(&rest[at])?, &rest[at + 1..])));
    below.map_or((command, rest), |(command, rest)| innermost(command, rest))
}

/// Whether an argument may be repeated.
fn takes_many(argument: &clap::Arg) -> bool {
    matches!(argument.get_action(), clap::ArgAction::Append)
}

/// How many words a command takes in front of its first task.
fn place_of_tasks(command: &clap::Command) -> usize {
    let is_task =
        |place: &clap::Arg| ["experiment", "experiments"].contains(&place.get_id().as_str());
    let place = command.get_positionals().position(is_task);
    place.unwrap_or_default()
}

/// Which tasks a command can do something with.
fn tasks(command: &clap::Command, rest: &[String]) -> Wanted {
    let follows = rest.iter().any(|word| word == "-f" || word == "--follow");
    let changes = ["stop", "suspend", "priority", "explain"].contains(&command.get_name());
    Wanted::Tasks {
        only_live: follows || changes,
    }
}

/// What fits as the value of an argument.
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
        "rank" | "ranks" => match positionals(command, rest).get(place_of_tasks(command)) {
            Some(experiment) => Wanted::Ranks {
                experiment: (*experiment).clone(),
            },
            None => Wanted::Words(vec!["0".to_owned()]),
        },
        "experiment" | "experiments" => tasks(command, rest),
        "file" => Wanted::Files,
        "priority" => Wanted::Words(LEVELS.map(|(_, name)| name.to_owned()).to_vec()),
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
        assert_eq!(at("explain "), Wanted::Tasks { only_live: true });
        assert_eq!(at("resume "), Wanted::Tasks { only_live: false });
        assert_eq!(at("stop x y "), Wanted::Tasks { only_live: true });
        assert_eq!(at("search "), Wanted::Words(vec![]));
        assert_eq!(at("search nan x "), Wanted::Tasks { only_live: false });
    }

    #[test]
    fn values_are_those_of_their_option() {
        assert!(offers("status x -t ", "yaml"));
        assert!(offers("run x.yml -p ", "HIGH"));
        assert!(offers("priority x ", "AUTO"));
        assert!(offers("completion ", "fish"));
        assert_eq!(at("run x.yml -g "), Wanted::Groups);
        assert_eq!(at("bash x.sh -- -n 2 --group tr"), Wanted::Groups);
        assert_eq!(at("bash x.sh ++ -i "), Wanted::Environments);
        assert_eq!(at("bash x.sh -- -n "), Wanted::Words(vec![]));
        let experiment = "x".to_owned();
        assert_eq!(at("logs x -r "), Wanted::Ranks { experiment });
        assert_eq!(at("logs -r "), Wanted::Words(vec!["0".to_owned()]));
        let experiment = "x".to_owned();
        assert_eq!(at("search nan x --rank "), Wanted::Ranks { experiment });
    }

    #[test]
    fn commands_below_commands_are_offered_and_so_is_what_they_take() {
        assert!(offers("quota ", "set-mine"));
        assert!(offers("node his", "history"));
        assert!(offers("token create --", "--holder"));
        assert!(offers("token create --scope ", "read"));
        assert_eq!(at("quota set-mine "), Wanted::Groups);
        assert!(offers("quota set-mine training ", "HIGH"));
        assert_eq!(at("quota show ana -g "), Wanted::Groups);
    }

    #[test]
    fn scripts_and_their_words_are_left_to_the_shell() {
        assert_eq!(at("python "), Wanted::Files);
        assert_eq!(at("python x.py --l"), Wanted::Files);
        assert_eq!(at("run "), Wanted::Files);
    }
}
