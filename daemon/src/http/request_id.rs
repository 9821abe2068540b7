//! What a request is called in the log and in its refusal.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::token::{TokenError, random};

/// What a request is called in the log and in its refusal: unique among all runs of all daemons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestId {
    run: u32,
    number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", self.run, self.number)
    }
}

/// Where they come from.
pub(super) struct RequestIds {
    run: u32,
    next: AtomicU64,
}

#[cfg(test)]
impl RequestId {
    /// For tests.
    pub(super) const SAMPLE: Self = Self {
        run: 0x0a1b_2c3d,
        number: 31,
    };
}

impl RequestIds {
    /// Numbers that no other run gives out.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn new() -> Result<Self, TokenError> {
        Ok(Self {
            run: u32::from_ne_bytes(random()?),
            next: AtomicU64::new(1),
        })
    }

    /// The next one.
    pub(super) fn next(&self) -> RequestId {
        RequestId {
            run: self.run,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}
