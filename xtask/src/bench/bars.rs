//! The bars: what is measured, what it must reach, what it should, and how that is told.

use serde_json::{Value, json};

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

/// What something must reach.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) what: &'static str,
    better: Better,
    must: f64,
    stretch: f64,
    unit: &'static str,
    /// Digits behind the point of what was measured.
    digits: usize,
}

const fn at_least(what: &'static str, must: f64, stretch: f64, digits: usize) -> Bar {
    Bar {
        what,
        better: Better::More,
        must,
        stretch,
        unit: "×",
        digits,
    }
}

pub(super) const fn at_most(
    what: &'static str,
    must: f64,
    stretch: f64,
    unit: &'static str,
    digits: usize,
) -> Bar {
    Bar {
        what,
        better: Better::Less,
        must,
        stretch,
        unit,
        digits,
    }
}

pub(super) const HEARTBEATS: Bar = at_least(
    "heartbeats of known instances, 64 connections, against bare hyper",
    0.85,
    0.95,
    2,
);
pub(super) const HEARTBEAT_CPU: Bar = at_most(
    "CPU per heartbeat against bare hyper, 256 connections",
    1.25,
    1.1,
    "×",
    2,
);
pub(super) const REGISTRATIONS: Bar = at_least(
    "new registrations, durable, 256 connections, against bare hyper",
    0.5,
    0.7,
    2,
);
pub(super) const FLASK: Bar = at_least(
    "heartbeats against the Flask original under gunicorn, 64 connections",
    200.0,
    500.0,
    0,
);
pub(super) const ETCD: Bar = at_least("heartbeats against etcd's HTTP gateway", 15.0, 20.0, 1);
pub(super) const REDIS: Bar = at_least(
    "heartbeats against Redis `SET EX` without fsync",
    0.7,
    0.9,
    2,
);
pub(super) const LIST: Bar = at_least(
    "`GET /services`, 10,000 rows, with 5,000 heartbeats/s meanwhile, times faster than the Flask original idle",
    30.0,
    45.0,
    1,
);
pub(super) const DELTA: Bar = at_most(
    "delta `?since=` at 100,000 rows with 100 changed: server CPU",
    1.0,
    0.3,
    "ms",
    2,
);
pub(super) const PAGE: Bar = at_most(
    "dashboard page at 10,000 services: server CPU",
    5.0,
    2.0,
    "ms",
    2,
);
pub(super) const GROWTH: Bar = at_most(
    "a heartbeat's CPU at 100,000 instances against 1,000",
    1.3,
    1.1,
    "×",
    2,
);
pub(super) const SPREAD: Bar = at_most(
    "transition appears after its deadline, 100,000 instances, 5,000 heartbeats/s, deadlines spread, p99",
    100.0,
    20.0,
    "ms",
    1,
);
pub(super) const AT_ONCE: Bar = at_most(
    "the same, all 100,000 due in one instant, p99",
    250.0,
    100.0,
    "ms",
    1,
);
pub(super) const STORM_HEARTBEATS: Bar = at_most(
    "heartbeats at half the maximum rate while 100,000 instances go DOWN at once, p99",
    20.0,
    10.0,
    "ms",
    1,
);
pub(super) const STORM_REGISTRATIONS: Bar =
    at_most("registrations in the same storm, p99", 50.0, 20.0, "ms", 1);
pub(super) const MEMORY: Bar = at_most(
    "RSS at 100,000 instances, also after full lists",
    70.0,
    50.0,
    "MB",
    1,
);
pub(super) const MEMORY_IDLE: Bar = at_most("RSS idle", 10.0, 6.0, "MB", 1);
pub(super) const START_EMPTY: Bar = at_most("start to first answer, empty", 30.0, 10.0, "ms", 1);
pub(super) const START_FULL: Bar = at_most(
    "start to first answer, 100,000 stored rows",
    300.0,
    200.0,
    "ms",
    0,
);
pub(super) const DAEMON_SIZE: Bar = at_most("stripped release daemon", 8.0, 5.0, "MB", 2);
pub(super) const CLIENT_SIZE: Bar = at_most("stripped terminal client", 6.0, 4.0, "MB", 2);
pub(super) const DISK: Bar = at_most(
    "disk written per heartbeat (WAL and checkpoint), 10,000 instances every 10 s",
    200.0,
    60.0,
    "B",
    0,
);
pub(super) const ALLOCATIONS: Bar = at_most(
    "allocations per heartbeat over bare hyper's",
    5.0,
    3.0,
    "",
    1,
);

/// All bars, in the order of the table.
pub(super) const BARS: [&Bar; 22] = [
    &HEARTBEATS,
    &HEARTBEAT_CPU,
    &REGISTRATIONS,
    &FLASK,
    &ETCD,
    &REDIS,
    &LIST,
    &DELTA,
    &PAGE,
    &GROWTH,
    &SPREAD,
    &AT_ONCE,
    &STORM_HEARTBEATS,
    &STORM_REGISTRATIONS,
    &MEMORY,
    &MEMORY_IDLE,
    &START_EMPTY,
    &START_FULL,
    &DAEMON_SIZE,
    &CLIENT_SIZE,
    &DISK,
    &ALLOCATIONS,
];

impl Bar {
    /// How far a number is behind `limit`, as a part of it; not above 0 when it reaches it.
    fn lag(&self, measured: f64, limit: f64) -> f64 {
        match self.better {
            Better::More => (limit - measured) / limit,
            Better::Less => (measured - limit) / limit,
        }
    }

    /// The verdict of the table's last column.
    fn verdict(&self, measured: f64) -> String {
        if self.lag(measured, self.stretch) <= 0.0 {
            return "met, and the stretch".to_owned();
        }
        let lag = self.lag(measured, self.must);
        if lag <= 0.0 {
            "met".to_owned()
        } else {
            format!("**missed by {:.0} %**", (100.0 * lag).max(1.0))
        }
    }

    fn limit(&self, limit: f64) -> String {
        let sign = match self.better {
            Better::More => "≥",
            Better::Less => "≤",
        };
        with_unit(&format!("{sign} {limit}"), self.unit)
    }

    /// The first columns but the number, by which a row is known: what, must reach, stretch.
    fn columns(&self) -> [String; 3] {
        [
            self.what.to_owned(),
            self.limit(self.must),
            self.limit(self.stretch),
        ]
    }
}

fn with_unit(number: &str, unit: &str) -> String {
    format!("{number} {unit}").trim_end().to_owned()
}

/// What was measured against a bar, or why it was not.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) bar: &'static Bar,
    measured: Result<f64, String>,
    /// How it came about: the numbers that were compared.
    note: String,
}

impl Figure {
    /// A number, with those it was made of.
    pub(super) fn new(bar: &'static Bar, measured: f64, note: String) -> Self {
        let figure = Self {
            bar,
            measured: Ok(measured),
            note,
        };
        eprintln!("   {}", figure.row());
        figure
    }

    /// None, and why.
    pub(super) fn none(bar: &'static Bar, why: &str) -> Self {
        let figure = Self {
            bar,
            measured: Err(why.to_owned()),
            note: String::new(),
        };
        eprintln!("   {}", figure.row());
        figure
    }

    /// A row of the table.
    pub(super) fn row(&self) -> String {
        let [what, must, stretch] = self.bar.columns();
        let (measured, verdict) = match &self.measured {
            Ok(measured) => (
                with_unit(&format!("{measured:.*}", self.bar.digits), self.bar.unit),
                self.bar.verdict(*measured),
            ),
            Err(why) => (format!("not measured: {why}"), "—".to_owned()),
        };
        let note = &self.note;
        format!("| {what} | {measured} | {must} | {stretch} | {verdict} | {note} |")
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "what": self.bar.what,
            "measured": self.measured.as_ref().ok(),
            "not_measured": self.measured.as_ref().err(),
            "unit": self.bar.unit,
            "better": match self.bar.better { Better::More => "more", Better::Less => "less" },
            "must": self.bar.must,
            "stretch": self.bar.stretch,
            "is_met": self.measured.as_ref().ok().map(|number| self.bar.lag(*number, self.bar.must) <= 0.0),
            "note": self.note,
        })
    }
}

/// Head of the table.
pub(super) const HEAD: &str = "| bar | measured | must reach | stretch | met | how it came about |\n|---|---|---|---|---|---|";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::root;

    #[test]
    fn a_verdict_is_told_from_both_sides_of_each_limit() {
        let said = |bar: &Bar, measured| bar.verdict(measured);

        assert_eq!(said(&HEARTBEATS, 0.95), "met, and the stretch");
        assert_eq!(said(&HEARTBEATS, 0.949), "met");
        assert_eq!(said(&HEARTBEATS, 0.85), "met");
        assert_eq!(said(&HEARTBEATS, 0.68), "**missed by 20 %**");
        assert_eq!(said(&START_EMPTY, 10.0), "met, and the stretch");
        assert_eq!(said(&START_EMPTY, 30.0), "met");
        assert_eq!(said(&START_EMPTY, 30.01), "**missed by 1 %**");
        assert_eq!(said(&START_EMPTY, 45.0), "**missed by 50 %**");
    }

    #[test]
    fn what_was_not_measured_says_why_and_is_no_verdict() {
        let figure = Figure::none(&ETCD, "etcd is not installed");

        assert_eq!(
            figure.row(),
            "| heartbeats against etcd's HTTP gateway | not measured: etcd is not installed | ≥ 15 × | ≥ 20 × | — |  |"
        );
        assert_eq!(figure.json()["is_met"], Value::Null);
    }

    #[test]
    fn the_document_has_every_bar_with_its_limits_in_the_order_of_the_table() {
        let path = root().unwrap().join("docs/performance.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut rest = text.as_str();

        for bar in BARS {
            let [what, must, stretch] = bar.columns();
            let row = rest
                .lines()
                .find(|line| line.starts_with(&format!("| {what} | ")));
            let row = row.unwrap_or_else(|| panic!("docs/performance.md lacks a row for {what}"));
            assert!(row.contains(&format!(" | {must} | {stretch} | ")), "{row}");
            rest = rest.split_once(row).unwrap().1;
        }
    }
}
