//! The walk-throughs of docs/administration.md and docs/operations.md, typed line by line, each on a fresh platform.
//!
//! `HAI_UPDATE_ADMINISTRATION=1` writes what comes into the pages. Times, numbers, blanks and secrets may differ from run to
//! run, nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use domain::store::Location;
use tests::Up;

use crate::recording::settled;

/// Where the page has the platform.
const SHOWN_HOST: &str = "127.0.0.1:8080";
/// Where the page has its data.
const SHOWN_DATA: &str = "/var/lib/hai-platform";
/// How a token begins, and what the page shows instead of the rest.
const SECRET: &str = "ACCESS-";

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name)
}

/// A line of the page that is typed, with all lines that it goes on in.
fn typed(lines: &[&str]) -> String {
    let text = lines.join("\n");
    text.strip_prefix("$ ").unwrap_or(&text).to_owned()
}

/// The page with what `answer` says behind everything that is typed in it.
async fn rewritten(
    text: &str,
    mut answer: impl AsyncFnMut(&str) -> Result<String>,
) -> Result<String> {
    let mut written = String::new();
    let mut lines = text.lines();
    let mut is_typing = false;
    while let Some(line) = lines.next() {
        is_typing = match line {
            "```console" => true,
            "```" => false,
            _ => is_typing,
        };
        // What was shown goes, whatever it was.
        if is_typing && !line.starts_with("$ ") && line != "```console" {
            continue;
        }
        written += &format!("{line}\n");
        if is_typing && line.starts_with("$ ") {
            let mut all = vec![line];
            while all.last().is_some_and(|line| line.ends_with('\\')) {
                let more = lines.next().unwrap_or_default();
                written += &format!("{more}\n");
                all.push(more);
            }
            written += &answer(&typed(&all)).await?;
        }
    }
    Ok(written)
}

/// The text without the secrets.
fn elided(text: &str) -> String {
    let mut parts = text.split(SECRET);
    let mut elided = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_secret = |char: char| char.is_ascii_alphanumeric() || "-_".contains(char);
        elided += &format!("{SECRET}…{}", part.trim_start_matches(is_secret));
    }
    elided
}

/// What is said first that is not on the page, or the other way round.
fn difference(page: &str, really: &str) -> Option<String> {
    let (mut shown, mut said) = (page.lines(), really.lines());
    loop {
        match (shown.next(), said.next()) {
            (None, None) => return None,
            (Some(shown), Some(said)) if settled(shown) == settled(said) => {}
            (shown, said) => {
                let [shown, said] = [shown, said].map(|line| line.unwrap_or("the end"));
                return Some(format!("the page has\n{shown}\nbut now it is\n{said}"));
            }
        }
    }
}

#[tokio::test]
async fn the_walk_through_of_an_administrator_is_what_really_comes() -> Result<()> {
    let mut up = Up::start().await?;
    walk("administration.md", 20, &up).await?;
    up.kill().await
}

#[tokio::test]
async fn the_walk_through_of_whoever_runs_a_platform_is_what_really_comes() -> Result<()> {
    let mut up = Up::prepare().await?;
    if let Location::Postgres(_) = up.database() {
        // What it shows is the same but for a line.
        return Ok(());
    }
    up.again().await?;
    walk("operations.md", 5, &up).await?;
    ensure!(up.has_ended().await?, "the page has ended the server");
    Ok(())
}

/// Types all lines of a page, of which there are at least so many.
#[expect(
    clippy::disallowed_methods,
    reason = "the one switch that writes the page instead of comparing it"
)]
async fn walk(name: &str, at_least: usize, up: &Up) -> Result<()> {
    let host = up.url.trim_start_matches("http://").to_owned();
    let home = up.code().display().to_string();
    let data_dir = up.data_dir().display().to_string();
    std::fs::write(up.code().join("train.sh"), "echo trained\n")?;
    let text = std::fs::read_to_string(page(name))?;
    let mut n_lines = 0;
    let really = rewritten(&text, async |line| {
        n_lines += 1;
        let said = line
            .replace(SHOWN_HOST, &host)
            .replace(&format!("{SECRET}…"), &up.token);
        let output = up.types(&said).await?;
        ensure!(output.code == Some(0), "{line}\n{output:?}");
        let shown = output.stdout.replace(&host, SHOWN_HOST);
        let shown = shown.replace(&data_dir, SHOWN_DATA).replace(&home, "~");
        let shown = elided(&shown);
        let end = if shown.is_empty() || shown.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        Ok(shown + end)
    })
    .await?;
    ensure!(
        n_lines > at_least,
        "{name} has only {n_lines} lines to type"
    );
    if std::env::var("HAI_UPDATE_ADMINISTRATION").is_ok() {
        return Ok(std::fs::write(page(name), really)?);
    }
    let difference = difference(&text, &really).unwrap_or_default();
    ensure!(
        difference.is_empty(),
        "write it anew with HAI_UPDATE_ADMINISTRATION=1: {difference}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_shown_is_replaced_and_the_rest_of_a_page_is_left() -> Result<()> {
    let page = "a\n```console\n$ one \\\n  two\nold\n$ three\n```\nb\n```text\n$ no\nold\n```\n";
    let answer = async |line: &str| Ok(format!("<{}>\n", line.replace('\n', "|")));
    let expected = "a\n```console\n$ one \\\n  two\n<one \\|  two>\n$ three\n<three>\n```\nb\n```text\n$ no\nold\n```\n";
    assert_eq!(rewritten(page, answer).await?, expected);
    assert_eq!(difference("a 12\nb  c\n", "a 7\nb c\n"), None);
    let other = difference("a 12\nb\n", "a 7\nc\n");
    assert_eq!(other, Some("the page has\nb\nbut now it is\nc".to_owned()));
    let secrets = "a ACCESS-1x_-y, ACCESS-2\n";
    assert_eq!(elided(secrets), "a ACCESS-…, ACCESS-…\n");
    Ok(())
}
