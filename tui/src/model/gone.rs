//! What left the registry, grouped by service.

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::Tombstone;

/// The tombstones of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneGroup {
    /// Name of the service.
    pub name: String,
    /// Its tombstones, newest first; never empty.
    pub tombstones: Vec<Tombstone>,
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

/// Groups tombstones that come newest first; the group with the newest comes first.
pub fn group(tombstones: Vec<Tombstone>) -> Vec<GoneGroup> {
    let mut groups: Vec<GoneGroup> = Vec::new();
    let mut index: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
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
            });
        }
    }
    groups
}
