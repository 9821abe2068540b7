//! Pasted text, the mouse, themes, the help, and what stands until a key.

use super::*;
use crate::config::Theme;
use crate::keymap::Pointer;
use crate::model::Help;

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    update(model, Message::Paste(text.to_owned()), AT)
}

fn point(model: &mut Model, pointer: Pointer) -> Vec<Effect> {
    update(model, Message::Pointer(pointer), AT)
}

#[test]
fn pasted_text_never_runs_as_keys() {
    let mut model = live((80, 24), registry());

    assert_eq!(paste(&mut model, "qdy\nRq\u{1b}[A"), []);

    assert_eq!(model.rows.filter().text(), "qdy Rq [A");
    assert_eq!(model.popup, None);
    push(&mut model, Key::Esc);
    assert_eq!(model.rows.len(), 36, "Esc drops what was pasted");
}

#[test]
fn pasted_text_goes_on_where_one_types() {
    let mut model = live((80, 24), registry());
    press(&mut model, "/mail");
    paste(&mut model, "-relay\n");
    assert_eq!(model.rows.filter().text(), "mail-relay");
    push(&mut model, Key::Enter);

    press(&mut model, "?/");
    paste(&mut model, "sort");
    assert!(matches!(&model.popup, Some(Popup::Help(help)) if help.search == "sort"));
    push(&mut model, Key::Esc);
    push(&mut model, Key::Esc);

    press(&mut model, "d");
    paste(&mut model, "y\n");
    assert!(matches!(
        model.popup,
        Some(Popup::Confirm { is_yes: false, .. })
    ));
    assert_eq!(model.rows.filter().text(), "mail-relay");
}

#[test]
fn pasted_text_is_as_long_as_a_filter_may_be() {
    let mut model = three();

    paste(&mut model, &"x".repeat(10_000));

    assert_eq!(
        model.rows.filter().text().len(),
        crate::model::filter::MAX_CHARS
    );
}

#[test]
fn ctrl_w_takes_a_word() {
    let mut model = three();
    press(&mut model, "/one two ");

    push(&mut model, Key::Ctrl('w'));

    assert_eq!(model.rows.filter().text(), "one ");
}

#[test]
fn an_action_that_failed_is_told_until_a_key() {
    let mut model = live((80, 24), registry());
    let failed = |name: &str| {
        Message::Reply(Reply::Refresh {
            name: name.to_owned(),
            result: Err(fault()),
        })
    };
    update(&mut model, failed("a"), AT);

    update(&mut model, Message::Tick, AT.plus_ms(3_600_000));
    assert_eq!(
        model.toast.as_ref().unwrap().text,
        "cannot refresh a: connection refused"
    );
    press(&mut model, "j");
    assert_eq!(model.toast, None);
    assert_eq!(model.cursor.line, 1, "the key does what it does");

    press(&mut model, "/mail");
    push(&mut model, Key::Enter);
    update(&mut model, failed("a"), AT);
    push(&mut model, Key::Esc);
    assert_eq!(model.rows.filter().text(), "mail", "Esc only takes it away");
}

#[test]
fn themes_come_round() {
    let mut model = three();

    let seen: Vec<Theme> = "tttt"
        .chars()
        .map(|key| {
            press(&mut model, &key.to_string());
            model.display.theme
        })
        .collect();

    assert_eq!(seen, [Theme::Mono, Theme::Contrast, Theme::Cb, Theme::Auto]);
    model.display.is_colored = false;
    press(&mut model, "ttt");
    assert!(model.toast.unwrap().text.contains("NO_COLOR"));
}

#[test]
fn the_mouse_is_taken_and_given_back() {
    let mut model = three();

    assert_eq!(press(&mut model, "m"), [Effect::Mouse(true)]);
    assert_eq!(press(&mut model, "m"), [Effect::Mouse(false)]);
}

#[test]
fn a_press_selects_and_a_second_one_opens() {
    let mut model = live((80, 24), registry());
    update(&mut model, Message::Reply(Reply::Gone(Ok(gone()))), AT);

    point(&mut model, Pointer::Press(5, 5));
    assert_eq!(model.cursor.line, 2);
    point(&mut model, Pointer::Press(5, 0));
    assert_eq!(model.cursor.line, 2, "the header is no row");
    point(&mut model, Pointer::WheelDown);
    assert_eq!(model.cursor.line, 5);
    point(&mut model, Pointer::Press(5, 19));
    assert_eq!(model.cursor.line, 36, "the first of what is GONE");
    point(&mut model, Pointer::Press(5, 18));
    assert_eq!(model.cursor.line, 36, "its heading is no row");
    point(&mut model, Pointer::Press(5, 19));
    assert_eq!(model.pane, Pane::Detail(0));
}

#[test]
fn the_mouse_answers_no_question() {
    let mut model = three();
    press(&mut model, "d");

    point(&mut model, Pointer::Press(20, 12));

    assert!(matches!(
        model.popup,
        Some(Popup::Confirm { is_yes: false, .. })
    ));
}

#[test]
fn the_help_is_searched_and_closed_step_by_step() {
    let mut model = three();
    press(&mut model, "?/quit");
    push(&mut model, Key::Enter);
    assert_eq!(
        model.popup,
        Some(Popup::Help(Help {
            top: 0,
            search: "quit".to_owned(),
            is_typing: false
        }))
    );

    push(&mut model, Key::Esc);
    assert_eq!(model.popup, Some(Popup::Help(Help::default())));
    push(&mut model, Key::Esc);
    assert_eq!(model.popup, None);
}

#[test]
fn letters_of_a_search_are_no_commands() {
    let mut model = three();

    assert_eq!(press(&mut model, "?/q"), []);
    assert_eq!(push(&mut model, Key::Ctrl('c')), []);
    let help = Popup::Help(Help::default());
    assert_eq!(model.popup, Some(help), "the search is dropped");
    assert_eq!(push(&mut model, Key::Ctrl('c')), [Effect::Quit]);
}

#[test]
fn tab_chooses_the_other_answer() {
    let mut model = three();
    press(&mut model, "d");
    push(&mut model, Key::Tab);

    let effects = push(&mut model, Key::Enter);

    assert!(matches!(
        effects.as_slice(),
        [Effect::Send(Request::Deregister { .. })]
    ));
}

#[test]
fn refreshing_many_is_asked_once() {
    let many = (0..51).map(|n| row(&format!("s{n}"), Status::Up, 1));
    let mut model = live((80, 24), many.collect());
    press(&mut model, "Ry");
    update(&mut model, Message::Reply(Reply::RefreshAll(Ok(()))), AT);

    assert_eq!(press(&mut model, "R"), [Effect::Send(Request::RefreshAll)]);
}

#[test]
fn the_detail_scrolls_as_far_as_it_goes() {
    let mut model = live((60, 15), registry());
    push(&mut model, Key::Enter);
    for _ in 0..9 {
        push(&mut model, Key::PageDown);
    }
    let Pane::Detail(end) = model.pane else {
        panic!("{:?}", model.pane)
    };
    assert!(0 < end);
    push(&mut model, Key::PageUp);
    assert!(matches!(model.pane, Pane::Detail(top) if top < end));

    push(&mut model, Key::Ctrl('d'));
    update(&mut model, Message::Resize(100, 60), AT);
    assert_eq!(model.pane, Pane::Detail(0), "all of it is on screen now");
    press(&mut model, "j");
    assert_eq!(
        selected(&model),
        "search-indexer-3",
        "letters go on to the next"
    );
}

#[test]
fn events_are_of_all_and_of_the_selected_service_in_turn() {
    let mut model = three();
    let of = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Send(Request::Events { name })] => name.clone(),
        other => panic!("{other:?}"),
    };

    assert_eq!(of(press(&mut model, "e")), None);
    assert_eq!(of(press(&mut model, "e")), Some("a".to_owned()));
    assert_eq!(of(press(&mut model, "e")), None);
    push(&mut model, Key::Esc);
    push(&mut model, Key::Enter);
    assert_eq!(of(press(&mut model, "e")), Some("a".to_owned()));
}

#[test]
fn where_nothing_is_selected_actions_say_so() {
    for key in ["r", "y", "Y", "d"] {
        let mut model = live((80, 24), Vec::new());

        assert_eq!(press(&mut model, key), [], "{key}");
        assert_eq!(model.toast.unwrap().text, "no service is selected", "{key}");
    }
}
