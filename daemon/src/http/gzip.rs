//! gzip (RFC 1952) piece by piece. Pure: who wants it is left to [`super::coding`].
//!
//! Every piece is deflated by itself and ends at a byte, so that nothing but a checksum is kept
//! between two pieces: a deflater has 300 KiB, and one for each reader that takes its list slowly
//! would be more than all lists.

use flate2::{Compress, Compression, Crc, FlushCompress};

/// Magic number, deflate, no flags, no time, no hint, unknown system (RFC 1952 §2.3).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// A last block with nothing in it (RFC 1951 §3.2.6): every piece before it may be followed.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];
/// First guess of what a piece comes to, and of what is missing where that was too little.
const SPARE_BYTES: usize = 4 << 10;

/// A body that is being written.
#[derive(Debug)]
pub(super) struct Gzip {
    level: Compression,
    sum: Crc,
    has_head: bool,
}

impl Gzip {
    /// For what is written for one reader: 0.6 ms for a page of a hundred rows (ADR 0015).
    pub(super) fn quick() -> Self {
        Self::new(Compression::new(4))
    }

    /// For what is written once for all readers.
    pub(super) fn best() -> Self {
        Self::new(Compression::best())
    }

    fn new(level: Compression) -> Self {
        Self {
            level,
            sum: Crc::new(),
            has_head: false,
        }
    }

    /// Appends the next piece.
    pub(super) fn write(&mut self, piece: &[u8], to: &mut Vec<u8>) {
        if !self.has_head {
            to.extend_from_slice(&HEAD);
            self.has_head = true;
        }
        self.sum.update(piece);
        let mut deflate = Compress::new(self.level, false);
        let mut rest = piece;
        loop {
            to.reserve(SPARE_BYTES.max(rest.len() / 4));
            let taken_before = deflate.total_in();
            #[expect(clippy::expect_used, reason = "it fails with a dictionary only")]
            deflate
                .compress_vec(rest, to, FlushCompress::Sync)
                .expect("deflates");
            let taken = usize::try_from(deflate.total_in() - taken_before).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            // With room left, all of it is out.
            if rest.is_empty() && to.len() < to.capacity() {
                return;
            }
        }
    }

    /// Appends the end.
    pub(super) fn end(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&LAST_BLOCK);
        to.extend_from_slice(&self.sum.sum().to_le_bytes());
        // Modulo 2^32, as RFC 1952 §2.3.1 has it.
        to.extend_from_slice(&self.sum.amount().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn packed(pieces: &[Vec<u8>], mut gzip: Gzip) -> Vec<u8> {
        let mut to = Vec::new();
        for piece in pieces {
            gzip.write(piece, &mut to);
        }
        gzip.end(&mut to);
        to
    }

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
        plain
    }

    proptest! {
        #[test]
        fn what_was_written_in_pieces_is_read_as_one(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9_000), 1..4),
        ) {
            prop_assert_eq!(unpacked(&packed(&pieces, Gzip::quick())), pieces.concat());
            prop_assert_eq!(unpacked(&packed(&pieces, Gzip::best())), pieces.concat());
        }
    }

    #[test]
    fn a_piece_that_cannot_be_made_smaller_grows_by_little() {
        let mut seed = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .take(64 << 10)
        .collect();

        let packed = packed(std::slice::from_ref(&noise), Gzip::quick());

        assert!(packed.len() <= noise.len() + 100, "{}", packed.len());
        assert_eq!(unpacked(&packed), noise);
    }
}
