//! Tests of the printer.

use super::{printer::Printed, *};
use crate::operations::{LogItem, LogItemKind};

const STAMP: &str = "[2026-11-23 18:43:43.000120] ";

fn item(text: &str) -> LogItem {
    LogItem {
        kind: LogItemKind::Line,
        run: 1,
        time: Some("2026-11-23T18:43:43.00012Z".parse().unwrap()),
        text: text.to_owned(),
        partial: false,
        lost_bytes: None,
        cursor: "c".to_owned(),
    }
}

fn partial(text: &str) -> LogItem {
    LogItem {
        partial: true,
        ..item(text)
    }
}

fn rest(text: &str) -> LogItem {
    LogItem {
        time: None,
        ..item(text)
    }
}

fn all(width: Option<u16>, items: &[LogItem]) -> String {
    let mut printer = LogPrinter::new(width, true);
    let mut text: String = items.iter().map(|item| printer.print(item).text).collect();
    text += &printer.end();
    text
}

#[test]
fn a_line_has_a_stamp_of_29_characters_in_utc() {
    assert_eq!(STAMP.len(), 29);
    assert_eq!(all(None, &[item("step 1")]), format!("{STAMP}step 1\n"));
}

#[test]
fn a_line_without_a_time_is_printed_as_it_is() {
    let bare = LogItem {
        time: None,
        ..item("x")
    };
    assert_eq!(all(None, &[bare]), "x\n");
}

#[test]
fn progress_rewrites_its_line_on_a_terminal_and_the_next_line_stays_below() {
    let items = [
        item("[HFAI_PRINT:TQDM] 10%"),
        item("[HFAI_PRINT:TQDM] 20%"),
        item("done"),
    ];
    assert_eq!(
        all(Some(80), &items),
        format!("{STAMP} 10%\r\x1b[K{STAMP} 20%\n{STAMP}done\n")
    );
    assert_eq!(
        all(None, &items),
        format!("{STAMP} 10%\n{STAMP} 20%\n{STAMP}done\n")
    );
}

#[test]
fn progress_is_cut_so_that_the_terminal_does_not_wrap_it() {
    let bar = format!("[HFAI_PRINT:TQDM]{}", "#".repeat(100));
    assert_eq!(all(Some(40), &[item(&bar)]).trim_end().len(), 39);
}

#[test]
fn a_picture_is_one_line_that_says_so() {
    let text = all(None, &[item("[HFAI_PRINT:IMAGE]iVBORw0KGgo")]);
    assert_eq!(
        text,
        format!("{STAMP}[picture: open the studio to see it]\n")
    );
}

#[test]
fn carriage_returns_are_carried_out_on_a_terminal_and_kept_elsewhere() {
    let items = [item("loading 10%\rloading 100%\rok")];
    assert_eq!(all(Some(80), &items), format!("{STAMP}okading 100%\n"));
    assert_eq!(
        all(None, &items),
        format!("{STAMP}loading 10%\rloading 100%\rok\n")
    );
}

#[test]
fn a_partial_line_is_continued_on_its_own_line() {
    let colon = LogItem {
        partial: true,
        ..rest(": ")
    };
    let items = [partial("Password"), colon, rest("thanks"), item("next")];
    for width in [None, Some(80)] {
        assert_eq!(
            all(width, &items),
            format!("{STAMP}Password: thanks\n{STAMP}next\n")
        );
    }
}

#[test]
fn a_partial_line_with_carriage_returns_is_rewritten_on_a_terminal() {
    let twenty = LogItem {
        partial: true,
        ..rest("\r 20%")
    };
    let items = [partial("\r 10%"), twenty, rest("\r100%")];
    assert_eq!(
        all(Some(80), &items),
        format!("{STAMP} 10%\r\x1b[K{STAMP} 20%\r\x1b[K{STAMP}100%\n")
    );
    assert_eq!(all(None, &items), format!("{STAMP}\r 10%\r 20%\r100%\n"));
}

#[test]
fn a_line_that_its_run_never_finished_is_ended_by_the_next_run() {
    let again = LogItem {
        run: 2,
        ..item("again")
    };
    for width in [None, Some(80)] {
        assert_eq!(
            all(width, &[partial("killed he"), again.clone()]),
            format!("{STAMP}killed he\n{STAMP}again\n")
        );
    }
}

#[test]
fn a_hole_is_told_beside_the_log() {
    let gap = LogItem {
        kind: LogItemKind::Gap,
        lost_bytes: Some(512),
        ..item("")
    };
    let mut printer = LogPrinter::new(None, true);
    let _ = printer.print(&partial("half"));
    assert_eq!(
        printer.print(&gap),
        Printed {
            text: "\n".to_owned(),
            note: Some("… 512 bytes of the log of run 1 are missing …".to_owned()),
        }
    );
}
