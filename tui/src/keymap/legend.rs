//! The signs of the screen: one const table, shown in the help behind the keys and in
//! `docs/terminal.md`.

use std::fmt::Write as _;

/// What stands on the screen, and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Sign {
    /// As it is drawn.
    pub shape: &'static str,
    /// As it is drawn where there is ASCII only.
    pub ascii: &'static str,
    /// The word beside it, or where it stands.
    pub word: &'static str,
    /// What it means.
    pub means: &'static str,
}

const fn sign(
    shape: &'static str,
    ascii: &'static str,
    word: &'static str,
    means: &'static str,
) -> Sign {
    Sign {
        shape,
        ascii,
        word,
        means,
    }
}

/// All signs, in the order of the help.
pub const SIGNS: [Sign; 10] = [
    sign("▲", "^", "UP", "heard in time"),
    sign(
        "◆",
        "!",
        "LATE",
        "silent for more than three quarters of its ttl",
    ),
    sign("▼", "v", "DOWN", "silent for longer than its ttl"),
    sign("✕", "x", "GONE", "left the registry"),
    sign("↻", "o", "the state", "is being judged again"),
    sign(
        "?",
        "?",
        "behind a state",
        "the daemon does not answer; it is the last known",
    ),
    sign(
        "*",
        "*",
        "before a shape",
        "its status changed, or something left, since you saw it",
    ),
    sign(
        "*2",
        "*2",
        "at the right",
        "so many lines changed, also those you cannot see",
    ),
    sign(
        "a b",
        "a b",
        "in a filter",
        "a blank means and: all words must match",
    ),
    sign(
        "= v ? .",
        "= v ? .",
        "last day",
        "UP, DOWN, unknown, not registered",
    ),
];

/// The signs in whose word or meaning `search` stands; all for an empty text.
pub fn signs(search: &str) -> impl Iterator<Item = &'static Sign> {
    let search = search.to_lowercase();
    SIGNS.iter().filter(move |sign| {
        [sign.shape, sign.ascii, sign.word, sign.means]
            .iter()
            .any(|text| text.to_lowercase().contains(&search))
    })
}

/// The table of signs in the document.
pub fn markdown_table() -> String {
    let mut out = String::from("| shape | ASCII | word or place | means |\n|---|---|---|---|\n");
    for Sign {
        shape,
        ascii,
        word,
        means,
    } in &SIGNS
    {
        // Writing to a String cannot fail.
        let _written: Result<(), std::fmt::Error> =
            writeln!(out, "| `{shape}` | `{ascii}` | {word} | {means} |");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_found_by_shape_word_and_meaning() {
        let found = |search| signs(search).map(|sign| sign.word).collect::<Vec<_>>();

        assert_eq!(found("").len(), SIGNS.len());
        assert_eq!(found("late"), ["LATE"]);
        assert_eq!(found("three quarters"), ["LATE"]);
        assert_eq!(found("▼"), ["DOWN"]);
        assert_eq!(found("nonesuch"), [""; 0]);
    }

    #[test]
    fn the_document_has_the_table_of_signs() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/terminal.md");
        let document = std::fs::read_to_string(path).unwrap();

        let table = markdown_table();

        assert!(document.contains(&table), "{path} lacks\n{table}");
    }
}
