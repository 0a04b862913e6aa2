//! The schema that `build.rs` registered, and its scalars.

pub(super) use registered::*;

#[cynic::schema("hai")]
#[expect(unreachable_pub, reason = "generated")]
mod registered {}

cynic::impl_scalar!(chrono::DateTime<chrono::Utc>, registered::DateTime);
cynic::impl_scalar!(i64, registered::Long);
