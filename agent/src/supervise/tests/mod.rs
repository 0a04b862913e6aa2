//! The life of a rank as tables, and what holds for any sequence of events.

mod life;
mod properties;
mod suspend;

use super::*;

const SILENCE: Policy = Policy {
    silence: Some(Duration::from_secs(60)),
    is_master: true,
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn order(desired: Desired, grace_secs: u32) -> Event {
    Event::Order(Order {
        desired,
        grace_ms: grace_secs * 1000,
        suspend: None,
    })
}

/// Feeds events, each with its second, and gives the actions with theirs.
fn live(events: &[(u64, Event)]) -> (State, Vec<(u64, Action)>) {
    live_as(&SILENCE, events)
}

fn live_as(policy: &Policy, events: &[(u64, Event)]) -> (State, Vec<(u64, Action)>) {
    let mut state = State::Waiting;
    let mut actions = Vec::new();
    for (at, event) in events {
        let (next, action) = step(state, event.clone(), secs(*at), policy);
        state = next;
        actions.extend(action.map(|action| (*at, action)));
    }
    (state, actions)
}

fn exit(cause: ExitCause, ended: Option<CommandEnd>, message: Option<&str>) -> RankExit {
    let (code, signal) = match ended {
        Some(CommandEnd::Code(code)) => (Some(code), None),
        Some(CommandEnd::Signal(signal)) => (None, Some(signal)),
        None => (None, None),
    };
    RankExit {
        cause,
        code,
        signal,
        message: message.map(str::to_owned),
        suspend: None,
    }
}
