//! What files come to: on a database, with what is there before.

use std::collections::BTreeMap;

use entity::{audit, quota_change};
use sea_orm::{EntityTrait, PaginatorTrait};

use super::*;
use crate::auth::sign_in;
use crate::environment::usable;
use crate::mount::{self, Action};
use crate::quota::{Amount, DevContainers, Resource, ledger};
use crate::store::Tx;
use crate::testing::TestApp;

/// A small platform, in the form of the original.
const SITE: &str = r#"
-- who is there: ${NOBODY_IS_ASKED_FOR_THIS}
INSERT INTO "user" ("user_id", "user_name", "token", "role", "active", "shared_group") VALUES
    ('20001', 'mia', '${MIA_TOKEN}', 'internal', true, 'vision'),
    (10000, 'bff_admin', 'bff-admins-token-of-20', 'internal', true, 'vision')
ON CONFLICT DO NOTHING;
INSERT INTO public.user_group (user_name, "group") VALUES ('bff_admin', 'root'), ('vision', 'readers');
INSERT INTO quota (user_name, resource, quota, expire_time) VALUES
    ('public', 'node-${GROUP}-HIGH', ${NODES}, NULL),
    ('mia', 'node_limit[lab]-${GROUP}-NORMAL', 2, DEFAULT),
    ('public', 'jupyter:dev', 100012810, '2999-01-01 08:00:00'),
    ('public', 'cap:IPC_LOCK', 1, NULL),
    ('public', 'mia:x:${gid}', 4711, NULL),
    ('public', 'train_environment:base', 7, NULL);
INSERT INTO storage (host_path, mount_path, owners, conditions, mount_type, read_only, action, active) VALUES
    ('marsv2-scripts-{task.id}:run.py', '/marsv2/scripts/run.py', '{public}', '{}'::varchar[], 'configmap', true, 'add', true),
    ('marsv2-entrypoints-{task.id}', '/marsv2/entrypoints', '{public}', '{}', 'configmap', true, 'add', true),
    ('${ROOT}/{user.user_name}', '${ROOT}/{user.user_name}', ARRAY['vision', 'mia'], '{"task.task_type == ''training''"}', 'Directory', false, 'add', true),
    ('/old', '/old', '{mia}', '{}', '', true, 'remove', false);
INSERT INTO train_environment (env_name, image, schema_template, config) VALUES
    ('base', '${IMAGE}', '', '{"environments": {"A": "1"}, "python": "/usr/bin/python3", "cuda": 12.4, "hf_envs": ["x"]}');
INSERT INTO host (node, gpu_num, type, use, origin_group, room, schedule_zone, flags) VALUES
    ('rack-1', 8, 'gpu', 'training', 'all.${GROUP}', 'A', 'east', '{fast}'), ('rack-2', 0, 'cpu', 'training', 'spare', 'B', NULL, '{}');
"#;

fn read_all(text: &str, set: &[(&str, &str)]) -> std::result::Result<Plan, Vec<Note>> {
    let set: BTreeMap<_, _> = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let known = |name: &str| (name == "IMAGE").then(|| "registry/base:1".to_owned());
    let variables = Variables {
        set: &set,
        known: &known,
    };
    let source = Source {
        name: "init.sql".to_owned(),
        text: text.to_owned(),
    };
    read(&[source], &variables)
}

const SET: [(&str, &str); 4] = [
    ("MIA_TOKEN", "it's \\ Mia's"),
    ("GROUP", "training"),
    ("NODES", "3"),
    ("ROOT", "/data"),
];

fn site() -> Plan {
    let mut set = SET;
    set[0].1 = "mia's-own-token-of-the-original";
    read_all(SITE, &set).unwrap()
}

/// What is wrong with a text, line by line.
fn wrong(text: &str) -> Vec<String> {
    let notes = read_all(text, &SET).unwrap_err();
    notes.iter().map(ToString::to_string).collect()
}

async fn take_in(app: &TestApp, plan: Plan) -> std::result::Result<Report, Refusal> {
    let mut tx: Tx = app.app.begin().await?;
    let report = apply(&mut tx, plan).await?;
    tx.commit().await?;
    Ok(report)
}

fn tallies(report: &Report) -> Vec<(&'static str, u32, u32, u32)> {
    let tallies = report.tables.iter();
    tallies
        .map(|it| (it.table, it.inserted, it.there, it.inactive))
        .collect()
}

#[tokio::test]
async fn a_site_is_taken_in_once_and_all_is_as_it_was() {
    let app = TestApp::with_nodes(1).await;
    let report = take_in(&app, site()).await.unwrap();
    assert_eq!(
        tallies(&report),
        [
            ("user", 2, 0, 0),
            ("user_group", 2, 0, 0),
            ("train_environment", 1, 0, 0),
            ("host", 2, 0, 0),
            // Everybody has a quota for the group of the nodes of a new platform: it stays.
            ("quota", 5, 1, 0),
            ("storage", 1, 0, 3),
        ]
    );
    let remarks: Vec<_> = report.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert_eq!(
        remarks[0],
        "init.sql:9: the quota node-training-HIGH of public is 1000 already and stays, the file says 3"
    );
    assert!(
        remarks[1].starts_with("init.sql:16: mounts of marsv2-scripts-"),
        "{remarks:?}"
    );
    let db = app.app.reader();
    let changes = quota_change::Entity::find().all(db).await.unwrap();
    assert_eq!(changes.len(), 5);
    assert!(changes.iter().all(|it| it.editor == "hai-platform import"));
    let acts = || audit::Entity::find().count(db);
    assert_eq!(acts().await.unwrap(), 1);

    let again = take_in(&app, site()).await.unwrap();
    assert!(!again.has_changes());
    assert_eq!(
        tallies(&again),
        [
            ("user", 0, 2, 0),
            ("user_group", 0, 2, 0),
            ("train_environment", 0, 1, 0),
            ("host", 0, 2, 0),
            ("quota", 0, 6, 0),
            ("storage", 0, 4, 0),
        ]
    );
    assert_eq!(acts().await.unwrap(), 1);
}

#[tokio::test]
async fn whoever_was_taken_in_signs_in_with_the_token_he_has_and_may_what_he_might() {
    let app = TestApp::with_nodes(1).await;
    take_in(&app, site()).await.unwrap();
    let (db, now) = (app.app.reader(), app.app.now());
    let mia = sign_in(db, now, "mia's-own-token-of-the-original")
        .await
        .unwrap();
    let mia = mia.user().unwrap();
    assert_eq!(mia.groups, ["internal", "public", "mia", "readers"]);
    let front = sign_in(db, now, "bff-admins-token-of-20").await.unwrap();
    assert!(front.user().unwrap().is_root());
    let may_have = ledger(db, now, mia.id).await.unwrap().amounts;
    let dev = DevContainers {
        memory_gib: 1000,
        cpus: 128,
        count: 10,
    };
    let amount = |name: &str| may_have.get(&name.parse::<Resource>().unwrap()).copied();
    assert_eq!(amount("jupyter:dev"), Some(Amount::Dev(dev)));
    assert_eq!(amount("mia:x:${gid}"), Some(Amount::Count(4711)));
    let environments = usable(db, now, mia).await.unwrap();
    let (first, value) = &environments[0];
    assert_eq!(
        (&*first.name, &*first.image, *value),
        ("base", "registry/base:1", 7)
    );
    assert_eq!((&*first.cuda, &*first.python), ("12.4", "/usr/bin/python3"));
    let rules = mount::list(db, &app.root, mount::Filter::default(), None, 9)
        .await
        .unwrap();
    let counts = rules.iter().filter(|rule| rule.active);
    let paths: Vec<_> = counts.map(|rule| &*rule.host_path).collect();
    assert_eq!(paths, ["/data/{user.user_name}"]);
    assert!(rules.iter().any(|rule| rule.action == Action::Remove));
    let hosts = crate::node::list(db, &crate::node::Filter::default(), None, None)
        .await
        .unwrap();
    let rack = hosts.iter().find(|it| it.host.name == "rack-1").unwrap();
    assert_eq!((&*rack.host.group_name, rack.host.gpus), ("training", 8));
    assert_eq!(rack.host.zone.as_deref(), Some("east"));
}

#[tokio::test]
async fn what_does_not_fit_what_is_there_keeps_everything_out() {
    let app = TestApp::with_nodes(1).await;
    let text = "INSERT INTO \"user\" (user_id, user_name, token) VALUES
            (1000, 'zoe', 'zoes-token-of-the-original'),
            (30001, 'admin', 'another-token-of-admin'),
            (30001, 'ben', 'token-of-the-original-1'),
            (30001, 'eve', 'token-of-the-original-2'),
            (30003, 'kim', 'token-of-the-original-1');
        INSERT INTO user_group (user_name, \"group\") VALUES ('ben', 'readers'), ('noone', 'readers'), ('ben', 'admin');
        INSERT INTO storage (host_path, mount_path, owners, action) VALUES
            ('/a', '/a', '{public}', 'add'), ('/a', '/a', '{public}', 'remove');";
    let refusal = take_in(&app, read_all(text, &[]).unwrap())
        .await
        .unwrap_err();
    let Refusal::Problems(notes) = refusal else {
        panic!("{refusal:?}");
    };
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "init.sql:2: user: zoe cannot have the uid 1000, it is that of admin",
            "init.sql:5: user: eve cannot have the uid 30001, it is that of ben",
            "init.sql:6: user: kim cannot have his token, it is that of somebody else",
            "init.sql:7: user_group: there is no user and no shared group noone",
            "init.sql:7: user_group: admin is the name of a user",
            "init.sql:9: storage: the mount rule 1 says the opposite for the same owners and conditions: one of both must go",
        ]
    );
    let ben = crate::user::find_by_name(app.app.reader(), "ben")
        .await
        .unwrap();
    assert_eq!(ben, None);
}

#[test]
fn a_variable_without_a_value_is_named_with_its_line() {
    let text = "-- ${COMMENT}
        /* ${A
           BLOCK} */
        INSERT INTO quota (user_name, resource, quota) VALUES ('${WHO}',
            E'node-${WHAT}-HIGH', ${MANY}), ($$a
            ${IN_DOLLARS}$$, '${1}', '${gid}${X:-y}');";
    assert_eq!(
        wrong(text),
        [
            "init.sql:4: the variable ${WHO} has no value: give one with --set WHO=VALUE",
            "init.sql:5: the variable ${WHAT} has no value: give one with --set WHAT=VALUE",
            "init.sql:5: the variable ${MANY} has no value: give one with --set MANY=VALUE",
            "init.sql:6: the variable ${IN_DOLLARS} has no value: give one with --set IN_DOLLARS=VALUE",
            "init.sql:6: `${1}` is no variable: only ${NAME} is filled in",
            "init.sql:6: `${X:-y}` is no variable: only ${NAME} is filled in",
        ]
    );
}

#[test]
fn a_value_cannot_end_what_it_stands_in() {
    let text = "INSERT INTO train_environment (env_name, image) VALUES ('${A}', E'${A}'), ($$${A}$$, '${A}')";
    let evil = "x'); DROP TABLE \"user\"; -- \\ $$ ${B}";
    let plan = read_all(text, &[("A", evil)]).unwrap();
    assert_eq!(plan.environments.len(), 2);
    for row in &plan.environments {
        assert_eq!((&*row.value.name, &*row.value.image), (evil, evil));
    }
    for evil in ["1), (2", "now()", "1 + 1", "'a'", "", "a b"] {
        let text = "INSERT INTO quota (user_name, resource, quota) VALUES ('a', 'port',\n ${A})";
        let notes = read_all(text, &[("A", evil)]).unwrap_err();
        assert_eq!(
            notes[0].to_string(),
            "init.sql:2: the variable ${A} must be in quotes, because its value is not one number, TRUE, FALSE or NULL"
        );
    }
    let glued = "INSERT INTO quota (user_name, resource) VALUES (a${GROUP}, 'port')";
    assert!(wrong(glued)[0].contains("${GROUP} must be in quotes"));
}

#[test]
fn all_that_is_wrong_is_told_at_once_by_line() {
    let text = "CREATE TABLE x (a int);
        UPDATE quota SET quota = 3;
        INSERT INTO qouta (user_name) VALUES ('a');
        INSERT INTO other.quota (user_name) VALUES ('a');
        INSERT INTO quota (user_name, ressource, quota, quota) VALUES ('a', 'port', 1, 2);
        INSERT INTO quota (user_name, resource) VALUES ('a'), ('b', now()), ('c', 1 + 1);
        INSERT INTO quota VALUES ('a', 'port');
        INSERT INTO quota (user_name, resource) SELECT 'a', 'port';
        INSERT INTO quota (user_name, resource) VALUES ('a', 'port') ON CONFLICT (user_name) DO UPDATE SET quota = 1;
        INSERT INTO quota (user_name, resource) VALUES ('a', 'port') RETURNING quota;
        INSERT INTO quota (user_name resource) VALUES ('a', 'port');
        INSERT INTO quota (user_name, resource) VALUES ('a', 'port') UNION ALL VALUES ('b', 'port');
        INSERT INTO \"Quota\" (user_name, resource, created_at) VALUES ('a', 'port', now());
        INSERT INTO Quota (user_name, resource, created_at) VALUES ('a', 'port', now());";
    let found = wrong(text);
    let expected = [
        "init.sql:1: CREATE is not taken in: only INSERT",
        "init.sql:2: UPDATE is not taken in: only INSERT",
        "init.sql:3: `qouta` is no table: did you mean `quota`?",
        "init.sql:4: `other.quota` is no table that is taken in: these are user,",
        "init.sql:5: `ressource` is no column of the table quota: did you mean `resource`?",
        "init.sql:5: the column quota is named twice",
        "init.sql:6: the row has 1 values for 2 columns",
        "init.sql:6: resource: now(…) is no constant",
        "init.sql:6: resource: an expression is no constant",
        "init.sql:7: the columns must be named",
        "init.sql:8: the rows must be written out",
        "init.sql:9: what is there stays as it is",
        "init.sql:10: only INSERT INTO",
        "init.sql:11: Expected: ",
        "init.sql:12: the rows must be written out",
        "init.sql:13: `Quota` is no table: did you mean `quota`?",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    assert_eq!(
        wrong("INSERT INTO quota\n(a) VALUES ('x"),
        ["init.sql:2: Unterminated string literal"]
    );
}

#[test]
fn what_a_row_says_must_make_sense() {
    let table = [
        (
            "user (user_name, token) VALUES ('root', 'x')",
            "user.user_name: root is reserved",
        ),
        (
            "user (user_name, token) VALUES ('ana', 'a.b.c')",
            "user.token: must not have exactly two dots: tokens of agents have",
        ),
        (
            "user (user_name, token) VALUES ('ana', 'a b')",
            "user.token: must have 1 to 512 ASCII characters without spaces",
        ),
        ("user (user_name) VALUES ('ana')", "user.token: is needed"),
        (
            "user (user_name, token, role) VALUES ('ana', 'x', 'guest')",
            "user.role: is neither internal nor external",
        ),
        (
            "user (user_name, token, role) VALUES ('ana', 'x', 'external')",
            "user.shared_group: must be given for an external user, and not be default",
        ),
        (
            "user (user_name, token, user_id) VALUES ('ana', 'x', -1)",
            "user.user_id: must be between 0 and 4294967294",
        ),
        (
            "quota (user_name, resource, quota) VALUES ('a', 'node-t-TOP', 1)",
            "quota.resource: \"node-t-TOP\" ends with `TOP`, which is no priority of",
        ),
        (
            "quota (user_name, resource, quota) VALUES ('a', 'jupyter:t', 12810)",
            "quota.quota: 12810 must be 0 or have at least 6 digits",
        ),
        (
            "quota (user_name, resource, quota) VALUES ('a', 'node-t-LOW', 3000000000)",
            "quota.quota: is no number of nodes",
        ),
        (
            "quota (user_name, resource, quota) VALUES ('a', 'port', -1)",
            "quota.quota: must not be negative",
        ),
        (
            "quota (user_name, resource, quota) VALUES ('a', 'port:ssh:nb:0:22', 31000)",
            "quota.resource: is the record of a port",
        ),
        (
            "quota (user_name, resource, expire_time) VALUES ('a', 'port', 'soon')",
            "quota.expire_time: is no time",
        ),
        (
            "storage (host_path, mount_path, owners, action) VALUES ('/a', 'b', '{public}', 'add')",
            "storage.mount_path: must be an absolute path",
        ),
        (
            "storage (host_path, mount_path, owners, action) VALUES ('/{user.home}', '/b', '{public}', 'add')",
            "storage.host_path: has a part that cannot be filled in",
        ),
        (
            "storage (host_path, mount_path, owners, action, conditions) VALUES ('/a', '/b', '{public}', 'add', '{not user}')",
            "storage.conditions: ",
        ),
        (
            "storage (host_path, mount_path, owners, action) VALUES ('/a', '/b', 'public', 'add')",
            "storage.owners: is no list",
        ),
        (
            "storage (host_path, mount_path, owners, action, mount_type) VALUES ('/a', '/b', '{public}', 'add', 'nfs')",
            "storage.mount_type: \"nfs\" is none of",
        ),
        (
            "storage (host_path, mount_path, owners, action) VALUES ('/a', '/b', '{public}', 'take')",
            "storage.action: \"take\" is neither add nor remove",
        ),
        (
            "train_environment (env_name, image, config) VALUES ('e', '', '{\"pyton\": 1}')",
            "train_environment.config: `pyton` is no key: did you mean `python`?",
        ),
        (
            "train_environment (env_name, image, config) VALUES ('e', '', '[]')",
            "train_environment.config: is no JSON object",
        ),
        (
            "host (node, gpu_num, origin_group) VALUES ('n', -1, 'g')",
            "host.gpu_num: is no number of accelerators",
        ),
        (
            "host (node, gpu_num, origin_group) VALUES ('n', 1, '')",
            "host.origin_group: is needed",
        ),
    ];
    for (row, expected) in table {
        let found = wrong(&format!("INSERT INTO {row};"));
        assert!(
            found
                .iter()
                .any(|it| it.starts_with(&format!("init.sql:1: {expected}"))),
            "{row}: {found:?}"
        );
    }
}

#[test]
fn the_files_of_one_import_are_read_together() {
    let source = |name: &str, text: &str| Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let variables = Variables {
        set: &BTreeMap::new(),
        known: &|_| None,
    };
    let second = source("b.sql", "\nDELETE FROM quota");
    let notes = read(&[second, source("a.sql", "SELECT 1")], &variables).unwrap_err();
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert!(notes[0].starts_with("b.sql:2: DELETE"), "{notes:?}");
    assert!(notes[1].starts_with("a.sql:1: SELECT"), "{notes:?}");
}

#[tokio::test]
async fn a_short_token_is_told_by_its_user() {
    let app = TestApp::with_nodes(1).await;
    let text = "INSERT INTO \"user\" (user_name, token) VALUES ('ben', 'xxxxxxxx')";
    let report = take_in(&app, read_all(text, &[]).unwrap()).await.unwrap();
    let remarks: Vec<_> = report.remarks.iter().map(|note| &*note.text).collect();
    assert_eq!(
        remarks,
        [
            "the token of ben is short enough to be guessed: make him another one, then revoke this one"
        ]
    );
    let other = "INSERT INTO \"user\" (user_name, token) VALUES ('ben', 'another-token-of-ben')";
    let report = take_in(&app, read_all(other, &[]).unwrap()).await.unwrap();
    assert!(
        report.remarks[0]
            .text
            .contains("has not got the token of the file")
    );
    assert_eq!(tallies(&report), [("user", 0, 1, 0)]);
}
