//! How wake-ups look on the way to other servers: one line of text, words between single blanks.
//!
//! ```text
//! 1 c0ffee0123456789 access:3 task:42 wait:42 run:42:7 log:42:0 nodes quotas resync
//! │ │                └ events, in the order in which they were published; none is a sign of life
//! │ └ who says it: 16 hexadecimal digits that each process draws at its start
//! └ version of this form
//! ```
//!
//! What cannot be read, because it is of a newer version or of somebody else, is [`Event::Resync`] for whoever hears it: it
//! may have meant anything. So a new event is a new word and no new version.

use std::fmt;

use entity::{RunId, TaskId, UserId};
use rand::Rng;

use super::Event;

/// The first word.
const VERSION: &str = "1";

/// Who says something. It tells the process itself from others, so that it does not hear itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin(u64);

impl Origin {
    /// A new one.
    pub fn new(random: &mut impl Rng) -> Self {
        Self(random.next_u64())
    }

    fn parse(word: &str) -> Option<Self> {
        let is_plain = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_plain.then(|| u64::from_str_radix(word, 16).ok());
        number.flatten().map(Self)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Messages with these events, one at least, none longer than `most_bytes`.
pub(super) fn encode(origin: Origin, events: &[Event], most_bytes: usize) -> Vec<String> {
    let empty = format!("{VERSION} {origin}");
    let mut messages = vec![empty.clone()];
    for event in events {
        let word = word(*event);
        let message = match messages.last_mut() {
            Some(last) if last.len() + 1 + word.len() <= most_bytes => last,
            _ => messages.push_mut(empty.clone()),
        };
        message.push(' ');
        message.push_str(&word);
    }
    messages
}

/// What a message says to the process `own`: nothing, if it is its own.
pub(super) fn decode(own: Origin, message: &str) -> Vec<Event> {
    let mut words = message.split(' ');
    let version = words.next();
    let origin = words.next().and_then(Origin::parse);
    let events = match origin.filter(|_| version == Some(VERSION)) {
        Some(origin) if origin == own => Some(Vec::new()),
        Some(_) => words.map(event).collect(),
        None => None,
    };
    events.unwrap_or_else(|| vec![Event::Resync])
}

fn word(event: Event) -> String {
    match event {
        Event::Access(id) => format!("access:{id}"),
        Event::Task(id) => format!("task:{id}"),
        Event::Wait(id) => format!("wait:{id}"),
        Event::Run(id, run) => format!("run:{id}:{run}"),
        Event::Log(id, rank) => format!("log:{id}:{rank}"),
        Event::Nodes => "nodes".to_owned(),
        Event::Quotas => "quotas".to_owned(),
        Event::Resync => "resync".to_owned(),
    }
}

fn event(word: &str) -> Option<Event> {
    let mut parts = word.split(':');
    let kind = parts.next()?;
    let mut number = || parts.next()?.parse::<i64>().ok();
    let event = match kind {
        "access" => Event::Access(UserId(number()?)),
        "task" => Event::Task(TaskId(number()?)),
        "wait" => Event::Wait(TaskId(number()?)),
        "run" => Event::Run(TaskId(number()?), RunId(number()?)),
        "log" => Event::Log(TaskId(number()?), i32::try_from(number()?).ok()?),
        "nodes" => Event::Nodes,
        "quotas" => Event::Quotas,
        "resync" => Event::Resync,
        _ => return None,
    };
    parts.next().is_none().then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Origin = Origin(0x00c0_ffee);
    const OTHER: Origin = Origin(u64::MAX);

    /// An example of each variant. A new one does not compile here until it follows one of the others.
    fn examples() -> Vec<Event> {
        let after = |event: Event| match event {
            Event::Access(_) => Some(Event::Task(TaskId(1))),
            Event::Task(_) => Some(Event::Wait(TaskId(i64::MAX))),
            Event::Wait(_) => Some(Event::Run(TaskId(3), RunId(4))),
            Event::Run(..) => Some(Event::Log(TaskId(5), i32::MAX)),
            Event::Log(..) => Some(Event::Nodes),
            Event::Nodes => Some(Event::Quotas),
            Event::Quotas => Some(Event::Resync),
            Event::Resync => None,
        };
        std::iter::successors(Some(Event::Access(UserId(2))), |event| after(*event)).collect()
    }

    #[test]
    fn every_event_arrives_as_it_was_sent() {
        let messages = encode(ONE, &examples(), usize::MAX);
        assert_eq!(
            messages,
            [
                "1 0000000000c0ffee access:2 task:1 wait:9223372036854775807 run:3:4 log:5:2147483647 nodes quotas resync"
            ]
        );
        assert_eq!(decode(OTHER, &messages[0]), examples());
        assert_eq!(decode(ONE, &messages[0]), [], "nobody hears himself");
    }

    #[test]
    fn what_is_long_is_split_between_events_and_nothing_is_a_message_too() {
        let most = encode(ONE, &[Event::Nodes], usize::MAX)[0].len() + " quotas".len();
        let messages = encode(ONE, &examples(), most);
        assert!(
            messages
                .iter()
                .skip(1)
                .all(|message| message.len() <= most + 24)
        );
        let heard = messages.iter().flat_map(|message| decode(OTHER, message));
        assert_eq!(heard.collect::<Vec<_>>(), examples());
        let [sign_of_life] = &encode(ONE, &[], most)[..] else {
            panic!("one message");
        };
        assert_eq!(decode(OTHER, sign_of_life), []);
        let many: Vec<_> = (0..9999).map(|id| Event::Task(TaskId(id))).collect();
        let messages = encode(ONE, &many, 7999);
        assert!(messages.len() > 9 && messages.iter().all(|it| it.len() <= 7999));
        let heard = messages.iter().flat_map(|message| decode(OTHER, message));
        assert_eq!(heard.collect::<Vec<_>>(), many);
    }

    #[test]
    fn what_cannot_be_read_may_have_meant_anything() {
        for message in [
            "",
            " ",
            "1",
            "garbage",
            "2 0000000000c0ffee task:1",
            "1 c0ffee task:1",
            "1 +000000000c0ffee task:1",
            "1 0000000000c0ffee ",
            "1 0000000000c0ffee task",
            "1 0000000000c0ffee task:x",
            "1 0000000000c0ffee task:1:2",
            "1 0000000000c0ffee task:99999999999999999999",
            "1 0000000000c0ffee log:1:9999999999",
            "1 0000000000c0ffee nodes:1",
            "1 0000000000c0ffee task:1  task:2",
            "1 0000000000c0ffee task:1 of-a-newer-version:7",
        ] {
            assert_eq!(decode(OTHER, message), [Event::Resync], "{message:?}");
        }
    }
}
