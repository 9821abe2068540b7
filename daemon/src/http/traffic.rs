//! What is counted about requests: how many went where with which status, and how long they took.
//!
//! One row of relaxed atomics for each endpoint of the table, so a request pays two additions and
//! two readings of the clock, without lock or allocation. Their text is left to
//! [`super::metrics`].

use std::sync::atomic::{AtomicU64, Ordering};

use lastbeat_proto::Span;
use lastbeat_proto::endpoint::{ENDPOINTS, Endpoint};
use lastbeat_proto::problem::SLUGS;

use crate::state::Spread;

/// Statuses of answers that are no problems; those of problems come from their table.
const NO_PROBLEM: [u16; 3] = [200, 303, 304];
/// Bounds of the times, in microseconds: answered from memory, from the disk, after a wait for it.
const BOUNDS_US: [u64; 6] = [1_000, 5_000, 25_000, 100_000, 500_000, 2_500_000];

/// Counts of all requests since the start.
pub(super) struct Traffic {
    /// Every status an answer can have.
    statuses: Vec<u16>,
    /// In the order of [`ENDPOINTS`].
    rows: Vec<Row>,
    /// What was turned away before its endpoint was known.
    nowhere: Row,
    /// What was no HTTP.
    malformed: AtomicU64,
}

/// Counts of one endpoint.
struct Row {
    /// In the order of `statuses`, and one more for a status that no table has.
    answers: Vec<AtomicU64>,
    times: Vec<AtomicU64>,
    sum_us: AtomicU64,
}

impl Row {
    fn new(statuses: usize) -> Self {
        let zeros = |count| std::iter::repeat_with(AtomicU64::default).take(count);
        Self {
            answers: zeros(statuses + 1).collect(),
            times: zeros(BOUNDS_US.len() + 1).collect(),
            sum_us: AtomicU64::default(),
        }
    }

    fn note(&self, status: usize, took: Option<Span>) {
        add(self.answers.get(status), 1);
        let Some(us) = took.map(Span::as_micros) else {
            return;
        };
        let class = BOUNDS_US.partition_point(|bound| *bound < us);
        add(self.times.get(class), 1);
        add(Some(&self.sum_us), us);
    }
}

fn add(count: Option<&AtomicU64>, by: u64) {
    if let Some(count) = count {
        count.fetch_add(by, Ordering::Relaxed);
    }
}

impl Traffic {
    /// Nothing counted yet.
    pub(super) fn new() -> Self {
        let mut statuses = NO_PROBLEM.to_vec();
        statuses.extend(SLUGS.iter().map(|(_, _, status, _)| *status));
        statuses.sort_unstable();
        statuses.dedup();
        let width = statuses.len();
        Self {
            rows: ENDPOINTS.iter().map(|_| Row::new(width)).collect(),
            nowhere: Row::new(width),
            statuses,
            malformed: AtomicU64::default(),
        }
    }

    /// A request to the endpoint at this place of the table was answered; to none where it was
    /// turned away before. `took` is absent for who asked to wait: that time says nothing.
    pub(super) fn note(&self, endpoint: Option<usize>, status: u16, took: Option<Span>) {
        let known = self.statuses.iter().position(|known| *known == status);
        let status = known.unwrap_or(self.statuses.len());
        let row = endpoint.and_then(|index| self.rows.get(index));
        row.unwrap_or(&self.nowhere).note(status, took);
    }

    /// A connection sent what is no HTTP.
    pub(super) fn note_malformed(&self) {
        add(Some(&self.malformed), 1);
    }

    /// How often that was.
    pub(super) fn malformed(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Calls `tell` with endpoint, status and count of every answer that was given; the endpoint
    /// is absent for what went nowhere, the status for one that no table has.
    pub(super) fn each_answer(&self, mut tell: impl FnMut(Option<&Endpoint>, Option<u16>, u64)) {
        let ends = ENDPOINTS.iter().map(Some).zip(&self.rows);
        for (endpoint, row) in ends.chain([(None, &self.nowhere)]) {
            let statuses = self.statuses.iter().copied().map(Some).chain([None]);
            for (status, count) in statuses.zip(&row.answers) {
                let count = count.load(Ordering::Relaxed);
                if 0 < count {
                    tell(endpoint, status, count);
                }
            }
        }
    }

    /// Calls `tell` with every endpoint that answered and how long that took.
    pub(super) fn each_time(&self, mut tell: impl FnMut(&Endpoint, &Spread)) {
        for (endpoint, row) in ENDPOINTS.iter().zip(&self.rows) {
            let mut spread = Spread::new(&BOUNDS_US);
            for (count, seen) in spread.counts.iter_mut().zip(&row.times) {
                *count = seen.load(Ordering::Relaxed);
            }
            spread.sum_us = row.sum_us.load(Ordering::Relaxed);
            if spread.counts.iter().any(|count| 0 < *count) {
                tell(endpoint, &spread);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = Vec<(Option<&'static str>, Option<u16>, u64)>;

    fn answers(traffic: &Traffic) -> Told {
        let mut told = Told::new();
        traffic.each_answer(|endpoint, status, count| {
            told.push((endpoint.map(|endpoint| endpoint.path), status, count));
        });
        told
    }

    #[test]
    fn a_request_is_counted_under_its_endpoint_and_status() {
        let traffic = Traffic::new();

        traffic.note(Some(0), 200, None);
        traffic.note(Some(0), 200, None);
        traffic.note(Some(0), 507, None);
        traffic.note(None, 421, None);
        traffic.note(Some(ENDPOINTS.len()), 404, None);
        traffic.note(Some(1), 299, None);

        assert_eq!(
            answers(&traffic),
            [
                (Some("/register"), Some(200), 2),
                (Some("/register"), Some(507), 1),
                (Some("/heartbeat/<name>"), None, 1),
                (None, Some(404), 1),
                (None, Some(421), 1),
            ]
        );
    }

    #[test]
    fn a_time_lies_in_the_class_up_to_its_bound_and_who_waits_in_none() {
        let traffic = Traffic::new();

        for us in [1_000, 1_001, 2_500_001] {
            traffic.note(Some(0), 200, Some(Span::from_micros(us)));
        }
        traffic.note(Some(2), 200, None);

        let mut told = Vec::new();
        traffic.each_time(|endpoint, spread| told.push((endpoint.path, spread.clone())));
        let [(path, spread)] = told.as_slice() else {
            panic!("{told:?}");
        };
        assert_eq!(*path, "/register");
        assert_eq!(spread.counts, [1, 1, 0, 0, 0, 0, 1]);
        assert_eq!(spread.sum_us, 2_502_002);
    }
}
