//! What each message changes and asks for.

use lastbeat_proto::answer::{Removed, ServicesAnswer};
use lastbeat_proto::{Span, Status};
use proptest::prelude::*;

use super::*;
use crate::fixture::{AT, answer, events, gone, hear, live, registry, row, started};
use crate::model::Popup;
use crate::model::link::{FaultKind, LinkState};

fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    keys.chars()
        .flat_map(|key| update(model, Message::Key(Key::Char(key)), AT))
        .collect()
}

fn push(model: &mut Model, key: Key) -> Vec<Effect> {
    update(model, Message::Key(key), AT)
}

fn fault() -> Fault {
    Fault {
        kind: FaultKind::Unreachable,
        text: "connection refused".to_owned(),
    }
}

fn selected(model: &Model) -> &str {
    model
        .cursor
        .key
        .as_ref()
        .map_or("", |key| key.name.as_str())
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
        instances: Vec::new(),
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
        instance: "10.4.0.20:8080".to_owned(),
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

#[test]
fn a_lost_daemon_leaves_the_rows_and_is_asked_again() {
    let mut model = three();

    update(
        &mut model,
        Message::Reply(Reply::Services(Err(fault()))),
        AT,
    );

    assert_eq!(model.link.state(), LinkState::Stale);
    assert_eq!(model.rows.len(), 3);
    assert!(model.link.due().unwrap() <= AT.plus_ms(500));
    hear(&mut model, delta(Vec::new()));
    assert_eq!(model.link.state(), LinkState::Live);
}

#[test]
fn pause_asks_nothing_until_told() {
    let mut model = three();

    press(&mut model, " ");
    assert_eq!(update(&mut model, Message::Tick, AT.plus_ms(60_000)), []);
    assert_eq!(press(&mut model, "u").len(), 1);
    hear(&mut model, delta(Vec::new()));
    assert_eq!(model.link.state(), LinkState::Paused);
}

#[test]
fn what_left_is_asked_for_when_something_left() {
    let mut model = three();
    let mut one_gone = delta(Vec::new());
    one_gone.summary.gone = 1;

    let reply = Message::Reply(Reply::Services(Ok(Box::new(one_gone.clone()))));
    assert_eq!(update(&mut model, reply, AT), [Effect::Send(Request::Gone)]);
    let again = Message::Reply(Reply::Services(Ok(Box::new(one_gone))));
    assert_eq!(update(&mut model, again, AT), []);
    update(&mut model, Message::Reply(Reply::Gone(Ok(gone()))), AT);
    assert_eq!(model.gone.len(), 2);
    hear(&mut model, delta(Vec::new()));
    assert_eq!(model.gone.len(), 0);
}

#[test]
fn the_detail_asks_for_the_events_of_its_service() {
    let mut model = three();

    let asked = push(&mut model, Key::Enter);
    assert_eq!(
        asked,
        [Effect::Send(Request::Events {
            name: Some("a".to_owned())
        })]
    );
    let moved = press(&mut model, "j");
    assert_eq!(
        moved,
        [Effect::Send(Request::Events {
            name: Some("b".to_owned())
        })]
    );
    let late = Reply::Events {
        name: Some("a".to_owned()),
        result: Ok(events()),
    };
    update(&mut model, Message::Reply(late), AT);
    assert_eq!(model.events.list.len(), 0);
}

#[test]
fn a_toast_goes_by_itself() {
    let mut model = three();
    press(&mut model, "y");

    assert!(model.toast.is_some());
    update(&mut model, Message::Tick, AT.plus_ms(TOAST_MS));

    assert_eq!(model.toast, None);
}

#[test]
fn ages_follow_the_monotonic_clock() {
    let model = live((80, 24), vec![row("a", Status::Up, 7)]);

    let age = model
        .link
        .age(model.rows.row(0).unwrap(), AT.plus_ms(2_500));

    assert_eq!(age, Span::from_micros(9_500_000));
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        8 => proptest::char::range(' ', '~').prop_map(Key::Char),
        1 => Just(Key::Enter),
        1 => Just(Key::Esc),
        1 => Just(Key::Backspace),
        1 => Just(Key::PageDown),
        1 => Just(Key::Left),
        1 => Just(Key::Ctrl('u')),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Press(Key),
    Resize(u16, u16),
    Hear(Vec<(String, bool)>, bool),
    Fail,
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let rows = proptest::collection::vec(("[a-h]", any::<bool>()), 0..8);
    prop_oneof![
        5 => any_key().prop_map(Step::Press),
        1 => (0_u16..200, 0_u16..60).prop_map(|(w, h)| Step::Resize(w, h)),
        2 => (rows, any::<bool>()).prop_map(|(rows, full)| Step::Hear(rows, full)),
        1 => Just(Step::Fail),
        1 => (0_i64..20_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// The cursor is on a visible row whenever there is one, and on screen.
    #[test]
    fn the_cursor_is_never_lost(steps in proptest::collection::vec(any_step(), 0..40)) {
        let mut model = started((80, 24));
        let mut now = AT;
        for step in steps {
            match step {
                Step::Press(key) => { update(&mut model, Message::Key(key), now); }
                Step::Resize(w, h) => { update(&mut model, Message::Resize(w, h), now); }
                Step::Hear(rows, full) => {
                    let rows = rows.into_iter().map(|(name, is_up)| {
                        row(&name, if is_up { Status::Up } else { Status::Down }, 1)
                    });
                    let answer = ServicesAnswer { full, ..answer(rows.collect()) };
                    let reply = Reply::Services(Ok(Box::new(answer)));
                    update(&mut model, Message::Reply(reply), now);
                }
                Step::Fail => {
                    update(&mut model, Message::Reply(Reply::Services(Err(fault()))), now);
                    prop_assert!(model.link.retry_in(now) <= Span::from_secs(15));
                }
                Step::Wait(ms) => {
                    now = now.plus_ms(ms);
                    update(&mut model, Message::Tick, now);
                }
            }
            let at_cursor = model.rows.row(model.cursor.line).map(RowKey::of);
            prop_assert_eq!(&at_cursor, &model.cursor.key);
            prop_assert_eq!(at_cursor.is_none(), model.rows.is_empty());
            let height = usize::from(layout(&model).body).max(1);
            prop_assert!((model.cursor.top..model.cursor.top + height).contains(&model.cursor.line));
            prop_assert!(now <= wake_at(&model, now).plus_ms(1_000) && wake_at(&model, now) <= now.plus_ms(1_000));
        }
    }
}
