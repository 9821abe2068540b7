//! `GET /metrics`: one table of what is told about the daemon, and its text for Prometheus.
//!
//! Labels come from tables of ours alone, never from what a client sent, so their number is
//! bounded and no text of a service can stand here. Where a number comes from is left to
//! [`crate::state`], [`super::traffic`] and [`super::crowd`]; how a line is written to [`text`].

mod metric;
mod text;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use lastbeat_proto::Status;

use self::metric::{by, counter, gauge, histogram};
use self::text::{Samples, seconds};
use super::answer::{self, Answer};
use super::crowd::Census;
use super::traffic::Traffic;
use crate::state::Figures;

pub use self::metric::{Metric, MetricKind};

/// Media type of the text form, version 0.0.4
/// (`prometheus.io/docs/instrumenting/exposition_formats`).
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Everything that is told, read once for an answer.
#[derive(Clone, Copy)]
pub(super) struct Seen<'seen> {
    /// The registry's and the store's.
    pub(super) figures: &'seen Figures,
    /// Of requests.
    pub(super) traffic: &'seen Traffic,
    /// Of connections.
    pub(super) census: Census,
}

/// All of them, in the order of the answer and of `docs/operations.md`.
pub static METRICS: [Metric; 28] = [
    by(
        "{version}",
        gauge(
            "lastbeat_build_info",
            "Always 1; its label says which version runs.",
            |_, to| to.labelled(&[("version", env!("CARGO_PKG_VERSION"))], 1),
        ),
    ),
    gauge(
        "lastbeat_start_time_seconds",
        "When the daemon was started, in seconds since 1970.",
        |seen, to| to.one(micros_as_seconds(seen.figures.started.as_micros())),
    ),
    by(
        "{status}",
        gauge(
            "lastbeat_instances",
            "Registered instances by status; UP includes the late ones.",
            |seen, to| {
                let summary = seen.figures.summary;
                for (status, count) in [(Status::Up, summary.up), (Status::Down, summary.down)] {
                    to.labelled(&[("status", status.word())], count);
                }
            },
        ),
    ),
    gauge(
        "lastbeat_instances_late",
        "UP instances that are silent for more than three quarters of their ttl.",
        |seen, to| to.one(seen.figures.summary.late),
    ),
    gauge(
        "lastbeat_instances_unconfirmed",
        "UP instances that were not heard since the daemon was last away.",
        |seen, to| to.one(seen.figures.unconfirmed),
    ),
    gauge(
        "lastbeat_instances_gone",
        "Instances that left and are shown as GONE.",
        |seen, to| to.one(seen.figures.summary.gone),
    ),
    gauge(
        "lastbeat_instances_limit",
        "How many instances may be registered.",
        |seen, to| to.one(seen.figures.most_instances),
    ),
    counter(
        "lastbeat_heartbeats_total",
        "Heartbeats of instances that were known already, by either endpoint.",
        |seen, to| to.one(seen.figures.heartbeats),
    ),
    counter(
        "lastbeat_deregistrations_total",
        "Registered instances that a request took out.",
        |seen, to| to.one(seen.figures.deregistered),
    ),
    by(
        "{kind}",
        counter(
            "lastbeat_events_total",
            "Recorded events by kind: registrations, changes, transitions, starts and stalls.",
            |seen, to| {
                for (kind, count) in &seen.figures.events {
                    to.labelled(&[("kind", kind.word())], *count);
                }
            },
        ),
    ),
    histogram(
        "lastbeat_transition_delay_seconds",
        "How long after its deadline an instance became DOWN or GONE.",
        |seen, to| to.spread(&[], &seen.figures.delays),
    ),
    gauge(
        "lastbeat_transition_delay_max_seconds",
        "The longest of these delays since the start.",
        |seen, to| to.one(seconds(seen.figures.longest_delay.as_micros())),
    ),
    counter(
        "lastbeat_listening_seconds_total",
        "How long the daemon has listened in the whole life of its database.",
        |seen, to| to.one(seconds(seen.figures.listened.as_micros())),
    ),
    gauge(
        "lastbeat_store_writing",
        "1 when the last attempt to write to the database succeeded, else 0.",
        |seen, to| to.one(u8::from(seen.figures.is_writing)),
    ),
    counter(
        "lastbeat_store_writes_total",
        "Transactions that the database took.",
        |seen, to| to.one(seen.figures.writes),
    ),
    counter(
        "lastbeat_store_write_errors_total",
        "Attempts to write to the database that failed.",
        |seen, to| to.one(seen.figures.write_errors),
    ),
    gauge(
        "lastbeat_store_last_write_age_seconds",
        "Time since the last transaction; up to 30 s while nobody is registered.",
        |seen, to| to.one(seconds(seen.figures.since_write.as_micros())),
    ),
    gauge(
        "lastbeat_store_waiting",
        "Rows and events that wait to be written.",
        |seen, to| to.one(seen.figures.waiting),
    ),
    counter(
        "lastbeat_store_events_lost_total",
        "Events that were given up because the database took nothing for too long.",
        |seen, to| to.one(seen.figures.events_lost),
    ),
    by(
        "{method,route,status}",
        counter(
            "lastbeat_http_requests_total",
            "Answered requests; route none was turned away before its endpoint was known.",
            write_answers,
        ),
    ),
    by(
        "{method,route}",
        histogram(
            "lastbeat_http_request_duration_seconds",
            "From a request's head to its answer; readers with wait= are left out.",
            |seen, to| {
                seen.traffic.each_time(|endpoint, spread| {
                    let labels = [("method", endpoint.method.word()), ("route", endpoint.path)];
                    to.spread(&labels, spread);
                });
            },
        ),
    ),
    counter(
        "lastbeat_http_malformed_total",
        "Connections that were closed because what they sent is no HTTP.",
        |seen, to| to.one(seen.traffic.malformed()),
    ),
    gauge("lastbeat_connections", "Open connections.", |seen, to| {
        to.one(seen.census.open);
    }),
    gauge(
        "lastbeat_connections_limit",
        "How many connections may be open.",
        |seen, to| to.one(seen.census.limit),
    ),
    counter(
        "lastbeat_connections_accepted_total",
        "Connections that got a seat.",
        |seen, to| to.one(seen.census.accepted),
    ),
    counter(
        "lastbeat_connections_refused_total",
        "Connections that were closed at once because their address had its share.",
        |seen, to| to.one(seen.census.refused),
    ),
    counter(
        "lastbeat_connections_evicted_total",
        "Idle connections that had to give way to new ones.",
        |seen, to| to.one(seen.census.evicted),
    ),
    counter(
        "lastbeat_connections_accept_errors_total",
        "Attempts to accept a connection that the system refused.",
        |seen, to| to.one(seen.census.accept_errors),
    ),
];

fn write_answers(seen: &Seen<'_>, to: &mut Samples<'_>) {
    seen.traffic.each_answer(|endpoint, status, count| {
        let (method, route) = endpoint.map_or(("none", "none"), |endpoint| {
            (endpoint.method.word(), endpoint.path)
        });
        let status = status.map_or("other".to_owned(), |status| status.to_string());
        let labels = [
            ("method", method),
            ("route", route),
            ("status", status.as_str()),
        ];
        to.labelled(&labels, count);
    });
}

fn micros_as_seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// The answer that Prometheus scrapes.
pub(super) fn answer(seen: &Seen<'_>) -> Answer {
    answer::whole(StatusCode::OK, TEXT, page(seen).into())
}

fn page(seen: &Seen<'_>) -> String {
    let mut page = String::new();
    for metric in &METRICS {
        let mut samples = Samples::begin(metric, &mut page);
        (metric.write)(seen, &mut samples);
    }
    page
}

#[cfg(test)]
mod tests;
