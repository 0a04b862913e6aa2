//! The objects fit the program: its flags, its variables, its paths, its settings, and the objects that it makes itself.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::objects::{each, files, named, of_kinds, parse, source, text, texts};

const PROCESSES: [(&str, &str); 2] = [
    ("hai-platform-serve", "serve"),
    ("hai-platform-work", "work"),
];
const OVERLAYS: [&str; 2] = ["overlays/try", "overlays/external"];

/// What may stand in `[runtime.kubernetes]`.
const RUNTIME: [&str; 15] = [
    "kubeconfig",
    "context",
    "namespace",
    "agent_image",
    "default_image",
    "server_url",
    "pull_secrets",
    "priority_class",
    "tolerations",
    "group_label",
    "gpu_resource",
    "devices",
    "reserved_cpus",
    "reserved_memory_gib",
    "storage_claim",
];

fn container(name: &str) -> Result<Value> {
    let deployment = named("Deployment", name)?;
    Ok(deployment["spec"]["template"]["spec"]["containers"][0].clone())
}

fn settings(overlay: &str) -> Result<toml::Table> {
    Ok(text(&format!("{overlay}/override.toml"))?.parse()?)
}

#[test]
fn commands_flags_and_variables_are_those_of_the_program() -> Result<()> {
    let args = source("server/src/args.rs")?;
    let environment = source("server/src/environment.rs")?;
    for (name, command) in PROCESSES {
        let container = container(name)?;
        assert_eq!(texts(&container["command"])[1..], [command]);
        let variant = format!("    {}{}(Up)", command[..1].to_uppercase(), &command[1..]);
        assert!(args.contains(&variant), "{variant}");
        let flags = texts(&container["args"]);
        let flags = flags.iter().filter_map(|word| word.strip_prefix("--"));
        for flag in flags {
            let field = format!("pub {}: ", flag.replace('-', "_"));
            assert!(args.contains(&field), "{field}");
        }
        for variable in each(&container["env"]) {
            let name = format!("({})", variable["name"]);
            assert!(environment.contains(&name), "{name}");
        }
    }
    Ok(())
}

#[test]
fn what_is_probed_and_what_is_reached_from_outside_is_served() -> Result<()> {
    let router = source("api/src/http/router.rs")?;
    for (name, _) in PROCESSES {
        let container = container(name)?;
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let path = container[probe]["httpGet"]["path"].to_string();
            assert!(router.contains(&path), "{path}");
        }
    }
    let beside = [
        source("api/src/http/log.rs")?,
        source("api/src/http/session.rs")?,
    ];
    let served = router + &beside.concat();
    let ingress = named("Ingress", "hai-platform")?;
    for path in each(&ingress["spec"]["rules"][0]["http"]["paths"]) {
        let path = path["path"].as_str().context("it has a path")?;
        let is_served =
            served.contains(&format!("\"{path}\"")) || served.contains(&format!("\"{path}/"));
        assert!(is_served, "{path}");
        assert!(
            !path.starts_with("/metrics") && path != "/",
            "it stays inside"
        );
    }
    Ok(())
}

#[test]
fn a_process_is_given_the_time_that_it_needs_to_end() -> Result<()> {
    for (name, _) in PROCESSES {
        let pod = &named("Deployment", name)?["spec"]["template"]["spec"];
        let pause = container(name)?["lifecycle"]["preStop"]["sleep"]["seconds"].as_i64();
        let whole = pod["terminationGracePeriodSeconds"].as_i64();
        // `docs/operations.md` promises ten seconds.
        assert!(whole >= pause.map(|pause| pause + 10), "{name}");
    }
    Ok(())
}

#[test]
fn settings_are_documented_and_speak_of_what_is_there() -> Result<()> {
    let documented = source("server/config.default.toml")?;
    let service = named("Service", "hai-platform")?;
    let port = service["spec"]["ports"][0]["port"].to_string();
    let image = container("hai-platform-serve")?["image"].clone();
    for overlay in OVERLAYS {
        let settings = settings(overlay)?;
        for (section, keys) in settings.iter().filter(|it| it.0 != "runtime") {
            assert!(documented.contains(&format!("[{section}]")), "{section}");
            for key in keys.as_table().into_iter().flat_map(|it| it.keys()) {
                assert!(documented.contains(&format!("\n{key} = ")), "{key}");
            }
        }
        let runtime = settings["runtime"]["kubernetes"].as_table();
        let runtime = runtime.context("it runs in a cluster")?;
        for key in runtime.keys() {
            assert!(RUNTIME.contains(&key.as_str()), "{key}");
        }
        let word = |key: &str| runtime.get(key).and_then(|it| it.as_str());
        assert_eq!(word("agent_image"), image.as_str());
        let url = format!("http://hai-platform.hai:{port}");
        assert_eq!(word("server_url"), Some(url.as_str()));
        named("Namespace", word("namespace").unwrap_or_default())?;
        named("PriorityClass", word("priority_class").unwrap_or_default())?;
        let claims = of_kinds(&["PersistentVolumeClaim"])?;
        let of_tasks = { claims.iter() }.find(|it| it["metadata"]["namespace"] == "hai-tasks");
        let claim = of_tasks.and_then(|it| it["metadata"]["name"].as_str());
        let wanted = claim.filter(|_| overlay == "overlays/external");
        assert_eq!(word("storage_claim"), wanted, "{overlay}");
    }
    Ok(())
}

#[test]
fn the_page_has_every_setting_and_every_folder() -> Result<()> {
    let page = source("docs/kubernetes.md")?;
    for key in RUNTIME {
        assert!(page.contains(&format!("`{key}`")), "{key}");
    }
    for file in files()? {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = folder.strip_prefix("components/");
        let wanted = name.map_or(format!("`deploy/{folder}`"), |name| format!("`{name}`"));
        assert!(page.contains(&wanted), "{wanted}");
    }
    Ok(())
}

/// A rank asks for all of its node but what is reserved.
#[test]
fn on_a_single_node_there_is_room_beside_a_rank() -> Result<()> {
    let (mut millicpus, mut mebibytes) = (0, 0);
    for owner in of_kinds(&["Deployment", "StatefulSet"])? {
        let replicas = owner["spec"]["replicas"].as_i64().unwrap_or_default();
        let requests = &owner["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"];
        let amount = |name: &str, unit: &str| -> Result<i64> {
            let text = requests[name].as_str().unwrap_or_default();
            Ok(text.strip_suffix(unit).context("another unit")?.parse()?)
        };
        millicpus += replicas * amount("cpu", "m")?;
        mebibytes += replicas * amount("memory", "Mi")?;
    }
    let settings = settings("overlays/try")?;
    let runtime = &settings["runtime"]["kubernetes"];
    let reserved = |key: &str| runtime[key].as_integer().unwrap_or_default();
    // As much again for the cluster's own.
    assert!(2 * millicpus <= 1000 * reserved("reserved_cpus"));
    assert!(2 * mebibytes <= 1024 * reserved("reserved_memory_gib"));
    Ok(())
}

#[test]
fn ranks_find_each_other_by_what_the_platform_expects() -> Result<()> {
    let snapshot = "k8s/src/object/snapshots/k8s__object__tests__ranks_have_names_in_the_network_and_speak_with_each_other_only.snap";
    let snapshot = source(snapshot)?;
    let (_, objects) = snapshot.split_once("\n---\n").context("it has a head")?;
    let expected = parse(objects)?;
    let ours = [
        named("Service", "hai-ranks")?,
        named("NetworkPolicy", "hai-ranks")?,
    ];
    assert_eq!(expected, ours);
    Ok(())
}
