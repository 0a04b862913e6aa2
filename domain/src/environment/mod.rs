//! Environments: the named places that tasks run in, and who may use which.

mod add;
mod choose;
mod grant;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use add::add;
pub use choose::{NoEnvironment, choose, granted};
pub use entity::environment::Model as Environment;
pub use entity::environment_grant::Model as Grant;
pub use grant::grant;
pub use query::usable;

pub(crate) use query::{grants, names};
