//! Every object as an administrator would read it.

use domain::mount::{Kind, Rank, ResolvedMount, Source};
use domain::runtime::{AgentToken, Container, Exposure, LaunchRank, RankKey, Reach, Rights};
use protocol::{Command, LogLimits};
use serde::Serialize;

use super::*;
use crate::cluster::{IngressAddress, PullPolicy, Storage};

const LIMITS: LogLimits = LogLimits {
    segment_bytes: 8 << 20,
    budget_bytes: 1 << 30,
};
const NODE: Capacity = Capacity {
    millicpus: 64_000,
    memory_bytes: 512 << 30,
    gpus: 8,
};

fn cluster() -> Cluster {
    let usual = Cluster::new(
        "registry.example/hai-platform:0.1.0".to_owned(),
        "registry.example/train:latest".to_owned(),
        "http://hai-platform.hai:7780".to_owned(),
    );
    Cluster {
        reserved_millicpus: 2_000,
        reserved_memory_bytes: 16 << 30,
        ..usual
    }
}

fn launch(rank: u32) -> LaunchRank {
    LaunchRank {
        key: RankKey {
            task: 42,
            run: 3,
            rank,
        },
        run_world_size: 2,
        node: format!("gpu-{rank}"),
        user: "ada_l".to_owned(),
        uid: 10_001,
        command: Command {
            workspace: "/home/ada_l/code".into(),
            line: "exec python3 -u train.py".to_owned(),
            env: vec![
                ("RANK".to_owned(), rank.to_string()),
                ("HOME".to_owned(), "/home/ada_l".to_owned()),
            ],
        },
        silence_secs: (rank == 0).then_some(1800),
        token: AgentToken::new(format!("token of {rank}")),
        log_dir: format!("/data/log/ada_l/42/3/{rank}").into(),
        container: Container::default(),
    }
}

fn mount(host_path: &str, mount_path: &str, kind: Kind, read_only: bool) -> ResolvedMount {
    ResolvedMount {
        host_path: host_path.to_owned(),
        mount_path: mount_path.to_owned(),
        kind,
        read_only,
        source: Source::Configured,
        rank: Rank::Group,
        overrode: Vec::new(),
    }
}

fn anchor() -> Secret {
    let mut secret = secret(&cluster(), &[launch(0)], LIMITS).unwrap();
    secret.metadata.uid = Some("5d1f".to_owned());
    secret
}

fn yaml(object: &impl Serialize) -> String {
    serde_saphyr::to_string(object).unwrap()
}

#[test]
fn a_rank_that_asks_for_nothing_special_gets_nothing_special() {
    let pod = pod(&cluster(), &launch(0), NODE, &anchor()).unwrap();
    insta::assert_snapshot!(yaml(&pod));
}

#[test]
fn a_rank_gets_what_its_quotas_its_mounts_and_the_cluster_give() {
    let cluster = Cluster {
        pull_secrets: vec!["registry".to_owned()],
        pull_policy: Some(PullPolicy::Always),
        priority_class: Some("training".to_owned()),
        tolerations: vec!["nvidia.com/gpu".to_owned()],
        devices: [("rdma/hca".to_owned(), 1)].into(),
        storage: Storage::Claim {
            name: "hai-data".to_owned(),
            root: "/data".to_owned(),
        },
        ..cluster()
    };
    let launch = LaunchRank {
        container: Container {
            home: Some("/data/workspaces/ada_l".into()),
            image: "registry.example/ada:7".to_owned(),
            mounts: vec![
                mount("/ceph/ada", "/home/ada_l", Kind::Directory, false),
                mount("/etc/hosts", "/etc/hosts", Kind::File, true),
                mount("certificates:ca.pem", "/etc/ca.pem", Kind::ConfigMap, true),
                mount("datasets", "/datasets", Kind::VolumeClaim, true),
            ],
            rights: Rights {
                capabilities: vec!["IPC_LOCK".to_owned()],
                host_network: true,
                ..Rights::default()
            },
            exposures: Vec::new(),
        },
        ..launch(1)
    };
    let pod = pod(&cluster, &launch, NODE, &anchor()).unwrap();
    insta::assert_snapshot!(yaml(&pod));
}

#[test]
fn a_privileged_rank_is_not_told_what_it_may_not() {
    let mut launch = launch(0);
    launch.container.rights.privileged = true;
    let pod = pod(&cluster(), &launch, NODE, &anchor()).unwrap();
    let spec = pod.spec.unwrap();
    let security = spec.containers[0].security_context.clone().unwrap();
    assert_eq!(security.privileged, Some(true));
    // The API server refuses one that is privileged and may not become it.
    assert_eq!(security.allow_privilege_escalation, Some(true));
    assert_eq!(security.capabilities, None);
    assert_eq!(spec.security_context.unwrap().seccomp_profile, None);
}

#[test]
fn a_run_has_one_secret_which_says_once_what_ranks_have_in_common() {
    let secret = secret(&cluster(), &[launch(0), launch(1)], LIMITS).unwrap();
    let data = secret.data.clone().unwrap();
    let texts: Vec<(String, serde_json::Value)> = data
        .into_iter()
        .map(|(key, value)| (key, serde_json::from_slice(&value.0).unwrap()))
        .collect();
    let shown = Secret {
        data: None,
        ..secret
    };
    insta::assert_snapshot!(format!("{}---\n{}", yaml(&shown), yaml(&texts)));
}

#[test]
fn a_run_of_two_thousand_ranks_has_room_and_one_of_a_hundred_thousand_is_refused() {
    let of = |count| {
        secret(
            &cluster(),
            &(0..count).map(launch).collect::<Vec<_>>(),
            LIMITS,
        )
    };
    assert!(of(2000).is_ok());
    let refused = of(100_000).unwrap_err();
    assert!(
        matches!(refused, ObjectError::TooLarge { ranks: 100_000, .. }),
        "{refused}"
    );
}

#[test]
fn logs_outside_the_claim_are_refused() {
    let cluster = Cluster {
        storage: Storage::Claim {
            name: "hai-data".to_owned(),
            root: "/elsewhere".to_owned(),
        },
        ..cluster()
    };
    let refused = pod(&cluster, &launch(0), NODE, &anchor()).unwrap_err();
    assert!(
        matches!(refused, ObjectError::OutsideClaim { .. }),
        "{refused}"
    );
}

#[test]
fn ranks_have_names_in_the_network_and_speak_with_each_other_only() {
    let (service, policy) = (service(&cluster()), policy(&cluster()));
    insta::assert_snapshot!(format!("{}---\n{}", yaml(&service), yaml(&policy)));
}

fn exposing(exposures: &[(&str, u16, Reach)]) -> LaunchRank {
    let exposure = |(name, port, reach): &(&str, u16, Reach)| Exposure {
        name: (*name).to_owned(),
        port: *port,
        reach: reach.clone(),
    };
    let mut launch = launch(0);
    launch.container.exposures = exposures.iter().map(exposure).collect();
    launch
}

#[test]
fn a_rank_that_nobody_is_to_reach_has_nothing_for_it() {
    assert_eq!(
        exposed(&cluster(), &launch(0), &anchor()),
        Exposed::default()
    );
}

#[test]
fn a_rank_is_reached_by_a_path_and_by_a_port_of_every_node() {
    let cluster = Cluster {
        ingress: IngressAddress {
            hosts: vec!["hai.example".to_owned()],
            class: Some("nginx".to_owned()),
            tls_secret: Some("hai-tls".to_owned()),
        },
        ..cluster()
    };
    let launch = exposing(&[
        ("jupyter", 8888, Reach::Path("/ada_l/notes".to_owned())),
        ("ssh", 22, Reach::NodePort(Some(30_022))),
        ("debug", 5678, Reach::NodePort(None)),
    ]);
    let Exposed {
        services,
        ingress,
        policy,
    } = exposed(&cluster, &launch, &anchor());
    let services: Vec<String> = services.iter().map(yaml).collect();
    insta::assert_snapshot!(format!(
        "{}---\n{}---\n{}",
        services.join("---\n"),
        yaml(&ingress),
        yaml(&policy)
    ));
}

#[test]
fn a_rank_has_only_the_objects_that_its_ports_need() {
    let of = |reach| exposed(&cluster(), &exposing(&[("x", 80, reach)]), &anchor());
    let by_port = of(Reach::NodePort(None));
    assert_eq!((by_port.services.len(), &by_port.ingress), (1, &None));
    let by_path = of(Reach::Path("/x".to_owned()));
    assert_eq!(by_path.services.len(), 1);
    let rules = by_path.ingress.and_then(|it| it.spec?.rules).unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0].host, None, "any host leads there");
}
