//! Pages of lists as Relay connections.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{ObjectType, OutputType};
use domain::{Error, Result};

use crate::id::List;
use crate::limits::{DEFAULT_PAGE, MOST_PER_PAGE};

/// The arguments of a list, as the client gave them.
#[derive(Debug, Default)]
pub(crate) struct PageArgs {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<String>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<String>,
}

/// Which part of a list is wanted. The keys are not yet read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Window<K> {
    /// At most so many items.
    pub(crate) limit: i32,
    /// Only items behind this one.
    pub(crate) after: Option<K>,
    /// Only items before this one.
    pub(crate) before: Option<K>,
    /// From the end of what is left, instead of the beginning.
    pub(crate) backwards: bool,
}

impl PageArgs {
    /// Checks the arguments. `key` reads the key of a cursor of `list`.
    ///
    /// # Errors
    /// [`Error::Invalid`] names the argument.
    pub(crate) fn window<K>(
        &self,
        list: List,
        key: impl Fn(&str) -> Option<K>,
    ) -> Result<Window<K>> {
        if self.first.is_some() && self.last.is_some() {
            return Err(Error::invalid("last", "cannot be combined with first"));
        }
        let limit = match (self.first, self.last) {
            (Some(first), _) => bounded("first", first, MOST_PER_PAGE)?,
            (None, Some(last)) => bounded("last", last, MOST_PER_PAGE)?,
            (None, None) => DEFAULT_PAGE,
        };
        let read = |argument: &str, cursor: &Option<String>| {
            let Some(cursor) = cursor else {
                return Ok(None);
            };
            let found = list.key(cursor).and_then(|text| key(&text));
            found
                .map(Some)
                .ok_or_else(|| Error::invalid(argument, "is not a cursor of this list"))
        };
        Ok(Window {
            limit,
            after: read("after", &self.after)?,
            before: read("before", &self.before)?,
            backwards: self.last.is_some(),
        })
    }
}

/// A number of items, between none and `most`.
///
/// # Errors
/// [`Error::Invalid`] names the argument.
pub(crate) fn bounded(argument: &str, count: i32, most: i32) -> Result<i32> {
    if (0..=most).contains(&count) {
        return Ok(count);
    }
    let reason = format!("must be between 0 and {most}, not {count}");
    Err(Error::invalid(argument, reason))
}

impl<K> Window<K> {
    /// The connection of one page. `has_more` says whether there is more in the direction of reading. In the other one
    /// there is something if the client came from there.
    pub(crate) fn connection<N: OutputType, F: ObjectType>(
        &self,
        has_more: bool,
        nodes: impl IntoIterator<Item = (String, N)>,
        more_fields: F,
    ) -> Connection<String, N, F> {
        let (has_previous, has_next) = if self.backwards {
            (has_more, self.before.is_some())
        } else {
            (self.after.is_some(), has_more)
        };
        let mut connection =
            Connection::with_additional_fields(has_previous, has_next, more_fields);
        connection.edges.extend(
            nodes
                .into_iter()
                .map(|(cursor, node)| Edge::new(cursor, node)),
        );
        connection
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::connection::EmptyFields;

    use super::*;

    fn window(args: &PageArgs) -> Result<Window<i32>> {
        args.window(List::Runs, |text| text.parse().ok())
    }

    fn wrong_field(args: &PageArgs) -> String {
        match window(args) {
            Err(Error::Invalid(problems)) => problems[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_read_from_its_beginning_unless_the_client_says_otherwise() {
        let expected = Window {
            limit: 50,
            after: None,
            before: None,
            backwards: false,
        };
        assert_eq!(window(&PageArgs::default()).unwrap(), expected);
        let args = PageArgs {
            last: Some(3),
            before: Some(List::Runs.cursor(9)),
            ..PageArgs::default()
        };
        let expected = Window {
            limit: 3,
            after: None,
            before: Some(9),
            backwards: true,
        };
        assert_eq!(window(&args).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_argument() {
        for count in [-1, 501, i32::MAX] {
            let first = PageArgs {
                first: Some(count),
                ..PageArgs::default()
            };
            assert_eq!(wrong_field(&first), "first");
            let last = PageArgs {
                last: Some(count),
                ..PageArgs::default()
            };
            assert_eq!(wrong_field(&last), "last");
        }
        let both = PageArgs {
            first: Some(1),
            last: Some(1),
            ..PageArgs::default()
        };
        assert_eq!(wrong_field(&both), "last");
        for cursor in ["", "9", &List::Tasks.cursor(9), &List::Runs.cursor("x")] {
            let after = PageArgs {
                after: Some(cursor.to_owned()),
                ..PageArgs::default()
            };
            assert_eq!(wrong_field(&after), "after", "{cursor}");
            let before = PageArgs {
                before: Some(cursor.to_owned()),
                ..PageArgs::default()
            };
            assert_eq!(wrong_field(&before), "before", "{cursor}");
        }
    }

    #[test]
    fn a_page_says_whether_there_is_more_on_either_side() {
        let sides = |after, before, backwards, has_more| {
            let window = Window {
                limit: 1,
                after,
                before,
                backwards,
            };
            let page = window.connection(has_more, [("c".to_owned(), 1)], EmptyFields);
            (page.has_previous_page, page.has_next_page)
        };
        assert_eq!(sides(None, None, false, true), (false, true));
        assert_eq!(sides(Some(5), None, false, false), (true, false));
        assert_eq!(sides(None, Some(5), true, true), (true, true));
        assert_eq!(sides(None, None, true, false), (false, false));
    }
}
