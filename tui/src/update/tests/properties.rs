//! What holds whatever is pressed and heard.

use proptest::prelude::*;

use super::*;

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
