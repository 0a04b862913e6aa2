//! One file with everything of a platform that cannot be made anew: its database, its signing keys, its settings.
//!
//! Logs and workspaces are not in it: they are large, and files already.
//!
//! ```text
//! archive    a tar: the manifest, then the files that it names, each with its digest
//! postgres   the programs that copy a database of PostgreSQL
//! ```

mod archive;
mod postgres;

pub(crate) use archive::{DATABASE, KEYS, Kind, Manifest, SETTINGS, unpack, write};
pub(crate) use postgres::{SET_ASIDE, dump, load};
