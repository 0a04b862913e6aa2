//! Pods whose containers are processes of this machine.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::kubelet::{Binary, ProcessOptions};

struct Machine {
    cluster: Cluster,
    dir: TempDir,
}

impl Machine {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("kubelet");
        fs::create_dir(&root).unwrap();
        let program = dir.path().join("program");
        fs::write(&program, "#!/bin/sh\necho \"program $1\"\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
        let binary = Binary {
            image: "registry.example/agent:".to_owned(),
            from: program,
            at: "/usr/local/bin/hai-double-program".into(),
        };
        let options = KubeletOptions {
            processes: Some(ProcessOptions {
                root,
                binaries: vec![binary],
            }),
            ..KubeletOptions::default()
        };
        Self {
            cluster: Cluster::new(options).await,
            dir,
        }
    }

    /// A pod that runs a line of a shell, and has a directory of the machine at `/out`.
    fn pod(&self, name: &str, line: &str, more: &Value) -> Key {
        let mut spec = json!({
            "hostname": name, "subdomain": "ranks",
            "containers": [{
                "name": "rank", "image": "i", "command": ["/bin/sh", "-c", line],
                "env": [{"name": "WHO", "value": "ada"}],
                "volumeMounts": [{"name": "out", "mountPath": "/out"}],
            }],
            "volumes": [{"name": "out", "hostPath": {"path": self.out(), "type": "DirectoryOrCreate"}}],
        });
        for (part, value) in more.as_object().into_iter().flatten() {
            spec[part] = value.clone();
        }
        self.cluster.pod(name, &spec)
    }

    fn out(&self) -> std::path::PathBuf {
        self.dir.path().join("out")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.out().join(name)).unwrap()
    }

    /// Waits until a file is there.
    async fn has(&self, name: &str) {
        let waited = timeout(PATIENCE, async {
            while !self.out().join(name).exists() {
                tokio::task::yield_now().await;
            }
        });
        waited.await.unwrap();
    }

    /// Processes of this machine in whose command this test is named.
    fn n_processes(&self) -> usize {
        let mark = self.dir.path().to_string_lossy().into_owned();
        let all = fs::read_dir("/proc").unwrap().flatten();
        let commands = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        commands
            .filter(|command| String::from_utf8_lossy(command).contains(&mark))
            .count()
    }
}

#[tokio::test]
async fn a_pod_writes_on_its_machine_and_leaves_its_code_and_a_last_word() {
    let machine = Machine::new().await;
    let line = "env | sort >/out/env; printf 'so long' >/dev/termination-log; exit 3";
    let pod = machine.pod("p", line, &json!({}));
    let seen = machine.cluster.until(&pod, is_over).await;
    let ended = &state(&seen)["terminated"];
    assert_eq!(
        (
            ended["exitCode"].clone(),
            ended["reason"].clone(),
            ended["message"].clone()
        ),
        (json!(3), json!("Error"), json!("so long")),
        "{seen:#}"
    );
    let env = machine.read("env");
    let names: Vec<&str> = { env.lines() }
        .filter_map(|line| line.split('=').next())
        // The shell's own.
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    assert_eq!(names, ["PATH", "WHO"]);
    assert!(!Path::new("/dev/termination-log").exists() && !Path::new("/out").exists());
}

#[tokio::test]
async fn of_a_deleted_pod_nothing_is_left_before_its_object_goes() {
    let machine = Machine::new().await;
    let mark = machine.dir.path().to_string_lossy();
    let deaf =
        format!("sh -c 'trap \"\" TERM; touch /out/deaf; while :; do sleep 1000; done' {mark}");
    let line =
        format!("trap 'touch /out/asked' TERM; ({deaf} &) ; while :; do sleep 1000 & wait; done");
    let pod = machine.pod("p", &line, &json!({}));
    machine.cluster.until(&pod, is_running).await;
    machine.has("deaf").await;
    assert!(machine.n_processes() > 0);
    machine.cluster.delete(&pod, 60);
    machine.has("asked").await;
    let seen = machine.cluster.double.get(&pod).unwrap();
    assert!(is_running(&seen), "it has time left");
    machine.cluster.pass(60);
    machine
        .cluster
        .until(&pod, |pod| pod.is_null() || is_over(pod))
        .await;
    assert_eq!(machine.n_processes(), 0);
    machine.cluster.is_gone(&pod).await;
}

#[tokio::test]
async fn an_init_container_prepares_what_the_container_finds() {
    let machine = Machine::new().await;
    let secret = json!({"data": {"launch.json": "bGF1bmNo", "rank-1.json": "cmFuaw==", "rank-2.json": "bm8="}});
    machine.cluster.create(Kind::Secret, "s", secret);
    let prepare = "umask 077; cd /hai-secret; stat -c '%a %n' * >/hai/modes; cat * >/hai/all; \
        touch /hai-secret/x 2>/dev/null && exit 9; hai-double-program one >/hai/said; echo shm >/dev/shm/x; exit 0";
    let line = "cat /hai/modes /hai/all /hai/said >/out/found; ls /dev/shm >/out/shm; ls / >/out/root; touch /claim/x";
    let mount = |name: &str, at: &str, read_only: bool| json!({"name": name, "mountPath": at, "readOnly": read_only});
    let more = json!({
        "initContainers": [{
            "name": "agent", "image": "registry.example/agent:1", "command": ["/bin/sh", "-c", prepare],
            "volumeMounts": [mount("hai", "/hai", false), mount("secret", "/hai-secret", true), mount("shm", "/dev/shm", false)],
        }],
        "containers": [{
            "name": "rank", "image": "i", "command": ["/bin/sh", "-c", line],
            "volumeMounts": [
                mount("hai", "/hai", false), mount("shm", "/dev/shm", false), mount("out", "/out", false),
                mount("claim", "/claim", false)],
        }],
        "volumes": [
            {"name": "hai", "emptyDir": {"medium": "Memory"}}, {"name": "shm", "emptyDir": {}},
            {"name": "claim", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "out", "hostPath": {"path": machine.out(), "type": "DirectoryOrCreate"}},
            {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400, "items": [
                {"key": "launch.json", "path": "launch.json"}, {"key": "rank-1.json", "path": "rank.json"}]}},
        ],
    });
    let pod = machine.pod("p", line, &more);
    let seen = machine.cluster.until(&pod, is_over).await;
    assert_eq!(seen["status"]["phase"], "Succeeded", "{seen:#}");
    let expected = "400 launch.json\n400 rank.json\nlaunchrankprogram one\n";
    assert_eq!(machine.read("found"), expected);
    assert_eq!(machine.read("shm"), "x\n");
    let root = machine.read("root");
    assert!(root.lines().any(|name| name == "hai") && !root.contains("hai-secret"));
    assert!(machine.dir.path().join("kubelet/claims/data/x").exists());
    machine.cluster.delete(&pod, 1);
    machine.cluster.is_gone(&pod).await;
    assert!(!Path::new("/usr/local/bin/hai-double-program").exists());
}

#[tokio::test]
async fn pods_find_each_other_by_name() {
    let machine = Machine::new().await;
    let first = machine.pod("p-0", "while :; do sleep 1000; done", &json!({}));
    let first = machine.cluster.until(&first, is_running).await;
    let line = "for name in p-0 p-0.ranks localhost; do getent hosts $name; done >/out/hosts";
    let second = machine.pod("p-1", line, &json!({}));
    let second = machine.cluster.until(&second, is_over).await;
    let address = first["status"]["podIP"].as_str().unwrap();
    assert_ne!(second["status"]["podIP"], address);
    let hosts = machine.read("hosts");
    let found = hosts.lines().filter(|line| line.starts_with(address));
    assert_eq!(found.count(), 2, "{hosts}");
    assert_eq!(
        hosts.lines().count(),
        3,
        "what the machine knows it still does"
    );
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let machine = Machine::new().await;
    let container = json!([{"name": "rank", "image": "i", "command": ["/nowhere/program"]}]);
    let pod = machine.pod("p", "", &json!({"containers": container}));
    let seen = machine.cluster.until(&pod, is_over).await;
    let ended = &state(&seen)["terminated"];
    assert_eq!(
        (&ended["exitCode"], &ended["reason"]),
        (&json!(128), &json!("StartError"))
    );
    let message = ended["message"].as_str().unwrap();
    assert!(message.contains("/nowhere/program"), "{message}");
    // One that lacks a secret waits for it.
    let secret = json!([{"name": "s", "secret": {"secretName": "s"}}]);
    let container = json!([{"name": "rank", "image": "i", "command": ["true"],
        "volumeMounts": [{"name": "s", "mountPath": "/s"}]}]);
    let pod = machine.pod(
        "q",
        "",
        &json!({"volumes": secret, "containers": container}),
    );
    machine
        .cluster
        .until(&pod, |pod| {
            state(pod)["waiting"]["reason"] == "ContainerCreating"
        })
        .await;
    machine.cluster.create(Kind::Secret, "s", json!({}));
    let seen = machine.cluster.until(&pod, is_over).await;
    assert_eq!(seen["status"]["phase"], "Succeeded");
}

#[tokio::test]
async fn a_signal_is_a_code_and_a_killed_one_is_reported_as_it_was_killed() {
    let machine = Machine::new().await;
    let line = "sh -c 'kill -SEGV $$'; exit $?";
    let pod = machine.pod("p", line, &json!({}));
    let seen = machine.cluster.until(&pod, is_over).await;
    assert_eq!(state(&seen)["terminated"]["exitCode"], 139);
    let pod = machine.pod("q", "while :; do sleep 1000; done", &json!({}));
    machine.cluster.until(&pod, is_running).await;
    machine
        .cluster
        .kubelets
        .end(&pod, crate::End::out_of_memory());
    let seen = machine.cluster.until(&pod, is_over).await;
    assert_eq!(state(&seen)["terminated"]["reason"], "OOMKilled");
}

#[tokio::test]
async fn nothing_outlives_the_kubelets() {
    let machine = Machine::new().await;
    let mark = machine.dir.path().to_string_lossy();
    let line =
        format!("sh -c 'trap \"\" TERM; touch /out/up; while :; do sleep 1000; done' {mark}; true");
    machine.pod("p", &line, &json!({}));
    machine.has("up").await;
    let Machine { cluster, dir } = machine;
    let Cluster {
        kubelets,
        double,
        time,
    } = cluster;
    drop(kubelets);
    let machine = Machine {
        cluster: Cluster {
            kubelets: double.run_pods(KubeletOptions::default()).unwrap(),
            double,
            time,
        },
        dir,
    };
    assert_eq!(machine.n_processes(), 0);
}
