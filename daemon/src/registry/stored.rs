//! Who waits until a change is stored: each is woken once, when it is.
//!
//! With one channel for all, each commit would wake also those who wait for the next one, and in a
//! crowd that is half of them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// How far the store got, and who waits for more.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// The urgent number up to which everything is stored.
    number: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// Those who wait, by number and then by ticket.
#[derive(Debug, Default)]
struct Waiting {
    next_ticket: u64,
    wakers: BTreeMap<(u64, u64), Waker>,
}

/// Ends when everything up to a number is stored.
pub(super) struct Until<'a> {
    stored: &'a Stored,
    urgent: u64,
    /// Where it waits, once it does.
    ticket: Option<u64>,
}

impl Stored {
    /// Whether everything up to this urgent number is stored.
    pub(super) fn has(&self, urgent: u64) -> bool {
        urgent <= self.number.load(Ordering::Acquire)
    }

    /// Everything up to this urgent number is stored: who waits for it is woken, and nobody else.
    pub(super) fn publish(&self, number: u64) {
        let reached = {
            let mut waiting = self.waiting.lock();
            self.number.store(number, Ordering::Release);
            let behind = waiting.wakers.split_off(&(number.saturating_add(1), 0));
            std::mem::replace(&mut waiting.wakers, behind)
        };
        reached.into_values().for_each(Waker::wake);
    }

    /// Waits for this urgent number.
    pub(super) const fn until(&self, urgent: u64) -> Until<'_> {
        Until {
            stored: self,
            urgent,
            ticket: None,
        }
    }
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let stored = self.stored;
        // The number moves under this lock, so nobody waits for what has just been stored.
        let mut waiting = stored.waiting.lock();
        if stored.has(self.urgent) {
            // Its place went with all that were reached: there is nothing to take out.
            self.ticket = None;
            return Poll::Ready(());
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            waiting.next_ticket += 1;
            waiting.next_ticket
        });
        let place = (self.urgent, ticket);
        waiting.wakers.insert(place, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Until<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let place = (self.urgent, ticket);
            self.stored.waiting.lock().wakers.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    /// Counts how often it was woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn poll(self: &Arc<Self>, until: Pin<&mut Until<'_>>) -> Poll<()> {
            let waker = Waker::from(Arc::clone(self));
            until.poll(&mut Context::from_waker(&waker))
        }

        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_commit_wakes_those_who_wait_for_it_once_and_nobody_else() {
        let stored = Stored::default();
        let counts: [Arc<Count>; 3] = Default::default();
        let [one, two, three] = [1, 2, 2].map(|urgent| stored.until(urgent));
        let (mut one, mut two, mut three) = (pin!(one), pin!(two), pin!(three));
        for (count, until) in counts.iter().zip([&mut one, &mut two, &mut three]) {
            assert_eq!(count.poll(until.as_mut()), Poll::Pending);
        }
        let woken = || [0, 1, 2].map(|place: usize| counts[place].woken());

        stored.publish(1);
        assert_eq!(woken(), [1, 0, 0]);
        assert_eq!(counts[0].poll(one.as_mut()), Poll::Ready(()));
        assert_eq!(counts[1].poll(two.as_mut()), Poll::Pending);
        stored.publish(7);

        assert_eq!(woken(), [1, 1, 1]);
        assert_eq!(counts[1].poll(two.as_mut()), Poll::Ready(()));
        assert_eq!(counts[2].poll(three.as_mut()), Poll::Ready(()));
        assert!(stored.has(7) && !stored.has(8));
    }

    #[test]
    fn who_gives_up_leaves_nothing_behind() {
        let stored = Stored::default();
        let count = Arc::new(Count::default());
        {
            let mut until = pin!(stored.until(1));
            assert_eq!(count.poll(until.as_mut()), Poll::Pending);
            assert_eq!(count.poll(until.as_mut()), Poll::Pending);
            assert_eq!(stored.waiting.lock().wakers.len(), 1, "one place each");
        }

        assert!(stored.waiting.lock().wakers.is_empty());
        stored.publish(1);
        assert_eq!(count.woken(), 0);
    }
}
