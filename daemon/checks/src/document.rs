//! Export documents: what is accepted is written again as a document that means the same, and
//! what is refused is refused with a place and a reason.

use lastbeatd::store::seam::rewritten;

/// Reads the bytes as a document.
pub fn check(bytes: &[u8]) {
    match rewritten(bytes) {
        Ok(written) => {
            assert_eq!(rewritten(written.as_bytes()).as_ref(), Ok(&written));
            assert_eq!(written.lines().count(), 1, "{written}");
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}
