//! What all threads of a soak share: where the daemon is, how far the run is, and when the daemon
//! was away or in trouble.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Everybody is at work.
    Everything = 0,
    /// Registrations have ended; heartbeats and readers go on.
    NoMoreChanges = 1,
    /// Everybody ends.
    Over = 2,
}

/// What was done to the daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Killed, stopped or frozen: it cannot answer.
    Away,
    /// Its database was locked: it answers, but stores nothing.
    Locked,
    /// Others took the processors: it is slow.
    Starved,
}

/// One trouble from its begin to the moment at which it was over.
#[derive(Clone, Copy)]
struct Window {
    trouble: Trouble,
    from: Instant,
    to: Option<Instant>,
}

/// How long after a trouble its marks may still be seen: a retry, a new connection.
const AFTERMATH: Duration = Duration::from_secs(2);

/// Longest slice of a nap: how late a thread may notice that it is to end.
const SLICE: Duration = Duration::from_millis(100);

pub(super) struct Scene {
    pub(super) address: SocketAddr,
    pub(super) db: PathBuf,
    pub(super) began: Instant,
    pub(super) length: Duration,
    /// The daemon that runs now; 0 while none does.
    pub(super) pid: AtomicU32,
    stage: AtomicU8,
    windows: Mutex<Vec<Window>>,
}

impl Scene {
    pub(super) fn new(address: SocketAddr, db: PathBuf, length: Duration) -> Self {
        Self {
            address,
            db,
            began: Instant::now(),
            length,
            pid: AtomicU32::new(0),
            stage: AtomicU8::new(Stage::Everything as u8),
            windows: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::SeqCst);
    }

    pub(super) fn is_before(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::SeqCst) < stage as u8
    }

    /// Sleeps until `at`, or until `stage` begins; false in the second case.
    pub(super) fn sleep_until(&self, at: Instant, stage: Stage) -> bool {
        while self.is_before(stage) {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(SLICE));
        }
        false
    }

    /// The same for a length of time.
    pub(super) fn sleep(&self, time: Duration, stage: Stage) -> bool {
        self.sleep_until(Instant::now() + time, stage)
    }

    /// Runs `act` inside a window of this trouble.
    pub(super) fn during<T>(&self, trouble: Trouble, act: impl FnOnce() -> T) -> T {
        let index = {
            let mut windows = self.windows();
            windows.push(Window {
                trouble,
                from: Instant::now(),
                to: None,
            });
            windows.len() - 1
        };
        let done = act();
        if let Some(window) = self.windows().get_mut(index) {
            window.to = Some(Instant::now());
        }
        done
    }

    /// Whether one of these troubles, or its aftermath, touched the time from `from` to `to`.
    pub(super) fn had(&self, troubles: &[Trouble], from: Instant, to: Instant) -> bool {
        self.windows().iter().any(|window| {
            let is_over = window.to.is_some_and(|end| end + AFTERMATH < from);
            troubles.contains(&window.trouble) && window.from <= to && !is_over
        })
    }

    /// How long the daemon was away between `from` and `to`, and how often; `None` when it was not.
    pub(super) fn away(&self, from: Instant, to: Instant) -> Option<(Duration, u32)> {
        let windows = self.windows();
        let lengths: Vec<Duration> = windows
            .iter()
            .filter(|window| window.trouble == Trouble::Away)
            .map(|window| (window.from.max(from), window.to.unwrap_or(to).min(to)))
            .filter(|(begin, end)| begin <= end)
            .map(|(begin, end)| end - begin)
            .collect();
        let times = u32::try_from(lengths.len()).unwrap_or(u32::MAX);
        (0 < times).then(|| (lengths.iter().sum(), times))
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, Vec<Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        Scene::new(
            SocketAddr::from(([127, 0, 0, 1], 1)),
            PathBuf::new(),
            Duration::from_secs(1),
        )
    }

    #[test]
    fn an_absence_counts_only_while_it_lasts() {
        let scene = scene();
        let before = Instant::now();
        scene.during(Trouble::Away, || thread::sleep(Duration::from_millis(20)));
        let after = Instant::now();

        let (away, times) = scene.away(before, after).unwrap();
        assert_eq!(times, 1);
        assert!(Duration::from_millis(20) <= away && away <= after - before);
        assert_eq!(scene.away(after, after + Duration::from_secs(1)), None);
    }

    #[test]
    fn a_trouble_excuses_what_it_touches_and_nothing_later() {
        let scene = scene();
        scene.during(Trouble::Locked, || {});
        let now = Instant::now();
        let later = now + AFTERMATH + Duration::from_secs(1);

        assert!(scene.had(&[Trouble::Locked], now, now));
        assert!(!scene.had(&[Trouble::Away], now, now));
        assert!(!scene.had(&[Trouble::Locked], later, later));
    }
}
