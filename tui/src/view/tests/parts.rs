//! Services, what left, what changed, and what lies above everything.

use lastbeat_proto::Status;
use lastbeat_proto::answer::{ServicesAnswer, Summary};

use super::*;
use crate::fixture::{gone_of, row};

#[test]
fn by_service() {
    let make = |size| {
        let mut model = with_replicas(size);
        press(&mut model, &[Key::Char('v'), Key::Enter, Key::Char('j')]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn a_service_in_the_detail() {
    let make = |size| {
        let mut model = with_replicas(size);
        press(&mut model, &[Key::Enter, Key::Char('v')]);
        with_events(&mut model, Some("payment-gateway-eu"));
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn an_instance_beside_others_of_its_service() {
    let make = |size| {
        let mut model = with_replicas(size);
        press(&mut model, &[Key::Enter]);
        with_events(&mut model, Some("payment-gateway-eu"));
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn the_detail_of_what_is_gone() {
    let make = |size| {
        let mut model = with_everything(size);
        press(&mut model, &[Key::End, Key::Char('k'), Key::Enter]);
        with_events(&mut model, Some("batch"));
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn only_what_is_gone() {
    let make = |size| {
        let mut model = with_everything(size);
        type_in(&mut model, "status:gone");
        press(&mut model, &[Key::Enter]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn what_changed_and_an_action_that_failed() {
    let make = |size| {
        let mut model = with_everything(size);
        press(&mut model, &[Key::Char('r')]);
        let fault = Fault {
            kind: FaultKind::Refused,
            text: "the token may read; refreshing needs one with the scope register".to_owned(),
        };
        let reply = Reply::Refresh {
            name: "payment-gateway-eu".to_owned(),
            result: Err(fault),
        };
        update(&mut model, Message::Reply(reply), AT);
        let changed = vec![row("auth-service", Status::Down, 61)];
        let mut delta = ServicesAnswer {
            full: false,
            ..answer(changed)
        };
        "10.4.0.20".clone_into(&mut delta.services[0].instance);
        delta.summary = Summary {
            gone: 4,
            down: 3,
            up: 33,
            ..model.summary
        };
        hear(&mut model, delta);
        let mut left = gone();
        left.gone.extend(gone_of(&["cron".to_owned()]).gone);
        update(&mut model, Message::Reply(Reply::Gone(Ok(left))), AT);
        (model, AT.plus_ms(60_000))
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn help_that_is_searched() {
    let make = |size| {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('?'), Key::Char('/')]);
        press(
            &mut model,
            &"filter".chars().map(Key::Char).collect::<Vec<_>>(),
        );
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn events_of_one_service() {
    let make = |size| {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('j'), Key::Enter, Key::Char('e')]);
        with_events(&mut model, Some("search-indexer-3"));
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn question_about_refreshing_many() {
    let make = |size| {
        let many = (0..60).map(|n| row(&format!("s{n}"), Status::Up, 1));
        let mut model = live(size, many.collect());
        press(&mut model, &[Key::Char('R')]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn question_about_dismissing() {
    let make = |size| {
        let mut model = with_everything(size);
        press(&mut model, &[Key::End, Key::Char('k'), Key::Char('d')]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn a_question_is_seen_however_little_room_there_is() {
    for size in [(19, 10), (80, 2), (20, 3), (40, 6)] {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('d')]);

        let shown = text(&drawn(&model, UTF8, AT));

        assert!(shown.contains("[ No ]  [ Yes ]"), "{size:?}\n{shown}");
    }
}

/// The registry with two more instances of its worst service.
fn with_replicas(size: (u16, u16)) -> Model {
    let mut rows = registry();
    for (n, status, silent_s) in [(18, Status::Up, 2), (19, Status::Up, 50)] {
        let mut replica = row("payment-gateway-eu", status, silent_s);
        replica.instance = format!("10.4.2.{n}");
        replica.ip.clone_from(&replica.instance);
        rows.push(replica);
    }
    let mut model = live(size, rows);
    let left = gone_of(&["payment-gateway-eu".to_owned(), "batch".to_owned()]);
    update(&mut model, Message::Reply(Reply::Gone(Ok(left))), AT);
    model
}
