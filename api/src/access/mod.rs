//! Who may do what, found out by doing it: every field of the schema is asked as everybody, and what comes of it is a
//! committed table.
//!
//! A [row](rows) is a question about things of one user, the owner; a [column](columns) is somebody who asks. Each column has a
//! [platform](world) of its own, and each question that changes something its own thing to change: their order does not
//! matter. The [tests](table) print the table; [others](existence) see to it that what one may not see cannot be told from
//! what is not there.

mod columns;
mod contract;
mod existence;
mod names;
mod rows;
mod table;
mod world;
