//! The grammar of resource names.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use scheduler::Level;

use super::resource::{NodesOf, Resource, ServicePort};
use super::resource_error::ResourceError;

fn nodes(group: &str, level: Level) -> NodesOf {
    NodesOf {
        group: group.to_owned(),
        level,
    }
}

#[test]
fn every_name_of_the_grammar_means_one_thing_and_prints_as_itself() {
    use Resource::*;
    let text = str::to_owned;
    let table = [
        ("node", Node),
        ("node-training-HIGH", Nodes(nodes("training", Level::High))),
        (
            "node-a-b_c-1-ABOVE_NORMAL",
            Nodes(nodes("a-b_c-1", Level::AboveNormal)),
        ),
        (
            "node_limit-jd-a100-LOW",
            NodeLimit(text(""), nodes("jd-a100", Level::Low)),
        ),
        (
            "node_limit[night-shift]-x-NORMAL",
            NodeLimit(text("night-shift"), nodes("x", Level::Normal)),
        ),
        (
            "node_role_limit-x-y-EXTREME_HIGH",
            NodeRoleLimit(nodes("x-y", Level::ExtremeHigh)),
        ),
        ("node-a:b-LOW", Nodes(nodes("a:b", Level::Low))),
        ("jupyter:jd-dev", Jupyter(text("jd-dev"))),
        ("spot_jupyter", SpotJupyter),
        ("dedicated_jupyter", DedicatedJupyter),
        ("background_task", BackgroundTask),
        ("port", Port),
        ("port:ssh:nb:0:22", PortRecord(text("ssh:nb:0:22"))),
        (
            "train_environment:py38-cu11",
            TrainEnvironment(text("py38-cu11")),
        ),
        (
            "custom_service:ssh:22",
            CustomService(text("ssh"), ServicePort::One(22)),
        ),
        (
            "custom_service:a:b:*",
            CustomService(text("a:b"), ServicePort::Any),
        ),
        ("cap:SYS_PTRACE", Capability(text("SYS_PTRACE"))),
        ("privileged", Privileged),
        ("host_ipc", HostIpc),
        ("host_pid", HostPid),
        ("host_network", HostNetwork),
        ("hfai:x:${gid}", UnixGroup(text("hfai:x"))),
        ("port:x:${gid}", UnixGroup(text("port:x"))),
    ];
    for (name, resource) in table {
        assert_eq!(name.parse(), Ok(resource.clone()), "{name}");
        assert_eq!(resource.to_string(), name);
    }
}

#[test]
fn what_is_wrong_with_a_name_is_said() {
    use ResourceError::*;
    let unknown = |name: &str| Unknown {
        name: name.to_owned(),
    };
    let no_level = |word: &str| NoLevel {
        word: word.to_owned(),
    };
    let no_port = |word: &str| NoPort {
        word: word.to_owned(),
    };
    let missing = |part| Missing { part };
    let table = [
        ("", unknown("")),
        ("nodes-x-HIGH", unknown("nodes-x-HIGH")),
        ("x:y", unknown("x:y")),
        ("xnode_limit[a]-b-HIGH", unknown("xnode_limit[a]-b-HIGH")),
        ("Node", unknown("Node")),
        ("node-training", missing("priority")),
        ("node-training-high", no_level("high")),
        ("node-training-AUTO", no_level("AUTO")),
        ("node-training-URGENT", no_level("URGENT")),
        ("node-HIGH", missing("priority")),
        ("node--HIGH", missing("group")),
        ("node-a#b-HIGH", Zone),
        ("jupyter:a#b", Zone),
        ("node_limit[]-x-HIGH", missing("tag")),
        ("node_limit[a-x-HIGH", OpenTag),
        ("node_limit[a[b]-x-HIGH", Character { char: '[' }),
        ("jupyter:", missing("group")),
        ("port:", missing("record")),
        ("train_environment:", missing("environment")),
        ("cap:", missing("capability")),
        (":${gid}", missing("line")),
        ("custom_service:ssh", missing("port")),
        ("custom_service::22", missing("type")),
        ("custom_service:ssh:0", no_port("0")),
        ("custom_service:ssh:065", no_port("065")),
        ("custom_service:ssh:65536", no_port("65536")),
        ("node-a b-HIGH", Character { char: ' ' }),
        ("cap:A\n", Character { char: '\n' }),
    ];
    for (name, error) in table {
        assert_eq!(name.parse::<Resource>(), Err(error), "{name}");
    }
    let long = "cap:".to_owned() + &"x".repeat(252);
    assert_eq!(long.parse::<Resource>(), Err(TooLong { most: 255 }));
    insta::assert_snapshot!(
        no_level("high"),
        @"ends with `high`, which is no priority of EXTREME_HIGH, VERY_HIGH, HIGH, ABOVE_NORMAL, NORMAL, UNDER_NORMAL, BELOW_NORMAL, LOW"
    );
}

fn any_resource() -> impl Strategy<Value = Resource> {
    // What no part may have is left out: spaces, `#` in a group, brackets in a tag, the end of a line of a group.
    let group = "[a-zA-Z0-9_.:-]{1,20}";
    let text = "[!-#%-~é]{1,20}";
    let tag = "[!-Z^-~]{1,20}";
    let nodes = (group, select(Level::ALL.to_vec()))
        .prop_map(|(group, level)| NodesOf { group, level })
        .boxed();
    let port = prop_oneof![
        Just(ServicePort::Any),
        (1..=u16::MAX).prop_map(ServicePort::One)
    ];
    prop_oneof![
        nodes.clone().prop_map(Resource::Nodes),
        nodes
            .clone()
            .prop_map(|nodes| Resource::NodeLimit(String::new(), nodes)),
        (tag, nodes.clone()).prop_map(|(tag, nodes)| Resource::NodeLimit(tag, nodes)),
        nodes.prop_map(Resource::NodeRoleLimit),
        group.prop_map(Resource::Jupyter),
        text.prop_map(Resource::PortRecord),
        text.prop_map(Resource::TrainEnvironment),
        (text, port).prop_map(|(kind, port)| Resource::CustomService(kind, port)),
        text.prop_map(Resource::Capability),
        text.prop_map(Resource::UnixGroup),
        select(vec![
            Resource::Node,
            Resource::SpotJupyter,
            Resource::DedicatedJupyter,
            Resource::BackgroundTask,
            Resource::Port,
            Resource::Privileged,
            Resource::HostIpc,
            Resource::HostPid,
            Resource::HostNetwork,
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_printed_is_read_as_the_same(resource in any_resource()) {
        prop_assert_eq!(resource.to_string().parse(), Ok(resource));
    }

    #[test]
    fn no_text_is_read_as_something_that_prints_otherwise(
        name in "(node|node_limit|node_limit\\[|jupyter:|port:|cap:|custom_service:)?[a-zA-Z:$-\\]{}\\[#-]{0,12}(-HIGH|:\\$\\{gid\\}|:80)?"
    ) {
        if let Ok(resource) = name.parse::<Resource>() {
            prop_assert_eq!(resource.to_string(), name);
        }
    }
}
