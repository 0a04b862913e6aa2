//! The tables: what comes of every question for everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::columns::{ADMINISTRATORS, Column, PEOPLE, Who};
use super::contract::{operations, root_fields};
use super::rows::{NESTED, ROWS};
use super::world::World;

/// What comes of the questions of one who asks, by the heads of the rows.
type Cells = BTreeMap<String, &'static str>;

#[test]
fn every_root_field_of_the_schema_is_in_the_table_and_no_other_is() {
    let asked: BTreeSet<_> = ROWS.iter().map(|row| row.field().to_owned()).collect();
    let fields: BTreeSet<_> = root_fields().into_iter().map(|field| field.name).collect();
    assert_eq!(asked, fields);
    let labels: BTreeSet<_> = ROWS.iter().map(|row| row.label()).collect();
    assert_eq!(labels.len(), ROWS.len(), "twice");
}

#[tokio::test]
async fn what_people_may_do_to_things_of_others_and_their_own_is_as_committed() {
    insta::assert_snapshot!(table(&PEOPLE).await);
}

#[tokio::test]
async fn what_administrators_may_do_to_things_of_others_is_as_committed() {
    insta::assert_snapshot!(table(&ADMINISTRATORS).await);
}

async fn table(columns: &[Column]) -> String {
    let mut cells = Vec::new();
    for column in columns {
        cells.push(asked_as(column).await);
    }
    let mut table = "Asked about things of the owner, if nothing else is said.\n\n".to_owned();
    for column in columns {
        let _ = writeln!(table, "{:<12} {}", column.name, column.says);
    }
    let rows = root_fields().into_iter().flat_map(|field| {
        let rows = ROWS.iter().filter(move |row| row.field() == field.name);
        rows.map(move |row| (field.operation, row.label()))
    });
    let nested = NESTED.iter().map(|row| ("below", row.label.to_owned()));
    let mut last = "";
    for (part, label) in rows.chain(nested) {
        if part != last {
            let heads = columns.iter().map(|column| column.name);
            let _ = writeln!(table, "\n{}", line(part, heads));
            last = part;
        }
        let outcomes = cells.iter().map(|cells| cells[&label]);
        let _ = writeln!(table, "{}", line(&label, outcomes));
    }
    table
}

fn line<'a>(head: &str, cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = format!("{head:<34}");
    for cell in cells {
        let _ = write!(line, "{cell:<12}");
    }
    line.trim_end().to_owned()
}

async fn asked_as(column: &Column) -> Cells {
    let world = World::new(column.who == Who::GuestOwner).await;
    let bearer = world.bearer(column.who).await;
    let operations = operations();
    let mut cells = Cells::new();
    for row in NESTED {
        let answer = world.ask(bearer.as_ref(), "query", row.ask).await;
        let place = format!("as {}: {}", column.name, row.ask);
        let outcome = refused(&answer, &place).unwrap_or_else(|| {
            let shown = answer["data"].pointer(row.at);
            match shown.is_none_or(Value::is_null) {
                true => "-",
                false => "ok",
            }
        });
        cells.insert(row.label.to_owned(), outcome);
    }
    for row in ROWS {
        let answer = world
            .ask(bearer.as_ref(), operations[row.field()], row.ask)
            .await;
        let place = format!("as {}: {}", column.name, row.ask);
        let outcome = refused(&answer, &place)
            .unwrap_or_else(|| found(row.field(), &answer["data"][row.field()]));
        cells.insert(row.label(), outcome);
    }
    cells
}

/// With what an answer refuses the question. Any other mistake is one of the table.
fn refused(answer: &Value, place: &str) -> Option<&'static str> {
    let error = answer["errors"].as_array()?.first()?;
    Some(match error["extensions"]["code"].as_str() {
        Some("UNAUTHENTICATED") => "sign in",
        Some("FORBIDDEN") => "forbidden",
        Some("NOT_FOUND") => "not found",
        _ => panic!("{place}: {answer:#}"),
    })
}

/// Whether there is anything of the owner in an answer.
fn found(field: &str, data: &Value) -> &'static str {
    let is_nothing = match field {
        "tasksChanged" => data["user"]["name"] != "ada",
        _ => data.is_null() || data["totalCount"] == 0,
    };
    if is_nothing { "-" } else { "ok" }
}
