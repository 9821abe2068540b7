//! A future that shares its task with a busier one and is left alone until its own turn has come.
//!
//! `select!` asks all its branches whenever one of them moved. A connection moves with every
//! request, and what tells it to leave or to stop moves once in its life.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Wakes the task and notes for whom.
struct Bell {
    has_rung: AtomicBool,
    task: Waker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

/// `future`, asked only at first, when it was woken itself, and when it came to another task.
pub(super) async fn rarely<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut bell: Option<Arc<Bell>> = None;
    poll_fn(|cx| {
        let bell = match &mut bell {
            Some(bell) if bell.task.will_wake(cx.waker()) => bell,
            none_of_this_task => none_of_this_task.insert(Arc::new(Bell {
                has_rung: AtomicBool::new(true),
                task: cx.waker().clone(),
            })),
        };
        if !bell.has_rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // Before the future is asked, so that nothing that happens meanwhile is lost.
        bell.has_rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(bell));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn it_is_asked_at_first_and_when_it_was_woken_and_not_with_its_neighbor() {
        let (word, asked) = (Notify::new(), AtomicUsize::new(0));
        let mut quiet = pin!(rarely(async {
            let mut notified = pin!(word.notified());
            poll_fn(|cx| {
                asked.fetch_add(1, Ordering::Relaxed);
                notified.as_mut().poll(cx)
            })
            .await;
        }));
        let mut polls = 0;
        poll_fn(|cx| {
            assert!(quiet.as_mut().poll(cx).is_pending());
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 10 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);

        word.notify_one();
        quiet.await;

        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
