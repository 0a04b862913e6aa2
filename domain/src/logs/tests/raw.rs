//! Logs byte for byte.

use super::*;
use crate::logs::LogError;

fn read_all(logs: &Fixture, from: u64) -> (u64, Vec<u8>) {
    let mut raw = logs.store().raw(&request(&[1]).log, 1).unwrap();
    raw.skip_to(from);
    let first = raw.offset();
    let mut bytes = Vec::new();
    while let Some(more) = raw.read().unwrap() {
        bytes.extend(more);
    }
    assert_eq!(bytes.len() as u64, raw.end().saturating_sub(first));
    (first, bytes)
}

#[test]
fn the_bytes_of_all_segments_are_given_from_any_place_on() {
    let logs = Fixture::new();
    let bytes: Vec<u8> = (0..600_000)
        .map(|n: u32| n.to_le_bytes()[0] ^ n.to_le_bytes()[1])
        .collect();
    logs.append_cut(1, &[100, 300_000], 100, &bytes);
    assert_eq!(
        read_all(&logs, 0),
        (100, bytes.clone()),
        "the oldest 100 are gone"
    );
    assert_eq!(
        read_all(&logs, 299_999),
        (299_999, bytes[299_899..].to_vec())
    );
    assert_eq!(read_all(&logs, 600_100), (600_100, vec![]));
}

#[test]
fn what_is_printed_later_is_not_given_and_what_rotation_takes_is_an_error() {
    let logs = Fixture::new();
    logs.append(1, 0, b"one\n");
    logs.append(1, 4, b"two\n");
    let mut raw = logs.store().raw(&request(&[1]).log, 1).unwrap();
    logs.append(1, 4, b"three\n");
    assert_eq!(raw.read().unwrap().as_deref(), Some(&b"one\n"[..]));
    assert_eq!(raw.read().unwrap().as_deref(), Some(&b"two\n"[..]));
    assert_eq!(raw.read().unwrap(), None);

    let mut raw = logs.store().raw(&request(&[1]).log, 1).unwrap();
    fs::remove_file(logs.dir(1).join(segment_name(0))).unwrap();
    assert!(matches!(raw.read(), Err(LogError::Removed { offset: 0 })));
}

#[test]
fn what_a_full_disk_did_not_take_is_line_feeds_at_its_place() {
    let logs = Fixture::new();
    logs.append(1, 10, b"one\ntw");
    logs.append(1, 600_000, b"three\n");
    logs.append(1, 700_000, b"");
    let lost = |n_bytes| vec![b'\n'; n_bytes];
    let behind = [b"three\n".to_vec(), lost(700_000 - 600_006)].concat();
    let whole = [b"one\ntw".to_vec(), lost(600_000 - 16), behind.clone()].concat();
    assert_eq!(read_all(&logs, 0), (10, whole));
    assert_eq!(
        read_all(&logs, 599_999),
        (599_999, [b"\n".to_vec(), behind].concat())
    );
}
