//! Random registries, with whatever the store accepts.

use lastbeat_proto::{InstanceId, NetworkEndpoint, ServiceName, Span, Timestamp};
use lastbeatd::clock::Listened;
use lastbeatd::instance::{Changes, FLAPPING_CHANGES, Life};
use lastbeatd::state::record::{
    Batch, Began, EventRecord, Heartbeat, InstanceRecord, Stretch, Subject,
};
use proptest::prelude::*;
use rusqlite::types::Value;

/// The listening time of every random registry.
const LISTENED_US: i64 = 90_000_000_000;

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_micros)
}

fn listened() -> impl Strategy<Value = Listened> {
    (-1_000..=LISTENED_US).prop_map(Listened::from_micros)
}

fn label() -> impl Strategy<Value = String> {
    r#"[a-z0-9"\\/ü€🙂{}:, ]{0,16}"#
}

fn life() -> impl Strategy<Value = Life> {
    prop_oneof![
        Just(Life::Up),
        Just(Life::Down),
        Just(Life::TimedOut),
        Just(Life::Dismissed),
        Just(Life::Deregistered),
    ]
}

prop_compose! {
    fn instance(id: i64)(
        name in "[a-zü]{1,8}(/[a-z\"]{1,4})?",
        address in prop_oneof!["10\\.0\\.[1-9]\\.[1-9]", "fd12::[1-9]", "host-[a-z]{1,9}"],
        port in proptest::option::of(1..=u16::MAX),
        ttl in proptest::option::of(2_000_000..=2_592_000_000_000_u64),
        tags in prop::collection::vec(label(), 0..4),
        metadata in prop::collection::btree_map(label(), label(), 0..4),
        (first_seen, since, at) in (timestamp(), timestamp(), timestamp()),
        (since_l, l) in (listened(), listened()),
        life in life(),
        (is_mass, is_flapping) in (any::<bool>(), any::<bool>()),
        changed in prop::collection::vec(listened(), 0..=FLAPPING_CHANGES),
    ) -> InstanceRecord {
        let mut changes = Changes::default();
        for moment in changed {
            changes.note(moment);
        }
        InstanceRecord {
            id,
            name: ServiceName::parse(&name).unwrap(),
            instance: InstanceId::parse(&format!("i-{id}")).unwrap(),
            address: NetworkEndpoint::parse(&address).unwrap().address,
            port,
            ttl: ttl.map(Span::from_micros),
            tags,
            metadata,
            first_seen,
            life,
            since,
            since_l,
            is_mass,
            changes,
            is_flapping,
            heartbeat: Heartbeat { at, l },
        }
    }
}

prop_compose! {
    fn event(revision: u64)(
        (at, l) in (timestamp(), listened()),
        kind in prop::sample::select(lastbeat_proto::status::EVENT_KINDS.to_vec()),
        id in proptest::option::of(1..50_i64),
        reason in proptest::option::of(label()),
    ) -> EventRecord {
        let subject = |id| Subject {
            id,
            name: ServiceName::parse("anyone").unwrap(),
            instance: InstanceId::parse("i").unwrap(),
        };
        EventRecord { revision, at, l, kind, subject: id.map(subject), reason }
    }
}

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let stretch = (any::<bool>(), any::<bool>(), timestamp(), timestamp());
    prop::collection::vec(stretch, 1..5).prop_map(|parts| {
        let step = LISTENED_US / i64::try_from(parts.len()).unwrap();
        let stretch = |(begin, (stalled, is_clean, start_wall, last_wall))| Stretch {
            began: if stalled { Began::Stall } else { Began::Start },
            start_l: Listened::from_micros(begin),
            last_l: Listened::from_micros(begin + step),
            start_wall,
            last_wall,
            is_clean,
        };
        let begins = (0..).map(|index| index * step);
        begins.zip(parts).map(stretch).collect()
    })
}

pub(super) fn batch() -> impl Strategy<Value = Batch> {
    let ids = prop::collection::btree_set(1..60_i64, 0..8);
    let revisions = prop::collection::btree_set(1..90_u64, 0..8);
    let rows = ids.prop_flat_map(|ids| ids.into_iter().map(instance).collect::<Vec<_>>());
    let events = revisions.prop_flat_map(|all| all.into_iter().map(event).collect::<Vec<_>>());
    (rows, events, stretches()).prop_map(|(rows, events, stretches)| Batch {
        rows,
        events,
        stretches,
        ..Batch::default()
    })
}

pub(super) fn column() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        // SQLite stores NaN as null.
        any::<f64>()
            .prop_filter("a number", |n| !n.is_nan())
            .prop_map(Value::Real),
        Just(Value::Real(f64::INFINITY)),
        ".{0,9}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Blob),
    ]
}
