//! `init`, `whoami`, and what happens without a login or a platform.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::{
    platform::{Answer, Platform, TOKEN},
    program::{Machine, text},
};

fn ada() -> Platform {
    Platform::start(|asked| match asked.name.as_str() {
        "MyName" if asked.head.contains(&format!("Bearer {TOKEN}")) => {
            Answer::Data(json!({ "me": { "name": "ada" } }))
        }
        "Me" => Answer::Data(json!({ "me": {
            "id": "1", "name": "ada", "role": "INTERNAL", "uid": 1000, "active": true,
            "groups": ["lab"], "createdAt": "2026-11-23T18:43:43Z",
            "quotas": [{ "group": "training", "priority": "HIGH", "used": 1, "limit": 2 }],
            "mounts": [{ "path": "/data/ada", "readOnly": false }],
        } })),
        _ => Answer::Refusal("UNAUTHENTICATED", "not signed in"),
    })
}

#[test]
fn init_verifies_and_saves_privately_and_never_shows_the_token() {
    let platform = ada();
    let machine = Machine::new();
    // Without a scheme, as a user types it.
    let url = platform.url().replace("http://", "");
    let ended = machine.run(&["init", TOKEN, "--url", &url]);
    assert!(ended.succeeds().contains("as ada"), "{ended:?}");
    assert!(!format!("{ended:?}").contains(TOKEN), "{ended:?}");

    let file = machine.home().join(".hai/conf.yaml");
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert_eq!(
        fs::read_to_string(file).unwrap(),
        format!("token: {TOKEN}\nurl: {}\n", platform.url())
    );
    let request = &platform.asked()[0].head;
    let line = request.lines().next().unwrap();
    assert_eq!(line, "POST /graphql HTTP/1.1", "no token in the address");
    assert!(machine.run(&["whoami"]).succeeds().starts_with("ada "));
}

#[test]
fn init_reads_the_token_from_standard_input() {
    let platform = ada();
    let machine = Machine::new();
    let words = ["init", "-", "--url", &platform.url(), "--json"];
    let ended = machine.run_with_input(&words, &format!("{TOKEN}\n"));
    let told: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(told["user"], "ada");
    assert_eq!(told["url"], json!(platform.url()));
    let ended = machine.run(&["init", "--url", &platform.url()]);
    ended.fails(2, &["the token is missing", "`-`"]);
}

#[test]
fn a_login_replaces_an_older_file_as_a_whole_and_makes_it_private() {
    let platform = ada();
    let machine = Machine::new();
    let file = machine.write(".hai/conf.yaml", "token: old\nurl: http://old\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let second_name = machine.home().join("as-it-was");
    fs::hard_link(&file, &second_name).unwrap();
    machine
        .run(&["init", TOKEN, "--url", &platform.url()])
        .succeeds();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert!(fs::read_to_string(&file).unwrap().contains(TOKEN));
    // Nobody ever sees half a file, and nobody who has the old one open sees the new token.
    let old = fs::read_to_string(&second_name).unwrap();
    assert_eq!(old, "token: old\nurl: http://old\n");
    let left: Vec<_> = fs::read_dir(machine.home().join(".hai")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn the_file_of_the_original_is_read_until_there_is_a_new_one() {
    let platform = ada();
    let machine = Machine::new();
    let text = format!(
        "token: {TOKEN}\nurl: {}\nbff_url: http://b\n",
        platform.url()
    );
    let original = machine.write(".hfai/conf.yml", &text);
    assert!(machine.run(&["whoami"]).succeeds().starts_with("ada "));
    machine
        .run(&["init", TOKEN, "--url", &platform.url()])
        .succeeds();
    assert_eq!(
        fs::read_to_string(&original).unwrap(),
        text,
        "it is left alone"
    );
    machine.write(".hai/conf.yaml", "token: wrong\nurl: http://127.0.0.1:1\n");
    assert_eq!(machine.run(&["whoami"]).code, 6, "the new one counts");
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_nothing_is_half_done() {
    let platform = ada();
    let machine = Machine::new();
    machine.write(".hai", "not a directory");
    machine
        .run(&["init", TOKEN, "--url", &platform.url()])
        .fails(1, &["cannot write", "conf.yaml", "HFAI_CLIENT_CONFIG"]);
}

#[test]
fn a_refused_token_is_not_saved() {
    let platform = ada();
    let machine = Machine::new();
    let ended = machine.run(&["init", "wrong", "--url", &platform.url()]);
    ended.fails(3, &["does not accept this token", "nothing is saved"]);
    assert!(!machine.home().join(".hai").exists());
}

#[test]
fn a_bad_address_is_a_usage_error() {
    let machine = Machine::new();
    machine
        .run(&["init", TOKEN, "--url", "ftp://h"])
        .fails(2, &["only http:// and https://"]);
    machine.run(&["init", TOKEN]).fails(2, &["--url URL"]);
}

#[test]
fn an_unreachable_platform_is_named_with_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let url = format!("http://{}", free.unwrap());
    let machine = Machine::new();
    let ended = machine.run(&["init", TOKEN, "--url", &url]);
    ended.fails(
        6,
        &[
            &url,
            "refused",
            "is the platform running?",
            "`hai-platform up`",
        ],
    );
    assert!(!machine.home().join(".hai").exists());
}

#[test]
fn without_a_login_the_answer_says_how_to_get_one() {
    let machine = Machine::new();
    for words in [&["whoami"][..], &["list"], &["status", "7"]] {
        machine
            .run(words)
            .fails(1, &["`hai-cli init TOKEN --url URL`"]);
    }
}

#[test]
fn the_environment_stands_in_for_the_file() {
    let platform = ada();
    let machine = Machine::new();
    let mut command = machine.command(&["whoami"]);
    command.env("MARSV2_USER_TOKEN", TOKEN);
    command.env("MARSV2_SERVER", platform.url());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn another_configuration_file_may_be_named() {
    let platform = ada();
    let machine = Machine::new();
    let path = machine.home().join("elsewhere/c.yml");
    let init = ["init", TOKEN, "--url", &platform.url()];
    let output = machine
        .command(&init)
        .env("HFAI_CLIENT_CONFIG", &path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(path.is_file() && !machine.home().join(".hai").exists());
}

#[test]
fn a_corrupt_file_is_told_without_the_token() {
    let machine = Machine::new();
    let path = machine.write(".hai/conf.yaml", &format!("token: [{TOKEN}\n"));
    machine
        .run(&["whoami"])
        .fails(1, &[text(&path), "is not a configuration", "log in again"]);
}

#[test]
fn an_expired_login_says_how_to_renew_it() {
    let platform = Platform::start(|_| Answer::Refusal("UNAUTHENTICATED", "not signed in"));
    let machine = Machine::logged_in(&platform);
    machine
        .run(&["whoami"])
        .fails(3, &["not signed in", "log in again with `hai-cli init"]);
}

#[test]
fn what_is_no_platform_is_not_mistaken_for_one() {
    let machine = Machine::logged_in(&Platform::start(|_| Answer::Plain(404, "<html>")));
    machine
        .run(&["whoami"])
        .fails(1, &["404 Not Found", "check the address"]);
    let machine = Machine::logged_in(&Platform::start(|_| Answer::Plain(200, "<html>")));
    machine
        .run(&["whoami"])
        .fails(1, &["not a platform that this program understands"]);
    let machine = Machine::logged_in(&Platform::start(|_| Answer::Plain(503, "")));
    machine
        .run(&["whoami"])
        .fails(6, &["503", "try again later"]);
}

#[test]
fn whoami_shows_quota_and_mounts_or_the_same_as_json() {
    let machine = Machine::logged_in(&ada());
    let ended = machine.run(&["whoami", "-a"]);
    let shown = ended.succeeds();
    for part in [
        "ada (uid 1000, internal)",
        " 1/2 ",
        "##########....",
        "/data/ada ",
    ] {
        assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
    }
    assert!(shown.is_ascii());
    let ended = machine.run(&["--json", "whoami"]);
    let user: Value = serde_json::from_str(ended.succeeds()).unwrap();
    assert_eq!(user["quotas"][0]["limit"], 2);
    assert_eq!(user["mounts"][0]["readOnly"], false);
}

#[test]
fn help_is_shown_where_it_is_asked_for_and_bad_words_are_2() {
    let machine = Machine::new();
    let help = machine.run(&["python", "--help"]);
    assert!(help.succeeds().contains("--environments"));
    let help = machine.run(&["python", "x.py", "--", "--help"]);
    assert!(help.succeeds().contains("--environments"));
    for words in [&[][..], &["nonsense"], &["status"], &["list", "-p", "0"]] {
        let ended = machine.run(words);
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{ended:?}");
    }
}
