//! Tokens in what a client sent, for lines of a log that tell of it: somebody will put one into a
//! URL, where none belongs.

use std::borrow::Cow;

use super::SECRET_BYTES;

/// `text` with three dots for every run of hexadecimal digits that is long enough to be the secret
/// part of a token. Its id stays, by which it can be revoked.
pub fn masked(text: &str) -> String {
    let is_other = |c: char| !c.is_ascii_hexdigit();
    text.split_inclusive(is_other)
        .map(|piece| {
            let digits = piece.trim_end_matches(is_other);
            if digits.len() < 2 * SECRET_BYTES {
                Cow::Borrowed(piece)
            } else {
                Cow::Owned(piece.replace(digits, "..."))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Scope, Timestamp, Token};

    #[test]
    fn the_secret_part_of_a_token_is_left_out_wherever_it_stands() {
        let (token, text) = Token::new(Scope::Read, "", Timestamp::from_micros(0)).unwrap();
        let shown = format!("lastbeat_{}_...", token.id);

        for (before, behind) in [("", ""), ("/services?token=", "&q=web"), ("/a/ü", "/ü")] {
            let sent = format!("{before}{text}{behind}");
            assert_eq!(masked(&sent), format!("{before}{shown}{behind}"));
        }
        let upper = text.to_uppercase();
        assert!(masked(&upper).ends_with("_..."), "{}", masked(&upper));
        let twice = format!("{text},{text}");
        assert_eq!(masked(&twice), format!("{shown},{shown}"));
    }

    #[test]
    fn everything_else_is_shown_as_it_is() {
        let short = "0".repeat(2 * SECRET_BYTES - 1);
        for text in ["", "/services?since=1.0.1&wait=30s", "/s/é%C3%BC", &short] {
            assert_eq!(masked(text), text);
        }
    }
}
