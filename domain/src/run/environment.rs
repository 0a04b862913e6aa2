//! The environment of a rank's command: later entries win, and the user's come last.

use std::collections::BTreeMap;

use entity::user::Role;

/// What the variables are made of.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) task_id: i64,
    pub(crate) task_name: &'a str,
    pub(crate) group: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) environment_variables: &'a [(String, String)],
    pub(crate) user: &'a str,
    pub(crate) uid: i64,
    pub(crate) role: Role,
    pub(crate) home: &'a str,
    pub(crate) workspace: &'a str,
    pub(crate) python_path: &'a str,
    pub(crate) entrypoint: &'a str,
    pub(crate) own: &'a BTreeMap<String, String>,
    pub(crate) whole_life_state: i32,
    pub(crate) run: i32,
    pub(crate) rank: i32,
    pub(crate) world_size: i32,
    pub(crate) node: &'a str,
    pub(crate) master_addr: &'a str,
    pub(crate) master_port: i32,
    pub(crate) log_dir: &'a str,
}

/// Where programs are found: what every Linux user has, not what the platform's own user has.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables in the order of the original: environment, user, system, identity, rank, and the user's own again.
pub(crate) fn environment(facts: &Facts<'_>) -> Vec<(String, String)> {
    let role = match facts.role {
        Role::Internal => "internal",
        Role::External => "external",
    };
    let uid = facts.uid.to_string();
    let rank = facts.rank.to_string();
    let task_id = facts.task_id.to_string();
    let port = facts.master_port.to_string();
    let size = facts.world_size.to_string();
    let state = facts.whole_life_state.to_string();
    let run = facts.run.to_string();
    let system = [
        ("PATH", PATH),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("PYTHONIOENCODING", "utf-8"),
        ("SHELL", "/bin/bash"),
    ];
    let ours = [
        ("MARSV2_TASK_TYPE", "training"),
        ("MARSV2_TASK_ID", &task_id),
        ("CHAIN_ID", &task_id),
        ("MARSV2_NB_NAME", facts.task_name),
        ("MARSV2_NB_GROUP", facts.group),
        ("MARSV2_TASK_BACKEND", facts.environment),
        ("MARSV2_WHOLE_LIFE_STATE", &state),
        ("MARSV2_RUN", &run),
        ("WORLD_SIZE", &size),
        ("HOME", facts.home),
        ("USER", facts.user),
        ("LOGNAME", facts.user),
        ("MARSV2_UID", &uid),
        ("MARSV2_USER", facts.user),
        ("MARSV2_USER_ROLE", role),
        ("MARSV2_NODE_NAME", facts.node),
        ("NODE_NAME", facts.node),
        ("MARSV2_RANK", &rank),
        ("RANK", &rank),
        ("MARSV2_LOG_DIR", facts.log_dir),
        ("MARSV2_TASK_WORKSPACE", facts.workspace),
        ("MARSV2_TASK_ENTRYPOINT", facts.entrypoint),
        ("MASTER_ADDR", facts.master_addr),
        ("MASTER_IP", facts.master_addr),
        ("MASTER_PORT", &port),
        ("PYTHONPATH", facts.python_path),
    ];
    let own = facts
        .own
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let environment = facts
        .environment_variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in system.into_iter().chain(environment).chain(ours).chain(own) {
        match merged.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => merged.push((name.to_owned(), value.to_owned())),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_values_win_and_no_name_stands_twice() {
        let own = BTreeMap::from([
            ("MASTER_PORT".to_owned(), "1".to_owned()),
            ("MINE".to_owned(), "yes".to_owned()),
        ]);
        let variables = environment(&Facts {
            task_id: 7,
            task_name: "t",
            group: "training",
            environment: "default",
            environment_variables: &[("PATH".to_owned(), "/opt/bin".to_owned())],
            user: "ada",
            uid: 10_001,
            role: Role::Internal,
            home: "/home/ada",
            workspace: "/home/ada/w",
            python_path: "/home/ada/w:/data/python",
            entrypoint: "x.py",
            own: &own,
            whole_life_state: 0,
            run: 1,
            rank: 1,
            world_size: 2,
            node: "n1",
            master_addr: "127.0.0.1",
            master_port: 2223,
            log_dir: "/log",
        });
        let value = |name: &str| {
            let mut values = variables.iter().filter(|(known, _)| known == name);
            let value = values.next().map(|(_, value)| value.as_str());
            assert!(values.next().is_none(), "{name} stands twice");
            value
        };
        assert_eq!(value("MASTER_PORT"), Some("1"));
        assert_eq!(value("MINE"), Some("yes"));
        assert_eq!(value("PATH"), Some("/opt/bin"));
        assert_eq!(value("WORLD_SIZE"), Some("2"));
        assert_eq!(value("RANK"), Some("1"));
        assert_eq!(value("MARSV2_USER_TOKEN"), None);
    }
}
