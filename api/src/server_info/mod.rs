//! What kind of platform this is, in the words of the schema.

mod query;

pub(crate) use query::ServerInfoQuery;
