//! What is asked before something is taken away, and what is told afterwards.

use super::*;
use crate::fixture::gone_of;
use crate::model::{Pane, Question};
use lastbeat_proto::answer::Row;

fn instance(instance: &str, status: Status) -> Row {
    Row {
        instance: instance.to_owned(),
        ip: instance.to_owned(),
        ..row("twin", status, 1)
    }
}

/// One instance UP and one DOWN, the DOWN one selected, another service, and two that left.
fn twins(size: (u16, u16)) -> Model {
    let rows = vec![
        instance("10.0.0.1", Status::Up),
        instance("10.0.0.2", Status::Down),
        row("web", Status::Up, 1),
    ];
    let mut model = live(size, rows);
    let names = ["old", "older"].map(str::to_owned);
    let left = Reply::Gone(Ok(gone_of(&names)));
    update(&mut model, Message::Reply(left), AT);
    model
}

fn refreshed(model: &mut Model, instances: Vec<Row>) -> String {
    let result = Ok(Box::new(RefreshAnswer {
        name: "twin".to_owned(),
        status: Status::Up,
        last_heartbeat: crate::fixture::ago(1),
        instances,
        now: crate::fixture::ago(0),
        up_ms: 1,
    }));
    let name = "twin".to_owned();
    let reply = Message::Reply(Reply::Refresh { name, result });
    update(model, reply, AT);
    model.toast.as_ref().unwrap().text.clone()
}

fn both(of_second: Status) -> Vec<Row> {
    vec![
        instance("10.0.0.1", Status::Up),
        instance("10.0.0.2", of_second),
    ]
}

fn removed(model: &mut Model, name: &str) {
    let result = Ok(DeregisterAnswer {
        message: format!("deregistered {name}"),
        removed: vec![Removed {
            id: 1,
            name: name.to_owned(),
            instance: "10.9.0.1".to_owned(),
        }],
    });
    let name = name.to_owned();
    let reply = Message::Reply(Reply::Deregister { name, result });
    update(model, reply, AT);
}

#[test]
fn a_refresh_tells_of_the_selected_instance_or_how_many_are_how() {
    let mut model = twins((80, 24));

    assert_eq!(
        refreshed(&mut model, both(Status::Down)),
        "refreshed twin: still DOWN (10.0.0.2), of 1 UP, 1 DOWN"
    );
    assert_eq!(
        refreshed(&mut model, both(Status::Up)),
        "refreshed twin: UP (10.0.0.2), of 2 UP"
    );
    press(&mut model, "v");
    assert_eq!(
        refreshed(&mut model, both(Status::Down)),
        "refreshed twin: 1 UP, 1 DOWN"
    );
}

#[test]
fn a_refresh_of_what_is_not_selected_any_more_counts_too() {
    let mut model = twins((80, 24));
    press(&mut model, "jj");

    assert_eq!(
        refreshed(&mut model, both(Status::Down)),
        "refreshed twin: 1 UP, 1 DOWN"
    );
}

#[test]
fn dismissing_from_a_detail_leads_back_to_the_list_and_says_dismissed() {
    for size in [(80, 24), (160, 45)] {
        let mut model = twins(size);
        push(&mut model, Key::End);
        push(&mut model, Key::Up);
        push(&mut model, Key::Enter);
        assert_eq!(selected(&model), "old");

        assert_eq!(press(&mut model, "dy").len(), 1);
        removed(&mut model, "old");
        let left = Reply::Gone(Ok(gone_of(&["older".to_owned()])));
        update(&mut model, Message::Reply(left), AT);

        assert_eq!(model.pane, Pane::Table, "{size:?}");
        let said = model.toast.as_ref().unwrap().text.as_str();
        assert_eq!(said, "dismissed old (10.9.0.1)");
    }
}

#[test]
fn what_is_deregistered_is_not_called_dismissed() {
    let mut model = twins((80, 24));
    push(&mut model, Key::Enter);

    press(&mut model, "dy");
    removed(&mut model, "twin");

    assert_eq!(model.pane, Pane::Table);
    assert_eq!(model.toast.unwrap().text, "deregistered twin");
}

#[test]
fn a_detail_whose_subject_leaves_does_not_become_anothers() {
    for size in [(80, 24), (160, 45)] {
        let mut model = twins(size);
        push(&mut model, Key::Enter);
        let removed = vec![Removed {
            id: 1,
            name: "twin".to_owned(),
            instance: "10.0.0.2".to_owned(),
        }];

        hear(
            &mut model,
            ServicesAnswer {
                removed,
                ..delta(Vec::new())
            },
        );

        assert_eq!(model.pane, Pane::Table, "{size:?}");
        assert_eq!(model.toast.unwrap().text, "twin left this list");
    }
}

#[test]
fn a_detail_that_fills_the_screen_closes_when_its_subject_is_filtered_out() {
    let mut model = twins((80, 24));
    push(&mut model, Key::Enter);

    press(&mut model, "/web");

    assert_eq!(model.pane, Pane::Table);
    assert_eq!(model.toast, None);
}

#[test]
fn keys_typed_before_a_question_was_drawn_do_not_answer_it() {
    let mut model = twins((80, 24));
    let blind = |model: &mut Model, key| update(model, Message::Key(key), AT);

    for key in ['d', 'y', 'Y', 'l'] {
        assert_eq!(blind(&mut model, Key::Char(key)), []);
    }
    assert_eq!(blind(&mut model, Key::Enter), []);
    assert!(matches!(
        model.popup,
        Some(Popup::Confirm { is_yes: false, .. })
    ));
    update(&mut model, Message::Shown, AT);
    assert!(matches!(
        press(&mut model, "y")[..],
        [Effect::Send(Request::Deregister { .. })]
    ));

    blind(&mut model, Key::Char('d'));
    blind(&mut model, Key::Esc);
    assert_eq!(model.popup, None, "what takes nothing away needs no look");
}

#[test]
fn taking_away_several_instances_needs_another_yes_than_y() {
    let mut model = twins((80, 24));
    press(&mut model, "v");

    assert_eq!(press(&mut model, "dy"), []);
    assert!(matches!(
        &model.popup,
        Some(Popup::Confirm { question: Question::Deregister { instances, .. }, .. })
            if instances.len() == 2
    ));

    assert_eq!(press(&mut model, "Y").len(), 1);
}

#[test]
fn three_hundred_keys_that_order_cost_one_order() {
    let mut model = twins((80, 24));
    let before = model.rows.generation();

    for key in "sSv".chars().cycle().take(300) {
        assert_eq!(take(&mut model, Message::Key(Key::Char(key)), AT), []);
    }
    let untouched = model.rows.generation();
    settle(&mut model, AT);

    assert_eq!(untouched, before);
    assert_eq!(model.rows.generation(), before + 1);
    assert_eq!(model.sort().text(), "-status", "every key counted");
    assert_eq!(selected(&model), "twin");
}

#[test]
fn a_key_behind_one_that_orders_meets_the_new_order() {
    let mut model = twins((80, 24));

    for key in ['2', 'S', 'g'] {
        take(&mut model, Message::Key(Key::Char(key)), AT);
    }
    settle(&mut model, AT);

    assert_eq!(selected(&model), "web");
}

#[test]
fn an_order_that_one_cannot_see_does_not_change() {
    let mut narrow = twins((80, 24));
    let mut wide = twins((160, 45));
    push(&mut narrow, Key::Enter);
    push(&mut wide, Key::Enter);

    press(&mut narrow, "sS4");
    press(&mut wide, "4");

    assert_eq!(narrow.sort().text(), "status");
    assert_eq!(wide.sort().text(), "heartbeat");
    push(&mut narrow, Key::Esc);
    press(&mut narrow, "e2v");
    assert_eq!(narrow.sort().text(), "status");
    assert!(!narrow.lines.is_grouped());
}
