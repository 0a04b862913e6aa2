//! From the gate to the end, without a suspension.

use super::{
    CommandEnd::{Code, Signal},
    *,
};

#[test]
fn the_gate_opens_only_on_the_order_to_run() {
    let (state, actions) = live(&[
        (1, order(Desired::Wait, 0)),
        (2, Event::Tick),
        (3, Event::Output),
        (4, Event::AllGone),
        (5, Event::Acknowledged),
    ]);
    assert_eq!((state, actions), (State::Waiting, vec![]));

    let (state, actions) = live(&[(1, order(Desired::Wait, 0)), (2, order(Desired::Run, 0))]);
    assert_eq!(
        state,
        State::Running {
            quiet_since: secs(2)
        }
    );
    assert_eq!(actions, [(2, Action::Start)]);
}

#[test]
fn an_end_before_the_start_never_runs_anything() {
    for (event, message) in [
        (order(Desired::Stop, 5), None),
        (order(Desired::Over, 0), Some("The run is over.")),
        (
            Event::Terminated,
            Some("The agent was told to end (SIGTERM)."),
        ),
        (
            Event::Fenced,
            Some("The platform could not reach it, and has given it up."),
        ),
    ] {
        let (_, actions) = live(&[(1, event), (2, order(Desired::Run, 0))]);
        let exit = exit(ExitCause::Stopped, None, message);
        assert_eq!(actions, [(1, Action::Record(exit))]);
    }
}

#[test]
fn a_command_that_ends_is_swept_recorded_and_reported() {
    let (state, actions) = live(&[
        (0, order(Desired::Run, 0)),
        (5, Event::CommandEnded(Code(3))),
        (5, Event::AllGone),
        (6, Event::Recorded),
        (7, order(Desired::Run, 0)),
        (8, Event::Acknowledged),
    ]);
    assert_eq!(state, State::Left);
    let exit = exit(ExitCause::Command, Some(Code(3)), None);
    let expected = [
        (0, Action::Start),
        (5, Action::Kill),
        (5, Action::Record(exit)),
        (8, Action::Leave),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn a_start_that_fails_is_recorded_with_its_sentence() {
    let (_, actions) = live(&[
        (0, order(Desired::Run, 0)),
        (0, Event::StartFailed("No workspace.".into())),
    ]);
    let exit = exit(ExitCause::StartFailed, None, Some("No workspace."));
    assert_eq!(actions, [(0, Action::Start), (0, Action::Record(exit))]);
}

#[test]
fn a_stop_waits_for_what_the_command_started_and_then_kills() {
    let (_, actions) = live(&[
        (0, order(Desired::Run, 0)),
        (10, order(Desired::Stop, 30)),
        (11, Event::CommandEnded(Signal(15))),
        (11, Event::SomeLeft),
        (39, Event::Tick),
        (40, Event::Tick),
        (40, Event::SomeLeft),
        (41, Event::Tick),
        (42, Event::AllGone),
    ]);
    let exit = exit(ExitCause::Stopped, Some(Signal(15)), None);
    let expected = [
        (0, Action::Start),
        (10, Action::Terminate),
        (40, Action::Kill),
        (40, Action::Kill),
        (41, Action::Kill),
        (42, Action::Record(exit)),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn a_repeated_stop_does_not_extend_the_grace_and_a_shorter_one_counts() {
    let prefix = [(0, order(Desired::Run, 0)), (10, order(Desired::Stop, 30))];
    for (event, kill_at) in [
        (order(Desired::Stop, 30), 40),
        (order(Desired::Stop, 5), 25),
        (Event::Terminated, 25),
        (order(Desired::Run, 0), 40),
        (order(Desired::Wait, 0), 40),
    ] {
        let (state, _) = live(&[prefix.as_slice(), &[(20, event)]].concat());
        assert_eq!(state.deadline(&SILENCE), Some(secs(kill_at)));
    }
}

#[test]
fn over_kills_at_once_even_while_stopping() {
    for prefix in [vec![], vec![(1, order(Desired::Stop, 30))]] {
        let events = [
            vec![(0, order(Desired::Run, 0))],
            prefix,
            vec![(2, order(Desired::Over, 0))],
        ];
        let (_, actions) = live(&events.concat());
        assert_eq!(actions.last(), Some(&(2, Action::Kill)));
    }
}

#[test]
fn a_rank_without_a_fence_does_not_begin() {
    let (_, actions) = live(&[(1, Event::FenceMissing), (2, order(Desired::Run, 0))]);
    let exit = exit(ExitCause::StartFailed, None, Some(NO_FENCE));
    assert_eq!(actions, [(1, Action::Record(exit))]);
}

#[test]
fn a_fence_kills_at_once_whatever_the_rank_was_about_to_do() {
    let said = "The platform could not reach it, and has given it up.";
    let removed = "The directory of its log was removed.";
    let stopping = [(1, order(Desired::Stop, 30))];
    let suspending = [(1, order(Desired::Suspend, 30))];
    for (event, message) in [(Event::Fenced, said), (Event::FenceMissing, removed)] {
        for (before, message) in [
            ([].as_slice(), Some(message)),
            (&suspending, Some(message)),
            // Why it ends was said before.
            (&stopping, None),
        ] {
            let runs = [(0, order(Desired::Run, 0))];
            let ends = [
                (2, event.clone()),
                (2, Event::CommandEnded(Signal(9))),
                (2, Event::AllGone),
            ];
            let (_, actions) = live(&[&runs, before, &ends].concat());
            let killed = { actions.iter() }.any(|action| *action == (2, Action::Kill));
            assert!(killed, "{actions:?}");
            let Some((2, Action::Record(exit))) = actions.last() else {
                panic!("{actions:?}");
            };
            assert_eq!(exit.cause, ExitCause::Stopped);
            assert_eq!(exit.message.as_deref(), message);
        }
    }
}

#[test]
fn silence_stops_a_running_command_and_output_restarts_the_count() {
    let (state, actions) = live(&[
        (0, order(Desired::Run, 0)),
        (59, Event::Tick),
        (59, Event::Output),
        (118, Event::Tick),
        (119, Event::Tick),
        (120, Event::Output),
        (120, Event::CommandEnded(Code(0))),
        (120, Event::AllGone),
    ]);
    let exit = exit(
        ExitCause::Silence,
        Some(Code(0)),
        Some("The command printed nothing for 60 seconds."),
    );
    let expected = [
        (0, Action::Start),
        (119, Action::Terminate),
        (120, Action::Record(exit.clone())),
    ];
    assert_eq!(actions, expected);
    assert_eq!(state, State::Recording { exit });
}

#[test]
fn a_server_that_stays_away_is_not_waited_for_once_the_record_is_written() {
    let ended = [
        (0, order(Desired::Run, 0)),
        (1, Event::CommandEnded(Code(0))),
        (1, Event::AllGone),
    ];
    let recorded = [(1, Event::Recorded), (10, Event::Tick), (11, Event::Tick)];
    let (state, actions) = live(&[ended.as_slice(), &recorded].concat());
    assert_eq!(state, State::Left);
    assert_eq!(actions.last(), Some(&(11, Action::Leave)));

    let failed = [
        (1, Event::RecordFailed),
        (10, Event::Tick),
        (11, Event::Tick),
    ];
    let (state, actions) = live(&[ended.as_slice(), &failed].concat());
    assert!(matches!(state, State::Recording { .. }));
    assert!(matches!(actions.last(), Some((11, Action::Record(_)))));
}

#[test]
fn nobody_reports_to_a_run_that_is_over() {
    let (state, actions) = live(&[
        (0, order(Desired::Run, 0)),
        (1, order(Desired::Over, 0)),
        (1, Event::CommandEnded(Signal(9))),
        (1, Event::AllGone),
        (1, Event::Recorded),
        (2, order(Desired::Over, 0)),
    ]);
    assert_eq!(state, State::Left);
    let exit = exit(
        ExitCause::Stopped,
        Some(Signal(9)),
        Some("The run is over."),
    );
    let expected = [
        (0, Action::Start),
        (1, Action::Kill),
        (1, Action::Record(exit)),
        (2, Action::Leave),
    ];
    assert_eq!(actions, expected);
}
