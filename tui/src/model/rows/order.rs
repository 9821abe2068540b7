//! Which of two rows comes first.

use std::cmp::Ordering;

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;
use lastbeat_proto::query::{Sort, SortKey};

use super::Entry;

/// By the key, turned round where asked; then by name and instance, never turned round.
pub(super) fn compare(a: &Entry, b: &Entry, sort: Sort) -> Ordering {
    let by_key = match sort.key {
        SortKey::Status => severity(&a.row).cmp(&severity(&b.row)),
        SortKey::Name => a.row.name.cmp(&b.row.name),
        SortKey::Address => by_address(a, b),
        SortKey::Heartbeat => a.row.heard_ms.cmp(&b.row.heard_ms),
        SortKey::Since => a.row.since.cmp(&b.row.since),
    };
    let by_key = if sort.is_reversed {
        by_key.reverse()
    } else {
        by_key
    };
    by_key
        .then_with(|| a.row.name.cmp(&b.row.name))
        .then_with(|| a.row.instance.cmp(&b.row.instance))
}

/// Worst first.
const fn severity(row: &Row) -> u8 {
    match row.status {
        Status::Down => 0,
        Status::Up if row.late => 1,
        Status::Up => 2,
        Status::Gone => 3,
    }
}

/// Addresses by their numbers, then host names.
fn by_address(a: &Entry, b: &Entry) -> Ordering {
    let by_host = match (a.address, b.address) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.row.ip.cmp(&b.row.ip),
    };
    by_host.then(a.row.port.cmp(&b.row.port))
}
