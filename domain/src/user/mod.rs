//! Users and the groups they belong to.

mod change;
mod create;
mod join;
mod list;
mod memberships;
mod name;
mod query;

pub use change::{ChangeUser, change, set_active, set_groups, set_team_groups};
pub use create::{CreateUser, create};
pub use entity::UserId;
pub use entity::user::{Model as User, Role};
pub use list::{Filter, Page, count, list};
pub use memberships::groups_of_all;
pub use name::is_usable_name;
pub use query::{find_by_name, get, load};

pub(crate) use change::root_only_for_root;
pub(crate) use create::{add, insert, problems};
pub(crate) use join::{Joined, join};
pub(crate) use query::{find_by_uid, implied_groups, named};
