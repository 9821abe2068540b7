//! The body of a list, piece by piece: each is written in one small hold of the lock, when its
//! reader takes it.

use std::sync::Arc;

use bytes::Bytes;
use lastbeat_proto::answer::Removed;
use lastbeat_proto::{InstanceId, ServiceName};

use super::Registry;
use crate::state::{Detail, LEAST_ROW_BYTES, Place, Portion};

/// What one hold of the lock writes at most. Of usual rows (about 400 bytes) that is some 280, of
/// the widest that may be registered eleven; a reader that takes nothing keeps one such piece (ADR
/// 0014). With 64 KiB its reader falls asleep twice as often, which is a tenth of the time of a list.
pub(super) const PIECE: Portion = Portion {
    rows: 1_024,
    bytes: 112 << 10,
};

/// Room for a usual row beside those that fill a piece.
const ROOM_BYTES: usize = 1 << 10;

/// The body of a list of rows in JSON, not written yet: an iterator over its pieces.
///
/// What stands before the rows is of the first hold. A row is as it is in the hold that writes it;
/// one that has left by then is missing, and whoever asks again with the cursor of the first hold
/// hears of everything since.
#[derive(Debug, Clone)]
pub struct Listing {
    registry: Arc<Registry>,
    /// What stands before the first row, or before what was removed where anything was.
    opening: Vec<u8>,
    removed: std::vec::IntoIter<Arc<Detail>>,
    rows: Rows,
    is_first_row: bool,
    is_closed: bool,
}

/// Which rows are still to be written.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    /// Every registered row behind the given one, by name.
    All {
        behind: Option<(ServiceName, InstanceId)>,
        /// How many there were when the list was asked for.
        count: usize,
    },
    /// These.
    Chosen(std::vec::IntoIter<Place>),
    /// No more.
    Done,
}

impl Rows {
    pub(super) const fn all(count: usize) -> Self {
        Self::All {
            behind: None,
            count,
        }
    }

    pub(super) fn chosen(places: Vec<Place>) -> Self {
        Self::Chosen(places.into_iter())
    }

    /// What they take at least.
    fn least_bytes(&self) -> usize {
        let count = match self {
            Self::All { count, .. } => *count,
            Self::Chosen(places) => places.as_slice().len(),
            Self::Done => 0,
        };
        count.saturating_mul(LEAST_ROW_BYTES)
    }
}

/// Between what was removed and the rows.
const ROWS_FOLLOW: &[u8] = b"],\"services\":[";

impl Listing {
    /// Rows behind an `opening` that ends where the first of them stands.
    pub(super) fn new(registry: &Arc<Registry>, opening: Vec<u8>, rows: Rows) -> Self {
        Self {
            registry: Arc::clone(registry),
            opening,
            removed: Vec::new().into_iter(),
            rows,
            is_first_row: true,
            is_closed: false,
        }
    }

    /// Rows of `services` behind an `opening` that ends where the list of what was removed begins.
    pub(super) fn behind_removed(
        registry: &Arc<Registry>,
        mut opening: Vec<u8>,
        removed: Vec<Arc<Detail>>,
        rows: Rows,
    ) -> Self {
        if removed.is_empty() {
            opening.extend_from_slice(ROWS_FOLLOW);
        }
        Self {
            removed: removed.into_iter(),
            ..Self::new(registry, opening, rows)
        }
    }

    /// The whole body where it has at most so many bytes; none is kept of one that has more.
    pub fn whole(&self, most_bytes: usize) -> Option<Bytes> {
        if most_bytes < self.rows.least_bytes() {
            return None;
        }
        let mut body = Vec::new();
        for piece in self.clone() {
            if most_bytes < body.len() + piece.len() {
                return None;
            }
            body.extend_from_slice(&piece);
        }
        Some(body.into())
    }

    fn write_removed(&mut self, piece: &mut Vec<u8>) {
        while piece.len() < PIECE.bytes
            && let Some(detail) = self.removed.next()
        {
            let removed = Removed {
                id: detail.id,
                name: detail.name.to_string(),
                instance: detail.instance.to_string(),
            };
            // A number and two texts always serialize.
            piece.extend(serde_json::to_vec(&removed).unwrap_or_default());
            let is_last = self.removed.as_slice().is_empty();
            piece.extend_from_slice(if is_last { ROWS_FOLLOW } else { b"," });
        }
    }

    /// Writes the next rows, and the end behind the last.
    fn write_rows(&mut self, piece: &mut Vec<u8>) {
        // Outside the lock, and once instead of growing with every few rows.
        piece.reserve(self.rows.least_bytes().min(PIECE.bytes) + ROOM_BYTES);
        let before = piece.len();
        if !self.is_first_row {
            piece.push(b',');
        }
        let rows_from = piece.len();
        self.write_next(piece);
        if rows_from < piece.len() {
            piece.pop(); // The comma behind the last row: the next piece brings its own.
            self.is_first_row = false;
        } else {
            piece.truncate(before);
        }
        if matches!(self.rows, Rows::Done) {
            piece.extend_from_slice(b"]}");
            self.is_closed = true;
        }
    }

    /// Writes what one hold may, each row with a comma behind it.
    fn write_next(&mut self, piece: &mut Vec<u8>) {
        self.rows = match std::mem::replace(&mut self.rows, Rows::Done) {
            Rows::Done => Rows::Done,
            Rows::All { behind, count } => {
                let next = self
                    .registry
                    .hold(|state, now| state.write_rows(behind.as_ref(), PIECE, now, piece));
                next.map_or(Rows::Done, |last| Rows::All {
                    behind: Some(last),
                    count,
                })
            }
            Rows::Chosen(mut places) => {
                let taken = self.registry.hold(|state, now| {
                    let places = places.as_slice().iter().copied();
                    state.write_places(places, PIECE, now, piece)
                });
                places.by_ref().take(taken).for_each(drop);
                if places.as_slice().is_empty() {
                    Rows::Done
                } else {
                    Rows::Chosen(places)
                }
            }
        };
    }
}

impl Iterator for Listing {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.is_closed {
            return None;
        }
        let mut piece = std::mem::take(&mut self.opening);
        self.write_removed(&mut piece);
        if self.removed.as_slice().is_empty() {
            self.write_rows(&mut piece);
        }
        Some(Bytes::from(piece))
    }
}
