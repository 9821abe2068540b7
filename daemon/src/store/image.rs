//! A database file as plain bytes: what can be read of it when `SQLite` cannot, or must not touch it.
//!
//! Every page of a table lists its own rows, so each undamaged page gives its rows back, whatever
//! became of the pages that lead to it. The format is that of sqlite.org/fileformat2.html; the
//! section numbers below are from there.

mod pages;
mod record;
mod tail;
mod wal;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rusqlite::types::Value;

use self::pages::Pages;
use self::record::big_endian;
pub(super) use self::record::text;
use self::wal::Overlay;
use super::place::with_ending;

/// What every `SQLite` file begins with (§1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Length of the header in the first page (§1.3).
const HEADER_BYTES: usize = 100;
/// Page sizes that are tried when the header is no help, the usual ones first.
const PAGE_SIZES: [usize; 8] = [4_096, 1_024, 512, 2_048, 8_192, 16_384, 32_768, 65_536];

/// A file and its write-ahead log, read into memory.
#[derive(Debug)]
pub(super) struct Image {
    bytes: Vec<u8>,
    overlay: Overlay,
}

/// What the header says about whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) application_id: i64,
    pub(super) user_version: i64,
}

impl Header {
    /// What a file is whose mark is not ours.
    pub(super) fn foreign(self) -> String {
        let Self {
            application_id,
            user_version,
        } = self;
        format!(
            "it is a database of another program (application id {application_id}, version {user_version})"
        )
    }
}

/// A row of some table: its row number and its columns, the row number's own one being null.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawRow {
    pub(super) id: i64,
    pub(super) values: Vec<Value>,
}

impl Image {
    /// Reads the file at `path`, if there is one, and its log.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Ok(Self {
            bytes: read_if_there(path)?,
            overlay: Overlay::parse(&read_if_there(&with_ending(path, "-wal"))?),
        })
    }

    /// Reads only what [`header`](Self::header) needs.
    pub(super) fn read_head(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        match File::open(path) {
            Ok(file) => {
                let limit = u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX);
                file.take(limit).read_to_end(&mut bytes)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            bytes,
            overlay: Overlay::parse(&read_if_there(&with_ending(path, "-wal"))?),
        })
    }

    /// Reads the log alone: what it holds is ours also when the file is not any more.
    pub(super) fn read_log(log: &Path) -> io::Result<Self> {
        Ok(Self {
            bytes: Vec::new(),
            overlay: Overlay::parse(&read_if_there(log)?),
        })
    }

    /// A file without a log.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            overlay: Overlay::default(),
        }
    }

    /// The file as it would be if its log were moved into it.
    pub(super) fn merged(&self) -> Vec<u8> {
        self.overlay.laid_over(&self.bytes)
    }

    /// The file alone.
    pub(super) fn without_log(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether the log holds anything.
    pub(super) const fn has_log(&self) -> bool {
        self.overlay.count().is_some()
    }

    /// What is wrong with the log, where more is than a crash can do to it.
    pub(super) fn log_fault(&self) -> Option<&str> {
        self.overlay.fault()
    }

    /// Whether the file itself, without its log, has nothing in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The header, as the last committed transaction left it. `None` when the file has none,
    /// whatever its log says: `SQLite` deletes the log of an empty file.
    pub(super) fn header(&self) -> Option<Header> {
        if !self.bytes.starts_with(MAGIC) {
            return None;
        }
        let page = self.overlay.page(1).unwrap_or(&self.bytes);
        let signed = |at| big_endian(page, at, 4).map(|word| word << 32 >> 32);
        Some(Header {
            application_id: signed(68)?,
            user_version: signed(60)?,
        })
    }

    /// Every row of every table that stands on a readable page.
    pub(super) fn rows(&self) -> Vec<RawRow> {
        let told = self.told_page_size();
        std::iter::once(told)
            .flatten()
            .chain(PAGE_SIZES)
            .map(|page_bytes| Pages::new(self, page_bytes).rows())
            .find(|rows| !rows.is_empty())
            .unwrap_or_default()
    }

    fn told_page_size(&self) -> Option<usize> {
        if let Some(size) = self.overlay.page_bytes() {
            return Some(size);
        }
        // §1.3.2: 1 stands for 65,536.
        match big_endian(&self.bytes, 16, 2)? {
            1 => Some(65_536),
            size => usize::try_from(size)
                .ok()
                .filter(|size| PAGE_SIZES.contains(size)),
        }
    }
}

fn read_if_there(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

#[cfg(test)]
mod tests;
