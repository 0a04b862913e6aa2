//! A list of texts in one column, as both databases can hold it.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

/// Texts in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Words(pub Vec<String>);
