//! The numbers in the first hundred bytes of a database file, read without touching it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Length of the header (sqlite.org/fileformat2.html §1.3).
const HEADER_BYTES: usize = 100;
/// What every `SQLite` file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What the header says about whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) application_id: i64,
    pub(super) user_version: i64,
}

impl Header {
    /// The header of the file at `path`; `None` when it is no `SQLite` file.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let limit = u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX);
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
        Ok(Self::parse(&bytes))
    }

    /// Reads it from the begin of the first page.
    pub(super) fn parse(page: &[u8]) -> Option<Self> {
        let header = page.get(..HEADER_BYTES)?;
        if !header.starts_with(MAGIC) {
            return None;
        }
        let number = |at: usize| {
            let bytes = header.get(at..at + 4)?;
            bytes
                .try_into()
                .map(|bytes| i64::from(i32::from_be_bytes(bytes)))
                .ok()
        };
        Some(Self {
            application_id: number(68)?,
            user_version: number(60)?,
        })
    }
}
