//! No token and no password is found where it does not belong: in logs, in processes, in files, in rows.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tests::{Client, Gate, Up, program, rank_dir_of, run, within};

/// As in an address; plain it is `p@ss/w0rd-of-the-database`.
const PASSWORD: &str = "p%40ss%2Fw0rd-of-the-database";
const PLAIN_PASSWORD: &str = "p@ss/w0rd-of-the-database";
/// A token that nobody has.
const WRONG: &str = "ACCESS-wr0ngwr0ngwr0ngwr0ngwr0ngwr0ng";

/// A secret by its name, in every form in which it is looked for.
type Secrets = BTreeMap<&'static str, Vec<String>>;

fn forms(secret: &str) -> Vec<String> {
    let escaped = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    let mut forms = vec![
        secret.to_owned(),
        secret.bytes().map(escaped).collect(),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ];
    // What it looks like within something longer depends on where it begins there. The letters at both ends also depend
    // on what stands beside it.
    for before in 0..3 {
        let text = [&b"..."[..before], secret.as_bytes()].concat();
        for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = alphabet.encode(&text);
            let whole = text.len() / 3 * 4;
            forms.push(encoded[before.min(1) * 4..whole].to_owned());
        }
    }
    forms
}

/// The names of the secrets that a text holds.
fn found_in(text: &[u8], secrets: &Secrets) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(text);
    let holds = |forms: &Vec<String>| forms.iter().any(|form| text.contains(form));
    let found = secrets.iter().filter(|(_, forms)| holds(forms));
    found.map(|(name, _)| *name).collect()
}

/// Every file below a directory.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// The secrets that a file holds because that is what it is for.
fn belongs(path: &Path) -> &'static [&'static str] {
    let name = path.file_name().and_then(|name| name.to_str());
    match name {
        // Of one rank, for its agent.
        Some("token") => &["agent"],
        // The server's own.
        Some("keys.json") => &["key"],
        // The login of the command line.
        Some("conf.yaml") if path.ends_with(".hai/conf.yaml") => &["user"],
        _ => &[],
    }
}

/// What is where it does not belong, in files that are there now.
fn misplaced(dirs: &[PathBuf], secrets: &Secrets) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for dir in dirs {
        for path in files(dir)? {
            // A file may go while it is looked at: the server works.
            let Ok(text) = fs::read(&path) else { continue };
            let found = found_in(&text, secrets);
            let belongs = belongs(&path);
            let shown = path.display();
            let strange = found.iter().filter(|name| !belongs.contains(name));
            problems.extend(strange.map(|name| format!("{shown} holds {name}")));
            if !found.is_empty() {
                let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
                if mode != 0o600 {
                    problems.push(format!("{shown} has the mode {mode:o}"));
                }
            }
        }
    }
    Ok(problems)
}

/// What the processes of the platform show of themselves that they should not, and how many there are.
fn shown_by_processes(up: &Up, others: &[u32], secrets: &Secrets) -> Result<(usize, Vec<String>)> {
    let data_dir = up.data_dir().canonicalize()?;
    let server = up.server_pid();
    let mut n_processes = 0;
    let mut problems = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let rank = rank_dir_of(i32::try_from(pid)?);
        let is_rank = rank.is_some_and(|dir| dir.starts_with(&data_dir));
        if !(is_rank || Some(pid) == server || others.contains(&pid)) {
            continue;
        }
        n_processes += 1;
        for file in ["cmdline", "environ"] {
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let mut found = found_in(&text, secrets);
            // It is given the addresses of database and Redis in its environment, because nobody else can read that.
            if Some(pid) == server && file == "environ" {
                found.retain(|name| !["password", "redis"].contains(name));
            }
            problems.extend(
                found
                    .iter()
                    .map(|name| format!("{file} of {pid} holds {name}")),
            );
        }
    }
    Ok((n_processes, problems))
}

fn key_of(data_dir: &Path) -> Result<String> {
    let ring: Value = serde_json::from_slice(&fs::read(data_dir.join("keys.json"))?)?;
    let keys = ring["keys"].as_object().context("the ring has keys")?;
    let key = keys.values().next().and_then(Value::as_str);
    Ok(key.context("a key is text")?.to_owned())
}

fn agent_token(data_dir: &Path) -> Result<String> {
    let is_token = |path: &PathBuf| path.ends_with("token");
    let token = files(data_dir)?.into_iter().find(is_token);
    Ok(fs::read_to_string(token.context("an agent has a token")?)?)
}

/// Asks in every way there is, with a token that is good or not.
async fn ask_everywhere(up: &Up, token: &str, task: &str) -> Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let query = format!("subscription {{ taskChanged(id: {task}) {{ state }} }}");
    let events = client
        .post(format!("{}/graphql", up.url))
        .bearer_auth(token)
        .header("accept", "text/event-stream")
        .header("content-type", "application/json")
        .body(json!({ "query": query }).to_string());
    let mut events = within(events.send()).await??;
    ensure!(within(events.chunk()).await??.is_some(), "an event comes");
    let log = format!("{}/tasks/{task}/runs/1/ranks/0/log", up.url);
    let log = within(client.get(log).bearer_auth(token).send()).await??;
    let is_good = token != WRONG;
    assert_eq!(log.status().is_success(), is_good);
    let socket = transport::Connection::open(&up.url, Some(token)).await;
    assert_eq!(socket.is_ok(), is_good);
    if let Ok(socket) = socket {
        let operation = transport::Operation::new(query);
        let mut states = Box::pin(socket.subscribe(operation));
        within(states.next()).await?.context("a state comes")??;
    }
    Ok(())
}

/// What a browser that signs in as the administrator has had: the code, the cookie, and what is in the cookie.
async fn browse(up: &Up, admin: &Client) -> Result<[String; 3]> {
    let make = "mutation { createSessionCode(input: {}) { code } }";
    let made = admin.ask(make, json!({})).await?;
    let code = made["createSessionCode"]["code"].as_str();
    let code = code.context("a code is text")?.to_owned();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let post = |path: &str, body: Value| {
        let request = client.post(format!("{}{path}", up.url));
        request
            .header("origin", &up.url)
            .header("content-type", "application/json")
            .body(body.to_string())
    };
    for typed in [WRONG, &code, &code] {
        within(post("/session", json!({ "code": typed })).send()).await??;
    }
    let made = admin.ask(make, json!({})).await?;
    let other = &made["createSessionCode"]["code"];
    let entered = within(post("/session", json!({ "code": other })).send()).await??;
    let cookie = entered.headers()["set-cookie"].to_str()?;
    let cookie = cookie.split(';').next().context("it has a value")?;
    let (_, text) = cookie.split_once('=').context("it has a name")?;
    for (cookie, is_good) in [(cookie, true), (&format!("hai-session={WRONG}"), false)] {
        let query = json!({ "query": "{ me { name } }" });
        let asked = post("/graphql", query).header("cookie", cookie);
        let answer = within(asked.send()).await??.text().await?;
        assert_eq!(answer.contains("data\":{"), is_good, "{answer}");
    }
    let refresh = post("/session/refresh", json!({})).header("cookie", cookie);
    ensure!(within(refresh.send()).await??.status().is_success());
    let claims = text.split('.').nth(1).context("it is signed")?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    let secret = claims["session"].as_str().context("it is of a session")?;
    Ok([code, text.to_owned(), secret.to_owned()])
}

#[tokio::test]
async fn secrets_stay_where_they_belong() -> Result<()> {
    let redis = domain::testing::redis_url(2);
    let mut up = Up::start_watched(PASSWORD, &redis).await?;
    let home = up.code().display().to_string();
    let first = up.token.clone();
    let admin = up.admin().await?;
    let created = admin.create_user("ada").await?;
    let ada = Client::connect(&up.url, &created).await?;
    ada.ask("{ me { name } }", json!({})).await?;
    let me = admin.ask("{ me { name } }", json!({})).await?;
    let me = me["me"]["name"].as_str().context("a user has a name")?;
    let made = up.run(&["token", "create", me]).await?;
    let user = made.stdout.trim().to_owned();
    let init = run(
        "hai-cli",
        &["init", &user, "--url", &up.url],
        &[("HOME", &home)],
    )
    .await?;
    assert_eq!(init.code, Some(0), "{init:?}");

    let mut gate = Gate::new(&up.code(), "gate")?;
    let mut ready = Gate::new(&up.code(), "ready")?;
    let script = up.script("t.sh", &format!("env\n{}\n{}\n", ready.tell(), gate.wait()))?;
    let script = script.to_str().context("the path is text")?;
    let words = ["bash", script, "--", "-n", "1", "--name", "t"];
    let submitted = run("hai-cli", &words, &[("HOME", &home)]).await?;
    assert_eq!(submitted.code, Some(0), "{submitted:?}");
    ready.heard().await?;
    let follower = tokio::process::Command::new(program("hai-cli")?)
        .args(["logs", "t", "-f"])
        .env_clear()
        .env("HOME", &home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let follower = [follower.id().context("it runs")?];
    ask_everywhere(&up, &first, "1").await?;
    ask_everywhere(&up, WRONG, "1").await?;

    let [code, cookie, session] = browse(&up, &admin).await?;
    let mut codes = forms(&code);
    codes.extend(forms(&code.replace('-', "")));

    let (agent, key) = (agent_token(&up.data_dir())?, key_of(&up.data_dir())?);
    let mut password = forms(PLAIN_PASSWORD);
    password.push(PASSWORD.to_owned());
    let redis = redis.split(['@', ':']).nth(2);
    let redis = redis.context("the tests' Redis wants a password")?;
    let secrets: Secrets = BTreeMap::from([
        ("first", forms(&first)),
        ("created", forms(&created)),
        ("user", forms(&user)),
        ("wrong", forms(WRONG)),
        ("agent", forms(&agent)),
        ("key", forms(&key)),
        ("code", codes),
        ("cookie", forms(&cookie)),
        ("session", forms(&session)),
        ("password", password),
        ("redis", forms(redis)),
    ]);
    let dirs = [up.data_dir(), up.code()];
    let mut problems = misplaced(&dirs, &secrets)?;
    let (n_processes, shown) = shown_by_processes(&up, &follower, &secrets)?;
    assert!(n_processes >= 4, "server, agent, command, client");
    problems.extend(shown);

    // The end, and a second start, say no more than the first.
    gate.open(1).await?;
    admin.finished("1").await?;
    drop((admin, ada));
    let down = up.run(&["down"]).await?;
    assert!(up.has_ended().await?, "{down:?}");
    problems.extend(misplaced(&dirs, &secrets)?);
    up.again().await?;
    problems.extend(misplaced(&dirs, &secrets)?);
    for row in up.rows().await? {
        let found = found_in(row.as_bytes(), &secrets);
        problems.extend(found.iter().map(|name| format!("a row holds {name}")));
    }
    // The first token is told once, to whoever starts the platform.
    assert_eq!(up.said.matches(&first).count(), 1);
    let said = up.said.replace(&first, "");
    let outputs = [
        said,
        init.stdout,
        init.stderr,
        made.stderr,
        submitted.stdout,
        submitted.stderr,
    ];
    for output in outputs {
        let found = found_in(output.as_bytes(), &secrets);
        problems.extend(found.iter().map(|name| format!("an output holds {name}")));
    }
    assert!(problems.is_empty(), "{problems:#?}");
    let log = fs::read_to_string(up.server_log())?;
    assert!(
        log.contains("TRACE") && log.contains("request.id"),
        "all is logged"
    );
    up.kill().await
}

#[test]
fn a_secret_is_found_in_every_form() -> Result<()> {
    let secrets = Secrets::from([("it", forms("ACCESS-s3cret/w@rd"))]);
    let long = |before: &str| format!("{before}ACCESS-s3cret/w@rd and more");
    for before in ["", "x", "xy", "xyz", "Bearer "] {
        let encoded = STANDARD_NO_PAD.encode(long(before));
        assert_eq!(found_in(encoded.as_bytes(), &secrets), ["it"], "{before:?}");
        assert_eq!(found_in(long(before).as_bytes(), &secrets), ["it"]);
    }
    for form in [
        "ACCESS-s3cret%2Fw%40rd",
        "4143434553532d7333637265742f77407264",
    ] {
        assert_eq!(found_in(form.as_bytes(), &secrets), ["it"]);
    }
    assert!(found_in(b"ACCESS-s3cret", &secrets).is_empty());
    // Planted in a file, it is a problem; and where it belongs, if others can read it.
    let dir = tempfile::tempdir()?;
    fs::write(dir.path().join("agent.log"), "token=ACCESS-s3cret/w@rd")?;
    assert_eq!(misplaced(&[dir.path().to_owned()], &secrets)?.len(), 2);
    Ok(())
}
