//! The shape of the workspace: who may use whom, which crates a member never sees, and how a source file looks.
//!
//! The reasons are in `docs/architecture.md`. A new arrow is a decision: change the table and the page together.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// Member, the members it may use, and why no others. What is not listed is forbidden.
const ARROWS: &[(&str, &[&str], &str)] = &[
    ("entity", &[], "rows know nothing but themselves"),
    (
        "migration",
        &[],
        "an old migration must not change when a struct does",
    ),
    (
        "scheduler",
        &[],
        "the planner sees a snapshot and a policy, nothing else",
    ),
    (
        "protocol",
        &[],
        "both ends of a conversation depend on it, so it depends on neither",
    ),
    (
        "transport",
        &[],
        "it carries messages and does not know what they mean",
    ),
    (
        "bench",
        &[
            "domain",
            "double",
            "k8s",
            "protocol",
            "scheduler",
            "transport",
        ],
        "what is measured is the program as users have it, or one part of it alone",
    ),
    (
        "chaos",
        &[],
        "what it breaks is the program as users have it",
    ),
    (
        "double",
        &[],
        "it is like the API server of others, which knows nothing of us",
    ),
    (
        "deploy",
        &[],
        "it writes files; that they fit the program is read from its sources",
    ),
    (
        "k8s",
        &["domain", "double", "protocol"],
        "it is one of the places where ranks run; the double is for its tests",
    ),
    (
        "domain",
        &["entity", "migration", "protocol", "scheduler"],
        "the rules do not know who asks or how",
    ),
    (
        "agent",
        &["protocol", "transport"],
        "it outlives the server and must stay small",
    ),
    (
        "api",
        &["domain", "protocol", "transport"],
        "rows reach it as types of the domain",
    ),
    ("cli", &["transport"], "it knows only schema.graphql"),
    (
        "server",
        &[
            "agent",
            "api",
            "cli",
            "domain",
            "k8s",
            "protocol",
            "transport",
        ],
        "it wires the parts together, announces where it is, and its demo is a client; rows it reaches through the domain",
    ),
    ("tests", EVERYTHING, ""),
    ("xtask", EVERYTHING, ""),
];

/// Marks a member that may use all others.
const EVERYTHING: &[&str] = &["*"];

/// Member, crates from outside that it must not name in its `Cargo.toml`, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "scheduler",
        &[
            "anyhow",
            "async-trait",
            "chrono",
            "futures-util",
            "nix",
            "rand",
            "sea-orm",
            "sqlx",
            "tokio",
            "tracing",
        ],
        "plan() is pure: no clock, no chance, no input or output",
    ),
    (
        "protocol",
        &[
            "anyhow", "chrono", "nix", "rand", "sea-orm", "tokio", "tracing",
        ],
        "plain types without behaviour",
    ),
    (
        "entity",
        &["anyhow", "async-graphql", "axum", "tokio"],
        "a renamed column must not change the public API",
    ),
    (
        "migration",
        &["anyhow", "async-graphql", "axum"],
        "it changes tables, nothing else",
    ),
    (
        "domain",
        &[
            "anyhow",
            "async-graphql",
            "axum",
            "clap",
            "cynic",
            "kube",
            "reqwest",
            "tokio-tungstenite",
        ],
        "no transport, no command line; callers match on its errors",
    ),
    (
        "transport",
        &["anyhow", "async-graphql", "axum", "cynic", "sea-orm"],
        "server, agent and command line share it, so it takes no side",
    ),
    (
        "agent",
        &["anyhow", "async-graphql", "axum", "kube", "sea-orm", "sqlx"],
        "it runs beside the user's training: few dependencies, no database",
    ),
    (
        "api",
        &["anyhow", "clap", "fred", "kube", "sea-orm", "sqlx"],
        "SQL, Redis and runtimes stay behind the domain",
    ),
    (
        "cli",
        &["async-graphql", "axum", "kube", "sea-orm", "sqlx"],
        "a laptop's client links no server",
    ),
];

/// File names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "core", "helper", "helpers", "imp", "misc", "types", "util", "utils",
];

/// Lines of code, tests not counted, that no file exceeds.
const MAX_LINES: usize = 600;

#[test]
fn every_arrow_between_members_is_allowed() -> Result<()> {
    none(
        workspace()?
            .workspace_packages()
            .into_iter()
            .flat_map(wrong_arrows),
    );
    Ok(())
}

#[test]
fn no_member_names_a_crate_that_is_forbidden_to_it() -> Result<()> {
    none(
        workspace()?
            .workspace_packages()
            .into_iter()
            .flat_map(wrong_crates),
    );
    Ok(())
}

#[test]
fn the_tables_speak_of_members_only() -> Result<()> {
    let metadata = workspace()?;
    let is_member = |name: &str| {
        metadata
            .workspace_packages()
            .iter()
            .any(|it| it.name == name)
    };
    let spoken_of = ARROWS
        .iter()
        .map(|row| row.0)
        .chain(FORBIDDEN.iter().map(|row| row.0));
    none(
        spoken_of
            .filter(|name| !is_member(name))
            .map(|name| format!("there is no `{name}`")),
    );
    Ok(())
}

#[test]
fn a_package_is_named_like_its_folder() -> Result<()> {
    for package in workspace()?.workspace_packages() {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|folder| folder.file_name());
        assert_eq!(
            folder,
            Some(package.name.as_str()),
            "{}",
            package.manifest_path
        );
    }
    Ok(())
}

/// Two TLS providers in one program make rustls panic when it is first used; ours is aws-lc-rs.
#[test]
fn nothing_depends_on_ring() -> Result<()> {
    let output = Command::new("cargo")
        .args(["tree", "--workspace", "--invert", "ring"])
        .current_dir(root())
        .output()
        .context("cannot run cargo tree")?;
    let users = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        users.trim().is_empty(),
        "choose the feature for aws-lc-rs in:\n{users}"
    );
    let found_nothing = output.status.success() || complaint.contains("did not match any packages");
    assert!(found_nothing, "cargo tree failed: {complaint}");
    Ok(())
}

#[test]
fn every_source_file_begins_with_what_it_is_for() -> Result<()> {
    let silent = source_files()?
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "));
    none(silent.map(|(path, _)| format!("{}: no `//!` in the first line", path.display())));
    Ok(())
}

#[test]
fn no_source_file_is_too_long_to_read() -> Result<()> {
    let files = source_files()?
        .into_iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"));
    let sizes = files.map(|(path, text)| (path, code_lines(&text)));
    none(
        sizes
            .filter(|(_, lines)| *lines > MAX_LINES)
            .map(|(path, lines)| {
                format!(
                    "{}: {lines} lines of code, {MAX_LINES} are the limit",
                    path.display()
                )
            }),
    );
    Ok(())
}

#[test]
fn no_source_file_has_a_name_that_says_nothing() -> Result<()> {
    let paths = source_files()?.into_iter().map(|(path, _)| path);
    let says_nothing = |part: &OsStr| {
        EMPTY_NAMES
            .iter()
            .any(|name| Path::new(part).file_stem() == Some(name.as_ref()))
    };
    none(
        paths
            .filter(|path| path.iter().any(says_nothing))
            .map(|path| format!("{}: name it by what it holds", path.display())),
    );
    Ok(())
}

#[test]
fn tests_at_the_end_of_a_file_are_not_counted_as_code() {
    assert_eq!(
        code_lines("fn a() {}\n#[cfg(test)]\nmod fake;\nfn b() {}\n"),
        4
    );
    assert_eq!(
        code_lines("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n"),
        2
    );
}

/// What is wrong with a package's dependencies on other members. It may name itself, to test with its own features.
fn wrong_arrows(package: &Package) -> Vec<String> {
    let manifest = &package.manifest_path;
    let Some((name, allowed, why)) = ARROWS.iter().find(|row| package.name == row.0) else {
        return vec![format!(
            "{manifest}: say in ARROWS what `{}` may use",
            package.name
        )];
    };
    let used = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some());
    used.map(|dependency| dependency.name.as_str())
        .filter(|used| *allowed != EVERYTHING && used != name && !allowed.contains(used))
        .map(|used| format!("{manifest}: `{name}` must not use `{used}`: {why}"))
        .collect()
}

/// What is wrong with a package's dependencies on crates from outside.
fn wrong_crates(package: &Package) -> Vec<String> {
    let manifest = &package.manifest_path;
    let rows = FORBIDDEN.iter().filter(|row| package.name == row.0);
    rows.flat_map(|(name, forbidden, why)| {
        let used = package
            .dependencies
            .iter()
            .map(|dependency| dependency.name.as_str());
        used.filter(|used| forbidden.contains(used))
            .map(move |used| format!("{manifest}: `{name}` must not use crate `{used}`: {why}"))
    })
    .collect()
}

/// Fails with all problems at once.
fn none(problems: impl Iterator<Item = String>) {
    let problems: Vec<String> = problems.collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Lines before the tests at the end of a file.
fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests {");
    lines.windows(2).position(tests).unwrap_or(lines.len())
}

/// Every Rust file of every member: its path inside the workspace and its text.
fn source_files() -> Result<Vec<(PathBuf, String)>> {
    let mut paths = BTreeSet::new();
    for package in workspace()?.workspace_packages() {
        let folder = package
            .manifest_path
            .parent()
            .context("a manifest lies in a folder")?;
        collect_rust_files(folder.as_std_path(), &mut paths)?;
    }
    assert!(!paths.is_empty(), "found no source file");
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Ok((
                path.strip_prefix(root()).unwrap_or(&path).to_path_buf(),
                text,
            ))
        })
        .collect()
}

/// Each name in backticks that looks like the name of a test is one.
#[test]
fn each_claim_about_security_names_a_test() -> Result<()> {
    let page = fs::read_to_string(root().join("docs/security.md"))?;
    let mut files = BTreeSet::new();
    collect_rust_files(root(), &mut files)?;
    let sources: Vec<String> = files
        .iter()
        .map(fs::read_to_string)
        .collect::<Result<_, _>>()?;
    let is_name = |text: &&str| {
        let is_part =
            |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        text.matches('_').count() > 3 && text.chars().all(is_part)
    };
    let names: Vec<&str> = page.split('`').filter(is_name).collect();
    ensure!(names.len() > 20, "the page names its tests");
    for name in names {
        let test = format!("fn {name}()");
        let is_there = sources.iter().any(|source| source.contains(&test));
        ensure!(is_there, "docs/security.md names {name}, which is no test");
    }
    Ok(())
}

fn collect_rust_files(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            collect_rust_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    Ok(())
}

fn workspace() -> Result<Metadata> {
    let manifest = root().join("Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .context("cannot read cargo metadata")
}

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
