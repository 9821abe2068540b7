//! Where a connection stands, as the side that answers and the stream tell each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Where a connection stands, as the side that answers tells the stream.
#[derive(Debug)]
pub(in crate::http) struct Turn {
    /// Even while the connection waits for a request, odd while it answers one.
    number: AtomicUsize,
    is_cut: AtomicBool,
    /// What stands of a request's body, as one of [`body`].
    body: AtomicU8,
    /// When the connection was made.
    began: Instant,
    /// How long after that the last bytes of an answer were taken, in ms.
    written_ms: AtomicU64,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            number: AtomicUsize::new(0),
            is_cut: AtomicBool::new(false),
            body: AtomicU8::new(body::AT_HAND),
            began: Instant::now(),
            written_ms: AtomicU64::new(0),
        }
    }
}

/// Where a body stands.
mod body {
    /// Nobody asked for more of it than had come.
    pub(super) const AT_HAND: u8 = 0;
    /// It was asked for.
    pub(super) const WANTED: u8 = 1;
    /// It was asked for, and the connection has no more of it for now.
    pub(super) const OUT: u8 = 2;
}

impl Turn {
    /// A whole head has come.
    pub(in crate::http) fn begin(&self) {
        self.body.store(body::AT_HAND, Ordering::Relaxed);
        self.number.fetch_add(1, Ordering::Relaxed);
    }

    /// Ready when the connection was read to its end for now, so that what is missing of a body is
    /// on its way. Most bodies come with their heads, and these are read without any timer.
    ///
    /// It wakes nobody: who drives the connection asks [`Self::is_out_of_body`] and drives it again.
    pub(in crate::http) fn poll_out_of_body(&self) -> Poll<()> {
        if self.body.load(Ordering::Relaxed) == body::OUT {
            return Poll::Ready(());
        }
        self.body.store(body::WANTED, Ordering::Relaxed);
        Poll::Pending
    }

    /// The connection has nothing more for now. Whether somebody is to learn that of it.
    pub(in crate::http) fn is_out_of_body(&self) -> bool {
        let is_wanted = self.body.load(Ordering::Relaxed) == body::WANTED;
        if is_wanted {
            self.body.store(body::OUT, Ordering::Relaxed);
        }
        is_wanted
    }

    /// Its answer is made.
    pub(in crate::http) fn end(&self) {
        self.number.fetch_add(1, Ordering::Relaxed);
    }

    /// The answer is the last, and the client may not have sent all of its request yet.
    pub(in crate::http) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// Whether no head has come yet.
    pub(in crate::http) fn is_first(&self) -> bool {
        self.number() == 0
    }

    /// Whether it is.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// Some of an answer was taken just now.
    pub(super) fn note_written(&self) {
        let ms = self.began.elapsed().as_millis();
        let ms = u64::try_from(ms).unwrap_or(u64::MAX);
        self.written_ms.store(ms, Ordering::Relaxed);
    }

    /// Ends when the connection has waited for a request since it was answered last, for so long.
    pub(in crate::http) async fn has_rested_for(&self, time: Duration) {
        loop {
            let written = Duration::from_millis(self.written_ms.load(Ordering::Relaxed));
            let rests = self.number().is_multiple_of(2);
            let left = (written + time).saturating_sub(self.began.elapsed());
            match (rests, left) {
                (true, Duration::ZERO) => return,
                // It will rest once it is answered.
                (false, Duration::ZERO) => sleep(time).await,
                (_, left) => sleep(left).await,
            }
        }
    }

    pub(super) fn number(&self) -> usize {
        self.number.load(Ordering::Relaxed)
    }
}
