//! Whether an answer goes as it is or gzipped, and who gzips it.
//!
//! Secrets of ours stand in no body that is gzipped, so its length gives none away (ADR 0015).

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, HeaderMap};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::gzip::Gzip;
use crate::registry::Listing;

/// Less is sent as it is: it fits into one packet anyway.
pub(super) const LEAST_BYTES: usize = 1 << 10;
/// What is gzipped of a page before it is somebody else's turn; a list's piece has up to twice as
/// much.
pub(super) const PIECE_BYTES: usize = 64 << 10;
/// Lists that are gzipped at a time; the next is sent as it is. So many pieces may stand before a
/// heartbeat, each of less than a millisecond.
const LISTS: usize = 8;

/// Lists that are being gzipped.
pub(super) struct Coders(Arc<Semaphore>);

/// What gzips one list.
#[derive(Debug)]
pub(super) struct Coder {
    gzip: Gzip,
    is_ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Default for Coders {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LISTS)))
    }
}

impl Coders {
    /// A coder for the list that a request with these `headers` asks for, where it wants one and
    /// one is free.
    pub(super) fn take(&self, headers: &HeaderMap) -> Option<Coder> {
        if !wants_gzip(headers) {
            return None;
        }
        let place = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Coder {
            gzip: Gzip::quick(),
            is_ended: false,
            _place: place,
        })
    }
}

impl Coder {
    /// The whole of a list.
    pub(super) fn whole(mut self, plain: &[u8]) -> Bytes {
        let mut to = Vec::new();
        self.gzip.write(plain, &mut to);
        self.gzip.end(&mut to);
        to.into()
    }

    /// The next piece of `listing`, gzipped.
    pub(super) fn next(&mut self, listing: &mut Listing) -> Option<Bytes> {
        if self.is_ended {
            return None;
        }
        let mut to = Vec::new();
        if let Some(piece) = listing.next() {
            self.gzip.write(&piece, &mut to);
        } else {
            self.gzip.end(&mut to);
            self.is_ended = true;
        }
        Some(to.into())
    }
}

/// `plain` gzipped for one reader.
pub(super) async fn gzipped(plain: &Bytes) -> Bytes {
    let mut to = Vec::with_capacity(plain.len() / 4);
    let mut gzip = Gzip::quick();
    for (at, piece) in plain.chunks(PIECE_BYTES).enumerate() {
        if 0 < at {
            // Who has much to write would keep a worker from everybody else.
            tokio::task::yield_now().await;
        }
        gzip.write(piece, &mut to);
    }
    gzip.end(&mut to);
    to.into()
}

/// Whether gzip is accepted, and not liked less than no coding (RFC 9110 §12.5.3).
pub(super) fn wants_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    for element in values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let mut parts = element.split(';').map(str::trim);
        let weight = parts.next().map(str::to_ascii_lowercase);
        let place = match weight.as_deref() {
            Some("gzip" | "x-gzip") => &mut gzip,
            Some("identity") => &mut identity,
            Some("*") => &mut any,
            _ => continue,
        };
        *place = Some(parts.find_map(weight_of).unwrap_or(MOST));
    }
    let gzip = gzip.or(any).unwrap_or(0);
    0 < gzip && identity.unwrap_or(0) <= gzip
}

/// The weight of what is liked best, in thousandths.
const MOST: u16 = 1_000;

/// The weight in `q=0.5`; what is no weight (RFC 9110 §12.4.2) is none at all.
fn weight_of(parameter: &str) -> Option<u16> {
    let (key, value) = parameter.split_once('=')?;
    if !key.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse().unwrap_or(0);
    Some(match whole {
        "0" if is_number => thousandths,
        "1" if is_number && thousandths == 0 => MOST,
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
        headers
    }

    #[test]
    fn gzip_is_sent_to_who_likes_it_at_least_as_much_as_nothing() {
        for wanted in [
            "gzip",
            "GZIP",
            "x-gzip",
            "gzip, deflate, br, zstd",
            "br;q=1.0, gzip;q=0.8",
            "gzip;q=0.001",
            "gzip ; q=1.000",
            "*",
            "identity;q=0, *;q=0.1",
            "identity;q=0.5, gzip;q=0.5",
        ] {
            assert!(wants_gzip(&asking(wanted)), "{wanted}");
        }
        for unwanted in [
            "",
            "br",
            "identity",
            "gzip;q=0",
            "gzip; q=0.000",
            "*;q=0",
            "gzip;q=0, *",
            "gzip;q=0.4, identity;q=0.5",
            "identity, gzip;q=0.9",
            "gzip;q=2",
            "gzip;q=1.5",
            "gzip;q=0.1234",
            "gzip;q=.5",
            "gzip;q=-1",
            "gzip;q=",
            "gzipped",
        ] {
            assert!(!wants_gzip(&asking(unwanted)), "{unwanted}");
        }
        assert!(!wants_gzip(&HeaderMap::new()));
    }

    #[test]
    fn no_more_lists_are_gzipped_at_a_time_than_there_are_coders() {
        let coders = Coders::default();
        let mut taken: Vec<Coder> = (0..LISTS)
            .map(|_| coders.take(&asking("gzip")).unwrap())
            .collect();

        assert!(coders.take(&asking("gzip")).is_none());
        taken.pop();

        assert!(coders.take(&HeaderMap::new()).is_none());
        assert!(coders.take(&asking("gzip")).is_some());
    }
}
