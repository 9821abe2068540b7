//! The kept order against one made from scratch.

use std::collections::BTreeMap;

use lastbeat_proto::{Span, Timestamp};
use proptest::prelude::*;

use lastbeat_proto::Status;
use lastbeat_proto::query::SortKey;

use super::*;

fn row(name: &str, status: Status, heard_ms: i64) -> Row {
    Row {
        id: 1,
        name: name.to_owned(),
        instance: "i".to_owned(),
        ip: "10.0.0.1".to_owned(),
        port: None,
        status,
        late: false,
        confirmed: true,
        flapping: false,
        reason: None,
        since: Timestamp::default(),
        last_heartbeat: Timestamp::default(),
        first_seen: Timestamp::default(),
        ttl_s: Span::from_secs(60),
        tags: Vec::new(),
        metadata: BTreeMap::new(),
        heard_ms,
        due_ms: 0,
    }
}

fn rows(sort: &str, filter: &str) -> Rows {
    Rows::new(Filter::parse(filter), Sort::parse(sort).unwrap())
}

fn names(rows: &Rows) -> Vec<&str> {
    rows.rows_from(0).map(|row| row.name.as_str()).collect()
}

fn removed(name: &str) -> Removed {
    Removed {
        id: 1,
        name: name.to_owned(),
        instance: "i".to_owned(),
    }
}

#[test]
fn the_worst_comes_first_then_the_name() {
    let mut rows = rows("status", "");
    let late = Row {
        late: true,
        ..row("c", Status::Up, 0)
    };

    rows.replace(vec![
        row("b", Status::Up, 0),
        row("a", Status::Up, 0),
        late,
        row("d", Status::Down, 0),
    ]);

    assert_eq!(names(&rows), ["d", "c", "a", "b"]);
}

#[test]
fn addresses_are_ordered_by_their_numbers() {
    let mut rows = rows("address", "");
    let at = |name: &str, ip: &str| Row {
        ip: ip.to_owned(),
        ..row(name, Status::Up, 0)
    };

    rows.replace(vec![
        at("c", "db.internal"),
        at("b", "10.0.0.10"),
        at("a", "10.0.0.9"),
        at("d", "::1"),
    ]);

    assert_eq!(names(&rows), ["a", "b", "d", "c"]);
}

#[test]
fn a_reversed_order_keeps_names_in_order() {
    let mut rows = rows("-status", "");

    rows.replace(vec![
        row("b", Status::Up, 0),
        row("a", Status::Up, 0),
        row("c", Status::Down, 0),
    ]);

    assert_eq!(names(&rows), ["a", "b", "c"]);
}

#[test]
fn a_delta_moves_only_what_it_names() {
    let mut rows = rows("status", "");
    rows.replace(vec![
        row("a", Status::Up, 0),
        row("b", Status::Up, 0),
        row("c", Status::Up, 0),
    ]);

    rows.merge(
        vec![row("c", Status::Down, 0), row("d", Status::Up, 0)],
        &[removed("a")],
    );

    assert_eq!(names(&rows), ["c", "b", "d"]);
    assert_eq!(rows.line_of(&RowKey::of(&row("b", Status::Up, 0))), Some(1));
    assert_eq!(rows.total(), 3);
}

#[test]
fn filter_words_must_all_match() {
    let tagged = Row {
        tags: vec!["Prod".to_owned()],
        ip: "10.9.9.9".to_owned(),
        port: Some(80),
        ..row("mail-relay", Status::Down, 0)
    };
    let all = vec![
        tagged,
        row("mailbox", Status::Up, 0),
        row("Kühlraum", Status::Up, 0),
    ];
    let cases: [(&str, &[&str]); 9] = [
        ("", &["mail-relay", "Kühlraum", "mailbox"]),
        ("MAIL", &["mail-relay", "mailbox"]),
        ("mail !box", &["mail-relay"]),
        ("status:down", &["mail-relay"]),
        ("!status:down", &["Kühlraum", "mailbox"]),
        ("tag:prod", &["mail-relay"]),
        ("10.9.9.9:80", &["mail-relay"]),
        ("kühl", &["Kühlraum"]),
        ("status:nonsense", &[]),
    ];
    for (filter, expected) in cases {
        let mut rows = rows("status", filter);
        rows.replace(all.clone());
        assert_eq!(names(&rows), expected, "{filter}");
    }
}

#[test]
fn a_status_that_changed_is_marked_until_it_is_seen() {
    let mut rows = rows("name", "");
    rows.replace(vec![row("a", Status::Up, 0), row("b", Status::Up, 0)]);
    assert_eq!(rows.changed(), 0, "nothing is new at the first sight");

    rows.merge(
        vec![row("a", Status::Up, 5), row("b", Status::Down, 0)],
        &[],
    );
    rows.merge(vec![row("b", Status::Down, 1)], &[]);
    assert!(!rows.is_changed(0) && rows.is_changed(1));

    rows.replace(vec![row("a", Status::Down, 0), row("b", Status::Down, 1)]);
    assert_eq!(rows.changed(), 2);
    rows.see(1);
    assert!(rows.is_changed(0) && !rows.is_changed(1));
    rows.merge(Vec::new(), &[removed("a")]);
    assert_eq!(rows.changed(), 0);
}

#[test]
fn a_heartbeat_leaves_the_order_alone() {
    let mut rows = rows("name", "");
    rows.replace(vec![row("a", Status::Up, 0), row("b", Status::Up, 0)]);
    let (sorted, generation) = (rows.sorted.as_ptr(), rows.generation());

    rows.merge(vec![row("a", Status::Up, 7)], &[]);

    assert_eq!(rows.row(0).unwrap().heard_ms, 7);
    assert_eq!(rows.sorted.as_ptr(), sorted, "nothing was sorted");
    assert!(generation < rows.generation(), "services show ages too");
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Vec<Row>),
    Merge(Vec<Row>, Vec<Removed>),
    Sort(Sort),
    Settle,
    Filter(&'static str),
    See(usize),
}

fn any_row() -> impl Strategy<Value = Row> {
    let status = prop_oneof![Just(Status::Up), Just(Status::Down)];
    ("[a-f]", status, 0_i64..4).prop_map(|(name, status, heard)| row(&name, status, heard))
}

fn any_change() -> impl Strategy<Value = Change> {
    let gone = "[a-f]".prop_map(|name| removed(&name));
    let sort = (0_usize..5, any::<bool>()).prop_map(|(key, is_reversed)| Sort {
        key: SortKey::ALL[key],
        is_reversed,
    });
    prop_oneof![
        proptest::collection::vec(any_row(), 0..6).prop_map(Change::Replace),
        (
            proptest::collection::vec(any_row(), 0..4),
            proptest::collection::vec(gone, 0..3)
        )
            .prop_map(|(rows, removed)| Change::Merge(rows, removed)),
        sort.prop_map(Change::Sort),
        Just(Change::Settle),
        prop_oneof![Just(""), Just("a"), Just("status:down"), Just("!b")].prop_map(Change::Filter),
        (0_usize..7).prop_map(Change::See),
    ]
}

proptest! {
    /// Whatever happens, the kept order is the one that sorting and filtering from scratch gives,
    /// also where another one was chosen before it was needed.
    #[test]
    fn the_kept_order_is_the_true_one(changes in proptest::collection::vec(any_change(), 0..20)) {
        let mut rows = rows("status", "");
        let mut model: BTreeMap<String, Row> = BTreeMap::new();
        for change in changes {
            match change {
                Change::Replace(new) => {
                    model = new.iter().map(|row| (row.name.clone(), row.clone())).collect();
                    rows.replace(new);
                }
                Change::Merge(new, gone) => {
                    model.extend(new.iter().map(|row| (row.name.clone(), row.clone())));
                    model.retain(|name, _| !gone.iter().any(|gone| gone.name == *name));
                    rows.merge(new, &gone);
                }
                Change::Sort(sort) => rows.set_sort(sort),
                Change::Settle => rows.order(),
                Change::Filter(text) => rows.set_filter(Filter::parse(text)),
                Change::See(line) => rows.see(line),
            }
            if rows.is_unordered {
                continue;
            }
            let mut fresh = Rows::new(rows.filter().clone(), rows.sort());
            fresh.replace(model.values().cloned().collect());
            prop_assert_eq!(
                rows.rows_from(0).collect::<Vec<_>>(),
                fresh.rows_from(0).collect::<Vec<_>>()
            );
            prop_assert_eq!(rows.total(), model.len());
            let changed = rows.slots.iter().flatten().filter(|e| e.is_changed).count();
            prop_assert_eq!(rows.changed(), changed);
            for line in 0..rows.len() {
                let key = RowKey::of(rows.row(line).unwrap());
                prop_assert_eq!(rows.line_of(&key), Some(line));
            }
        }
    }
}
