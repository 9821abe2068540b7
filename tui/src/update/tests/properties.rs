//! What holds whatever is pressed and heard.

use proptest::prelude::*;

use super::*;
use crate::fixture::steps::{any_step, take};
use crate::model::Cursor;

/// Whether the selected line is among those that are drawn.
fn is_on_screen(model: &Model) -> bool {
    let lines = layout(model);
    let listed = listed(model, lines);
    let Cursor {
        line,
        top,
        gone_top,
        ..
    } = model.cursor;
    let within = |line: usize, top: usize, height: u16| {
        (top..top + usize::from(height).max(1)).contains(&line)
    };
    match line.checked_sub(listed) {
        None => within(line, top, lines.body),
        Some(below) => model.is_empty() || within(below, gone_top, lines.gone - 1),
    }
}

proptest! {
    /// The cursor is on a line whenever there is one, and on screen.
    #[test]
    fn the_cursor_is_never_lost(steps in proptest::collection::vec(any_step(), 0..40)) {
        let mut model = started((80, 24));
        let mut now = AT;
        for step in steps {
            now = take(&mut model, step, now);
            let at_cursor = model.selected().map(|item| item.selection());
            prop_assert_eq!(&at_cursor, &model.cursor.key);
            prop_assert_eq!(at_cursor.is_none(), model.is_empty());
            prop_assert!(is_on_screen(&model), "{:?}", model.cursor);
            prop_assert!(model.link.retry_in(now) <= Span::from_secs(15));
            let wake = wake_at(&model, now);
            prop_assert!(now <= wake.plus_ms(1_000) && wake <= now.plus_ms(1_000));
        }
    }

    /// However one got there, enough of Esc leads back to the table, without a filter.
    #[test]
    fn escape_leads_home(steps in proptest::collection::vec(any_step(), 0..40)) {
        let mut model = started((80, 24));
        let mut now = AT;
        for step in steps {
            now = take(&mut model, step, now);
        }

        for _ in 0..12 {
            prop_assert_eq!(update(&mut model, Message::Key(Key::Esc), now), []);
        }

        prop_assert_eq!(model.pane, Pane::Table);
        prop_assert_eq!(&model.popup, &None);
        prop_assert!(model.typing.is_none() && model.rows.filter().is_empty());
    }
}
