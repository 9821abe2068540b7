//! Every screen in every state at six sizes, as a reader would see it.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::*;
use crate::config::Theme;
use crate::fixture::{
    AT, answer, events, gone, hear, live, notice, registry, settings, started, uptime_of,
};
use crate::keymap::Key;
use crate::model::link::{Fault, FaultKind};
use crate::text::Charset;
use crate::update::{Message, Reply, update};

const SIZES: [(u16, u16); 6] = [(160, 45), (80, 24), (60, 15), (40, 10), (20, 5), (1, 1)];
const UTF8: Look = Look {
    theme: Theme::Auto,
    is_colored: true,
    charset: Charset::Utf8,
};
const ASCII: Look = Look {
    theme: Theme::Mono,
    is_colored: false,
    charset: Charset::Ascii,
};

fn drawn(model: &Model, look: Look, now: Mono) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(model, look, now, &mut buffer);
    buffer
}

fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let line: String = (0..buffer.area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect();
        writeln!(out, "|{}", line.trim_end()).unwrap();
    }
    out
}

/// One state at every size.
fn screens(make: impl Fn((u16, u16)) -> (Model, Mono), look: Look) -> String {
    let mut out = String::new();
    for size in SIZES {
        let (model, now) = make(size);
        writeln!(out, "{}x{}", size.0, size.1).unwrap();
        out.push_str(&text(&drawn(&model, look, now)));
    }
    out
}

fn press(model: &mut Model, keys: &[Key]) {
    for key in keys {
        update(model, Message::Key(*key), AT);
    }
}

fn type_in(model: &mut Model, text: &str) {
    press(model, &[Key::Char('/')]);
    press(model, &text.chars().map(Key::Char).collect::<Vec<_>>());
}

fn refused() -> Fault {
    Fault {
        kind: FaultKind::Unreachable,
        text: "connection refused".to_owned(),
    }
}

fn with_everything(size: (u16, u16)) -> Model {
    let mut model = started(size);
    let mut answer = answer(registry());
    answer.summary.gone = 3;
    answer.notices = vec![notice()];
    hear(&mut model, answer);
    update(&mut model, Message::Reply(Reply::Gone(Ok(gone()))), AT);
    model
}

fn with_events(model: &mut Model, name: Option<&str>) {
    let name = name.map(str::to_owned);
    if let Some(name) = name.clone() {
        let told = uptime_of(&name, &["10.4.0.21:8080", "10.4.7.3:9200", "10.4.7.3"]);
        let reply = Reply::Uptime {
            name,
            result: Ok(Box::new(told)),
        };
        update(model, Message::Reply(reply), AT);
    }
    let reply = Reply::Events {
        name,
        result: Ok(events()),
    };
    update(model, Message::Reply(reply), AT);
}

mod parts;
mod styles;
mod sweep;

#[test]
fn live_with_notice_and_gone() {
    insta::assert_snapshot!(screens(|size| (with_everything(size), AT), UTF8));
}

#[test]
fn live_in_ascii() {
    let make = |size| {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('j')]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, ASCII));
}

#[test]
fn stale() {
    let make = |size| {
        let mut model = live(size, registry());
        let failed = Message::Reply(Reply::Services(Err(refused())));
        update(&mut model, failed, AT.plus_ms(10_000));
        (model, AT.plus_ms(14_000))
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn connecting() {
    insta::assert_snapshot!(screens(|size| (started(size), AT), UTF8));
}

#[test]
fn never_reached() {
    let make = |size| {
        let mut model = started(size);
        update(
            &mut model,
            Message::Reply(Reply::Services(Err(refused()))),
            AT,
        );
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn not_ours() {
    let make = |size| {
        let mut model = started(size);
        let text = "no lastbeatd answers here: it answered HTTP 404; check --url".to_owned();
        let fault = Fault {
            kind: FaultKind::NotOurs,
            text,
        };
        update(&mut model, Message::Reply(Reply::Services(Err(fault))), AT);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

fn unauthorized() -> Fault {
    Fault {
        kind: FaultKind::Unauthorized,
        text: "not allowed (HTTP 401); give a token with --token-file".to_owned(),
    }
}

#[test]
fn unauthorized_from_the_start() {
    let make = |size| {
        let mut model = started(size);
        let reply = Reply::Services(Err(unauthorized()));
        update(&mut model, Message::Reply(reply), AT);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn unauthorized_with_rows() {
    let make = |size| {
        let mut model = live(size, registry());
        let reply = Reply::Services(Err(unauthorized()));
        update(&mut model, Message::Reply(reply), AT.plus_ms(10_000));
        (model, AT.plus_ms(14_000))
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn a_token_in_clear() {
    let make = |size| {
        let flags = [("url", "http://registry.lan:5001"), ("token-file", "/t")];
        let mut model = Model::new(&settings(&flags), size, AT);
        hear(&mut model, answer(registry()));
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn empty_registry() {
    insta::assert_snapshot!(screens(|size| (live(size, Vec::new()), AT), UTF8));
}

#[test]
fn nothing_matches() {
    let make = |size| {
        let mut model = live(size, registry());
        type_in(&mut model, "nonesuch");
        press(&mut model, &[Key::Enter]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn typing_a_filter() {
    let make = |size| {
        let mut model = live(size, registry());
        type_in(&mut model, "status:down in");
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn a_misspelt_state_is_told_in_the_line_that_is_typed() {
    let make = |size| {
        let mut model = live(size, registry());
        type_in(&mut model, "status:foo");
        (model, AT)
    };

    let screens = screens(make, UTF8);

    let line = "/status:foo   status:foo is none of status: up, late, down, gone";
    assert!(screens.contains(line), "{screens}");
}

#[test]
fn help() {
    let make = |size| {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('?')]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn detail() {
    let make = |size| {
        let mut model = with_everything(size);
        press(&mut model, &[Key::Char('j'), Key::Enter]);
        with_events(&mut model, Some("search-indexer-3"));
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn question() {
    let make = |size| {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('d')]);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn recent_events() {
    let make = |size| {
        let mut model = live(size, registry());
        press(&mut model, &[Key::Char('e')]);
        with_events(&mut model, None);
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn paused_with_a_toast_and_a_refresh() {
    let make = |size| {
        let mut model = live(size, registry());
        press(
            &mut model,
            &[Key::Char('r'), Key::Char(' '), Key::Char('y')],
        );
        (model, AT)
    };
    insta::assert_snapshot!(screens(make, UTF8));
}

#[test]
fn what_a_service_sends_cannot_act_on_the_terminal() {
    let mut rows = registry();
    for (index, row) in rows.iter_mut().enumerate() {
        row.name = format!("\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\n{index}");
        row.ip = "10.0.0.1\u{1b}[2J".to_owned();
        row.instance = "\u{e0041}\u{200b}".to_owned();
        row.reason = Some("\r\u{feff}".to_owned());
        row.tags = vec!["\u{0}".to_owned()];
    }
    let mut model = live((160, 45), rows);
    press(&mut model, &[Key::Enter]);

    let buffer = drawn(&model, UTF8, AT);

    let shown: String = buffer
        .content()
        .iter()
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert!(
        shown.contains("\\x1b]0;owned\\x07\\x9b31m<U+202E>\\n0"),
        "{shown}"
    );
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}' | '\u{feff}' | '\u{e0041}');
    assert!(!shown.chars().any(hidden));
}

#[test]
fn a_model_that_was_shrunk_draws_too() {
    let mut model = with_everything((200, 60));
    press(&mut model, &[Key::Char('G')]);
    for size in SIZES {
        update(&mut model, Message::Resize(size.0, size.1), AT);
        drawn(&model, Look::of(&model), AT);
    }
}
