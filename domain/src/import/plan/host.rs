//! Rows of `host`.

use crate::import::row::Reader;
use crate::node::NewHost;

pub(super) fn host(row: &mut Reader<'_>) -> NewHost {
    let gpus = row.int("gpu_num").unwrap_or(0);
    let gpus = i32::try_from(gpus).ok().filter(|gpus| *gpus >= 0);
    if gpus.is_none() {
        row.wrong("gpu_num", "is no number of accelerators");
    }
    NewHost {
        name: row.needed("node"),
        group: row.needed("origin_group"),
        zone: row.text("schedule_zone"),
        gpus: gpus.unwrap_or_default(),
        kind: row.text("type"),
        purpose: row.text("use"),
        room: row.text("room"),
        flags: row.words("flags").unwrap_or_default(),
    }
}
