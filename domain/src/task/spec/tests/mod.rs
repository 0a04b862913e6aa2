//! The task schema at its boundary: documents in; specs, shell lines or problems out.

mod accepted;
mod limits;
mod properties;
mod refused;
mod shell;

use super::TaskSpec;

/// The smallest document, with lines added below a section (`""` for the top level).
fn document(section: &str, lines: &str) -> String {
    let indent = if section.is_empty() { "" } else { "  " };
    let lines: String = lines
        .lines()
        .map(|line| format!("{indent}{line}\n"))
        .collect();
    let [top, spec, resource, options] =
        ["", "spec", "resource", "options"].map(|name| if name == section { &*lines } else { "" });
    format!(
        "version: 2\nname: train\n{top}\
         spec:\n  workspace: /home/ana/gpt\n  entrypoint: train.py\n{spec}\
         resource:\n  image: default\n{resource}\
         options:\n  whole_life_state: 0\n{options}"
    )
}

fn parsed(yaml: &str) -> TaskSpec {
    TaskSpec::from_yaml(yaml)
        .unwrap_or_else(|errors| panic!("{errors}\n{yaml}"))
        .0
}

fn problems(yaml: &str) -> Vec<String> {
    match TaskSpec::from_yaml(yaml) {
        Ok((spec, _)) => panic!("accepted as {spec:?}\n{yaml}"),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}
