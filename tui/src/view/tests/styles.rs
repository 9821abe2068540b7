//! Colors and attributes, in every theme.

use ratatui::style::{Color, Modifier};

use super::*;

/// Which cells of a line have which style, where it is not the terminal's own.
fn styles(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let of = |x: u16| {
            let cell = &buffer[(x, y)];
            (cell.fg, cell.bg, cell.modifier)
        };
        let mut x = 0;
        while x < buffer.area.width {
            let (begin, style) = (x, of(x));
            while x < buffer.area.width && of(x) == style {
                x += 1;
            }
            if style != (Color::Reset, Color::Reset, Modifier::empty()) {
                let text: String = (begin..x).map(|x| buffer[(x, y)].symbol()).collect();
                let (fg, bg, modifier) = style;
                assert_eq!(bg, Color::Reset, "the background is the terminal's own");
                let color = match fg {
                    Color::Reset => String::new(),
                    fg => format!("{fg} "),
                };
                let text = text.trim_end();
                writeln!(out, "{y}:{begin}-{} {color}{modifier:?} {text:?}", x - 1).unwrap();
            }
        }
    }
    out
}

#[test]
fn every_theme() {
    for theme in Theme::ALL {
        let mut out = String::new();
        let mut show = |name: &str, mut model: Model, now: Mono| {
            model.display.theme = theme;
            let buffer = drawn(&model, Look::of(&model), now);
            write!(out, "{name}\n{}", styles(&buffer)).unwrap();
        };
        show("live", with_everything((80, 24)), AT);
        let mut stale = with_everything((80, 24));
        let failed = Message::Reply(Reply::Services(Err(refused())));
        update(&mut stale, failed, AT);
        show("stale", stale, AT.plus_ms(14_000));
        let mut detail = with_everything((80, 24));
        press(&mut detail, &[Key::Enter]);
        show("detail", detail, AT);
        let mut question = with_everything((80, 24));
        press(&mut question, &[Key::Char('d')]);
        show("question", question, AT);
        insta::assert_snapshot!(format!("theme_{}", theme.word()), out);
    }
}

#[test]
fn without_colors_no_theme_has_one() {
    for theme in Theme::ALL {
        let look = Look {
            theme,
            is_colored: false,
            charset: Charset::Ascii,
        };
        let buffer = drawn(&with_everything((160, 45)), look, AT);
        let is_plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset;
        assert!(buffer.content().iter().all(is_plain), "{theme:?}");
    }
}

#[test]
fn the_theme_for_contrast_dims_nothing() {
    let mut model = with_everything((160, 45));
    let failed = Message::Reply(Reply::Services(Err(refused())));
    update(&mut model, failed, AT);
    model.display.theme = Theme::Contrast;

    let buffer = drawn(&model, Look::of(&model), AT.plus_ms(20_000));

    let is_dim = |cell: &ratatui::buffer::Cell| cell.modifier.contains(Modifier::DIM);
    assert!(!buffer.content().iter().any(is_dim));
    assert!(
        text(&buffer).contains("DOWN?"),
        "old states are told by a mark"
    );
}

#[test]
fn the_selected_line_is_reversed_without_any_color() {
    let model = live((80, 24), registry());

    let buffer = drawn(&model, ASCII, AT);

    let row = buffer.area.top() + 3;
    assert!((0..80).all(|x| buffer[(x, row)].modifier.contains(Modifier::REVERSED)));
    assert!(
        buffer
            .content()
            .iter()
            .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset)
    );
}

#[test]
fn only_shapes_and_edges_are_colored() {
    let model = with_everything((160, 45));

    let buffer = drawn(&model, UTF8, AT);

    let colored = buffer
        .content()
        .iter()
        .filter(|cell| cell.fg != Color::Reset);
    for cell in colored {
        let is_shape = matches!(cell.symbol(), "▲" | "◆" | "▼" | "!" | " ");
        assert!(is_shape, "{cell:?}");
    }
}

#[test]
fn old_rows_are_dimmed_and_their_ages_go_on() {
    let mut model = live((80, 24), registry());
    update(
        &mut model,
        Message::Reply(Reply::Services(Err(refused()))),
        AT,
    );

    let buffer = drawn(&model, UTF8, AT.plus_ms(5_000));

    assert!(buffer[(12, 5)].modifier.contains(Modifier::DIM));
    assert!(text(&buffer).contains("77s"), "{}", text(&buffer));
}
