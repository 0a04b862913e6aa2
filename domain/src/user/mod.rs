//! Users and the groups they belong to.

mod create;
mod memberships;
mod query;

pub use create::{CreateUser, create, is_usable_name};
pub use entity::UserId;
pub use entity::user::{Model as User, Role};
pub use memberships::groups_of_all;
pub use query::{find_by_name, get, load};

pub(crate) use create::insert;
pub(crate) use query::implied_groups;
