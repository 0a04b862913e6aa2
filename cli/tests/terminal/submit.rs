//! `python|bash|exec … -- …` and `run`.

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform, task},
    program::{Machine, text},
};

/// A platform that mounts these directories and accepts every task.
fn mounting(paths: Vec<String>) -> Platform {
    Platform::start(move |asked| match asked.name.as_str() {
        "MyMounts" => {
            let mounts = paths.iter();
            let mounts: Vec<Value> = mounts
                .map(|path| json!({ "path": path, "readOnly": false }))
                .collect();
            Answer::Data(json!({ "me": { "mounts": mounts } }))
        }
        "SubmitTaskYaml" => {
            Answer::Data(json!({ "submitTaskYaml": task("12", "train.py", "WAITING_INIT") }))
        }
        other => panic!("{other}"),
    })
}

/// A machine whose home is mounted, with a script in its working directory.
fn workplace() -> (Platform, Machine) {
    let bare = Machine::new();
    let platform = mounting(vec![text(&bare.home()).to_owned()]);
    bare.write(
        ".hai/conf.yaml",
        &format!("token: t\nurl: {}\n", platform.url()),
    );
    bare.write("work/train.py", "");
    (platform, bare)
}

fn submitted(platform: &Platform) -> (String, String) {
    let asked = platform.asked_for("SubmitTaskYaml");
    let text = |key: &str| asked[0].variables[key].as_str().unwrap().to_owned();
    (text("yaml"), text("idempotencyKey"))
}

#[test]
fn a_script_becomes_a_task_and_the_user_sees_what_was_sent() {
    let (platform, machine) = workplace();
    let line = "python train.py --lr 0.1 -- -n 2 -g training -p high --name foo -e K=V -e L=a=b \
                --options timeout=60";
    let mut words: Vec<&str> = line.split_whitespace().collect();
    words.insert(4, "two words");
    let ended = machine.run(&words);
    let shown = ended.succeeds();
    let expected = format!(
        "version: 2\n\
         name: foo\n\
         priority: HIGH\n\
         spec:\n\
         \x20 workspace: {}\n\
         \x20 entrypoint: train.py\n\
         \x20 parameters: --lr 0.1 'two words'\n\
         \x20 environments:\n\
         \x20   K: V\n\
         \x20   L: a=b\n\
         resource:\n\
         \x20 image: default\n\
         \x20 group: training\n\
         \x20 node_count: 2\n\
         options:\n\
         \x20 timeout: 60\n",
        text(&machine.work())
    );
    let (yaml, key) = submitted(&platform);
    assert_eq!(yaml, expected);
    assert!(key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()));
    let dashes = "-".repeat(40);
    assert!(shown.starts_with(&format!("{dashes}\n{yaml}{dashes}\n")));
    assert!(shown.contains("12  train.py "), "{shown}");
    assert!(shown.ends_with(
        "status: hai-cli status 12\nlog:    hai-cli logs -f 12\nstop:   hai-cli stop 12\n"
    ));
}

#[test]
fn one_node_is_the_default_and_each_task_has_a_key_of_its_own() {
    let (platform, machine) = workplace();
    machine.run(&["python", "train.py", "--"]).succeeds();
    machine.run(&["python", "train.py", "--"]).succeeds();
    let asked = platform.asked_for("SubmitTaskYaml");
    let yaml = asked[0].variables["yaml"].as_str().unwrap();
    assert!(
        yaml.contains("node_count: 1\n") && yaml.contains("name: train.py\n"),
        "{yaml}"
    );
    assert!(yaml.contains("priority: 30\n"), "{yaml}");
    assert_ne!(
        asked[0].variables["idempotencyKey"],
        asked[1].variables["idempotencyKey"]
    );
}

#[test]
fn an_absolute_script_starts_in_its_own_directory() {
    let (platform, machine) = workplace();
    let script = machine.write("else/where/run", "");
    machine.run(&["exec", text(&script), "--"]).succeeds();
    let (yaml, _) = submitted(&platform);
    let workspace = format!("workspace: {}\n", text(script.parent().unwrap()));
    assert!(yaml.contains(&workspace), "{yaml}");
    assert!(yaml.contains("entrypoint: run\n"), "{yaml}");
    assert!(yaml.contains("entrypoint_executable: true\n"), "{yaml}");
}

#[test]
fn the_default_image_comes_from_the_environment() {
    let (platform, machine) = workplace();
    let mut command = machine.command(&["python", "train.py", "--"]);
    command.env("MARSV2_TASK_BACKEND", "torch");
    assert!(command.output().unwrap().status.success());
    assert!(submitted(&platform).0.contains("image: torch\n"));
}

#[test]
fn json_is_the_new_task_and_nothing_else() {
    let (_platform, machine) = workplace();
    for words in [
        &["-j", "python", "train.py", "--"][..],
        &["python", "train.py", "--", "-j"],
    ] {
        let ended = machine.run(words);
        let task: Value = serde_json::from_str(ended.succeeds()).unwrap();
        assert_eq!(
            (&task["id"], &task["state"]),
            (&json!("12"), &json!("WAITING_INIT"))
        );
    }
}

#[test]
fn a_script_outside_every_mount_is_told_what_to_do() {
    let platform = mounting(vec!["/data/ada".to_owned()]);
    let machine = Machine::logged_in(&platform);
    machine.write("work/train.py", "");
    let start = format!("`--mount {}`", text(&machine.work()));
    let ended = machine.run(&["python", "train.py", "--"]);
    ended.fails(2, &["/data/ada", "copy it there", &start]);
    assert!(platform.asked_for("SubmitTaskYaml").is_empty());
}

#[test]
fn a_script_that_leaves_the_mount_of_its_workspace_is_told_the_same() {
    let machine = Machine::new();
    let platform = mounting(vec![text(&machine.work()).to_owned()]);
    machine.write(
        ".hai/conf.yaml",
        &format!("token: t\nurl: {}\n", platform.url()),
    );
    machine.write("train.py", "");
    let start = format!("`--mount {}`", text(&machine.home()));
    let ended = machine.run(&["python", "../train.py", "--"]);
    ended.fails(2, &["tasks cannot see", &start]);
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let (platform, machine) = workplace();
    machine.write("work/train", "");
    machine.write("with blank/x.py", "");
    let blank = machine.home().join("with blank/x.py");
    let cases: [(&[&str], &str); 6] = [
        (&["python", "none.py", "--"], "there is no script `none.py`"),
        (&["python", "train", "--"], "*.py"),
        (&["bash", "train.py", "--"], "use `python`"),
        (&["python", text(&blank), "--"], "blank"),
        (&["python", "train.py", "--", "-ss", "5"], "behind `++`"),
        (&["python", "train.py", "--", "++"], "exclude each other"),
    ];
    for (words, part) in cases {
        machine.run(words).fails(2, &[part]);
    }
    assert!(platform.asked_for("SubmitTaskYaml").is_empty());
}

#[test]
fn a_file_is_submitted_as_it_is() {
    let (platform, machine) = workplace();
    let file = "# mine\nversion: 2\nname: x\n";
    machine.write("work/x.yml", file);
    let ended = machine.run(&["run", "x.yml"]);
    assert!(ended.succeeds().contains("hai-cli logs -f 12"));
    assert_eq!(submitted(&platform).0, file);
}

#[test]
fn options_replace_what_the_file_says() {
    let (platform, machine) = workplace();
    machine.write("work/x.yml", "version: 2\nname: x\nresource:\n  group: a\n");
    machine
        .run(&["run", "x.yml", "-n", "3", "-g", "b", "-p", "-1"])
        .succeeds();
    assert_eq!(
        submitted(&platform).0,
        "version: 2\nname: x\nresource:\n  group: b\n  node_count: 3\npriority: -1\n"
    );
}

#[test]
fn a_missing_file_is_2() {
    let (_platform, machine) = workplace();
    machine
        .run(&["run", "none.yml"])
        .fails(2, &["cannot read none.yml", "No such file"]);
}

#[test]
fn refusals_keep_their_exit_codes() {
    let cases = [
        (
            "INVALID_INPUT",
            "resource.node_count: must be at least 1",
            2,
        ),
        ("FORBIDDEN", "not yours", 3),
        ("CONFLICT", "a task named `x` is not finished", 5),
        ("RATE_LIMITED", "too many requests: try again in 3 s", 6),
        ("INTERNAL", "internal error 0a1b", 1),
    ];
    for (code, message, exit) in cases {
        let platform = Platform::start(move |_| Answer::Refusal(code, message));
        let machine = Machine::logged_in(&platform);
        machine.write("work/x.yml", "version: 2\n");
        machine.run(&["run", "x.yml"]).fails(exit, &[message]);
    }
}
