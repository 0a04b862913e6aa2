//! What whoever runs the platform may choose.

use serde::{Deserialize, Serialize};

use crate::{Level, Millis};

/// The knobs of the planner. There is no default: the caller decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The levels an `AUTO` task may take, in the order in which they are tried. [`Level::ALL`] is
    /// what users of the original expect; leaving out the highest ones reserves them for tasks that
    /// name them.
    pub auto_levels: Vec<Level>,
    /// How long a run is safe from higher levels after it began, in milliseconds; 0 is not at all.
    pub protect_from_higher: Millis,
}
