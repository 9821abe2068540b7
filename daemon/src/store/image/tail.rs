//! What stands in a log behind its first frame that is not whole: the remains of a crash, or the
//! sign of damage.
//!
//! With a sync at every commit, the next transaction is written only when the one before is on
//! the disk. So a crash tears at most the last one, and whoever finds a transaction that another
//! follows, behind a frame that is not whole, has found damage. That one frame follows another
//! can be told without what is before: each checksum begins with that of the frame before it.
//! What a transaction that failed has left behind the end of the log never has a follower, as the
//! next one is written over its beginning.

use std::collections::HashMap;

use super::PAGE_SIZES;
use super::wal::{FRAME_HEADER_BYTES, HEADER_BYTES, checksum, word};

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// The readable pages behind damage.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The newest version of each.
    pub(super) pages: HashMap<u32, Vec<u8>>,
    /// Pages in the whole database after the last commit.
    pub(super) count: u32,
    /// Frames of the log up to there, whether they can be read or not.
    pub(super) frames: usize,
}

/// A log cut into the places of its frames, none of them checked.
pub(super) struct Slots<'a> {
    log: &'a [u8],
    page_bytes: usize,
    is_big_endian: bool,
}

struct Slot<'a> {
    header: &'a [u8],
    content: &'a [u8],
}

impl<'a> Slots<'a> {
    pub(super) const fn new(log: &'a [u8], page_bytes: usize, is_big_endian: bool) -> Self {
        Self {
            log,
            page_bytes,
            is_big_endian,
        }
    }

    const fn stride(&self) -> usize {
        FRAME_HEADER_BYTES + self.page_bytes
    }

    const fn len(&self) -> usize {
        self.log.len().saturating_sub(HEADER_BYTES) / self.stride()
    }

    fn get(&self, number: usize) -> Option<Slot<'a>> {
        let start = HEADER_BYTES.checked_add(number.checked_mul(self.stride())?)?;
        let slot = self.log.get(start..start.checked_add(self.stride())?)?;
        let (header, content) = slot.split_at_checked(FRAME_HEADER_BYTES)?;
        Some(Slot { header, content })
    }

    /// The checksum up to and with a frame, as it is told there; of the first frame the one
    /// before is that of the log's header.
    fn told_before(&self, number: usize) -> Option<(u32, u32)> {
        match number.checked_sub(1) {
            None => Some((word(self.log, 24)?, word(self.log, 28)?)),
            Some(before) => self.get(before)?.told(),
        }
    }

    /// Whether this frame is whole and was written behind the one before it.
    fn follows(&self, number: usize, salt: &[u8]) -> bool {
        let Some(slot) = self.get(number).filter(|slot| slot.has(salt)) else {
            return false;
        };
        let sum = self.told_before(number).and_then(|sum| {
            let sum = checksum(sum, slot.header.get(..8)?, self.is_big_endian);
            Some(checksum(sum, slot.content, self.is_big_endian))
        });
        sum.is_some() && sum == slot.told()
    }

    /// Whether the header of a frame, whatever became of its page, says that it ended a
    /// transaction. A header that two sectors share may be half an older one.
    fn ends_unread(&self, number: usize, salt: &[u8]) -> bool {
        let start = HEADER_BYTES + number * self.stride();
        let last = start + FRAME_HEADER_BYTES - 1;
        start / SECTOR_BYTES == last / SECTOR_BYTES
            && self
                .get(number)
                .is_some_and(|slot| slot.has(salt) && 0 < slot.count())
    }
}

impl Slot<'_> {
    fn has(&self, salt: &[u8]) -> bool {
        self.header.get(8..16) == Some(salt)
    }

    fn told(&self) -> Option<(u32, u32)> {
        Some((word(self.header, 16)?, word(self.header, 20)?))
    }

    fn page(&self) -> u32 {
        word(self.header, 0).unwrap_or(0)
    }

    /// Pages in the database when this frame ends a transaction, else 0.
    fn count(&self) -> u32 {
        word(self.header, 4).unwrap_or(0)
    }
}

/// What can be read behind frame `bad`, the first that is not whole; `None` when that is no more
/// than what a crash leaves.
pub(super) fn behind(slots: &Slots<'_>, salt: &[u8], bad: usize) -> Option<Tail> {
    let mut end = None;
    let (mut is_proven, mut was_end) = (false, slots.ends_unread(bad, salt));
    for number in bad + 1..slots.len() {
        let follows = slots.follows(number, salt);
        is_proven = follows && (is_proven || was_end);
        let is_end = slots.get(number).is_some_and(|slot| 0 < slot.count());
        if is_proven && was_end {
            end = Some(number);
        }
        if is_proven && is_end {
            end = Some(number + 1);
        }
        was_end = if follows {
            is_end
        } else {
            slots.ends_unread(number, salt)
        };
    }
    end.map(|end| read(slots, salt, bad..end))
}

/// What can be read of a log whose header is lost: neither the size of a page nor the order of
/// bytes is known, and the frames say which it was.
pub(super) fn of_headless(log: &[u8]) -> Option<Tail> {
    let kinds = PAGE_SIZES
        .into_iter()
        .flat_map(|page_bytes| [(page_bytes, false), (page_bytes, true)]);
    for (page_bytes, is_big_endian) in kinds {
        let slots = Slots::new(log, page_bytes, is_big_endian);
        let is_linked = |number: &usize| {
            let salt = slots.get(*number).and_then(|slot| slot.header.get(8..16));
            salt.is_some_and(|salt| slots.follows(*number, salt))
        };
        let Some(first) = (0..slots.len()).find(is_linked) else {
            continue;
        };
        let salt = slots.get(first)?.header.get(8..16)?;
        let ends = |number: &usize| {
            slots.get(*number).is_some_and(|slot| 0 < slot.count()) && slots.follows(*number, salt)
        };
        let last = (first..slots.len()).rev().find(ends)?;
        let mut tail = read(&slots, salt, first..last + 1);
        // That the first frame is whole, only the lost header could tell; its own header is.
        if let Some(before) = slots.get(0).filter(|slot| first == 1 && slot.has(salt)) {
            let content = || before.content.to_vec();
            tail.pages.entry(before.page()).or_insert_with(content);
        }
        return Some(tail);
    }
    None
}

/// The whole frames among these.
fn read(slots: &Slots<'_>, salt: &[u8], frames: std::ops::Range<usize>) -> Tail {
    let mut tail = Tail {
        frames: frames.end,
        ..Tail::default()
    };
    for number in frames {
        let Some(slot) = slots.get(number).filter(|_| slots.follows(number, salt)) else {
            continue;
        };
        tail.pages.insert(slot.page(), slot.content.to_vec());
        if 0 < slot.count() {
            tail.count = slot.count();
        }
    }
    tail
}
