//! What holds for any sequence of events.

use proptest::{prelude::*, test_runner::RngSeed};

use super::{
    CommandEnd::{Code, Signal},
    *,
};

fn any_event() -> impl Strategy<Value = Event> {
    let desired = prop_oneof![
        Just(Desired::Wait),
        Just(Desired::Run),
        Just(Desired::Suspend),
        Just(Desired::Stop),
        Just(Desired::Over)
    ];
    prop_oneof![
        (desired, 0..20u32).prop_map(|(desired, grace)| order(desired, grace)),
        Just(Event::Terminated),
        Just(Event::Fenced),
        Just(Event::FenceMissing),
        Just(Event::StartFailed("no".to_owned())),
        Just(Event::Output),
        Just(Event::SuspendReceived),
        Just(Event::Saving),
        Just(Event::Ready),
        Just(Event::CommandEnded(Code(0))),
        Just(Event::SomeLeft),
        Just(Event::AllGone),
        Just(Event::Recorded),
        Just(Event::RecordFailed),
        Just(Event::Acknowledged),
        Just(Event::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(20_261_123),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever happens in whatever order: the command starts at most once and first, nothing is signalled before it,
    /// and nothing is done after leaving.
    #[test]
    fn any_history_is_in_order(events in prop::collection::vec((0..30u64, any_event()), 0..60)) {
        let mut now = 0;
        let events: Vec<_> =
            events.into_iter().map(|(pause, event)| { now += pause; (now, event) }).collect();
        let (_, actions) = live(&events);
        let actions: Vec<_> = actions.into_iter().map(|(_, action)| action).collect();
        let starts = actions.iter().filter(|action| **action == Action::Start).count();
        prop_assert!(starts <= 1);
        match actions.first() {
            None | Some(Action::Start) => {}
            Some(Action::Record(exit)) => {
                let never_ran = [ExitCause::Stopped, ExitCause::Suspended, ExitCause::StartFailed];
                prop_assert!(never_ran.contains(&exit.cause));
            }
            Some(first @ (Action::Terminate | Action::Kill | Action::Leave)) => {
                prop_assert!(false, "{:?} came first", first);
            }
        }
        if starts == 0 {
            prop_assert!(!actions.contains(&Action::Kill) && !actions.contains(&Action::Terminate));
        }
        let left = actions.iter().position(|action| *action == Action::Leave);
        prop_assert!(left.is_none_or(|at| at + 1 == actions.len()));
    }

    /// From any state, once the processes are gone and the disk takes the record, the agent leaves by itself.
    #[test]
    fn every_ended_rank_is_left(events in prop::collection::vec((0..30u64, any_event()), 0..40)) {
        let mut now = 0;
        let mut events: Vec<_> =
            events.into_iter().map(|(pause, event)| { now += pause; (now, event) }).collect();
        for event in [
            order(Desired::Stop, 0),
            Event::CommandEnded(Signal(9)),
            Event::AllGone,
            Event::Recorded,
            Event::Tick,
            Event::Recorded,
            Event::Tick,
        ] {
            now += 100;
            events.push((now, event));
        }
        prop_assert_eq!(live(&events).0, State::Left);
    }

    /// However it is spun out, a suspension has an end: the order repeated, progress without end, any rank.
    #[test]
    fn a_suspension_ends_in_time(
        is_master: bool,
        events in prop::collection::vec((0..4_000u64, suspending_event()), 0..200),
    ) {
        let policy = Policy { is_master, ..SILENCE };
        // 5 s to take notice, 60 s to finish, and 3 s of grace where other ranks are waited for.
        let latest = if is_master { 60_000 } else { 68_000 };
        let (mut state, _) = live_as(&policy, &[(0, order(Desired::Run, 0)), (0, order(Desired::Suspend, 3))]);
        let mut now = Duration::ZERO;
        for (pause, event) in events {
            let until = now + Duration::from_millis(pause);
            while let Some(due) = state.deadline(&policy).filter(|due| *due <= until) {
                let (next, action) = step(state, Event::Tick, due, &policy);
                if let State::Stopping { ending, .. } = &next && action == Some(Action::Terminate) {
                    prop_assert_eq!(ending.suspend.map(|suspend| suspend.forced), Some(true));
                    prop_assert!(due <= Duration::from_millis(latest));
                    prop_assert!(due >= secs(5), "nobody is forced sooner");
                    return Ok(());
                }
                state = next;
            }
            now = until;
            state = step(state, event, now, &policy).0;
        }
        prop_assert!(matches!(state, State::Suspending(_)));
        prop_assert!(state.deadline(&policy).is_some_and(|due| due <= Duration::from_millis(latest)));
    }

    /// Whatever came of it, a rank that ended as suspended says how far the suspension had come, and a later word of the
    /// server does not change why it ended.
    #[test]
    fn a_suspended_rank_says_how(events in prop::collection::vec((0..30u64, any_event()), 0..60)) {
        let mut now = 0;
        let events: Vec<_> =
            events.into_iter().map(|(pause, event)| { now += pause; (now, event) }).collect();
        let (_, actions) = live(&events);
        let mut exits = actions.iter().filter_map(|(_, action)| match action {
            Action::Record(exit) => Some(exit),
            Action::Start | Action::Terminate | Action::Kill | Action::Leave => None,
        });
        let first = exits.next();
        prop_assert!(exits.all(|exit| Some(exit) == first));
        if let Some(exit) = first {
            prop_assert!(exit.cause != ExitCause::Suspended || exit.suspend.is_some());
            let forced = exit.suspend.is_some_and(|suspend| suspend.forced);
            prop_assert!(!forced || exit.cause == ExitCause::Suspended);
        }
    }
}

/// What happens while a command is to suspend and goes on.
fn suspending_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(order(Desired::Suspend, 3)),
        Just(order(Desired::Wait, 0)),
        Just(Event::Output),
        Just(Event::SuspendReceived),
        Just(Event::Saving),
        Just(Event::Tick),
    ]
}
