//! The Dockerfile makes the image that the objects speak of.

use std::path::Path;

use anyhow::{Context, Result};

use crate::objects::{here, named, source};

/// The instructions of the Dockerfile, with their arguments.
fn instructions() -> Result<Vec<(String, String)>> {
    let text = source("deploy/Dockerfile")?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let whole = lines.join("\n").replace("\\\n", " ");
    let instruction = |line: &str| {
        let (word, rest) = line.split_once(' ')?;
        Some((word.to_owned(), rest.trim().to_owned()))
    };
    Ok(whole.lines().filter_map(instruction).collect())
}

fn all(word: &str) -> Result<Vec<String>> {
    let all = instructions()?.into_iter();
    Ok(all.filter(|it| it.0 == word).map(|it| it.1).collect())
}

#[test]
fn it_is_built_from_exact_versions_and_with_our_toolchain() -> Result<()> {
    let toolchain: toml::Table = source("rust-toolchain.toml")?.parse()?;
    let version = toolchain["toolchain"]["channel"].as_str();
    let version = version.context("a toolchain has a version")?;
    let images = all("FROM")?;
    assert!(
        images[0].starts_with(&format!("rust:{version}-")),
        "{images:?}"
    );
    for image in &images {
        let tag = image.split_once(':').map(|(_, tag)| tag);
        assert!(
            tag.is_some_and(|tag| tag.contains(|char: char| char.is_ascii_digit())),
            "{image} is another tomorrow"
        );
        let name = image.split(':').next().unwrap_or_default();
        assert!(!name.contains('/'), "{name} is no official image");
    }
    let variables = all("ENV")?;
    assert_eq!(variables, [format!("RUSTUP_TOOLCHAIN={version}")]);
    Ok(())
}

#[test]
fn programs_are_where_pods_look_for_them() -> Result<()> {
    let copies = all("COPY")?;
    let built = copies
        .iter()
        .find_map(|it| it.strip_prefix("--from=build "));
    let built = built.context("programs are copied from where they were built")?;
    let mut words: Vec<&str> = built.split(' ').collect();
    let folder = words.pop().context("they are copied somewhere")?;
    let places: Vec<String> = words
        .iter()
        .map(|path| path.replace("/out/", folder))
        .collect();
    assert_eq!(
        places,
        ["/usr/local/bin/hai-platform", "/usr/local/bin/hai-agent"]
    );
    for name in ["hai-platform-serve", "hai-platform-work"] {
        let pod = &named("Deployment", name)?["spec"]["template"]["spec"];
        assert_eq!(pod["containers"][0]["command"][0], places[0].as_str());
    }
    let pods = source("k8s/src/object/pod.rs")?;
    assert!(pods.contains(&format!("\"{}\"", places[1])));
    // And they are what cargo builds under these names.
    for manifest in ["server/Cargo.toml", "agent/Cargo.toml"] {
        let manifest: toml::Table = source(manifest)?.parse()?;
        let name = manifest["bin"][0]["name"].as_str().unwrap_or_default();
        assert!(
            places
                .iter()
                .any(|place| place.ends_with(&format!("/{name}")))
        );
    }
    Ok(())
}

#[test]
fn what_is_copied_is_there_and_not_left_out() -> Result<()> {
    let root = here().parent().context("it is in the workspace")?;
    let ignored = source(".dockerignore")?;
    let ignored: Vec<&str> = ignored
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let copies = all("COPY")?;
    for copy in copies.iter().filter(|copy| !copy.starts_with("--from")) {
        let (sources, _) = copy.rsplit_once(' ').context("it is copied somewhere")?;
        for source in sources.split(' ') {
            assert!(root.join(source).exists(), "there is no {source}");
        }
    }
    let workspace: toml::Table = source("Cargo.toml")?.parse()?;
    let members = workspace["workspace"]["members"].as_array();
    let members = members.into_iter().flatten().filter_map(|it| it.as_str());
    let needed = ["Cargo.toml", "Cargo.lock", "python", "examples/charlm"];
    for path in members.chain(needed) {
        assert!(root.join(path).exists(), "there is no {path}");
        let mut above = Path::new(path).ancestors();
        let left_out = above.find(|it| ignored.iter().any(|name| Path::new(name) == *it));
        assert_eq!(left_out, None, "{path} is needed");
    }
    assert!(
        ignored.contains(&"**/secret.env"),
        "it would be in the image"
    );
    Ok(())
}

#[test]
fn it_runs_as_the_user_of_the_pods() -> Result<()> {
    let users = all("USER")?;
    let pod = &named("Deployment", "hai-platform-serve")?["spec"]["template"]["spec"];
    let user = &pod["securityContext"]["runAsUser"];
    assert_eq!(users, [format!("{user}:{user}")]);
    Ok(())
}

#[test]
fn objects_are_compared_with_the_versions_that_are_written_down() -> Result<()> {
    // Another version of the API: change deploy/Cargo.toml, deploy/schema and docs/kubernetes.md with it.
    k8s_openapi::k8s_if_1_37! { const NEWEST: &str = "1.37"; }
    let manifest: toml::Table = source("deploy/Cargo.toml")?.parse()?;
    let versions = &manifest["package"]["metadata"]["kubernetes"];
    assert_eq!(versions["newest"].as_str(), Some(NEWEST));
    let wanted = source("deploy/schema/requirements.in")?;
    let wanted = wanted.lines().find(|line| line.contains("=="));
    let wanted = wanted.context("something is required")?;
    assert!(wanted.starts_with(&format!("kubernetes-validate=={NEWEST}.")));
    assert!(source("deploy/schema/requirements.txt")?.contains(&format!("\n{wanted} ")));
    let oldest = versions["oldest"].as_str().unwrap_or_default();
    let page = source("docs/kubernetes.md")?;
    assert!(page.contains(&format!("Kubernetes {oldest} to {NEWEST}")));
    Ok(())
}
