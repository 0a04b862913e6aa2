//! Sessions of browsers: a code that a person types becomes a cookie that no script can read.
//!
//! The [code] is short, good once and for minutes. The [cookie] is signed with the platform's [keys](crate::auth::agent_token)
//! and short-lived; it is made anew for as long as the row of the session is there. Whoever ends the session removes the row.

mod change;
mod code;
mod cookie;
mod query;
#[cfg(test)]
mod tests;

pub use change::{Opened, close, create_code, end, end_all, open, refresh};
pub use code::Code;
pub use cookie::{Cookie, Ticket};
pub use entity::SessionId;
pub use entity::session::Model as Session;
pub use query::{Page, count, list, sign_in};

pub(crate) use change::{end_of_token, end_of_user};
