//! What each message changes and asks for.

mod asking;
mod input;
mod lines;
mod link;
mod properties;

use lastbeat_proto::answer::{Removed, ServicesAnswer};
use lastbeat_proto::{Span, Status};

use super::*;
use crate::fixture::{AT, answer, events, gone, hear, live, registry, row, started};
use crate::model::Popup;
use crate::model::link::{FaultKind, LinkState};

fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    keys.chars()
        .flat_map(|key| push(model, Key::Char(key)))
        .collect()
}

/// A key of somebody who looks at the screen before the next one.
fn push(model: &mut Model, key: Key) -> Vec<Effect> {
    let mut effects = update(model, Message::Key(key), AT);
    effects.extend(update(model, Message::Shown, AT));
    effects
}

fn fault() -> Fault {
    Fault {
        kind: FaultKind::Unreachable,
        text: "connection refused".to_owned(),
    }
}

fn selected(model: &Model) -> &str {
    model.cursor.key.as_ref().map_or("", |key| key.name())
}

fn three() -> Model {
    live(
        (80, 24),
        ["a", "b", "c"]
            .map(|name| row(name, Status::Up, 1))
            .to_vec(),
    )
}

fn delta(changed: Vec<lastbeat_proto::answer::Row>) -> ServicesAnswer {
    ServicesAnswer {
        full: false,
        ..answer(changed)
    }
}

#[test]
fn the_first_tick_asks_for_everything_and_later_ones_for_what_changed() {
    let mut model = Model::new(&crate::fixture::settings(&[]), (80, 24), AT);

    let first = update(&mut model, Message::Tick, AT);
    hear(&mut model, answer(registry()));
    let early = update(&mut model, Message::Tick, AT.plus_ms(1_999));
    let later = update(&mut model, Message::Tick, AT.plus_ms(2_000));

    assert_eq!(first, [Effect::Send(Request::Services { since: None })]);
    assert_eq!(early, []);
    let since = Some("c1".to_owned());
    assert_eq!(later, [Effect::Send(Request::Services { since })]);
}

#[test]
fn one_question_at_a_time() {
    let mut model = started((80, 24));

    assert_eq!(press(&mut model, "uu"), []);
}

#[test]
fn the_cursor_stays_on_its_instance() {
    let mut model = three();
    press(&mut model, "j");

    hear(
        &mut model,
        delta(vec![row("c", Status::Down, 70), row("aa", Status::Up, 1)]),
    );

    assert_eq!(selected(&model), "b");
    assert_eq!(model.cursor.line, 3);
}

#[test]
fn an_instance_that_leaves_hands_the_cursor_to_the_next() {
    let mut model = three();
    press(&mut model, "j");
    let instance = "10.4.0.20:8080".to_owned();
    let removed = vec![Removed {
        id: 1,
        name: "b".to_owned(),
        instance,
    }];

    hear(
        &mut model,
        ServicesAnswer {
            removed,
            ..delta(Vec::new())
        },
    );

    assert_eq!(selected(&model), "c");
}

#[test]
fn moving_stops_at_both_ends() {
    let mut model = live((80, 24), registry());
    let moves = [
        (Key::Up, 0),
        (Key::Char('G'), 35),
        (Key::Down, 35),
        (Key::PageUp, 17),
        (Key::Ctrl('u'), 8),
        (Key::Ctrl('d'), 17),
        (Key::Home, 0),
        (Key::PageDown, 18),
    ];
    for (key, line) in moves {
        push(&mut model, key);
        assert_eq!(model.cursor.line, line, "{key:?}");
        assert!(
            (model.cursor.top..model.cursor.top + 18).contains(&line),
            "{key:?}"
        );
    }
}

#[test]
fn n_goes_round_the_rows_that_are_down() {
    let mut model = live((80, 24), registry());
    press(&mut model, "2G");

    let visited: Vec<String> = "nnN"
        .chars()
        .map(|key| {
            press(&mut model, &key.to_string());
            selected(&model).to_owned()
        })
        .collect();

    assert_eq!(
        visited,
        [
            "payment-gateway-eu",
            "search-indexer-3",
            "payment-gateway-eu"
        ]
    );
}

#[test]
fn a_filter_works_while_it_is_typed_and_escape_drops_it() {
    let mut model = live((80, 24), registry());

    press(&mut model, "/mailq");
    assert_eq!(model.rows.len(), 0);
    push(&mut model, Key::Backspace);
    assert_eq!(model.rows.len(), 1);
    push(&mut model, Key::Enter);
    press(&mut model, "/x");
    push(&mut model, Key::Esc);

    assert_eq!(model.rows.filter().text(), "mail");
    push(&mut model, Key::Esc);
    assert_eq!(model.rows.len(), 36);
}

#[test]
fn letters_of_a_filter_are_no_commands() {
    let mut model = live((80, 24), registry());

    assert_eq!(press(&mut model, "/qdrR u"), []);
    assert_eq!(model.rows.filter().text(), "qdrR u");
    assert_eq!(push(&mut model, Key::Ctrl('c')), []);
    assert!(model.typing.is_none() && model.rows.filter().is_empty());
    assert_eq!(push(&mut model, Key::Ctrl('c')), [Effect::Quit]);
}

#[test]
fn escape_never_quits() {
    let mut model = live((80, 24), registry());

    for _ in 0..9 {
        assert_eq!(push(&mut model, Key::Esc), []);
    }
    assert_eq!(press(&mut model, "q"), [Effect::Quit]);
}

#[test]
fn orders_go_round_and_turn_round() {
    let mut model = three();
    let seen: Vec<String> = "sssssS244"
        .chars()
        .map(|key| {
            press(&mut model, &key.to_string());
            model.sort().text()
        })
        .collect();

    assert_eq!(
        seen,
        [
            "name",
            "address",
            "heartbeat",
            "since",
            "status",
            "-status",
            "name",
            "heartbeat",
            "-heartbeat"
        ]
    );
}

#[test]
fn a_refresh_asks_once_and_says_how_it_is() {
    let mut model = three();

    let asked = press(&mut model, "rr");
    assert_eq!(
        asked,
        [Effect::Send(Request::Refresh {
            name: "a".to_owned()
        })]
    );
    assert!(model.is_refreshing("a"));
    let result = Ok(Box::new(RefreshAnswer {
        name: "a".to_owned(),
        status: Status::Up,
        last_heartbeat: crate::fixture::ago(1),
        instances: vec![row("a", Status::Up, 1)],
        now: crate::fixture::ago(0),
        up_ms: 1,
    }));
    let reply = Reply::Refresh {
        name: "a".to_owned(),
        result,
    };
    let then = update(&mut model, Message::Reply(reply), AT);

    assert!(!model.is_refreshing("a"));
    assert_eq!(model.toast.unwrap().text, "refreshed a: still UP");
    assert!(matches!(
        then.as_slice(),
        [Effect::Send(Request::Services { since: Some(_) })]
    ));
}

#[test]
fn refreshing_more_than_fifty_asks_first() {
    let many = |count: usize| {
        (0..count)
            .map(|n| row(&format!("s{n}"), Status::Up, 1))
            .collect()
    };
    let mut fifty = live((80, 24), many(50));
    let mut more = live((80, 24), many(51));

    assert_eq!(press(&mut fifty, "R"), [Effect::Send(Request::RefreshAll)]);
    assert_eq!(press(&mut more, "R"), []);
    assert!(matches!(
        more.popup,
        Some(Popup::Confirm { is_yes: false, .. })
    ));
    assert_eq!(press(&mut more, "y"), [Effect::Send(Request::RefreshAll)]);
}

#[test]
fn deregistering_needs_a_yes() {
    let mut model = three();
    press(&mut model, "d");

    assert_eq!(push(&mut model, Key::Enter), []);
    assert_eq!(model.popup, None);
    press(&mut model, "d");
    push(&mut model, Key::Left);
    let request = Request::Deregister {
        name: "a".to_owned(),
        instances: vec!["10.4.0.20:8080".to_owned()],
    };
    assert_eq!(push(&mut model, Key::Enter), [Effect::Send(request)]);
}

#[test]
fn a_read_only_monitor_takes_nothing_away() {
    let mut model = three();
    model.is_read_only = true;

    press(&mut model, "d");

    assert_eq!(model.popup, None);
    assert!(model.toast.unwrap().text.contains("--read-only"));
}

#[test]
fn copying_gives_the_address_as_a_program_takes_it() {
    let ipv6 = lastbeat_proto::answer::Row {
        ip: "2001:db8::7".to_owned(),
        ..row("a", Status::Up, 1)
    };
    let mut model = live((80, 24), vec![ipv6]);

    assert_eq!(
        press(&mut model, "y"),
        [Effect::Copy("[2001:db8::7]:8080".to_owned())]
    );
    let json = press(&mut model, "Y");
    assert!(matches!(json.as_slice(), [Effect::Copy(text)] if text.starts_with("{\"id\":1")));
}
