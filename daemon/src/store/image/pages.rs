//! An image cut into pages, and the rows on them; what a row means is left to others.

use std::collections::HashSet;

use super::record::{self, big_endian, varint};
use super::{HEADER_BYTES, Image, RawRow};

/// First byte of a page that holds rows of a table (§1.6).
const TABLE_LEAF: u8 = 0x0d;

/// An image cut into pages.
pub(super) struct Pages<'a> {
    image: &'a Image,
    page_bytes: usize,
    /// Bytes of a page that are used; some programs reserve a few at its end.
    usable: usize,
}

impl<'a> Pages<'a> {
    pub(super) fn new(image: &'a Image, page_bytes: usize) -> Self {
        let reserved = match image.header() {
            Some(_) => image.bytes.get(20).copied().map_or(0, usize::from),
            None => 0,
        };
        let usable = page_bytes.saturating_sub(reserved);
        Self {
            image,
            page_bytes,
            usable,
        }
    }

    /// The page with this number, counted from 1.
    fn page(&self, number: u32) -> Option<&'a [u8]> {
        if let Some(page) = self.image.overlay.newest_page(number) {
            return Some(page);
        }
        let start = usize::try_from(number.checked_sub(1)?)
            .ok()?
            .checked_mul(self.page_bytes)?;
        self.image
            .bytes
            .get(start..start.checked_add(self.page_bytes)?)
    }

    fn count(&self) -> u32 {
        let in_file = u32::try_from(self.image.bytes.len() / self.page_bytes).unwrap_or(u32::MAX);
        self.image.overlay.newest_count().unwrap_or(in_file)
    }

    pub(super) fn rows(&self) -> Vec<RawRow> {
        let free = self.free();
        (1..=self.count())
            .filter(|number| !free.contains(number))
            .filter_map(|number| Some((number, self.page(number)?)))
            .flat_map(|(number, page)| self.rows_of(number, page))
            .collect()
    }

    /// Pages on the list of free ones (§1.5): their rows were deleted or moved.
    fn free(&self) -> HashSet<u32> {
        let mut free = HashSet::new();
        let mut trunk = self.page(1).and_then(|page| word(page, 32)).unwrap_or(0);
        while let Some(page) = self.page(trunk).filter(|_| free.insert(trunk)) {
            let leaves = word(page, 4).unwrap_or(0);
            let places = (8..self.page_bytes).step_by(4);
            free.extend(places.zip(0..leaves).filter_map(|(at, _)| word(page, at)));
            trunk = word(page, 0).unwrap_or(0);
        }
        free
    }

    /// The rows of one page (§1.6), none when it holds no rows of a table.
    fn rows_of(&self, number: u32, page: &[u8]) -> Vec<RawRow> {
        let start = if number == 1 { HEADER_BYTES } else { 0 };
        if page.get(start) != Some(&TABLE_LEAF) {
            return Vec::new();
        }
        let cells = big_endian(page, start + 3, 2).unwrap_or(0);
        let pointers = (start + 8..page.len()).step_by(2).zip(0..cells);
        pointers
            .filter_map(|(at, _)| usize::try_from(big_endian(page, at, 2)?).ok())
            .filter_map(|at| self.row(page, at))
            .collect()
    }

    /// The row whose cell begins at `at`.
    fn row(&self, page: &[u8], at: usize) -> Option<RawRow> {
        let (bytes, at) = varint(page, at)?;
        let (id, at) = varint(page, at)?;
        let bytes = usize::try_from(bytes).ok()?;
        let local = self.local_bytes(bytes)?;
        let mut payload = page.get(at..at.checked_add(local)?)?.to_vec();
        if local < bytes {
            let first = word(page, at + local)?;
            self.add_overflow(&mut payload, first, bytes)?;
        }
        Some(RawRow {
            id,
            values: record::parse(&payload)?,
        })
    }

    /// How much of a payload stands in the cell itself (§1.6).
    fn local_bytes(&self, payload: usize) -> Option<usize> {
        let most = self.usable.checked_sub(35)?;
        if payload <= most {
            return Some(payload);
        }
        let least = ((self.usable.checked_sub(12)?) * 32 / 255).checked_sub(23)?;
        let spread = least + (payload - least) % self.usable.checked_sub(4)?;
        Some(if spread <= most { spread } else { least })
    }

    fn add_overflow(&self, payload: &mut Vec<u8>, first: u32, bytes: usize) -> Option<()> {
        let mut next = first;
        while payload.len() < bytes {
            let page = self.page(next)?;
            let part = (bytes - payload.len()).min(self.usable.checked_sub(4)?);
            payload.extend_from_slice(page.get(4..4 + part)?);
            next = word(page, 0)?;
        }
        Some(())
    }
}

fn word(page: &[u8], at: usize) -> Option<u32> {
    u32::try_from(big_endian(page, at, 4)?).ok()
}
