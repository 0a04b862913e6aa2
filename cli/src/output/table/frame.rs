//! What all tables have in common.

use chrono::{DateTime, Utc};
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Row, Table, TableStyle};

use crate::output::Look;

/// Columns without lines between them, so that they fit a terminal of 80 characters.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('-'));
/// Blanks behind each column.
const PADDING: u16 = 2;
/// The least that is left for the column that gives way.
const LEAST_WIDTH: usize = 10;

/// A table that fits the terminal: if it has to, the column `gives_way` is wrapped.
pub fn table<const N: usize>(
    header: [&str; N],
    gives_way: usize,
    rows: impl IntoIterator<Item: Into<Row>>,
    look: Look,
) -> String {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .force_no_tty()
        .set_header(header)
        .add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, PADDING));
    }
    if let Some(width) = look.width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
        let widths = table.column_max_content_widths();
        let padded = |width: &u16| usize::from(*width + PADDING);
        let others: usize = widths.iter().map(padded).sum::<usize>() - padded(&widths[gives_way]);
        // On a very narrow terminal all have to give way.
        if others + LEAST_WIDTH <= usize::from(width) {
            for (at, column) in table.column_iter_mut().enumerate() {
                if at != gives_way {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
    }
    if look.colour {
        table.enforce_styling();
    }
    // Every line is filled up with blanks, which only wrap on a terminal that got narrower.
    let lines = table.lines();
    let trimmed: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    trimmed.join("\n") + "\n"
}

/// A time in a cell, in UTC.
pub(in crate::output) fn moment(time: Option<DateTime<Utc>>) -> String {
    time.map_or("-".to_owned(), |time| {
        time.format("%Y-%m-%d %H:%M:%S").to_string()
    })
}
