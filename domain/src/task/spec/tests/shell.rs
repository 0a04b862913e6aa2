//! The shell line, word for word and through a real shell.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::super::{TaskSpec, shell_line};

fn line(entrypoint: &str, is_executable: bool, parameters: &str) -> String {
    let document = json!({
        "version": 2,
        "name": "n",
        "spec": {
            "workspace": "/w",
            "entrypoint": entrypoint,
            "entrypoint_executable": is_executable,
            "parameters": parameters,
        },
    });
    shell_line(&TaskSpec::from_json(&document).unwrap())
}

/// What `sh` prints when it executes the line in a folder.
fn run(line: &str, folder: &Path) -> String {
    let output = Command::new("sh")
        .arg("-c")
        .arg(line)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_interpreter_follows_from_the_entrypoint() {
    for (entrypoint, is_executable, expected) in [
        ("train.py", false, "exec python3 -u train.py"),
        (
            "/opt/src/train.py",
            false,
            "exec python3 -u /opt/src/train.py",
        ),
        ("train.sh", false, "exec bash train.sh"),
        ("train", false, "exec bash train"),
        ("train.py.bak", false, "exec bash train.py.bak"),
        ("train", true, "exec ./train"),
        ("train.py", true, "exec ./train.py"),
        ("bin/train", true, "exec ./bin/train"),
        ("./train", true, "exec ./train"),
        ("../train", true, "exec ../train"),
        ("/bin/train", true, "exec /bin/train"),
        ("-c", false, "exec bash ./-c"),
        ("-m.py", false, "exec python3 -u ./-m.py"),
        ("my train.sh", false, "exec bash 'my train.sh'"),
        ("it's.py", false, r"exec python3 -u 'it'\''s.py'"),
        ("$(id).sh", false, "exec bash '$(id).sh'"),
        ("~/x", true, "exec './~/x'"),
    ] {
        assert_eq!(line(entrypoint, is_executable, ""), expected);
    }
}

#[test]
fn parameters_follow_as_they_are() {
    assert_eq!(
        line("a.py", false, r#"--text "$HOME 'x'" > out"#),
        r#"exec python3 -u a.py --text "$HOME 'x'" > out"#
    );
}

#[test]
fn a_real_shell_finds_a_script_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "plain.sh",
        "-x",
        "it's \"$HOME\" `id`; &",
        "a\\b*?[c]",
        "#é",
        "~",
        "!x{a,b}",
    ] {
        fs::write(folder.path().join(name), r#"printf '%s|' "$@""#).unwrap();
        assert_eq!(
            run(&line(name, false, "1 'two words'"), folder.path()),
            "1|two words|"
        );
    }
}

#[test]
fn a_real_shell_executes_a_program_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["prog", "-prog", "my prog's"] {
        symlink("/bin/sh", folder.path().join(name)).unwrap();
        assert_eq!(
            run(&line(name, true, "-c 'echo ran'"), folder.path()),
            "ran\n"
        );
    }
}
