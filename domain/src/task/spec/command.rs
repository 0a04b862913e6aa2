//! How a task is started: the shell line that a rank executes in its workspace.

use super::task_spec::TaskSpec;

/// The line for `sh -c`, with the workspace as current directory. It replaces the shell, so that signals and the exit
/// code are those of the user's program. The parameters are the user's own shell text and stay as they are.
pub fn shell_line(spec: &TaskSpec) -> String {
    let entrypoint = spec.entrypoint();
    let interpreter = if spec.is_entrypoint_executable() {
        ""
    } else if entrypoint.ends_with(".py") {
        "python3 -u "
    } else {
        "bash "
    };
    // Without a folder, a program would be looked up in PATH, and a script could be taken for an option.
    let has_folder = ["/", "./", "../"]
        .iter()
        .any(|folder| entrypoint.starts_with(folder));
    let needs_folder = interpreter.is_empty() || entrypoint.starts_with('-');
    let folder = if needs_folder && !has_folder {
        "./"
    } else {
        ""
    };
    let program = quoted(&format!("{folder}{entrypoint}"));
    joined(&format!("exec {interpreter}{program}"), spec.parameters())
}

/// The command as users read it: the path of the entrypoint, then the parameters.
pub(super) fn shown(workspace: &str, entrypoint: &str, parameters: &str) -> String {
    let folder = match entrypoint.strip_prefix('/') {
        Some(_) => String::new(),
        None => format!("{}/", workspace.trim_end_matches('/')),
    };
    joined(&format!("{folder}{entrypoint}"), parameters)
}

/// Whether shell text has a line break that ends the command: one outside of quotes and without a backslash before it.
pub(super) fn ends_early(shell_text: &str) -> bool {
    let mut quote = None;
    let mut chars = shell_text.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (None | Some('"'), '\\') => _ = chars.next(),
            (None, '\n') => return true,
            (None, '\'' | '"') => quote = Some(char),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    false
}

fn joined(program: &str, parameters: &str) -> String {
    let space = if parameters.is_empty() { "" } else { " " };
    format!("{program}{space}{parameters}")
}

/// A word as the shell must read it to get it back unchanged.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%,".contains(c);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
