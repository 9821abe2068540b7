//! A service with its visible instances, for the view that has one line a service.

use std::collections::HashMap;

use super::rows::Rows;

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How many instances are UP, the late ones included.
    pub up: usize,
    /// How many are UP and late.
    pub late: usize,
    /// How many are DOWN.
    pub down: usize,
    /// How many of those that left the filter lets through.
    pub gone: usize,
    /// When any of them was last heard, on the scale of the answer's `up_ms`.
    pub heard_ms: i64,
    /// Whether the status of one of them changed since it was last seen.
    pub is_changed: bool,
    /// Lines of its instances among the visible rows, in their order.
    pub members: Vec<usize>,
}

impl Group {
    /// How many in words: `UP 2  DOWN 1`.
    pub fn counts(&self) -> String {
        let counts = [("UP", self.up), ("DOWN", self.down), ("GONE", self.gone)];
        let shown: Vec<String> = counts
            .into_iter()
            .filter(|(_, count)| 0 < *count)
            .map(|(word, count)| format!("{word} {count}"))
            .collect();
        shown.join("  ")
    }
}

/// The visible rows by service. A service stands where its first instance would, so every order
/// of rows is one of services too.
pub(super) fn group(rows: &Rows) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for line in 0..rows.len() {
        let Some(row) = rows.row(line) else { continue };
        let at = *index.entry(row.name.as_str()).or_insert_with(|| {
            groups.push(Group {
                name: row.name.clone(),
                heard_ms: row.heard_ms,
                ..Group::default()
            });
            groups.len() - 1
        });
        let Some(group) = groups.get_mut(at) else {
            continue;
        };
        if row.status == lastbeat_proto::Status::Down {
            group.down += 1;
        } else {
            group.up += 1;
            group.late += usize::from(row.late);
        }
        group.heard_ms = group.heard_ms.max(row.heard_ms);
        group.is_changed |= rows.is_changed(line);
        group.members.push(line);
    }
    groups
}
