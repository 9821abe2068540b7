//! The client's own clock: one monotonic count of milliseconds, the only thing here that reads
//! any clock. Wall times on screen are the daemon's.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_BOOTTIME` goes on while a laptop is suspended, as the ages of services do.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
/// macOS has no such clock.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A moment, in milliseconds since some moment before this program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(i64);

impl Mono {
    /// Now.
    pub fn now() -> Self {
        let time = clock_gettime(CLOCK);
        Self(
            time.tv_sec
                .saturating_mul(1_000)
                .saturating_add(time.tv_nsec / 1_000_000),
        )
    }

    /// From milliseconds, for tests and arithmetic.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// This moment and `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment, at least 0.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        let ms = self.0.saturating_sub(earlier.0);
        if ms < 0 { 0 } else { ms }
    }

    /// How long from `now` until this moment; nothing when it has passed.
    pub fn wait_from(self, now: Self) -> Duration {
        Duration::from_millis(self.ms_since(now).unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_goes_back() {
        let first = Mono::now();

        assert!(first <= Mono::now());
    }

    #[test]
    fn what_has_passed_needs_no_wait() {
        let now = Mono::from_ms(1_000);

        assert_eq!(now.plus_ms(250).wait_from(now), Duration::from_millis(250));
        assert_eq!(Mono::from_ms(1).wait_from(now), Duration::ZERO);
        assert_eq!(Mono::from_ms(1).ms_since(now), 0);
    }
}
