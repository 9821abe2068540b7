//! Where answers lie that are made and not taken yet: how many bytes of them there may be.
//!
//! Whoever asks for much and takes nothing leaves it here. A list that finds no room is written
//! while it is taken; of anything else the asker is told to come again.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::registry::Listing;

/// Up to here an answer takes no room: so much waits with every connection anyway.
const FREE_BYTES: usize = 16 << 10;
/// Longer lists are never held whole: about a thousand usual rows.
const LIST_BYTES: usize = 512 << 10;
/// Room for lists. Apart from the others', so that who takes no list keeps nobody from a page.
const LISTS_KIB: usize = 32 << 10;
/// Room for pages, events and tombstones. The largest of them, the page of a service with a
/// thousand instances and as much metadata as there may be, needs most of it.
const PAGES_KIB: usize = 64 << 10;

/// The room.
pub(super) struct Shelf {
    lists: Arc<Semaphore>,
    pages: Arc<Semaphore>,
}

/// No room for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "answers of {} MiB wait for readers that do not take them, the limit; ask again in a second, \
     or for less with size or limit",
    PAGES_KIB >> 10
)]
pub(super) struct ShelfFull;

/// Bytes, and the room that they take for as long as anybody holds them.
struct Lying {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Lying {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            lists: Arc::new(Semaphore::new(LISTS_KIB)),
            pages: Arc::new(Semaphore::new(PAGES_KIB)),
        }
    }
}

impl Shelf {
    /// The whole body of a list that is not long and finds room.
    pub(super) fn whole(&self, listing: &Listing) -> Option<Bytes> {
        if let Some(body) = listing.whole(FREE_BYTES) {
            return Some(body);
        }
        // Taken before there is anything to lie there.
        let mut room = take(&self.lists, LIST_BYTES)?;
        let bytes = listing.whole(LIST_BYTES)?;
        let needed = room.split(kib(bytes.len()));
        needed.map(|room| lay(bytes, room))
    }

    /// `bytes` with the room they take.
    ///
    /// # Errors
    /// [`ShelfFull`].
    pub(super) fn keep(&self, bytes: Bytes) -> Result<Bytes, ShelfFull> {
        if bytes.len() <= FREE_BYTES {
            return Ok(bytes);
        }
        let room = take(&self.pages, bytes.len()).ok_or(ShelfFull)?;
        Ok(lay(bytes, room))
    }
}

fn lay(bytes: Bytes, room: OwnedSemaphorePermit) -> Bytes {
    Bytes::from_owner(Lying { bytes, _room: room })
}

/// Room for so many bytes, or none.
fn take(shelf: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let needed = u32::try_from(kib(bytes)).ok()?;
    Arc::clone(shelf).try_acquire_many_owned(needed).ok()
}

const fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_bytes_and_again_when_they_were_taken() {
        let shelf = Shelf::default();
        let mebibyte = || Bytes::from(vec![b'x'; 1 << 20]);
        let mut lying: Vec<Bytes> = (0..PAGES_KIB >> 10)
            .map(|_| shelf.keep(mebibyte()).unwrap())
            .collect();

        assert_eq!(shelf.keep(mebibyte()), Err(ShelfFull));
        assert!(shelf.keep(Bytes::from(vec![b'x'; FREE_BYTES])).is_ok());
        let first = lying.pop().unwrap();
        let part = first.slice(..9);
        drop(first);
        assert_eq!(shelf.keep(mebibyte()), Err(ShelfFull), "a part keeps all");
        drop(part);

        assert_eq!(shelf.keep(mebibyte()), Ok(mebibyte()));
    }
}
