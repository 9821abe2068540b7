//! Tokens in what a client sent, for lines of a log that tell of it: somebody will put one into a
//! URL, where none belongs.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::SECRET_BYTES;

/// What is encoded again: a space would begin another field of the line.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ');

/// As many hexadecimal digits in a row are masked: half a secret, so that one that was cut or glued
/// to another is, too.
const MASKED_DIGITS: usize = SECRET_BYTES;

/// `text` with three dots for every run of hexadecimal digits that may be the secret part of a token.
///
/// The id of the token stays, by which it can be revoked. Where something is masked, the rest is
/// decoded but for spaces; else `text` is as it came.
pub fn masked(text: &str) -> Cow<'_, str> {
    let read = percent_decode_str(text).decode_utf8_lossy();
    let shown: String = read.split_inclusive(is_other).map(shown).collect();
    if shown == read {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(utf8_percent_encode(&shown, ENCODED).to_string())
    }
}

const fn is_other(character: char) -> bool {
    !character.is_ascii_hexdigit()
}

/// A run of digits with the character that ends it.
fn shown(run: &str) -> Cow<'_, str> {
    let digits = run.trim_end_matches(is_other);
    if digits.len() < MASKED_DIGITS {
        Cow::Borrowed(run)
    } else {
        Cow::Owned(run.replace(digits, "..."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{Scope, Timestamp, Token};

    #[test]
    fn the_secret_part_of_a_token_is_left_out_wherever_it_stands() {
        let (token, text) = Token::new(Scope::Read, "", Timestamp::from_micros(0)).unwrap();
        let shown = format!("lastbeat_{}_...", token.id);

        for (before, behind) in [
            ("", ""),
            ("/services?token=", "&q=web"),
            ("/a/x%20y=", "/b"),
        ] {
            let sent = format!("{before}{text}{behind}");
            assert_eq!(masked(&sent), format!("{before}{shown}{behind}"));
        }
        let secret = text.rsplit('_').next().unwrap();
        let (first, rest) = secret.split_at(1);
        let encoded = format!("%{:02x}{rest}", first.as_bytes().first().unwrap());
        let cut = secret.split_at(SECRET_BYTES).0;
        for sent in [secret, &secret.to_uppercase(), &encoded, cut] {
            assert_eq!(masked(sent), "...");
        }
        let twice = format!("{text},{text}");
        assert_eq!(masked(&twice), format!("{shown},{shown}"));
    }

    #[test]
    fn everything_else_is_shown_as_it_is() {
        let short = "0".repeat(MASKED_DIGITS - 1);
        for text in ["", "/services?since=1.0.1&wait=30s", "/s/é%C3%BC", &short] {
            assert_eq!(masked(text), text);
        }
    }
}
