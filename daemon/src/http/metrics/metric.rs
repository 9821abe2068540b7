//! What a metric is: its name, its kind, its sentence, and the function that writes it.
//!
//! Which there are is left to [`super::METRICS`].

use super::Seen;
use super::text::Samples;

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only rises while the daemon runs.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts by upper bound, their sum and their number.
    Histogram,
}

impl MetricKind {
    /// The word behind `# TYPE`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name with its unit, as Prometheus wants it.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: MetricKind,
    /// The names of its labels, as in `{route,status}`; empty where it has none.
    pub labels: &'static str,
    /// One sentence, for `# HELP` and the docs.
    pub help: &'static str,
    /// Writes its samples.
    pub(super) write: fn(&Seen<'_>, &mut Samples<'_>),
}

/// One that only rises.
pub(super) const fn counter(
    name: &'static str,
    help: &'static str,
    write: fn(&Seen<'_>, &mut Samples<'_>),
) -> Metric {
    Metric {
        name,
        kind: MetricKind::Counter,
        labels: "",
        help,
        write,
    }
}

/// One that rises and falls.
pub(super) const fn gauge(
    name: &'static str,
    help: &'static str,
    write: fn(&Seen<'_>, &mut Samples<'_>),
) -> Metric {
    Metric {
        kind: MetricKind::Gauge,
        ..counter(name, help, write)
    }
}

/// Times by their length.
pub(super) const fn histogram(
    name: &'static str,
    help: &'static str,
    write: fn(&Seen<'_>, &mut Samples<'_>),
) -> Metric {
    Metric {
        kind: MetricKind::Histogram,
        ..counter(name, help, write)
    }
}

/// The same with these labels.
pub(super) const fn by(labels: &'static str, metric: Metric) -> Metric {
    Metric { labels, ..metric }
}
