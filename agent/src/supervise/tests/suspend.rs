//! A command that is to save and end.

use protocol::{SuspendEnd, SuspendOrder};

use super::{
    CommandEnd::{Code, Signal},
    *,
};

const OTHER_RANK: Policy = Policy {
    is_master: false,
    ..SILENCE
};

/// Suspended at second 10 with 3 s of grace and the usual patience: 5 s, 5 s, 60 s.
fn suspended(more: &[(u64, Event)]) -> Vec<(u64, Event)> {
    let beginning = [
        (0, order(Desired::Run, 0)),
        (10, order(Desired::Suspend, 3)),
    ];
    [beginning.as_slice(), more].concat()
}

fn suspend(acknowledged: bool, ready: bool, forced: bool) -> Option<SuspendEnd> {
    Some(SuspendEnd {
        acknowledged,
        ready,
        forced,
    })
}

fn suspended_exit(
    ended: Option<CommandEnd>,
    message: Option<&str>,
    suspend: Option<SuspendEnd>,
) -> RankExit {
    RankExit {
        suspend,
        ..exit(ExitCause::Suspended, ended, message)
    }
}

#[test]
fn a_command_that_takes_no_notice_is_stopped() {
    let (_, actions) = live(&suspended(&[
        (14, Event::Output),
        (14, Event::Saving),
        (14, Event::Tick),
        (15, Event::Tick),
        (17, Event::Tick),
        (18, Event::Tick),
        (18, Event::CommandEnded(Signal(9))),
        (18, Event::AllGone),
    ]));
    let exit = suspended_exit(
        Some(Signal(9)),
        Some("The command took no notice of the order to suspend."),
        suspend(false, false, true),
    );
    let expected = [
        (0, Action::Start),
        (15, Action::Terminate),
        (18, Action::Kill),
        (18, Action::Record(exit)),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn progress_gives_more_time_up_to_the_budget() {
    for (events, deadline) in [
        (vec![], 15),
        (vec![(12, Event::SuspendReceived)], 17),
        // To ask again is no progress.
        (
            vec![(12, Event::SuspendReceived), (14, Event::SuspendReceived)],
            17,
        ),
        (vec![(12, Event::SuspendReceived), (16, Event::Saving)], 21),
        (vec![(12, Event::SuspendReceived), (16, Event::Output)], 21),
        (vec![(12, Event::SuspendReceived), (67, Event::Saving)], 70),
    ] {
        let (state, actions) = live(&suspended(&events));
        assert_eq!(state.deadline(&SILENCE), Some(secs(deadline)), "{events:?}");
        assert_eq!(actions, [(0, Action::Start)]);
    }
    let (_, actions) = live(&suspended(&[
        (12, Event::SuspendReceived),
        (66, Event::Saving),
        (69, Event::Output),
        (70, Event::Tick),
        (71, Event::CommandEnded(Signal(15))),
        (71, Event::AllGone),
    ]));
    let exit = suspended_exit(
        Some(Signal(15)),
        Some("The command did not save and end in time."),
        suspend(true, false, true),
    );
    let expected = [
        (0, Action::Start),
        (70, Action::Terminate),
        (71, Action::Record(exit)),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn a_command_that_is_ready_is_ended_at_once_on_any_rank() {
    for policy in [SILENCE, OTHER_RANK] {
        let (_, actions) = live_as(
            &policy,
            &suspended(&[
                (12, Event::SuspendReceived),
                (13, Event::Ready),
                (14, Event::Tick),
                (14, Event::CommandEnded(Signal(9))),
                (14, Event::AllGone),
            ]),
        );
        let exit = suspended_exit(Some(Signal(9)), None, suspend(true, true, false));
        let expected = [
            (0, Action::Start),
            (13, Action::Terminate),
            (14, Action::Kill),
            (14, Action::Record(exit)),
        ];
        assert_eq!(actions, expected);
    }
}

#[test]
fn a_command_that_ends_by_itself_is_suspended_whatever_its_code() {
    for end in [Code(0), Code(1), Signal(11)] {
        for (notice, acknowledged) in [(Event::Tick, false), (Event::SuspendReceived, true)] {
            let (_, actions) = live(&suspended(&[
                (12, notice),
                (13, Event::CommandEnded(end)),
                (13, Event::AllGone),
            ]));
            let exit = suspended_exit(Some(end), None, suspend(acknowledged, false, false));
            let expected = [
                (0, Action::Start),
                (13, Action::Kill),
                (13, Action::Record(exit)),
            ];
            assert_eq!(actions, expected);
        }
    }
}

#[test]
fn other_ranks_have_all_the_time_that_rank_0_may_take() {
    // 10 + 5 to take notice + 60 budget + 3 grace.
    let (state, _) = live_as(&OTHER_RANK, &suspended(&[(12, Event::SuspendReceived)]));
    assert_eq!(state.deadline(&OTHER_RANK), Some(secs(78)));
    let (_, actions) = live_as(
        &OTHER_RANK,
        &suspended(&[(77, Event::Tick), (78, Event::Tick)]),
    );
    assert_eq!(actions, [(0, Action::Start), (78, Action::Terminate)]);
}

#[test]
fn the_order_repeated_gives_no_more_time_but_may_bring_another_patience() {
    let again = |suspend| {
        Event::Order(Order {
            desired: Desired::Suspend,
            grace_ms: 3000,
            suspend,
        })
    };
    let shorter = SuspendOrder {
        acknowledge_ms: 4000,
        ..SuspendOrder::default()
    };
    for (event, deadline) in [
        (again(None), 15),
        (again(Some(SuspendOrder::default())), 15),
        (again(Some(shorter)), 14),
        (order(Desired::Wait, 0), 15),
    ] {
        let (state, _) = live(&suspended(&[(13, event)]));
        assert_eq!(state.deadline(&SILENCE), Some(secs(deadline)));
    }
}

#[test]
fn a_suspension_that_is_withdrawn_leaves_nothing_behind() {
    let withdrawn = suspended(&[(12, Event::SuspendReceived), (13, order(Desired::Run, 0))]);
    let (state, _) = live(&withdrawn);
    let running = State::Running {
        quiet_since: secs(13),
    };
    assert_eq!((state.suspend(), state), (None, running));

    let again = [(20, order(Desired::Suspend, 3))];
    let (state, _) = live(&[withdrawn, again.to_vec()].concat());
    assert_eq!(state.suspend(), suspend(false, false, false));
    assert_eq!(state.deadline(&SILENCE), Some(secs(25)));
}

#[test]
fn a_stop_overtakes_a_suspension_and_says_how_far_that_was() {
    for (event, actions_then, message) in [
        (order(Desired::Stop, 5), Action::Terminate, None),
        (
            order(Desired::Over, 0),
            Action::Kill,
            Some("The run is over."),
        ),
        (
            Event::Terminated,
            Action::Terminate,
            Some("The agent was told to end (SIGTERM)."),
        ),
    ] {
        let (_, actions) = live(&suspended(&[
            (12, Event::SuspendReceived),
            (13, event),
            (13, order(Desired::Suspend, 3)),
            (13, order(Desired::Run, 3)),
            (14, Event::CommandEnded(Signal(15))),
            (14, Event::AllGone),
        ]));
        let exit = RankExit {
            suspend: suspend(true, false, false),
            ..exit(ExitCause::Stopped, Some(Signal(15)), message)
        };
        let expected = [
            (0, Action::Start),
            (13, actions_then),
            (14, Action::Record(exit)),
        ];
        assert_eq!(actions, expected);
    }
}

#[test]
fn what_a_command_says_on_sigterm_still_counts() {
    let (_, actions) = live(&suspended(&[
        (15, Event::Tick),
        (16, Event::SuspendReceived),
        (16, Event::Ready),
        (17, Event::Tick),
        (17, Event::CommandEnded(Signal(9))),
        (17, Event::AllGone),
    ]));
    let (_, kill) = &actions[2];
    assert_eq!(*kill, Action::Kill, "at 17 instead of 18");
    let Some((_, Action::Record(exit))) = actions.last() else {
        panic!("{actions:?}")
    };
    assert_eq!(exit.suspend, suspend(true, true, true));
}

#[test]
fn nothing_is_suspended_before_it_started() {
    let (_, actions) = live(&[(1, order(Desired::Suspend, 3)), (2, order(Desired::Run, 0))]);
    let exit = suspended_exit(None, None, suspend(false, false, false));
    assert_eq!(actions, [(1, Action::Record(exit))]);
}

#[test]
fn a_command_may_ask_to_be_suspended() {
    let (_, actions) = live(&[
        (0, order(Desired::Run, 0)),
        (5, Event::Ready),
        (5, order(Desired::Run, 0)),
        (5, Event::CommandEnded(Signal(15))),
        (5, Event::AllGone),
    ]);
    let exit = suspended_exit(Some(Signal(15)), None, suspend(false, true, false));
    let expected = [
        (0, Action::Start),
        (5, Action::Terminate),
        (5, Action::Record(exit)),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn a_command_that_ended_before_the_order_is_not_suspended() {
    let (state, _) = live(&[
        (0, order(Desired::Run, 0)),
        (5, Event::CommandEnded(Code(0))),
        (5, order(Desired::Suspend, 3)),
        (5, Event::AllGone),
        (5, order(Desired::Suspend, 3)),
    ]);
    let exit = exit(ExitCause::Command, Some(Code(0)), None);
    assert_eq!(state, State::Recording { exit });
}
