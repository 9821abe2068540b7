//! The conversation with the daemon.

use super::*;

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
fn the_detail_asks_for_the_uptime_and_the_events_of_its_service() {
    let mut model = three();
    let both = |name: &str| {
        let name = name.to_owned();
        [
            Effect::Send(Request::Uptime { name: name.clone() }),
            Effect::Send(Request::Events { name: Some(name) }),
        ]
    };

    let asked = push(&mut model, Key::Enter);
    assert_eq!(asked, both("a"));
    let moved = press(&mut model, "j");
    assert_eq!(moved, both("b"));
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
