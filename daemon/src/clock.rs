//! The two clocks and the one way to wait: everything that reads time or sleeps gets it here.
//!
//! Two kinds of clock exist, the system's and one that a test turns by hand. What a moment means
//! to liveness is left to [`crate::instance`] and [`crate::state`].

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lastbeat_proto::{Span, Timestamp};
use parking_lot::Mutex;
use rustix::time::{ClockId, Timespec, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// A point on the machine's steady clock, in whole microseconds; counts on while the machine is
/// suspended, is never stepped, and means nothing outside this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(i64);

impl Mono {
    /// From whole microseconds.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// Whole microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This point, `span` later.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.as_signed_micros()))
    }

    /// Microseconds from `earlier` to this point; negative when it is the other way round.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Both clocks read together. `wall` is for showing and storing; no decision reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// What the wall clock shows; may be stepped at any time.
    pub wall: Timestamp,
    /// The steady clock.
    pub mono: Mono,
}

/// Listening time L: for how long the daemon has listened in the whole life of its database, in
/// whole microseconds. It stands still while the daemon does (ADR 0004).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Listened(i64);

impl Listened {
    /// From whole microseconds.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// Whole microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This point, `span` later.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.as_signed_micros()))
    }

    /// Microseconds from `earlier` to this point; negative when it is the other way round.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time from `earlier` to this point; none when it is the other way round.
    pub const fn since(self, earlier: Self) -> Span {
        Span::from_signed_micros(self.micros_since(earlier))
    }
}

/// A wait that ends when the clock says so.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Reads both clocks.
    fn now(&self) -> Moment;

    /// Reads the steady clock alone: for measuring how long something took.
    fn steady(&self) -> Mono {
        self.now().mono
    }

    /// Waits until the steady clock has reached `mono`; may wake a little late, never early.
    fn sleep_until(&self, mono: Mono) -> Sleep;
}

/// The machine's own clocks.
///
/// The two are read one after the other, so their difference trembles by some microseconds. It is
/// therefore kept until the wall clock really moved against the steady one, and a time that is
/// computed from a deadline is exactly the last heartbeat and the ttl.
#[derive(Debug, Clone, Default)]
pub struct SystemClock {
    /// Wall minus steady clock, in microseconds.
    difference_us: Arc<AtomicI64>,
}

/// A smaller change of the difference is taken for trembling.
const TREMBLE_US: i64 = 1_000;
/// Readings of which the least disturbed one counts.
const READINGS: usize = 5;

/// Counts on in suspend, which `CLOCK_MONOTONIC` and so `std::time::Instant` do not on Linux.
#[cfg(target_os = "linux")]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const STEADY: ClockId = ClockId::Monotonic;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let mono_us = micros(clock_gettime(STEADY));
        let wall_us = micros(clock_gettime(ClockId::Realtime));
        let mut difference_us = self.difference_us.load(Ordering::Relaxed);
        let moved_us = wall_us
            .saturating_sub(mono_us)
            .saturating_sub(difference_us);
        if TREMBLE_US < moved_us.saturating_abs() {
            difference_us = read_difference();
            self.difference_us.store(difference_us, Ordering::Relaxed);
        }
        let wall = Timestamp::from_micros(mono_us.saturating_add(difference_us));
        Moment {
            wall,
            mono: Mono(mono_us),
        }
    }

    fn steady(&self) -> Mono {
        Mono(micros(clock_gettime(STEADY)))
    }

    fn sleep_until(&self, mono: Mono) -> Sleep {
        let clock = self.clone();
        Box::pin(async move {
            // The runtime's timer counts whole milliseconds and stands still in suspend, so it
            // is asked again until our own clock agrees.
            loop {
                let rest = mono.micros_since(clock.now().mono);
                if rest <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_micros(rest.unsigned_abs())).await;
            }
        })
    }
}

/// Wall minus steady clock, from the reading that was disturbed least: a process that loses the
/// processor between two reads would see a step that never was.
fn read_difference() -> i64 {
    let readings = (0..READINGS).map(|_| {
        let before_us = micros(clock_gettime(STEADY));
        let wall_us = micros(clock_gettime(ClockId::Realtime));
        let took_us = micros(clock_gettime(STEADY)).saturating_sub(before_us);
        (took_us, wall_us.saturating_sub(before_us))
    });
    readings.min().map_or(0, |(_, difference_us)| difference_us)
}

fn micros(time: Timespec) -> i64 {
    time.tv_sec
        .saturating_mul(1_000_000)
        .saturating_add(time.tv_nsec / 1_000)
}

/// A clock that stands still until a test turns it.
#[derive(Debug)]
pub struct ManualClock {
    hands: Mutex<Hands>,
}

#[derive(Debug)]
struct Hands {
    moment: Moment,
    /// Who waits for which point; several may wait for the same.
    sleepers: BTreeMap<Mono, Vec<oneshot::Sender<()>>>,
}

impl ManualClock {
    /// A clock that shows `wall`, with the steady clock at zero.
    pub fn new(wall: Timestamp) -> Self {
        let moment = Moment {
            wall,
            mono: Mono(0),
        };
        Self {
            hands: Mutex::new(Hands {
                moment,
                sleepers: BTreeMap::new(),
            }),
        }
    }

    /// Lets `span` pass on both clocks and wakes who is due. A span of more than five seconds at
    /// once is what a stalled machine looks like.
    pub fn advance(&self, span: Span) {
        let mut hands = self.hands.lock();
        hands.moment.mono = hands.moment.mono.plus(span);
        hands.moment.wall = hands.moment.wall.plus_micros(span.as_signed_micros());
        let later = hands.moment.mono.plus(Span::from_micros(1));
        let waiting = hands.sleepers.split_off(&later);
        let due = std::mem::replace(&mut hands.sleepers, waiting);
        for sleeper in due.into_values().flatten() {
            // A sleeper that was dropped meanwhile has nobody to wake.
            sleeper.send(()).unwrap_or(());
        }
    }

    /// Steps the wall clock alone, as NTP or an operator does.
    pub fn step_wall(&self, us: i64) {
        let mut hands = self.hands.lock();
        hands.moment.wall = hands.moment.wall.plus_micros(us);
    }

    /// How many waits have not ended yet: lets a test see that a part has gone to sleep.
    pub fn sleepers(&self) -> usize {
        let hands = self.hands.lock();
        let waiting = hands
            .sleepers
            .values()
            .flatten()
            .filter(|sleeper| !sleeper.is_closed());
        waiting.count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        self.hands.lock().moment
    }

    fn sleep_until(&self, mono: Mono) -> Sleep {
        let (wake, woken) = oneshot::channel();
        let mut hands = self.hands.lock();
        if mono <= hands.moment.mono {
            return Box::pin(std::future::ready(()));
        }
        // Who gave up waiting is forgotten, so that a long test does not collect them.
        hands.sleepers.retain(|_, sleepers| {
            sleepers.retain(|sleeper| !sleeper.is_closed());
            !sleepers.is_empty()
        });
        hands.sleepers.entry(mono).or_default().push(wake);
        Box::pin(async move {
            // An error means that the clock itself is gone: nothing waits for it any more.
            woken.await.unwrap_or(());
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_steady_clock_never_goes_back() {
        let clock = SystemClock::default();
        let (first, second) = (clock.now(), clock.now());

        assert!(first.mono <= second.mono);
        let difference = |moment: Moment| moment.wall.as_micros() - moment.mono.as_micros();
        assert!((difference(first) - difference(second)).abs() <= 2 * TREMBLE_US);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_at_its_point_and_not_before() {
        let clock = ManualClock::new(Timestamp::from_micros(0));
        let mut sleep = clock.sleep_until(Mono(1_000));

        clock.advance(Span::from_micros(999));
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(sleep.as_mut().poll(cx).is_pending()))
                .await
        );
        clock.advance(Span::from_micros(1));

        sleep.await;
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn a_step_of_the_wall_moves_the_wall_alone() {
        let clock = ManualClock::new(Timestamp::from_micros(0));

        clock.step_wall(-5);

        assert_eq!(
            clock.now(),
            Moment {
                wall: Timestamp::from_micros(-5),
                mono: Mono(0)
            }
        );
    }
}
