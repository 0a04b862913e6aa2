//! Tells every story of this folder to the planner, and compares its plans with those written down
//! beside it.
//!
//! `NAME.txt` is a story in the language of [`story`], `NAME.plan` what the planner has to answer.

mod story;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

const UPDATE: &str = "UPDATE_SCENARIOS";

#[test]
fn every_story_goes_as_it_is_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let stories = files(&folder, "txt");
    assert!(!stories.is_empty(), "no story in {}", folder.display());

    let wrong: Vec<String> = stories
        .iter()
        .filter_map(|story| check(story).err())
        .collect();
    assert!(
        wrong.is_empty(),
        "{}\n\nIf the new plans are right, write them down with\n    \
         {UPDATE}=1 cargo test -p scheduler --test scenarios\nand read the difference.",
        wrong.join("\n\n")
    );
}

fn check(story: &Path) -> Result<(), String> {
    let name = story.file_name().unwrap_or_default().to_string_lossy();
    let text = fs::read_to_string(story).map_err(|error| format!("{name}: {error}"))?;
    let told = story::tell(&text).map_err(|error| format!("{name}:{error}"))?;

    let golden = story.with_extension("plan");
    if wants_update() {
        return fs::write(&golden, told).map_err(|error| format!("{name}: {error}"));
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    if told == expected {
        return Ok(());
    }
    Err(format!(
        "{name}: expected\n{expected}\nbut the plan is\n{told}"
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the developer asks this test to rewrite its files"
)]
fn wants_update() -> bool {
    std::env::var_os(UPDATE).is_some()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of this file exists")
        .map(|entry| entry.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}
