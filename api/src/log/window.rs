//! Which part of a log a client asks for.

use chrono::{DateTime, Utc};
use domain::logs::Cursor;
use domain::{Error, Result};

use super::reader::{MOST_ITEMS, place_in};

/// The arguments of a page of a log, as the client gave them.
#[derive(Debug, Default)]
pub(super) struct WindowArgs {
    pub(super) after: Option<String>,
    pub(super) first: Option<i32>,
    pub(super) before: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) at: Option<DateTime<Utc>>,
}

/// From where a page is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From a cursor, or from that end of the log from which the page is counted.
    Cursor(Option<Cursor>),
    /// From a moment.
    Moment(DateTime<Utc>),
}

/// Which part of a log is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) origin: Origin,
    /// Whether it is what lies before the origin, not behind it.
    pub(super) backwards: bool,
    /// At most so many items.
    pub(super) most: usize,
}

impl WindowArgs {
    /// Checks the arguments.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the argument.
    pub(super) fn window(&self) -> Result<Window> {
        let backwards = self.last.is_some() || self.before.is_some();
        let either = |is_there: bool, argument: &str, other: &str| match is_there {
            true => Err(Error::invalid(
                argument,
                format!("cannot be combined with {other}"),
            )),
            false => Ok(()),
        };
        either(self.last.is_some() && self.first.is_some(), "last", "first")?;
        either(
            self.before.is_some() && self.first.is_some(),
            "before",
            "first: take last",
        )?;
        either(
            self.after.is_some() && backwards,
            "after",
            "last and before: take first",
        )?;
        let has_cursor = self.after.is_some() || self.before.is_some();
        either(self.at.is_some() && has_cursor, "at", "a cursor")?;
        let (argument, cursor) = match backwards {
            true => ("before", self.before.as_deref()),
            false => ("after", self.after.as_deref()),
        };
        let origin = match self.at {
            Some(moment) => Origin::Moment(moment),
            None => Origin::Cursor(place_in(argument, cursor)?),
        };
        let most = match (self.first, self.last) {
            (Some(first), _) => at_most("first", first, MOST_ITEMS)?,
            (None, Some(last)) => at_most("last", last, MOST_ITEMS)?,
            (None, None) => MOST_ITEMS,
        };
        Ok(Window {
            origin,
            backwards,
            most,
        })
    }
}

/// A number of items, from one to `most`.
///
/// # Errors
/// [`Error::Invalid`] names the argument.
pub(super) fn at_most(argument: &str, count: i32, most: usize) -> Result<usize> {
    usize::try_from(count)
        .ok()
        .filter(|count| (1..=most).contains(count))
        .ok_or_else(|| {
            Error::invalid(
                argument,
                format!("must be between 1 and {most}, not {count}"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: Cursor = Cursor {
        run: 1,
        rank: 0,
        offset: 7,
    };

    fn cursor() -> Option<String> {
        Some(CURSOR.to_string())
    }

    #[test]
    fn a_page_is_counted_from_either_end_or_from_a_place() {
        let window = |args: WindowArgs| args.window().unwrap();
        let expected = |origin, backwards, most| Window {
            origin,
            backwards,
            most,
        };
        assert_eq!(
            window(WindowArgs::default()),
            expected(Origin::Cursor(None), false, 1000)
        );
        let last = WindowArgs {
            last: Some(3),
            ..WindowArgs::default()
        };
        assert_eq!(window(last), expected(Origin::Cursor(None), true, 3));
        let before = WindowArgs {
            before: cursor(),
            ..WindowArgs::default()
        };
        assert_eq!(
            window(before),
            expected(Origin::Cursor(Some(CURSOR)), true, 1000)
        );
        let moment = DateTime::UNIX_EPOCH;
        let at = WindowArgs {
            at: Some(moment),
            last: Some(2),
            ..WindowArgs::default()
        };
        assert_eq!(window(at), expected(Origin::Moment(moment), true, 2));
    }

    #[test]
    fn what_does_not_go_together_is_refused_by_name() {
        let field = |args: WindowArgs| match args.window() {
            Err(Error::Invalid(problems)) => problems[0].field.clone(),
            other => panic!("{other:?}"),
        };
        let of = |first, after, last, before, at| {
            field(WindowArgs {
                after,
                first,
                before,
                last,
                at,
            })
        };
        assert_eq!(of(Some(1), None, Some(1), None, None), "last");
        assert_eq!(of(Some(1), None, None, cursor(), None), "before");
        assert_eq!(of(None, cursor(), Some(1), None, None), "after");
        assert_eq!(of(None, cursor(), None, cursor(), None), "after");
        let moment = Some(DateTime::UNIX_EPOCH);
        assert_eq!(of(None, cursor(), None, None, moment), "at");
        assert_eq!(of(Some(1001), None, None, None, None), "first");
        assert_eq!(of(None, None, Some(0), None, None), "last");
        assert_eq!(of(None, None, None, Some("x".into()), None), "before");
    }
}
