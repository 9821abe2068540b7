//! Where a connection stands, as the side that answers and the stream tell each other.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::sleep;

/// How often a connection is looked at in the time that it may rest: each look is a wake-up, and it
/// may rest for one part more.
const LOOKS: u32 = 8;

/// Where a connection stands, as the side that answers tells the stream.
#[derive(Debug, Default)]
pub(in crate::http) struct Turn {
    /// Even while the connection waits for a request, odd while it answers one.
    number: AtomicUsize,
    is_cut: AtomicBool,
    /// What stands of a request's body, as one of [`body`].
    body: AtomicU8,
    /// Whether bytes of an answer were taken since somebody looked.
    has_written: AtomicBool,
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
        self.has_written.store(true, Ordering::Relaxed);
    }

    /// Ends when the connection has waited for a request for so long since it was answered last, or
    /// for up to an eighth longer. It looks now and then, so that no answer has to read a clock.
    pub(in crate::http) async fn has_rested_for(&self, time: Duration) {
        let mut looks = 0;
        while looks < LOOKS {
            sleep(time / LOOKS).await;
            let is_answering = !self.number().is_multiple_of(2);
            let was_active = self.has_written.swap(false, Ordering::Relaxed) || is_answering;
            looks = if was_active { 0 } else { looks + 1 };
        }
    }

    pub(super) fn number(&self) -> usize {
        self.number.load(Ordering::Relaxed)
    }
}
