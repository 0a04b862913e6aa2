//! Rows for pure tests: what each is unless a test says otherwise.

use chrono::DateTime;
use serde_json::json;

use crate::run::{Pod, Run};
use crate::task::{Desired, State, Task, TaskId};

/// A task of one node that runs.
pub fn task_row() -> Task {
    Task {
        id: TaskId(1),
        user_id: entity::UserId(1),
        name: "task".to_owned(),
        state: State::Running,
        desired: Desired::Run,
        stop_as: None,
        priority: 10,
        custom_rank: None,
        group_name: "training".to_owned(),
        zone: None,
        node_count: 1,
        spec: json!({}),
        document: json!({}),
        run_count: 1,
        not_before: None,
        spoilt_runs: 0,
        failed_runs: 0,
        whole_life_state: 0,
        wait: None,
        outcome: None,
        stop_code: 0,
        exit_code: None,
        shared_in: None,
        created_at: DateTime::UNIX_EPOCH,
        started_at: Some(DateTime::UNIX_EPOCH),
        finished_at: None,
        version: 0,
    }
}

/// A run that passed its gate when the world began.
pub fn run_row() -> Run {
    Run {
        id: entity::RunId(1),
        task_id: TaskId(1),
        number: 1,
        state: crate::run::State::Running,
        drain_reason: None,
        stop_at: None,
        kill_at: None,
        level: 10,
        master_addr: None,
        master_port: None,
        outcome: None,
        stop_code: 0,
        exit_code: None,
        message: None,
        created_at: DateTime::UNIX_EPOCH,
        started_at: Some(DateTime::UNIX_EPOCH),
        ended_at: None,
        version: 0,
    }
}

/// A rank of it that runs on `node-<rank>`.
pub fn pod_row(rank: i32) -> Pod {
    Pod {
        id: entity::PodId(rank.into()),
        run_id: entity::RunId(1),
        rank,
        node_name: format!("node-{rank}"),
        state: crate::run::PodState::Running,
        started_at: Some(DateTime::UNIX_EPOCH),
        ended_at: None,
        exit_code: None,
        message: None,
        suspend: None,
        silent: false,
        log_end: None,
        missing_since: None,
        released_at: None,
        version: 0,
    }
}
