//! What the rows say, each by its table.

mod environment;
mod host;
mod mount;
mod quota;
mod user;

pub(super) use mount::NewRule;
pub(super) use user::{Membership, NewUser};

use entity::environment::Model as Environment;

use super::note::Note;
use super::row::{Placed, Reader, Row};
use super::table::TABLES;
use crate::node::NewHost;
use crate::quota::SetNamed;

/// What is to be written.
#[derive(Debug, Default)]
pub struct Plan {
    pub(super) users: Vec<Placed<NewUser>>,
    pub(super) memberships: Vec<Placed<Membership>>,
    pub(super) environments: Vec<Placed<Environment>>,
    pub(super) hosts: Vec<Placed<NewHost>>,
    pub(super) quotas: Vec<Placed<SetNamed>>,
    pub(super) rules: Vec<Placed<NewRule>>,
}

/// What is to be written, as far as the rows make sense, and all that do not.
pub(super) fn plan(rows: &[Row]) -> (Plan, Vec<Note>) {
    let mut wrong = Vec::new();
    let [users, groups, environments, hosts, quotas, storage] =
        TABLES.each_ref().map(|table| table.name);
    let plan = Plan {
        users: all(rows, users, user::user, &mut wrong),
        memberships: all(rows, groups, user::membership, &mut wrong),
        environments: all(rows, environments, environment::environment, &mut wrong),
        hosts: all(rows, hosts, host::host, &mut wrong),
        quotas: all(rows, quotas, quota::quota, &mut wrong),
        rules: all(rows, storage, mount::rule, &mut wrong),
    };
    (plan, wrong)
}

fn all<T>(
    rows: &[Row],
    table: &'static str,
    read: impl Fn(&mut Reader<'_>) -> T,
    wrong: &mut Vec<Note>,
) -> Vec<Placed<T>> {
    let of_table = rows.iter().filter(|row| row.table == table);
    let planned = of_table.filter_map(|row| {
        let mut reader = Reader::new(row);
        let value = read(&mut reader);
        reader.end(value).map_err(|notes| wrong.extend(notes)).ok()
    });
    planned.collect()
}
