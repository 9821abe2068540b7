//! A small registry for unit tests.

pub(crate) mod steps;

use std::collections::BTreeMap;

use lastbeat_proto::answer::{
    Event, EventsAnswer, GoneAnswer, InstanceUptime, Notice, NoticeLevel, Row, Seen,
    ServicesAnswer, Summary, Tombstone, Uptime, UptimeAnswer, UptimePiece, UptimeWindow,
};
use lastbeat_proto::{EventKind, Span, Status, Timestamp};

use crate::clock::Mono;
use crate::config::{self, Settings};
use crate::model::Model;
use crate::update::{Message, Reply, update};

/// The daemon's wall clock in every answer.
pub(crate) const WALL_US: i64 = 1_732_456_687_000_000;
/// The daemon's `up_ms` in every answer.
pub(crate) const UP_MS: i64 = 600_000;
/// When answers come.
pub(crate) const AT: Mono = Mono::from_ms(10_000);

pub(crate) fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_micros(WALL_US - seconds * 1_000_000)
}

/// A row silent for so many seconds.
pub(crate) fn row(name: &str, status: Status, silent_s: i64) -> Row {
    let heard_ms = UP_MS - silent_s * 1_000;
    Row {
        id: 1,
        name: name.to_owned(),
        instance: "10.4.0.20:8080".to_owned(),
        ip: "10.4.0.20".to_owned(),
        port: Some(8080),
        status,
        late: status == Status::Up && 45 < silent_s,
        confirmed: true,
        flapping: false,
        reason: (status == Status::Down).then(|| "no heartbeat for 1m".to_owned()),
        since: ago(if status == Status::Down {
            silent_s - 60
        } else {
            3_600
        }),
        last_heartbeat: ago(silent_s),
        first_seen: ago(90_000),
        ttl_s: Span::from_secs(60),
        tags: vec!["prod".to_owned(), "eu".to_owned()],
        metadata: BTreeMap::new(),
        heard_ms,
        due_ms: heard_ms
            + if status == Status::Down {
                120_000
            } else {
                60_000
            },
    }
}

/// A whole answer with these rows.
pub(crate) fn answer(services: Vec<Row>) -> ServicesAnswer {
    let down = services
        .iter()
        .filter(|row| row.status == Status::Down)
        .count();
    let summary = Summary {
        total: services.len(),
        up: services.len() - down,
        late: services.iter().filter(|row| row.late).count(),
        down,
        gone: 0,
    };
    ServicesAnswer {
        matching: services.len(),
        services,
        removed: Vec::new(),
        full: true,
        summary,
        now: Timestamp::from_micros(WALL_US),
        up_ms: UP_MS,
        revision: 7,
        cursor: "c1".to_owned(),
        notices: Vec::new(),
    }
}

/// The registry of the mock: two DOWN, one late, many UP, and an address of every kind.
pub(crate) fn registry() -> Vec<Row> {
    let at = |ip: &str, port: Option<u16>, row: Row| Row {
        instance: ip.to_owned(),
        ip: ip.to_owned(),
        port,
        ..row
    };
    let mut rows = vec![
        at(
            "10.4.2.17",
            Some(8443),
            row("payment-gateway-eu", Status::Down, 72),
        ),
        at(
            "10.4.7.3",
            Some(9200),
            row("search-indexer-3", Status::Down, 108),
        ),
        at("10.4.1.9", Some(25), row("mail-relay", Status::Up, 48)),
        at("10.4.0.20", Some(8080), row("auth-service", Status::Up, 1)),
        at(
            "2001:db8:1111:2222:3333:4444:5555:6666",
            Some(443),
            row("billing", Status::Up, 2),
        ),
        at(
            "db-1.internal",
            None,
            row("a-very-long-name/of-a-team/of-a-service", Status::Up, 3),
        ),
    ];
    rows.extend((0..30).map(|n| {
        at(
            &format!("10.5.0.{n}"),
            Some(8000),
            row(&format!("worker-{n:02}"), Status::Up, 5),
        )
    }));
    rows
}

pub(crate) fn notice() -> Notice {
    Notice {
        kind: "no-auth".to_owned(),
        level: NoticeLevel::Warning,
        text: "anyone on the network may change this registry; give lastbeatd --tokens".to_owned(),
        since: ago(600),
    }
}

fn tombstone(name: &str, n: u8, deregistered: bool) -> Tombstone {
    let reason = if deregistered {
        "deregistered"
    } else {
        "no heartbeat for 2m"
    };
    Tombstone {
        id: i64::from(n),
        name: name.to_owned(),
        instance: format!("10.9.0.{n}"),
        ip: format!("10.9.0.{n}"),
        port: None,
        status: Status::Gone,
        reason: reason.to_owned(),
        deregistered,
        since: ago(i64::from(n) * 100),
        last_heartbeat: ago(i64::from(n) * 200),
        first_seen: ago(90_000),
    }
}

pub(crate) fn gone() -> GoneAnswer {
    GoneAnswer {
        gone: vec![
            tombstone("batch", 1, false),
            tombstone("old-api", 2, true),
            tombstone("batch", 3, false),
        ],
        now: Timestamp::from_micros(WALL_US),
    }
}

/// Tombstones of services with these names, newest first.
pub(crate) fn gone_of(names: &[String]) -> GoneAnswer {
    let tombstones = (1..).zip(names).map(|(n, name)| tombstone(name, n, false));
    GoneAnswer {
        gone: tombstones.collect(),
        now: Timestamp::from_micros(WALL_US),
    }
}

/// Registered 20 h ago, not watched from 12 to 10 h ago, DOWN for two minutes 5 h ago.
pub(crate) fn uptime() -> Uptime {
    const HOUR_S: i64 = 3_600;
    let piece = |seen, from_s: i64, until_s: i64| UptimePiece {
        seen,
        from: ago(from_s),
        until: ago(until_s),
    };
    let fall_s = 4 * HOUR_S + 1_800;
    Uptime {
        windows: vec![UptimeWindow {
            hours: 24,
            up_s: Span::from_secs(64_680),
            down_s: Span::from_secs(120),
            unknown_s: Span::from_secs(7_200),
            absent_s: Span::from_secs(14_400),
            up_percent: Some(99.814),
        }],
        day: vec![
            piece(Seen::Absent, 24 * HOUR_S, 20 * HOUR_S),
            piece(Seen::Up, 20 * HOUR_S, 12 * HOUR_S),
            piece(Seen::Unknown, 12 * HOUR_S, 10 * HOUR_S),
            piece(Seen::Up, 10 * HOUR_S, fall_s + 1_020),
            piece(Seen::Down, fall_s + 1_020, fall_s + 900),
            piece(Seen::Up, fall_s + 900, 0),
        ],
    }
}

/// The same for every instance of a service.
pub(crate) fn uptime_of(name: &str, instances: &[&str]) -> UptimeAnswer {
    UptimeAnswer {
        name: name.to_owned(),
        service: uptime(),
        instances: (1..)
            .zip(instances)
            .map(|(id, instance)| InstanceUptime {
                id,
                instance: (*instance).to_owned(),
                uptime: uptime(),
            })
            .collect(),
        now: Timestamp::from_micros(WALL_US),
    }
}

pub(crate) fn events() -> EventsAnswer {
    let event = |revision: u64, kind: EventKind, seconds: i64| Event {
        revision,
        at: ago(seconds),
        kind,
        id: Some(1),
        name: Some("search-indexer-3".to_owned()),
        instance: Some("10.4.7.3".to_owned()),
        reason: (kind == EventKind::Down).then(|| "no heartbeat for 1m".to_owned()),
    };
    let start = Event {
        id: None,
        name: None,
        instance: None,
        ..event(1, EventKind::Start, 90_001)
    };
    EventsAnswer {
        events: vec![
            event(5, EventKind::Down, 48),
            event(4, EventKind::Up, 30_000),
            event(3, EventKind::Down, 34_000),
            event(2, EventKind::Registered, 90_000),
            start,
        ],
        now: Timestamp::from_micros(WALL_US),
        before: None,
    }
}

/// Settings as of flags alone.
pub(crate) fn settings(flags: &[(&str, &str)]) -> Settings {
    let given = |name: &str| {
        let found = flags.iter().find(|(flag, _)| *flag == name)?;
        Some(found.1.to_owned())
    };
    let locale = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
    config::load(&given, &locale, None).unwrap()
}

/// A model that was just started.
pub(crate) fn started(size: (u16, u16)) -> Model {
    let settings = settings(&[("url", "http://registry.internal:5001")]);
    let mut model = Model::new(&settings, size, AT);
    update(&mut model, Message::Tick, AT);
    model
}

/// A model that has heard these rows.
pub(crate) fn live(size: (u16, u16), rows: Vec<Row>) -> Model {
    let mut model = started(size);
    hear(&mut model, answer(rows));
    model
}

/// Takes an answer in.
pub(crate) fn hear(model: &mut Model, answer: ServicesAnswer) {
    let reply = Reply::Services(Ok(Box::new(answer)));
    update(model, Message::Reply(reply), AT);
}
