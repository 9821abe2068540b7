//! Whatever happened, at whatever size.

use proptest::prelude::*;

use super::*;
use crate::fixture::steps::{any_step, take};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// At every size, in every theme, whatever happened before.
    #[test]
    fn no_state_at_any_size_panics_or_lets_text_act(
        steps in proptest::collection::vec(any_step(), 0..30),
        sizes in proptest::collection::vec((0_u16..=200, 0_u16..=60), 1..6),
        theme in 0..Theme::ALL.len(),
        is_ascii: bool,
    ) {
        let mut model = started((80, 24));
        model.display.theme = Theme::ALL[theme];
        if is_ascii {
            model.display.charset = Charset::Ascii;
        }
        let mut now = AT;
        for step in steps {
            now = take(&mut model, step, now);
            drawn(&model, Look::of(&model), now);
        }
        for (width, height) in sizes {
            update(&mut model, Message::Resize(width, height), now);
            let buffer = drawn(&model, Look::of(&model), now);
            for cell in buffer.content() {
                let shown = cell.symbol();
                prop_assert!(!shown.chars().any(char::is_control), "{:?}", shown);
                prop_assert!(!is_ascii || shown.is_ascii(), "{:?}", shown);
            }
        }
    }
}
