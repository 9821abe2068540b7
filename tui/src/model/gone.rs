//! What left the registry, grouped by service.

use std::collections::{HashMap, HashSet};

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::Tombstone;

/// The tombstones of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneGroup {
    /// Name of the service.
    pub name: String,
    /// Its tombstones, newest first; never empty.
    pub tombstones: Vec<Tombstone>,
    /// Whether one of them left since this was last seen.
    pub is_changed: bool,
}

impl GoneGroup {
    /// When the last of them left.
    pub fn since(&self) -> Timestamp {
        self.tombstones
            .first()
            .map_or_else(Timestamp::default, |newest| newest.since)
    }

    /// Why the last of them left.
    pub fn reason(&self) -> &str {
        self.tombstones
            .first()
            .map_or("", |newest| newest.reason.as_str())
    }
}

impl GoneGroup {
    /// Which instance left, or how many.
    pub fn who(&self) -> String {
        match self.tombstones.as_slice() {
            [one] => one.instance.clone(),
            several => format!("{} instances", several.len()),
        }
    }
}

/// Groups tombstones that come newest first; the group with the newest comes first.
pub fn group(tombstones: Vec<Tombstone>) -> Vec<GoneGroup> {
    let mut groups: Vec<GoneGroup> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for tombstone in tombstones {
        let known = index
            .get(&tombstone.name)
            .and_then(|at| groups.get_mut(*at));
        if let Some(group) = known {
            group.tombstones.push(tombstone);
        } else {
            index.insert(tombstone.name.clone(), groups.len());
            groups.push(GoneGroup {
                name: tombstone.name.clone(),
                tombstones: vec![tombstone],
                is_changed: false,
            });
        }
    }
    groups
}

/// Marks what left since `before` was made: whatever is not in it.
pub fn mark_new(groups: &mut [GoneGroup], before: &[GoneGroup]) {
    let key = |t: &Tombstone| (t.name.clone(), t.instance.clone(), t.since);
    let known: HashSet<_> = before
        .iter()
        .flat_map(|group| group.tombstones.iter().map(key))
        .collect();
    let unseen: HashSet<&str> = before
        .iter()
        .filter(|group| group.is_changed)
        .map(|group| group.name.as_str())
        .collect();
    for group in groups {
        let is_new = group.tombstones.iter().any(|t| !known.contains(&key(t)));
        group.is_changed = is_new || unseen.contains(group.name.as_str());
    }
}
