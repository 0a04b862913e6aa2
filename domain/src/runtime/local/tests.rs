//! What the local runtime does with real processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use protocol::{Identity, LAUNCH_FILE, Launch, PROCESS_FILE, ProcessId};

use super::directory::LOCK_FILE;
use super::testing::Machine;
use super::{LocalConfig, LocalRuntime, process};
use crate::runtime::contract::Subject;
use crate::runtime::fake::exit_record;
use crate::runtime::{Killed, LaunchRank, Observation, RankKey, Runtime, RuntimeError, contract};

const RANK: RankKey = RankKey {
    task: 7,
    run: 2,
    rank: 1,
};

async fn observe(machine: &Machine) -> Observation {
    machine.runtime.observe(&RANK).await.unwrap()
}

#[tokio::test]
async fn a_rank_that_another_process_is_changing_is_left_alone_and_no_other_waits_for_it() {
    let machine = Machine::new().await;
    let dir = machine.rank_dir(&RANK);
    fs::create_dir_all(&dir).unwrap();
    // A lock of another open file is that of another process.
    let other = fs::File::create(dir.join(LOCK_FILE)).unwrap();
    other.lock().unwrap();
    let refused = machine.runtime.start(&machine.launch(RANK)).await;
    assert!(
        matches!(refused, Err(RuntimeError::Unavailable { .. })),
        "{refused:?}"
    );
    let mut next = RANK;
    next.task += 1;
    machine.runtime.start(&machine.launch(next)).await.unwrap();
    other.unlock().unwrap();
    machine.runtime.start(&machine.launch(RANK)).await.unwrap();
    for rank in [RANK, next] {
        assert_eq!(machine.runtime.kill(&rank).await.unwrap(), Killed::Gone);
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    contract::check(Machine::new).await;
}

#[tokio::test]
async fn a_rank_has_not_exited_while_a_stray_of_it_is_left() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    assert_eq!(machine.order(&RANK, "leave_stray").await, "stray");
    let record = exit_record(0);
    machine.record(&RANK, &record).await;
    assert_eq!(
        observe(&machine).await,
        Observation::Alive,
        "its agent is there"
    );
    machine.leave(&RANK).await;
    assert_eq!(observe(&machine).await, Observation::Orphaned);
    let refused = machine.runtime.forget(&RANK).await;
    assert!(matches!(refused, Err(RuntimeError::Rejected { .. })));
    assert_eq!(machine.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    assert_eq!(machine.processes(&RANK), []);
    assert_eq!(observe(&machine).await, Observation::Exited(record));
}

#[tokio::test]
async fn a_rank_has_exited_when_only_its_agent_is_left() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    let record = exit_record(5);
    machine.record(&RANK, &record).await;
    assert_eq!(machine.n_agents(&RANK), 1);
    assert_eq!(observe(&machine).await, Observation::Exited(record));
}

#[tokio::test]
async fn what_outlives_an_agent_without_a_record_is_an_orphan() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    machine.order(&RANK, "leave_stray").await;
    machine.leave(&RANK).await;
    let machine = machine.restarted();
    assert_eq!(observe(&machine).await, Observation::Orphaned);
    machine.runtime.start(&machine.launch(RANK)).await.unwrap();
    assert_eq!(machine.n_agents(&RANK), 0, "it was started before");
    assert_eq!(machine.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    assert_eq!(observe(&machine).await, Observation::Vanished);
}

#[tokio::test]
async fn a_kill_takes_all_generations_and_those_that_hide() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    machine.order(&RANK, "leave_stray").await;
    assert_eq!(machine.order(&RANK, "hide_child").await, "hidden");
    let processes = machine.processes(&RANK);
    assert_eq!(
        processes
            .iter()
            .filter(|process| process.rank_dir.is_none())
            .count(),
        1,
        "{processes:?}"
    );
    assert_eq!(processes.len(), 3, "{processes:?}");
    assert_eq!(processes.first(), machine.agent(&RANK).as_ref());
    assert_eq!(machine.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    for process in processes {
        let id = ProcessId {
            pid: process.pid,
            start_time: process.start_time,
            ..machine.announced(&RANK)
        };
        assert!(!process::is_running(&id, &id.boot_id), "{process:?}");
    }
}

#[tokio::test]
async fn a_crash_between_the_spawn_and_its_record_starts_no_second_agent() {
    let machine = Machine::new().await;
    machine.runtime.start(&machine.launch(RANK)).await.unwrap();
    machine.has_connected(&RANK).await;
    fs::remove_file(machine.rank_dir(&RANK).join("spawned.json")).unwrap();
    assert!(!machine.rank_dir(&RANK).join(PROCESS_FILE).exists());

    let machine = machine.restarted();
    assert_eq!(observe(&machine).await, Observation::Alive);
    machine.runtime.start(&machine.launch(RANK)).await.unwrap();
    assert_eq!(machine.n_agents(&RANK), 1);
    machine.order(&RANK, "announce").await;
    assert_eq!(observe(&machine).await, Observation::Alive);
}

#[tokio::test]
async fn an_agent_that_died_before_it_said_who_it_is_has_vanished() {
    let machine = Machine::new().await;
    machine.runtime.start(&machine.launch(RANK)).await.unwrap();
    machine.has_connected(&RANK).await;
    machine.leave(&RANK).await;
    assert!(!machine.rank_dir(&RANK).join(PROCESS_FILE).exists());
    assert_eq!(observe(&machine).await, Observation::Vanished);
}

#[tokio::test]
async fn a_crash_before_the_spawn_is_made_good() {
    let machine = Machine::new().await;
    fs::create_dir_all(machine.rank_dir(&RANK)).unwrap();
    fs::write(machine.rank_dir(&RANK).join(LAUNCH_FILE), "half a fi").unwrap();
    assert_eq!(observe(&machine).await, Observation::NotStarted);
    assert_eq!(machine.runtime.list().await.unwrap(), [RANK]);
    machine.start(&RANK).await;
    assert_eq!(observe(&machine).await, Observation::Alive);
}

#[tokio::test]
async fn a_rank_from_before_a_reboot_has_vanished_even_if_its_number_is_used_again() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    let agent = machine.announced(&RANK);
    machine.leave(&RANK).await;
    let own = ProcessId {
        pid: i32::try_from(std::process::id()).unwrap(),
        ..agent
    };
    let before = ProcessId {
        boot_id: "before".into(),
        ..own.clone()
    };
    for id in [own, before] {
        fs::write(
            machine.rank_dir(&RANK).join(PROCESS_FILE),
            serde_json::to_vec(&id).unwrap(),
        )
        .unwrap();
        assert_eq!(observe(&machine).await, Observation::Vanished, "{id:?}");
        assert_eq!(machine.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    }
}

#[tokio::test]
async fn a_record_that_nobody_understands_counts_as_absent() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    machine.order(&RANK, "record {}").await;
    assert_eq!(observe(&machine).await, Observation::Alive);
    machine.leave(&RANK).await;
    assert_eq!(observe(&machine).await, Observation::Vanished);
}

#[tokio::test]
async fn a_rank_is_listed_by_its_processes_when_its_directory_is_gone() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    fs::remove_dir_all(machine.path().join("run/7")).unwrap();
    assert_eq!(machine.runtime.list().await.unwrap(), [RANK]);
    assert_eq!(machine.runtime.kill(&RANK).await.unwrap(), Killed::Gone);
    assert_eq!(machine.runtime.list().await.unwrap(), []);
}

#[tokio::test]
async fn what_is_not_a_rank_is_not_listed() {
    let machine = Machine::new().await;
    for path in [
        "run/7/2/01",
        "run/7/2/-1",
        "run/x/2/1",
        "run/7/2.bak/1",
        "run/9",
    ] {
        fs::create_dir_all(machine.path().join(path)).unwrap();
    }
    assert_eq!(machine.runtime.list().await.unwrap(), []);
}

#[tokio::test]
async fn forgetting_the_last_rank_leaves_no_directory_of_its_task() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    machine.finish(&RANK, 0).await;
    machine.runtime.forget(&RANK).await.unwrap();
    assert_eq!(fs::read_dir(machine.path().join("run")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_agent_gets_its_launch_and_nothing_else() {
    let machine = Machine::new().await;
    let launch = machine.launch(RANK);
    machine.start(&RANK).await;
    let rank_dir = machine.rank_dir(&RANK);
    let written: Launch =
        serde_json::from_slice(&fs::read(rank_dir.join(LAUNCH_FILE)).unwrap()).unwrap();
    let config = machine.config();
    let expected = Launch {
        protocol_version: protocol::PROTOCOL_VERSION,
        task_id: 7,
        run: 2,
        rank: 1,
        world_size: 2,
        node: "node-2".into(),
        server_file: config.server_file,
        token_file: rank_dir.join("token"),
        rank_dir: rank_dir.clone(),
        log_dir: launch.log_dir.clone(),
        log: config.log_limits,
        command: launch.command,
        identity: None,
        silence_secs: None,
        last_word: None,
        home: None,
        fence: None,
    };
    assert_eq!(written, expected);
    assert_eq!(fs::read_to_string(&written.token_file).unwrap(), "secret");
    for file in [
        &written.token_file,
        &rank_dir.join(LAUNCH_FILE),
        &rank_dir.join("agent.log"),
    ] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(&rank_dir), 0o711);

    let proc = format!("/proc/{}", machine.agent(&RANK).unwrap().pid);
    let environ = String::from_utf8(fs::read(format!("{proc}/environ")).unwrap()).unwrap();
    let variables: BTreeMap<_, _> = environ
        .split_terminator('\0')
        .map(|entry| entry.split_once('=').unwrap())
        .collect();
    assert_eq!(
        variables.keys().copied().collect::<Vec<_>>(),
        ["HAI_RANK_DIR", "PATH", "PORT"]
    );
    assert_eq!(variables["HAI_RANK_DIR"], rank_dir.to_str().unwrap());
    let agent_log = rank_dir.join("agent.log");
    let stdio = format!("/dev/null {0} {0}", agent_log.display());
    assert_eq!(machine.order(&RANK, "stdio").await, stdio);
}

#[tokio::test]
async fn an_agent_has_a_session_of_its_own() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    let pid = machine.agent(&RANK).unwrap().pid;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<_> = fields.split(' ').collect();
    let (group, session) = (fields[2], fields[3]);
    assert_eq!(
        (group, session),
        (pid.to_string().as_str(), pid.to_string().as_str())
    );
}

#[tokio::test]
async fn the_adapter_closes_while_agents_live_on() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    machine.runtime.close().await;
    assert_eq!(machine.n_agents(&RANK), 1);
}

#[tokio::test]
async fn an_agent_that_has_left_is_no_zombie() {
    let machine = Machine::new().await;
    machine.start(&RANK).await;
    let agent = machine.announced(&RANK);
    machine.leave(&RANK).await;
    machine.runtime.tasks.close();
    machine.runtime.tasks.wait().await;
    assert_eq!(process::identify(agent.pid, &agent.boot_id), None);
}

#[tokio::test]
async fn what_can_never_start_is_refused() {
    let machine = Machine::new().await;
    let launch = machine.launch(RANK);
    for wrong in [
        LaunchRank {
            user: "../root".into(),
            ..launch.clone()
        },
        LaunchRank {
            user: String::new(),
            ..launch.clone()
        },
        LaunchRank {
            node: "node-3".into(),
            ..launch.clone()
        },
        LaunchRank {
            run_world_size: 1,
            ..launch.clone()
        },
    ] {
        let refused = machine.runtime.start(&wrong).await;
        assert!(
            matches!(refused, Err(RuntimeError::Rejected { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(machine.runtime.list().await.unwrap(), []);
}

#[tokio::test]
async fn an_agent_that_cannot_be_executed_is_tried_again() {
    let machine = Machine::new().await;
    let config = LocalConfig {
        agent_command: vec!["/no/agent".into()],
        ..machine.config()
    };
    let broken = LocalRuntime::new(config).unwrap();
    let failed = broken.start(&machine.launch(RANK)).await;
    assert!(
        matches!(failed, Err(RuntimeError::Unavailable { .. })),
        "{failed:?}"
    );
    machine.start(&RANK).await;
    assert_eq!(observe(&machine).await, Observation::Alive);
}

#[tokio::test]
async fn as_root_a_user_owns_the_workspace_and_reads_the_log() {
    let is_root = rustix::process::geteuid().is_root();
    let machine = Machine::new().await;
    let runtime = LocalRuntime::new(LocalConfig {
        switch_user: is_root,
        ..machine.config()
    })
    .unwrap();
    let launch = LaunchRank {
        uid: 12_345,
        ..machine.launch(RANK)
    };
    runtime.start(&launch).await.unwrap();
    let written = fs::read(machine.rank_dir(&RANK).join(LAUNCH_FILE)).unwrap();
    let written: Launch = serde_json::from_slice(&written).unwrap();
    let workspace = machine.path().join("workspaces/ann");
    assert_eq!(mode(&workspace), 0o700);
    if is_root {
        let identity = Identity {
            user: "ann".into(),
            uid: 12_345,
            gid: 12_345,
        };
        assert_eq!(written.identity, Some(identity));
        assert_eq!(owner(&workspace), (12_345, 12_345));
        assert_eq!(
            (owner(&launch.log_dir), mode(&launch.log_dir)),
            ((0, 12_345), 0o2750)
        );
        for dir in launch
            .log_dir
            .ancestors()
            .skip(1)
            .take_while(|dir| *dir != machine.path())
        {
            assert_eq!(
                (owner(dir), mode(dir)),
                ((0, 0), 0o711),
                "{}",
                dir.display()
            );
        }
    } else {
        assert_eq!(written.identity, None);
        assert_eq!(mode(&launch.log_dir), 0o700);
    }
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn owner(path: &std::path::Path) -> (u32, u32) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.uid(), metadata.gid())
}
