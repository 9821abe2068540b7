//! The write-ahead log: pages of committed transactions that are not in the file yet
//! (sqlite.org/fileformat2.html §4).

use std::collections::HashMap;

use super::record::big_endian;
use super::tail::{self, Slots, Tail};

pub(super) const HEADER_BYTES: usize = 32;
pub(super) const FRAME_HEADER_BYTES: usize = 24;
/// First word of a log whose checksums read words little-endian; one more is big-endian.
const MAGIC: i64 = 0x377f_0682;

/// The newest committed version of each page in a log.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    pages: HashMap<u32, Vec<u8>>,
    /// Size of a page, where the log has any.
    page_bytes: Option<usize>,
    /// Pages in the whole database after the last commit.
    count: Option<u32>,
    /// What stands behind damage, and can be read all the same. `SQLite` does not.
    behind: Option<Tail>,
    fault: Option<String>,
}

impl Overlay {
    /// Reads a log up to the last commit before its first frame that is not whole, and judges
    /// what is behind that.
    pub(super) fn parse(log: &[u8]) -> Self {
        let mut overlay = Self::default();
        let Some(mut frames) = Frames::open(log) else {
            if HEADER_BYTES < log.len() {
                overlay.fault = Some(format!(
                    "the -wal beside it, of {} bytes, does not begin as a log does",
                    log.len()
                ));
                overlay.behind = tail::of_headless(log);
            }
            return overlay;
        };
        let mut uncommitted = Vec::new();
        let (mut read, mut usable) = (0, 0);
        while let Some(frame) = frames.next() {
            uncommitted.push((frame.page, frame.content));
            read += 1;
            if 0 < frame.count {
                usable = read;
                overlay.count = Some(frame.count);
                overlay.page_bytes = Some(frames.page_bytes);
                let committed = uncommitted.drain(..);
                overlay
                    .pages
                    .extend(committed.map(|(page, content)| (page, content.to_vec())));
            }
        }
        let slots = Slots::new(log, frames.page_bytes, frames.is_big_endian);
        overlay.behind = tail::behind(&slots, frames.salt, read);
        if let Some(behind) = &overlay.behind {
            overlay.fault = Some(format!(
                "{usable} of {} frames of the -wal beside it are usable, and behind them it is damaged",
                behind.frames
            ));
        }
        overlay
    }

    /// What is wrong with the log, where more is than a crash can do to it.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// A page also from behind damage.
    pub(super) fn newest_page(&self, number: u32) -> Option<&[u8]> {
        let behind = self.behind.as_ref();
        behind
            .and_then(|tail| tail.pages.get(&number).map(Vec::as_slice))
            .or_else(|| self.page(number))
    }

    /// How many pages there are, also by what stands behind damage.
    pub(super) fn newest_count(&self) -> Option<u32> {
        self.behind.as_ref().map(|tail| tail.count).max(self.count)
    }

    pub(super) fn page(&self, number: u32) -> Option<&[u8]> {
        self.pages.get(&number).map(Vec::as_slice)
    }

    /// `file` with the pages of the log in their places.
    pub(super) fn laid_over(&self, file: &[u8]) -> Vec<u8> {
        let mut bytes = file.to_vec();
        let (Some(count), Some(page_bytes)) = (self.count, self.page_bytes) else {
            return bytes;
        };
        let pages = usize::try_from(count).unwrap_or(usize::MAX);
        bytes.resize(pages.saturating_mul(page_bytes), 0);
        for (number, content) in &self.pages {
            // The file may have become shorter since; a frame holds one whole page.
            let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
            let place = bytes.chunks_exact_mut(page_bytes).nth(index);
            if let Some(place) = place.filter(|place| place.len() == content.len()) {
                place.copy_from_slice(content);
            }
        }
        bytes
    }

    pub(super) const fn page_bytes(&self) -> Option<usize> {
        self.page_bytes
    }

    pub(super) const fn count(&self) -> Option<u32> {
        self.count
    }
}

struct Frame<'a> {
    page: u32,
    /// Pages in the database when this frame ends a transaction, else 0.
    count: u32,
    content: &'a [u8],
}

/// Walks the frames of a log, checking each.
struct Frames<'a> {
    log: &'a [u8],
    at: usize,
    page_bytes: usize,
    is_big_endian: bool,
    salt: &'a [u8],
    sum: (u32, u32),
}

impl<'a> Frames<'a> {
    fn open(log: &'a [u8]) -> Option<Self> {
        let kind = big_endian(log, 0, 4)?.checked_sub(MAGIC)?;
        let is_big_endian = match kind {
            0 => false,
            1 => true,
            _ => return None,
        };
        let page_bytes = usize::try_from(big_endian(log, 8, 4)?).ok()?;
        let is_size = page_bytes.is_power_of_two() && (512..=65_536).contains(&page_bytes);
        let sum = checksum((0, 0), log.get(..24)?, is_big_endian);
        let told = (word(log, 24)?, word(log, 28)?);
        (is_size && sum == told).then_some(Self {
            log,
            at: HEADER_BYTES,
            page_bytes,
            is_big_endian,
            salt: log.get(16..24)?,
            sum,
        })
    }

    fn next(&mut self) -> Option<Frame<'a>> {
        let content_at = self.at.checked_add(FRAME_HEADER_BYTES)?;
        let end = content_at.checked_add(self.page_bytes)?;
        let header = self.log.get(self.at..content_at)?;
        let content = self.log.get(content_at..end)?;
        let sum = checksum(self.sum, header.get(..8)?, self.is_big_endian);
        let sum = checksum(sum, content, self.is_big_endian);
        let told = (word(header, 16)?, word(header, 20)?);
        if header.get(8..16)? != self.salt || sum != told {
            return None;
        }
        self.at = end;
        self.sum = sum;
        Some(Frame {
            page: word(header, 0)?,
            count: word(header, 4)?,
            content,
        })
    }
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    u32::try_from(big_endian(bytes, at, 4)?).ok()
}

/// §4.2: a running sum over pairs of words.
pub(super) fn checksum(start: (u32, u32), bytes: &[u8], is_big_endian: bool) -> (u32, u32) {
    let (pairs, _rest) = bytes.as_chunks::<8>();
    pairs
        .iter()
        .fold(start, |(first, second), [a, b, c, d, e, f, g, h]| {
            let read = if is_big_endian {
                u32::from_be_bytes
            } else {
                u32::from_le_bytes
            };
            let first = first
                .wrapping_add(read([*a, *b, *c, *d]))
                .wrapping_add(second);
            let second = second
                .wrapping_add(read([*e, *f, *g, *h]))
                .wrapping_add(first);
            (first, second)
        })
}
