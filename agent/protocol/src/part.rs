//! What the ranks of a run have in common, and what each has for itself: said once, a run of many ranks is small.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{FENCE_FILE, Launch};

/// What one rank has for itself. It holds secrets, so it cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankPart {
    /// [`Launch::rank`].
    pub rank: u32,
    /// [`Launch::node`].
    pub node: String,
    /// [`Launch::log_dir`].
    pub log_dir: PathBuf,
    /// [`Launch::silence_secs`].
    pub silence_secs: Option<u64>,
    /// What of the environment is not as in common, in order; a name that is new comes last.
    pub env: Vec<(String, String)>,
    /// The agent's bearer token.
    pub token: String,
}

/// What a rank has for itself, when the rest is as in `common`: the launch of another rank of the same run.
pub fn split(common: &Launch, whole: Launch, token: &str) -> RankPart {
    let is_common = |entry: &(String, String)| common.command.env.contains(entry);
    let env = whole.command.env.into_iter();
    RankPart {
        rank: whole.rank,
        node: whole.node,
        log_dir: whole.log_dir,
        silence_secs: whole.silence_secs,
        env: env.filter(|entry| !is_common(entry)).collect(),
        token: token.to_owned(),
    }
}

/// The launch of a rank, and its token.
pub fn join(common: Launch, part: RankPart) -> (Launch, String) {
    let mut command = common.command;
    for (name, value) in part.env {
        match command.env.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => command.env.push((name, value)),
        }
    }
    // Each rank has its own where it has its log.
    let fence = common.fence.map(|_| part.log_dir.join(FENCE_FILE));
    let whole = Launch {
        rank: part.rank,
        node: part.node,
        fence,
        log_dir: part.log_dir,
        silence_secs: part.silence_secs,
        command,
        ..common
    };
    (whole, part.token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, LogLimits, PROTOCOL_VERSION};

    fn rank(number: u32) -> Launch {
        Launch {
            protocol_version: PROTOCOL_VERSION,
            task_id: 42,
            run: 3,
            rank: number,
            world_size: 2,
            node: format!("n{number}"),
            server_file: "/hai/server.json".into(),
            token_file: "/hai/token".into(),
            rank_dir: "/hai/rank".into(),
            log_dir: format!("/log/{number}").into(),
            log: LogLimits {
                segment_bytes: 1,
                budget_bytes: 2,
            },
            command: Command {
                workspace: "/code".into(),
                line: "true".to_owned(),
                env: vec![
                    ("RANK".to_owned(), number.to_string()),
                    ("HOME".to_owned(), "/home/ada".to_owned()),
                ],
            },
            identity: None,
            silence_secs: (number == 0).then_some(60),
            last_word: None,
            home: None,
            fence: Some(format!("/log/{number}/{FENCE_FILE}").into()),
        }
    }

    #[test]
    fn what_is_split_is_joined_again_and_only_what_differs_is_said_twice() {
        let common = rank(0);
        for number in [0, 1] {
            let part = split(&common, rank(number), "secret");
            assert!(part.env.len() <= 1, "{:?}", part.env);
            let (whole, token) = join(common.clone(), part);
            assert_eq!((whole, token.as_str()), (rank(number), "secret"));
        }
    }
}
