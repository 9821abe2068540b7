//! Sentences of the product, which people read on a terminal and in a log.

use crate::hidden::is_hidden;

/// Panics when a sentence of the product holds such a character.
pub(crate) fn assert_plain(what: &str, sentence: &str) {
    let found = sentence.chars().find(|character| is_hidden(*character));
    assert_eq!(found, None, "{what}: {sentence:?}");
}
