//! What the pages are tried with: rows, tombstones and events of every kind.

use super::*;

pub(super) fn silent(name: &str, status: Status, silent_ms: i64, due_in_ms: i64) -> Row {
    Row {
        status,
        late: status == Status::Up,
        last_heartbeat: NOW.plus_micros(-silent_ms * 1_000),
        heard_ms: UP_MS_NOW - silent_ms,
        due_ms: UP_MS_NOW + due_in_ms,
        ..row(name, "10.0.0.7")
    }
}

pub(super) fn unconfirmed() -> Row {
    Row {
        confirmed: false,
        ..row("unsure", "fe80::1%eth0")
    }
}

pub(super) fn flapping(row: Row) -> Row {
    Row {
        flapping: true,
        ..row
    }
}

pub(super) fn hostile() -> Row {
    let text = HOSTILE.to_owned();
    Row {
        tags: vec![text.clone()],
        metadata: BTreeMap::from([(text.clone(), text.clone())]),
        instance: text,
        ..row(HOSTILE, HOSTILE)
    }
}

pub(super) fn mixed() -> Vec<Row> {
    vec![
        silent("search", Status::Down, 108_000, 12_000),
        silent("mail", Status::Up, 48_000, 12_000),
        Row {
            port: Some(8080),
            instance: "pod-1".to_owned(),
            tags: vec!["prod".to_owned()],
            ..row("team/kühlraum", "2001:db8::7")
        },
        unconfirmed(),
    ]
}

pub(in crate::http::dashboard) fn overview(services: Vec<Row>) -> Overview {
    let count = |is: fn(&Row) -> bool| services.iter().filter(|row| is(row)).count();
    let down = count(|row| row.status == Status::Down);
    let summary = Summary {
        total: services.len(),
        up: services.len() - down,
        late: count(|row| row.late),
        down,
        gone: 0,
    };
    Overview {
        services: ServicesAnswer {
            matching: services.len(),
            services,
            removed: Vec::new(),
            full: false,
            summary,
            now: NOW,
            up_ms: UP_MS_NOW,
            revision: 7,
            cursor: String::new(),
            notices: Vec::new(),
        },
        gone: GoneAnswer {
            gone: Vec::new(),
            now: NOW,
        },
        events: EventsAnswer {
            events: Vec::new(),
            now: NOW,
            before: None,
        },
    }
}

pub(super) fn tombstone(name: &str, instance: &str, deregistered: bool) -> Tombstone {
    Tombstone {
        id: 9,
        name: name.to_owned(),
        instance: instance.to_owned(),
        ip: instance.to_owned(),
        port: None,
        status: Status::Gone,
        reason: "no heartbeat for 2m".to_owned(),
        deregistered,
        since: NOW,
        last_heartbeat: NOW,
        first_seen: NOW,
    }
}

pub(in crate::http::dashboard) fn event(
    revision: u64,
    kind: EventKind,
    name: Option<&str>,
) -> Event {
    Event {
        revision,
        at: NOW,
        kind,
        id: None,
        name: name.map(str::to_owned),
        instance: name.map(|_| "10.0.0.7".to_owned()),
        reason: Some("no heartbeat for 1m".to_owned()),
    }
}

pub(super) fn with_past() -> Overview {
    let mut seen = overview(mixed());
    seen.services.notices = vec![Notice {
        kind: "mass-loss".to_owned(),
        level: NoticeLevel::Warning,
        text: "many are DOWN".to_owned(),
        since: NOW,
    }];
    seen.gone.gone = vec![
        tombstone("old", "10.0.0.1", false),
        tombstone("other", "10.0.0.3", true),
        tombstone("old", "10.0.0.2", false),
    ];
    seen.events.events = vec![
        event(2, EventKind::Down, Some("search")),
        event(1, EventKind::Start, None),
    ];
    seen
}
