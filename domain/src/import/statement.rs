//! The rows of a file: its statements, read by a parser of PostgreSQL's language.

use std::collections::BTreeMap;

use sqlparser::ast::{
    Expr, Ident, Insert, ObjectName, OnConflictAction, OnInsert, Query, SetExpr, Spanned,
    Statement, TableObject, Values,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, Tokenizer};

use super::literal::Literal;
use super::note::{Note, Place};
use super::row::{Cell, Row};
use super::table::{self, Column, Table};
use super::{Source, Variables};

/// The rows of a file, as far as they can be read, and all that cannot.
pub(super) fn rows(source: &Source, variables: &Variables<'_>) -> (Vec<Row>, Vec<Note>) {
    let file = Place {
        file: source.name.as_str().into(),
        line: 1,
    };
    let dialect = PostgreSqlDialect {};
    let tokens = match Tokenizer::new(&dialect, &source.text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => {
            let place = file.at(error.location.line);
            return (Vec::new(), vec![place.says(error.message)]);
        }
    };
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    let tokens = variables.substitute(tokens, &mut |line, reason| {
        problems.push(file.at(line).says(reason));
    });
    // Without its variables a statement is another one: what else is wrong with it shows when they are there.
    if !problems.is_empty() {
        return (rows, problems);
    }
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        let first = parser.peek_token();
        if first.token == Token::EOF {
            return (rows, problems);
        }
        let place = file.at(first.span.start.line);
        let statement = parser.parse_statement();
        let is_at_end = matches!(parser.peek_token().token, Token::SemiColon | Token::EOF);
        match statement {
            Ok(Statement::Insert(insert)) if is_at_end => {
                rows_of(insert, &place, &mut rows, &mut problems);
            }
            Ok(Statement::Insert(_)) => {
                let next = parser.peek_token();
                let place = file.at(next.span.start.line);
                problems.push(place.says(format!("`{}` is not expected here", next.token)));
            }
            Ok(_) => problems.push(place.says(other_statement(&first.token))),
            Err(error) => problems.push(not_understood(&error, &place)),
        }
        // The statements behind a wrong one are looked at too.
        while !matches!(parser.peek_token().token, Token::SemiColon | Token::EOF) {
            parser.next_token();
        }
    }
}

fn other_statement(first: &Token) -> String {
    let first = first.to_string().to_uppercase();
    format!("{first} is not taken in: only INSERT INTO … (COLUMNS) VALUES … is")
}

/// The parser says where at the end of what is wrong.
fn not_understood(error: &ParserError, statement: &Place) -> Note {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply",
    };
    let Some((text, place)) = text.rsplit_once(" at Line: ") else {
        return statement.says(text);
    };
    let line = place
        .split_once(',')
        .and_then(|(line, _)| line.parse().ok());
    statement.at(line.unwrap_or(statement.line)).says(text)
}

fn rows_of(insert: Insert, place: &Place, rows: &mut Vec<Row>, problems: &mut Vec<Note>) {
    let named = table_of(&insert, place);
    let columns = named
        .as_ref()
        .ok()
        .map(|table| columns(table, &insert, place));
    problems.extend(action_problem(&insert, place));
    let values = values(insert, place);
    let (table, columns, values) = match (named, columns, values) {
        (Ok(table), Some(Ok(columns)), Ok(values)) => (table, columns, values),
        (table, columns, values) => {
            problems.extend(table.err());
            problems.extend(columns.and_then(Result::err).into_iter().flatten());
            problems.extend(values.err());
            return;
        }
    };
    for exprs in values.rows {
        let line = exprs.opening_token.0.span.start.line;
        let place = place.at(line);
        if exprs.len() != columns.len() {
            let text = format!(
                "the row has {} values for {} columns",
                exprs.len(),
                columns.len()
            );
            problems.push(place.says(text));
            continue;
        }
        match cells(&columns, &exprs, &place) {
            Ok(cells) => rows.push(Row {
                table: table.name,
                place,
                cells,
            }),
            Err(wrong) => problems.extend(wrong),
        }
    }
}

fn cells(
    columns: &[Column],
    exprs: &[Expr],
    place: &Place,
) -> Result<BTreeMap<&'static str, Cell>, Vec<Note>> {
    let mut cells = BTreeMap::new();
    let mut problems = Vec::new();
    for (column, expr) in columns.iter().zip(exprs) {
        let Column::Used(name) = column else {
            continue;
        };
        let line = match expr.span().start.line {
            0 => place.line,
            line => line,
        };
        match Literal::of(expr) {
            Ok(Literal::Default) => {}
            Ok(literal) => {
                cells.insert(*name, Cell { line, literal });
            }
            Err(reason) => problems.push(place.at(line).says(format!("{name}: {reason}"))),
        }
    }
    match problems.is_empty() {
        true => Ok(cells),
        false => Err(problems),
    }
}

fn table_of(insert: &Insert, place: &Place) -> Result<&'static Table, Note> {
    let name = match &insert.table {
        TableObject::TableName(name) => parts(name),
        _ => None,
    };
    let (names, line) = name.ok_or_else(|| place.says("this is no name of a table"))?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = match names.as_slice() {
        [name] | ["public", name] | [_, "public", name] => table::find(name),
        names => table::find(&names.join(".")),
    };
    found.map_err(|reason| place.at(line.unwrap_or(place.line)).says(reason))
}

fn columns(table: &Table, insert: &Insert, place: &Place) -> Result<Vec<Column>, Vec<Note>> {
    let mut columns = Vec::new();
    let mut problems = Vec::new();
    if insert.columns.is_empty() {
        problems.push(place.says("the columns must be named: INSERT INTO … (COLUMNS) VALUES …"));
    }
    for name in &insert.columns {
        let (name, line) = parts(name).unwrap_or_default();
        let mut wrong = |reason: String| {
            problems.push(place.at(line.unwrap_or(place.line)).says(reason));
        };
        let name = name.join(".");
        match table.column(&name) {
            Ok(column) if column != Column::Unused && columns.contains(&column) => {
                wrong(format!("the column {name} is named twice"));
            }
            Ok(column) => columns.push(column),
            Err(reason) => wrong(reason),
        }
    }
    match problems.is_empty() {
        true => Ok(columns),
        false => Err(problems),
    }
}

/// The names in a name with dots, as PostgreSQL takes them, and the line of the last.
fn parts(name: &ObjectName) -> Option<(Vec<String>, Option<u64>)> {
    let idents: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
    let idents = idents?;
    let line = idents.last().map(|ident| ident.span.start.line);
    let names = idents.into_iter().map(|ident| match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    });
    Some((names.collect(), line.filter(|line| *line > 0)))
}

/// What else a statement is to do than to add what is not there.
fn action_problem(insert: &Insert, place: &Place) -> Option<Note> {
    let does_nothing = match &insert.on {
        None => true,
        Some(OnInsert::OnConflict(conflict)) => {
            matches!(conflict.action, OnConflictAction::DoNothing)
        }
        Some(_) => false,
    };
    if !does_nothing {
        let text = "what is there stays as it is: only ON CONFLICT DO NOTHING is taken in";
        return Some(place.says(text));
    }
    let is_plain = insert.returning.is_none()
        && insert.overriding.is_none()
        && insert.table_alias.is_none()
        && insert.assignments.is_empty()
        && insert.or.is_none()
        && !insert.ignore
        && !insert.overwrite
        && !insert.replace_into
        && !insert.by_name;
    let text = "only INSERT INTO … (COLUMNS) VALUES … ON CONFLICT DO NOTHING is taken in";
    (!is_plain).then(|| place.says(text))
}

fn values(insert: Insert, place: &Place) -> Result<Values, Note> {
    let is_plain = |query: &Query| {
        query.with.is_none()
            && query.order_by.is_none()
            && query.limit_clause.is_none()
            && query.fetch.is_none()
    };
    match insert.source {
        Some(query) if is_plain(&query) => match *query.body {
            SetExpr::Values(values) => Ok(values),
            _ => Err(place.says("the rows must be written out: INSERT INTO … (COLUMNS) VALUES …")),
        },
        _ => Err(place.says("the rows must be written out: INSERT INTO … (COLUMNS) VALUES …")),
    }
}
