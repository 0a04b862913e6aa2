//! A move from the original: its files in, its people with their tokens, quotas, mounts and environments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Client, Output, Up};

const SITE: &str = include_str!("import/site.sql");

/// What a user sees of himself.
const SEEN: &str = "{
    me { name uid groups quotas { group priority limit } }
    environments { name image value isDefault python }
    myMounts { mounts { hostPath mountPath readOnly } }
}";

/// Imports a text with these variables.
async fn import(up: &Up, text: &str, set: &[(&str, &str)], more: &[&str]) -> Result<Output> {
    let file = up.script("init.sql", text)?;
    let set: Vec<String> = set
        .iter()
        .map(|(name, value)| format!("--set={name}={value}"))
        .collect();
    let mut words = vec!["import", file.to_str().context("the path is text")?];
    words.extend(set.iter().map(String::as_str));
    words.extend(more);
    up.run(&words).await
}

/// The numbers of each table: inserted, already there, stored inactive.
fn numbers(output: &Output) -> BTreeMap<String, [u32; 3]> {
    let lines = output.stdout.lines().skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let read = |line: &str| {
        let mut words = line.split_whitespace();
        let table = words.next()?.to_owned();
        let mut number = || words.next()?.parse().ok();
        Some((table, [number()?, number()?, number()?]))
    };
    lines.filter_map(read).collect()
}

/// Everything that was written the first time is there the second time.
fn is_all_there(first: &Output, second: &Output) {
    assert_eq!(second.code, Some(0), "{second:?}");
    let again = numbers(first)
        .into_iter()
        .map(|(table, [new, there, inactive])| (table, [0, new + there + inactive, 0]));
    assert_eq!(numbers(second), again.collect());
}

#[tokio::test]
async fn a_site_moves_in_and_its_people_find_what_they_had() -> Result<()> {
    let mut up = Up::start().await?;
    let set = [
        ("MIA_TOKEN", "the-token-that-mia-has"),
        ("GROUP", "training"),
        ("DATA", "/srv"),
    ];
    let refused = import(&up, SITE, &set[..1], &[]).await?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stdout.is_empty(), "{refused:?}");
    for said in [
        "init.sql:11: the variable ${GROUP} has no value: give one with --set GROUP=VALUE\n",
        "init.sql:19: the variable ${DATA} has no value",
        "hai-platform: nothing was written: 3 problems\n",
    ] {
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    let tried = import(&up, SITE, &set, &["--dry-run"]).await?;
    assert_eq!(tried.code, Some(0), "{tried:?}");
    assert!(tried.stdout.contains("Nothing was written"), "{tried:?}");
    assert!(Client::connect(&up.url, set[0].1).await.is_err());

    let first = import(&up, SITE, &set, &[]).await?;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(numbers(&first), numbers(&tried));
    assert_eq!(numbers(&first)["storage"], [1, 0, 1]);
    let said = format!("{}{}", first.stdout, first.stderr);
    assert!(!said.contains(set[0].1), "no token is printed: {said}");
    let rows = up.rows().await?.concat();
    assert!(!rows.contains(set[0].1), "no token is stored");
    for entry in std::fs::read_dir(up.data_dir())? {
        // Directories have what tasks bring along.
        let Ok(file) = std::fs::read(entry?.path()) else {
            continue;
        };
        let is_there = String::from_utf8_lossy(&file).contains(set[0].1);
        assert!(!is_there, "no token is stored");
    }

    let mia = Client::connect(&up.url, set[0].1).await?;
    let seen = mia.ask(SEEN, json!({})).await?;
    assert_eq!(seen["me"]["name"], "mia");
    assert_eq!(seen["me"]["uid"], 20001);
    assert_eq!(
        seen["me"]["groups"],
        json!(["internal", "public", "mia", "readers"])
    );
    let high = json!({"group": "training", "priority": "HIGH", "limit": 3});
    assert!(list(&seen["me"]["quotas"]).contains(&high), "{seen}");
    assert_eq!(
        seen["environments"][0],
        json!({"name": "base", "image": "registry/base:1", "value": 9, "isDefault": true, "python": "/usr/bin/python3"})
    );
    let data = json!({"hostPath": "/srv/mia", "mountPath": "/data", "readOnly": false});
    assert!(list(&seen["myMounts"]["mounts"]).contains(&data), "{seen}");

    let asked = "{ resourceQuotas(filter: {owner: \"readers\"}) { nodes { resource amount memoryGib cpus } }
        quotaChanges { nodes { editor } } auditLog { nodes { actor action } }
        nodes { nodes { name group gpus status } } }";
    let answer = up.admin().await?.ask(asked, json!({})).await?;
    assert_eq!(
        answer["resourceQuotas"]["nodes"],
        json!([{"resource": "jupyter:dev", "amount": 10, "memoryGib": 1000, "cpus": 128}])
    );
    assert_eq!(
        answer["quotaChanges"]["nodes"][0]["editor"],
        "hai-platform import"
    );
    let act = json!({"actor": "hai-platform import", "action": "import"});
    assert!(
        list(&answer["auditLog"]["nodes"]).contains(&act),
        "{answer}"
    );
    let rack = json!({"name": "rack-1", "group": "training", "gpus": 8, "status": "NOT_READY"});
    assert!(list(&answer["nodes"]["nodes"]).contains(&rack), "{answer}");

    // Nobody needs to be there.
    up.kill().await?;
    is_all_there(&first, &import(&up, SITE, &set, &[]).await?);
    Ok(())
}

#[tokio::test]
async fn an_import_without_a_platform_says_so() -> Result<()> {
    let up = Up::prepare().await?;
    let output = import(&up, SITE, &[], &[]).await?;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains("there is no platform in"),
        "{output:?}"
    );
    Ok(())
}

/// The original's own texts are not ours to keep: they are read where somebody has put them beside the repository.
#[tokio::test]
async fn the_originals_own_files_are_taken_in_where_they_are() -> Result<()> {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/seed/hai-platform-readme.md");
    let Ok(page) = std::fs::read_to_string(&page) else {
        println!("{} is not there", page.display());
        return Ok(());
    };
    let sql = block(&page, "INSERT INTO")?;
    let toml = block(&page, "[[experiment.log.dist]]")?;
    let value = |name: &str| match name {
        "TRAINING_GROUP" => "seed_training".to_owned(),
        "JUPYTER_GROUP" => "seed_jupyter".to_owned(),
        "HAI_PLATFORM_PATH" => "/srv/hai".to_owned(),
        "MANAGER_NODES_FORMATTED" => "'a','b'".to_owned(),
        name => name.to_lowercase(),
    };
    let fill = |text: &str| {
        let names = variables(text);
        let put = |text: String, name: &String| text.replace(&format!("${{{name}}}"), &value(name));
        names.iter().fold(text.to_owned(), put)
    };

    let mut up = Up::prepare().await?;
    std::fs::create_dir(up.data_dir())?;
    std::fs::write(up.data_dir().join("override.toml"), &toml)?;
    assert!(up.again().await.is_err(), "variables are left over");
    // The databases that it names are on the original's machines.
    let toml = without_databases(&fill(&toml));
    std::fs::write(up.data_dir().join("override.toml"), toml)?;
    up.again().await?;
    assert!(
        up.said.contains("in the group seed_training"),
        "{}",
        up.said
    );

    let set: Vec<(String, String)> = variables(&sql)
        .into_iter()
        .map(|name| (name.clone(), value(&name)))
        .collect();
    let set: Vec<(&str, &str)> = set
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let first = import(&up, &sql, &set, &[]).await?;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(numbers(&first)["storage"], [1, 0, 9], "{first:?}");
    is_all_there(&first, &import(&up, &sql, &set, &[]).await?);

    let user = Client::connect(&up.url, "xxxxxxxx").await?;
    let seen = user.ask(SEEN, json!({})).await?;
    assert_eq!(
        (&seen["me"]["name"], &seen["me"]["uid"]),
        (&json!("testuser"), &json!(10020))
    );
    let names = list(&seen["environments"])
        .iter()
        .map(|it| it["name"].as_str());
    assert!(names.flatten().any(|name| name == "hai_base"), "{seen}");
    let home = "/srv/hai/workspace/testuser";
    let home = json!({"hostPath": home, "mountPath": home, "readOnly": false});
    assert!(list(&seen["myMounts"]["mounts"]).contains(&home), "{seen}");
    let quotas = list(&seen["me"]["quotas"]);
    assert!(
        quotas.iter().any(|it| it["group"] == "seed_training"),
        "{seen}"
    );
    Ok(())
}

/// The text in the first fence of a page that has this in it.
fn block(page: &str, with: &str) -> Result<String> {
    let mut fences = page.split("\n```").skip(1).step_by(2);
    let found = fences.find(|text| text.contains(with));
    let text = found.and_then(|text| text.split_once('\n'));
    let (_, text) = text.with_context(|| format!("there is a block with {with}"))?;
    Ok(text.to_owned())
}

fn variables(text: &str) -> BTreeSet<String> {
    let parts = text.split("${").skip(1);
    let names = parts.filter_map(|part| part.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Without the sections that begin with `database`.
fn without_databases(toml: &str) -> String {
    let mut is_kept = true;
    let mut kept = String::new();
    for line in toml.lines() {
        if line.trim_start().starts_with('[') {
            is_kept = !line.trim_start().starts_with("[database");
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
