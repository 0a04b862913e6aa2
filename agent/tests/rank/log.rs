//! The log as it is on disk.

use std::{
    fs,
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use protocol::{Desired, LogLimits};

use crate::{
    fixture::{Gate, Setup, within},
    server::order,
};

#[tokio::test]
async fn both_outputs_are_stamped_line_by_line_and_cut_into_segments() {
    let mut setup = Setup::new("for i in {1..500}; do echo out $i; echo err $i >&2; done");
    setup.launch.log = LogLimits {
        segment_bytes: 4096,
        budget_bytes: 1 << 30,
    };
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (report, _) = within(rank.server.exit()).await;

    let segments = rank.segments();
    let mut offset = 0;
    for (name, text) in &segments {
        assert_eq!(*name, format!("{offset:020}.log"));
        assert!(text.ends_with('\n') && text.len() < 4096 + 64);
        offset += text.len();
        for line in text.lines() {
            let (stamp, _) = line.split_at(29);
            NaiveDateTime::parse_from_str(stamp, "[%Y-%m-%d %H:%M:%S%.6f] ").unwrap();
        }
    }
    assert!(segments.len() > 5);
    assert_eq!(report.log_end, offset as u64);
    assert_eq!(rank.exit_record().log_end, offset as u64);
    let expected: Vec<_> = (1..=500)
        .flat_map(|n| [format!("out {n}"), format!("err {n}")])
        .collect();
    assert_eq!(rank.lines(), expected);
}

#[tokio::test]
async fn the_oldest_segments_go_and_the_offsets_stay() {
    let mut setup = Setup::new("for i in {1..1000}; do echo line $i; done");
    setup.launch.log = LogLimits {
        segment_bytes: 1000,
        budget_bytes: 5000,
    };
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (report, _) = within(rank.server.exit()).await;
    let segments = rank.segments();
    let kept: usize = segments.iter().map(|(_name, text)| text.len()).sum();
    assert!((3000..=5000).contains(&kept), "{kept}");
    let oldest: u64 = segments[0].0.trim_end_matches(".log").parse().unwrap();
    assert_eq!(oldest + kept as u64, report.log_end);
    assert_eq!(rank.lines().last().unwrap(), "line 1000");
}

#[tokio::test]
async fn a_prompt_is_reported_before_its_line_ends() {
    let setup = Setup::new("printf 'go on? '; read < gate; echo yes");
    let mut gate = Gate::new(&setup);
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let report = within(rank.server.report(|report| report.log_end > 0)).await;
    assert_eq!((report.log_end, report.exit), (36, None));
    gate.open();
    within(rank.server.exit()).await;
    assert_eq!(rank.lines(), ["go on? yes"]);
}

#[tokio::test]
async fn a_chatty_command_is_not_reported_for_every_line() {
    let begin = Instant::now();
    let setup = Setup::new("for i in {1..2000}; do echo $i; done");
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let mut reports = 0;
    let last = within(rank.server.report(|report| {
        report.exit.is_some() || {
            reports += 1;
            false
        }
    }));
    assert!(last.await.exit.is_some());
    let periods = begin.elapsed().div_duration_f64(Duration::from_millis(5));
    assert!(
        f64::from(reports) <= periods + 1.0,
        "{reports} reports in {periods} periods"
    );
}

#[tokio::test]
async fn a_log_that_cannot_be_written_does_not_stop_the_command() {
    let setup = Setup::new("for i in {1..100000}; do echo line $i; done; exit 8");
    // A file where the directory should be.
    fs::write(&setup.launch.log_dir, "").unwrap();
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let (report, exit) = within(rank.server.exit()).await;
    let printed: usize = (1..=100_000)
        .map(|i| format!("line {i}\n").len() + 29)
        .sum();
    assert_eq!((exit.code, report.log_end), (Some(8), printed as u64));
}

#[tokio::test]
async fn a_full_disk_costs_only_what_was_printed_meanwhile() {
    let mut setup = Setup::new("");
    let segment = setup.launch.log_dir.join(format!("{:020}.log", 0));
    let segment = segment.display();
    let directory = setup.launch.log_dir.display();
    // Every write to `/dev/full` fails with "no space left on device".
    setup.launch.command.line = format!(
        "mkdir -p {directory}; ln -s /dev/full {segment}; echo lost; read < gate; echo kept; exit 3"
    );
    let mut gate = Gate::new(&setup);
    let mut rank = setup.start(order(Desired::Run, 0)).await;
    let lost = within(rank.server.report(|report| report.log_end > 0)).await;
    assert_eq!(lost.log_end, 29 + 5);
    gate.open();
    let (report, exit) = within(rank.server.exit()).await;
    assert_eq!(exit.code, Some(3));
    assert_eq!(rank.lines(), ["kept"]);
    let names: Vec<_> = rank.segments().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [format!("{:020}.log", 34)],
        "the hole is told by the name"
    );
    assert_eq!(report.log_end, 34 + 29 + 5);
}
