//! The original's configuration: which of its keys have an effect here, and why the others have none.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

type Key<'a> = Spanned<DeString<'a>>;

/// Keys of the original, as the crates that we know of read them, and ours in its sections. `*` is any one key, `**` is everything below.
const KEYS: &[(&str, Effect)] = &[
    ("scheduler.default_group", Effect::Same),
    ("scheduler.error_node_meta_group", NO_ALERTS),
    (
        "scheduler.re_signal",
        Effect::None("a start is tried again by itself"),
    ),
    ("scheduler.send_fetion", NO_ALERTS),
    ("experiment.log.dist", LOGS),
    ("experiment.log.dist.role", LOGS),
    ("experiment.log.dist.dir", LOGS),
    ("experiment.log.number_of_files", LOGS),
    ("experiment.log.max_filesize", LOGS),
    ("experiment.log.max_ops", LOGS),
    ("experiment.log.max_line_length", LOGS),
    (
        "experiment.user_env.**",
        Effect::None(
            "variables of tasks are those of their environment (train_environment.config)",
        ),
    ),
    ("database.max_connections", Effect::Same),
    ("database.statement_timeout_secs", Effect::Same),
    ("database.postgres.primary.host", Effect::Same),
    ("database.postgres.primary.port", Effect::Same),
    ("database.postgres.primary.user", Effect::Same),
    ("database.postgres.primary.password", Effect::Same),
    ("database.postgres.primary.db", Effect::Same),
    ("database.postgres.primary.sslmode", Effect::Same),
    ("database.postgres.primary.sslrootcert", Effect::Same),
    ("database.postgres.secondary.host", Effect::Same),
    ("database.postgres.secondary.port", Effect::Same),
    ("database.postgres.secondary.user", Effect::Same),
    ("database.postgres.secondary.password", Effect::Same),
    ("database.postgres.secondary.db", Effect::Same),
    ("database.postgres.secondary.sslmode", Effect::Same),
    ("database.postgres.secondary.sslrootcert", Effect::Same),
    ("database.redis.host", Effect::Same),
    ("database.redis.port", Effect::Same),
    ("database.redis.db", Effect::Same),
    ("database.redis.password", Effect::Same),
    (
        "database.redis.*",
        Effect::None(
            "of a Redis only host, port, db and password are asked; HAI_REDIS_URL says more",
        ),
    ),
    ("launcher.api_server", LAUNCHER),
    ("launcher.task_namespace", LAUNCHER),
    ("launcher.task_namespaces_by_role.*", LAUNCHER),
    ("launcher.manager_nodes", LAUNCHER),
    ("launcher.manager_image", LAUNCHER),
    ("launcher.image_pull_policy", LAUNCHER),
    ("launcher.manager_envs.*", LAUNCHER),
    ("launcher.manager_mounts.*", LAUNCHER),
    ("manager.delete_pod.grace_period_seconds", SUSPEND),
    ("manager.suspend_waiting_seconds.recieved", SUSPEND),
    ("manager.suspend_waiting_seconds.final", SUSPEND),
    ("manager.unschedulable_timeout_Ms", LAUNCHER),
    (
        "manager.stop_channel",
        Effect::None("a Redis carries wake-ups only, on a channel with a name of its own"),
    ),
    ("jupyter.current_version", JUPYTER),
    ("jupyter.shared_node_group_prefix", JUPYTER),
    ("jupyter.mig_node_group_prefix", JUPYTER),
    ("jupyter.node_meta_group", JUPYTER),
    ("jupyter.builtin_services.**", JUPYTER),
    ("jupyter.spot.**", JUPYTER),
    ("jupyter.ingress_host.*", JUPYTER),
    ("server_workers.**", ONE_PROCESS),
    ("parliament.**", ONE_PROCESS),
    ("user_data_roaming.**", ONE_PROCESS),
    (
        "server_url.**",
        Effect::None("there is one address, that of --listen"),
    ),
    (
        "server.create_user_extra_script_path",
        Effect::None("nothing is run when a user is created"),
    ),
    ("exporter.ceph_root", Effect::None("no storage is measured")),
    (
        "cloud.storage.**",
        Effect::None("there is no storage in a cloud"),
    ),
];

const NO_ALERTS: Effect = Effect::None("no alerts are sent");
const LOGS: Effect =
    Effect::None("logs are in the directory `log` of the data directory, each up to 1 GiB");
const LAUNCHER: Effect =
    Effect::None("the platform starts tasks itself, without managers on Kubernetes");
const SUSPEND: Effect = Effect::None("how long giving way may take is in [suspend]");
const JUPYTER: Effect = Effect::None("there are no dev containers yet");
const ONE_PROCESS: Effect = Effect::None("one process serves everything");

/// What a key does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// The same as there.
    Same,
    /// Nothing, and why.
    None(&'static str),
}

/// Takes the keys of the original that have no effect out of a file, and answers a line for each reason.
///
/// # Errors
/// A line for each key beside them that the original does not know either.
pub(crate) fn take(table: &mut DeTable<'_>, text: &str) -> Result<Vec<String>, Vec<String>> {
    let mut found = Found {
        text,
        unused: BTreeMap::new(),
        problems: Vec::new(),
    };
    found.take(table, "");
    if !found.problems.is_empty() {
        found.problems.sort();
        let lines = found.problems.into_iter();
        return Err(lines
            .map(|(line, text)| format!("line {line}: {text}"))
            .collect());
    }
    let lines = found.unused.into_iter().map(|(why, keys)| {
        let verb = if keys.len() == 1 { "has" } else { "have" };
        format!("{} {verb} no effect here: {why}", keys.join(", "))
    });
    Ok(lines.collect())
}

/// Variables of a shell that nobody has filled in, each with its line; those in comments do not matter.
pub(crate) fn left_over(text: &str) -> Vec<String> {
    let lines = text.lines().enumerate().flat_map(|(index, line)| {
        let names = code(line).split("${").skip(1);
        let names = names.filter_map(|rest| rest.split_once('}'));
        names.map(move |(name, _)| {
            format!(
                "line {}: the variable ${{{name}}} is left over: write its value",
                index + 1
            )
        })
    });
    lines.collect()
}

/// The word most like another one.
pub(crate) fn alike<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = known.map(|other| (strsim::jaro_winkler(word, other), other));
    let alike = likeness.filter(|(likeness, _)| *likeness >= 0.84);
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, word)| word)
}

/// The first part of every key.
pub(crate) fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(|(path, _)| path.split('.').next())
}

/// The number of the line with this byte.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// A line without its comment.
fn code(line: &str) -> &str {
    let mut quote = None;
    for (at, char) in line.char_indices() {
        match (quote, char) {
            (None, '#') => return &line[..at],
            (None, '"' | '\'') => quote = Some(char),
            (Some(open), char) if open == char => quote = None,
            _ => {}
        }
    }
    line
}

/// What was found so far.
struct Found<'a> {
    text: &'a str,
    unused: BTreeMap<&'static str, Vec<String>>,
    /// With their lines.
    problems: Vec<(usize, String)>,
}

impl Found<'_> {
    fn take(&mut self, table: &mut DeTable<'_>, above: &str) {
        for (key, mut value) in std::mem::take(table) {
            if !self.is_taken(&key, &mut value, above) {
                table.insert(key, value);
            }
        }
    }

    /// Whether a key is not for whoever reads the rest.
    fn is_taken(&mut self, key: &Key<'_>, value: &mut Spanned<DeValue<'_>>, above: &str) -> bool {
        let name: &str = key.get_ref();
        let path = match above {
            "" => name.to_owned(),
            above => format!("{above}.{name}"),
        };
        if above.is_empty() && !sections().any(|section| section == name) {
            return false;
        }
        let is_leaf = known_below(&path).next().is_none();
        match KEYS.iter().find(|(known, _)| covers(known, &path)) {
            Some((_, Effect::Same)) => return false,
            Some((_, Effect::None(why))) if is_leaf || !has_tables(value.get_ref()) => {
                let keys = self.unused.entry(why).or_default();
                if !keys.contains(&path) {
                    keys.push(path);
                }
                return true;
            }
            Some((_, Effect::None(_))) | None => {}
        }
        self.below(&path, key, value);
        !matches!(value.get_ref(), DeValue::Table(rest) if !rest.is_empty())
    }

    fn below(&mut self, path: &str, key: &Key<'_>, value: &mut Spanned<DeValue<'_>>) {
        let line = line(self.text, key.span().start);
        if known_below(path).next().is_none() {
            let above = path.rsplit_once('.').map_or("", |(above, _)| above);
            let siblings: Vec<&str> = known_below(above)
                .filter(|key| !key.contains('*'))
                .collect();
            let hint = alike(key.get_ref(), siblings.into_iter());
            let hint = hint.map(|key| format!(": did you mean `{key}`?"));
            let hint = hint.unwrap_or_default();
            self.problems
                .push((line, format!("unknown key `{path}`{hint}")));
            return;
        }
        match value.get_mut() {
            DeValue::Table(table) => self.take(table, path),
            DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()) => {
                for item in items.iter_mut() {
                    if let DeValue::Table(table) = item.get_mut() {
                        self.take(table, path);
                    }
                }
            }
            _ => self
                .problems
                .push((line, format!("`{path}` must be a table"))),
        }
    }
}

/// Whether a pattern of [`KEYS`] means this key.
fn covers(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('.');
    for known in pattern.split('.') {
        match (known, parts.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (known, Some(part)) if known == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

/// The keys that may stand directly below another.
fn known_below<'a>(path: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    KEYS.iter().filter_map(move |(pattern, _)| {
        let mut known = pattern.split('.');
        for part in path.split('.').filter(|part| !part.is_empty()) {
            let next = known.next()?;
            if next != part && next != "*" {
                return None;
            }
        }
        known.next()
    })
}

fn has_tables(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Result<(Vec<String>, Vec<String>), Vec<String>> {
        let mut table = DeTable::parse(text).unwrap();
        let lines = take(table.get_mut(), text)?;
        let rest = table.get_ref().keys();
        Ok((lines, rest.map(|key| key.get_ref().to_string()).collect()))
    }

    #[test]
    fn what_has_no_effect_is_taken_out_and_says_why() {
        let text = "
            [[experiment.log.dist]]
            role = 'internal'
            dir = '/logs/{user_name}'
            [[experiment.log.dist]]
            role = 'external'
            dir = '/logs/{user_name}'
            [database.postgres.primary]
            host = 'db'
            password = 'secret'
            [database.redis]
            host = 'redis'
            charset = 'utf-8'
            [scheduler]
            default_group = 'training'
            [launcher]
            manager_nodes = ['a']
            [launcher.manager_envs]
            ANY_NAME = '1'
            [jupyter.builtin_services.jupyter.environ.internal]
            JUPYTER_DIR = '/x'
            [suspend]
            progress_secs = 3
        ";
        let (lines, rest) = taken(text).unwrap();
        assert_eq!(rest, ["database", "scheduler", "suspend"]);
        let said = lines.join("\n");
        for line in [
            "launcher.manager_envs.ANY_NAME, launcher.manager_nodes have no effect here: the platform starts tasks itself",
            "experiment.log.dist.dir, experiment.log.dist.role have no effect here: logs are",
            "database.redis.charset has no effect here: of a Redis only host",
            "jupyter.builtin_services.jupyter has no effect here: there are no dev containers yet",
        ] {
            assert!(said.contains(line), "{said}");
        }
        assert!(!said.contains("secret"), "{said}");
    }

    #[test]
    fn what_nobody_knows_is_named_with_its_line() {
        let text = "[launcher]\napi_sever = 'x'\n[database]\nmysql = 1\n[database.postgres]\nprimary = 1\n[jupyter.x]\n";
        assert_eq!(
            taken(text).unwrap_err(),
            [
                "line 2: unknown key `launcher.api_sever`: did you mean `api_server`?",
                "line 4: unknown key `database.mysql`",
                "line 6: `database.postgres.primary` must be a table",
                "line 7: unknown key `jupyter.x`",
            ]
        );
    }

    #[test]
    fn a_variable_is_left_over_unless_it_is_in_a_comment() {
        let text = "# ${A}\nx = 'a # ${B}' # ${C}\ny = [${D}, \"${E}\"]\n";
        let found = left_over(text);
        let names: Vec<_> = found.iter().map(|line| &line[..30]).collect();
        assert_eq!(
            names,
            [
                "line 2: the variable ${B} is l",
                "line 3: the variable ${D} is l",
                "line 3: the variable ${E} is l"
            ]
        );
    }
}
