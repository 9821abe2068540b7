//! The load: so many connections that ask as fast as they are answered, or at moments that are set
//! beforehand.
//!
//! In the second case a latency counts from the moment at which its request was due, whether a
//! connection was free then or not: a server that stands still for a second is charged for all that
//! should have been asked in it (else one would only see those who happened to wait already).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::wire::{Connection, Wire};

/// Writes the request of this number.
pub(super) type Request = Arc<dyn Fn(u64, &mut Vec<u8>) + Send + Sync>;

/// How long one request may take before it counts as an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// When the next request is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    /// As soon as the one before is answered.
    Closed,
    /// So many a second in all, at moments that are set beforehand.
    Open(f64),
}

/// Until when requests are made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// For so long.
    Time(Duration),
    /// Until so many were made.
    Count(u64),
}

/// What is asked of a server.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) wire: Wire,
    pub(super) connections: usize,
    /// Whether each request opens a connection of its own.
    pub(super) is_fresh: bool,
    pub(super) pace: Pace,
    pub(super) until: Until,
    pub(super) request: Request,
    /// From when on latencies are kept, and for how many seconds, each by itself; absent: all in one.
    pub(super) window: Option<(Instant, usize)>,
}

/// What came of it: every request was answered, and well.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answered: u64,
    pub(super) took: Duration,
    /// In microseconds; one, or one for each second of the window.
    latencies: Vec<Histogram<u64>>,
}

impl Outcome {
    /// Answers a second.
    pub(super) fn rate(&self) -> f64 {
        super::float(self.answered) / self.took.as_secs_f64()
    }

    /// The latency in ms that so many of a hundred do not exceed; of a window, in its worst second.
    pub(super) fn percentile_ms(&self, of_hundred: f64) -> f64 {
        let seconds = self.latencies.iter().filter(|second| !second.is_empty());
        let worst = seconds.map(|second| second.value_at_percentile(of_hundred));
        super::float(worst.max().unwrap_or(0)) / 1_000.0
    }

    /// The same of all that were kept, whatever their second.
    ///
    /// # Errors
    /// When the histograms do not fit together.
    pub(super) fn overall_ms(&self, of_hundred: f64) -> Result<f64> {
        let mut all = histogram()?;
        for second in &self.latencies {
            all.add(second)?;
        }
        Ok(super::float(all.value_at_percentile(of_hundred)) / 1_000.0)
    }

    /// How many latencies are kept.
    #[cfg(test)]
    fn kept(&self) -> u64 {
        self.latencies.iter().map(Histogram::len).sum()
    }
}

/// A histogram of microseconds up to a minute and a half, to three digits.
pub(super) fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 100_000_000, 3).context("the bounds of a histogram")
}

impl Load {
    /// A closed loop over connections that are kept.
    pub(super) fn closed(
        address: SocketAddr,
        connections: usize,
        until: Until,
        request: Request,
    ) -> Self {
        Self {
            address,
            wire: Wire::Http,
            connections,
            is_fresh: false,
            pace: Pace::Closed,
            until,
            request,
            window: None,
        }
    }

    /// The same at so many a second.
    pub(super) fn open(self, per_second: f64) -> Self {
        Self {
            pace: Pace::Open(per_second),
            ..self
        }
    }

    /// Makes the requests.
    ///
    /// # Errors
    /// When any of them was not answered well; it says how many were not, and what the first was.
    pub(super) async fn run(&self) -> Result<Outcome> {
        let numbers = Arc::new(AtomicU64::new(0));
        let windows = self.window.map_or(1, |(_, seconds)| seconds);
        let latencies = (0..windows)
            .map(|_| histogram())
            .collect::<Result<Vec<_>>>()?;
        let latencies = Arc::new(Mutex::new(latencies));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..self.connections {
            let load = self.clone();
            let numbers = Arc::clone(&numbers);
            let kept = Latencies::new(Arc::clone(&latencies))?;
            tasks.spawn(async move { load.one_connection(began, &numbers, kept).await });
        }
        let (mut answered, mut errors, mut first) = (0, 0_u64, None);
        while let Some(ended) = tasks.join_next().await {
            let one = ended.context("a connection of the load panicked")??;
            answered += one.answered;
            if let Some(error) = one.error {
                errors += 1;
                first.get_or_insert(error);
            }
        }
        let took = began.elapsed();
        if let Some(error) = first {
            bail!(
                "{errors} of {} connections had a request that was not answered well, the first: {error:#}",
                self.connections
            );
        }
        let latencies = std::mem::take(&mut *locked(&latencies));
        Ok(Outcome {
            answered,
            took,
            latencies,
        })
    }

    /// The requests of one connection, until the first that is not answered well.
    async fn one_connection(
        &self,
        began: Instant,
        numbers: &AtomicU64,
        mut kept: Latencies,
    ) -> Result<One> {
        let mut one = One {
            answered: 0,
            error: None,
        };
        let mut connection = Connection::new(self.address, self.wire);
        let mut request = Vec::new();
        loop {
            if matches!(self.pace, Pace::Closed) && self.is_over(began.elapsed(), 0) {
                kept.hand_over()?;
                return Ok(one);
            }
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let due = match self.pace {
                Pace::Closed => Instant::now(),
                Pace::Open(per_second) => {
                    began + Duration::from_secs_f64(super::float(number) / per_second)
                }
            };
            if self.is_over(due.saturating_duration_since(began), number) {
                kept.hand_over()?;
                return Ok(one);
            }
            if Instant::now() < due {
                tokio::time::sleep_until(due.into()).await;
            }
            request.clear();
            (self.request)(number, &mut request);
            let asked = tokio::time::timeout(PATIENCE, connection.ask(&request)).await;
            if let Err(error) = asked.unwrap_or_else(|_| bail!("no answer within {PATIENCE:?}")) {
                let (asked, after) = (one.answered + 1, began.elapsed().as_secs_f64());
                one.error = Some(error.context(format!(
                    "its request number {asked}, {after:.1} s after the begin"
                )));
                return Ok(one);
            }
            one.answered += 1;
            kept.keep(due, due.elapsed(), self.window)?;
            if self.is_fresh {
                connection.close();
            }
        }
    }

    /// Whether a request of this number, due so long after the begin, is not to be made any more.
    fn is_over(&self, due_after: Duration, number: u64) -> bool {
        match self.until {
            Until::Time(time) => time <= due_after,
            Until::Count(count) => count <= number,
        }
    }
}

/// What one connection saw.
struct One {
    answered: u64,
    error: Option<anyhow::Error>,
}

/// The latencies of one connection in one second. Those of all seconds and connections would be
/// gigabytes, and to set them up would take a connection longer than a server waits for its request.
struct Latencies {
    second: usize,
    histogram: Histogram<u64>,
    /// Those of all connections, one for each second.
    all: Arc<Mutex<Vec<Histogram<u64>>>>,
}

impl Latencies {
    fn new(all: Arc<Mutex<Vec<Histogram<u64>>>>) -> Result<Self> {
        Ok(Self {
            second: 0,
            histogram: histogram()?,
            all,
        })
    }

    fn keep(
        &mut self,
        due: Instant,
        took: Duration,
        window: Option<(Instant, usize)>,
    ) -> Result<()> {
        let second = match window {
            None => 0,
            Some((from, _)) => match due.checked_duration_since(from) {
                None => return Ok(()),
                Some(since) => usize::try_from(since.as_secs())?,
            },
        };
        if second != self.second {
            self.hand_over()?;
            self.second = second;
        }
        let took = u64::try_from(took.as_micros())?.max(1);
        self.histogram.saturating_record(took);
        Ok(())
    }

    /// Adds them to those of all; what was due behind the last second is left out.
    fn hand_over(&mut self) -> Result<()> {
        if let Some(second) = locked(&self.all).get_mut(self.second) {
            second.add(&self.histogram)?;
        }
        self.histogram.reset();
        Ok(())
    }
}

fn locked(latencies: &Mutex<Vec<Histogram<u64>>>) -> MutexGuard<'_, Vec<Histogram<u64>>> {
    // Counts of a connection that panicked are as good as any.
    latencies.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    fn request() -> Request {
        Arc::new(|_, out| out.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n"))
    }

    /// A server of one connection that answers each request with `answer`, and the request of
    /// number `stands_still_at` only after `still`.
    async fn server(answer: &'static [u8], stands_still_at: usize, still: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 1_024];
            for number in 0.. {
                if stream.read(&mut bytes).await.unwrap() == 0 {
                    return;
                }
                if number == stands_still_at {
                    tokio::time::sleep(still).await;
                }
                stream.write_all(answer).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn a_server_that_stands_still_is_charged_for_all_that_was_due_meanwhile() {
        let still = Duration::from_millis(400);
        let address = server(FINE, 50, still).await;

        let outcome = Load::closed(address, 1, Until::Count(100), request())
            .open(100.0)
            .run()
            .await
            .unwrap();

        assert_eq!((outcome.answered, outcome.kept()), (100, 100));
        // 40 were due while it stood still; in a closed loop it would have been one of 100.
        assert!(200.0 <= outcome.percentile_ms(80.0), "{outcome:?}");
        assert!(400.0 <= outcome.percentile_ms(100.0));
    }

    #[tokio::test]
    async fn an_answer_that_is_an_error_is_told() {
        let address = server(
            b"HTTP/1.1 507 Full\r\ncontent-length: 0\r\n\r\n",
            usize::MAX,
            Duration::ZERO,
        )
        .await;

        let load = Load::closed(address, 1, Until::Count(3), request());

        let error = load.run().await.unwrap_err().to_string();
        assert!(error.contains("status 507"), "{error}");
    }

    #[tokio::test]
    async fn only_what_was_due_in_the_window_is_kept_and_its_worst_second_counts() {
        let address = server(FINE, usize::MAX, Duration::ZERO).await;
        let from = Instant::now() + Duration::from_millis(500);
        let mut load = Load::closed(address, 1, Until::Count(300), request()).open(100.0);
        load.window = Some((from, 2));

        let outcome = load.run().await.unwrap();

        let kept: Vec<u64> = outcome.latencies.iter().map(Histogram::len).collect();
        let [first, second] = kept.as_slice() else {
            panic!("{kept:?}");
        };
        assert!(
            (90..=110).contains(first) && (90..=110).contains(second),
            "{kept:?}"
        );
    }

    #[test]
    fn the_worst_second_is_what_counts() {
        let of = |values: &[u64]| {
            let mut histogram = histogram().unwrap();
            for value in values {
                histogram.record(*value).unwrap();
            }
            histogram
        };
        let outcome = Outcome {
            answered: 3,
            took: Duration::from_secs(2),
            latencies: vec![of(&[1_000]), of(&[]), of(&[9_000, 2_000])],
        };

        assert!((8.99..9.02).contains(&outcome.percentile_ms(99.0)));
        assert!((1.99..2.02).contains(&outcome.overall_ms(60.0).unwrap()));
        assert!((1.49..1.51).contains(&outcome.rate()));
    }
}
