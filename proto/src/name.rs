//! Names that people and programs give to services and instances.
//!
//! Checked once at the edge: whatever holds a [`ServiceName`] can print it, store it and put it
//! into a path without asking again. How a name travels in a path is left to [`crate::path`].
//! Up to 24 bytes lie in the value itself: most names do, and then none is fetched from elsewhere.

use std::borrow::Borrow;
use std::fmt;

use compact_str::CompactString;
use serde::{Serialize, Serializer};
use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::address::Address;

/// Longest name or instance key, in bytes of UTF-8 after normalization.
///
/// A DNS name of 253 would be the other natural limit; 128 keeps every row of a screen and every
/// log line readable and is longer than any Kubernetes pod name in use.
pub const MAX_BYTES: usize = 128;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("is empty; give 1 to {MAX_BYTES} bytes of text")]
    Empty,
    /// More than [`MAX_BYTES`] after normalization.
    #[error("has {bytes} bytes; the limit is {MAX_BYTES}")]
    TooLong {
        /// Length after normalization, in bytes.
        bytes: usize,
    },
    /// A character that could hide, break a line or run.
    #[error("has {shown} at character {position}; leave out control, format, blank and space characters (an inner plain space is fine)", shown = code_point(*character))]
    Character {
        /// The offending character.
        character: char,
        /// Its place, counted from 1.
        position: usize,
    },
    /// A space at either end.
    #[error("begins or ends with a space; trim it")]
    EdgeSpace,
    /// A path that a URL could not keep: an empty segment, `.` or `..`.
    #[error("has an empty, '.' or '..' segment; put '/' only between other segments")]
    Segment,
}

/// Name of a service: 1 to 128 bytes in NFC, without control, format, separator (but an inner
/// plain space), private-use, unassigned or blank characters; case matters; `/` only between
/// segments.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(CompactString);

/// What tells the instances of one service apart; the same rules as a [`ServiceName`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(CompactString);

macro_rules! checked_text {
    ($name:ident) => {
        impl $name {
            /// Checks and normalizes `text`.
            ///
            /// # Errors
            /// [`NameError`] says which rule was broken and what the limit is.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                parse(text).map(Self)
            }

            /// The text in NFC.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

checked_text!(ServiceName);
checked_text!(InstanceId);

impl InstanceId {
    /// The key of an instance that sends none: its address, with the port where it has one.
    /// Registrations whose address is longer than [`MAX_BYTES`] are refused without a key.
    pub fn of_address(address: &Address, port: Option<u16>) -> Self {
        match port {
            None => Self(address.text().clone()),
            Some(_) => Self(CompactString::new(address.with_port(port))),
        }
    }
}

fn parse(text: &str) -> Result<CompactString, NameError> {
    if text.is_ascii() || is_nfc(text) {
        check(text)?;
        return Ok(CompactString::new(text));
    }
    // A long text is refused before it is normalized, so that the work stays bounded.
    if text.len() > 4 * MAX_BYTES {
        return Err(NameError::TooLong { bytes: text.len() });
    }
    let normalized: String = text.nfc().collect();
    check(&normalized)?;
    Ok(CompactString::new(normalized))
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if MAX_BYTES < text.len() {
        return Err(NameError::TooLong { bytes: text.len() });
    }
    // Most names are plain ASCII, which is seen byte by byte.
    let is_known = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let other = || {
        let before = std::iter::once(None).chain(text.chars().map(Some));
        let mut all = before.zip(text.chars()).enumerate();
        let (index, (_, character)) = all.find(|(_, (before, c))| !may_follow(*before, *c))?;
        Some((index, character))
    };
    if !is_known && let Some((index, character)) = other() {
        return Err(NameError::Character {
            character,
            position: index + 1,
        });
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(NameError::EdgeSpace);
    }
    if text
        .split('/')
        .any(|segment| matches!(segment, "" | "." | ".."))
    {
        return Err(NameError::Segment);
    }
    Ok(())
}

/// Whether a letter or mark is drawn as nothing or as a space: `Default_Ignorable_Code_Point` of
/// Unicode 16 as far as it is no format character, the empty cell of Braille and the null notehead.
/// Of the variation selectors U+FE0F, which emoji need, is left to [`check`].
const fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0e}'
            | '\u{ffa0}'
            | '\u{1d159}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// The variation selector that makes an emoji of a symbol: [`is_plain`] lets it pass.
pub const EMOJI: char = '\u{fe0f}';

/// Whether `character` may stand behind `before` in a name: behind anything but a symbol the selector
/// of emoji changes nothing that is seen.
fn may_follow(before: Option<char>, character: char) -> bool {
    let is_symbol = |c: char| {
        let category = c.general_category();
        !c.is_ascii()
            && matches!(
                category,
                GeneralCategory::OtherSymbol | GeneralCategory::MathSymbol
            )
    };
    is_plain(character) && (character != EMOJI || before.is_some_and(is_symbol))
}

/// Whether a character shows itself and stays on its line: no control, format, private-use or
/// unassigned character, none that is drawn as nothing, and no separator but the plain space.
pub fn is_plain(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    !is_blank(character)
        && !matches!(
            character.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::SpaceSeparator
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        )
}

/// `U+200B`, the form in which an unprintable character is named to people.
fn code_point(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// Checks a text that must be safe to show on one line but is not a name: a tag, a metadata key
/// or value. `limit` is in bytes; an empty text passes.
///
/// # Errors
/// [`NameError::TooLong`] or [`NameError::Character`].
pub fn check_line(text: &str, limit: usize) -> Result<(), LineError> {
    if limit < text.len() {
        return Err(LineError::TooLong {
            bytes: text.len(),
            limit,
        });
    }
    match text.chars().enumerate().find(|(_, c)| !is_plain(*c)) {
        Some((index, character)) => Err(LineError::Character {
            character,
            position: index + 1,
        }),
        None => Ok(()),
    }
}

/// Why a text cannot be shown on one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// More bytes than its field holds.
    #[error("has {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// Length in bytes.
        bytes: usize,
        /// The field's limit in bytes.
        limit: usize,
    },
    /// A character that could hide, break a line or run.
    #[error("has {shown} at character {position}; leave out control, format and blank characters", shown = code_point(*character))]
    Character {
        /// The offending character.
        character: char,
        /// Its place, counted from 1.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_and_hierarchical_names_are_kept_as_they_are() {
        for name in [
            "auth-service",
            "team/api",
            "50% off",
            "a+b c",
            "q?x=1#frag",
            "kühlraum-2",
            "日本",
            "heart \u{2764}\u{fe0f}",
        ] {
            assert_eq!(ServiceName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn two_spellings_of_one_letter_are_one_name() {
        let composed = ServiceName::parse("k\u{fc}hl").unwrap();
        let decomposed = ServiceName::parse("ku\u{308}hl").unwrap();

        assert_eq!(composed, decomposed);
    }

    #[test]
    fn the_limit_is_128_bytes_on_both_sides() {
        assert!(ServiceName::parse(&"x".repeat(128)).is_ok());
        let error = ServiceName::parse(&"x".repeat(129)).unwrap_err();
        assert_eq!(error.to_string(), "has 129 bytes; the limit is 128");
    }

    #[test]
    fn what_could_hide_or_run_is_named_by_its_code_point() {
        let bad = [
            ("title\u{1b}]0;owned\u{7}", "U+001B at character 6"),
            ("two\nlines", "U+000A at character 4"),
            ("c1\u{9b}31m", "U+009B at character 3"),
            ("del\u{7f}", "U+007F at character 4"),
            ("rtl\u{202e}gnp.exe", "U+202E at character 4"),
            ("zero\u{200b}width", "U+200B at character 5"),
            ("nbsp\u{a0}x", "U+00A0 at character 5"),
            ("tag\u{e0041}", "U+E0041 at character 4"),
            ("private\u{e000}", "U+E000 at character 8"),
            ("unassigned\u{378}", "U+0378 at character 11"),
            ("bom\u{feff}", "U+FEFF at character 4"),
            ("joiner\u{34f}", "U+034F at character 7"),
            ("filler\u{3164}", "U+3164 at character 7"),
            ("cell\u{2800}", "U+2800 at character 5"),
            ("web\u{e0100}", "U+E0100 at character 4"),
            ("\u{fe0f}", "U+FE0F at character 1"),
            ("a\u{fe0f}b", "U+FE0F at character 2"),
            ("\u{2764}\u{fe0f}\u{fe0f}", "U+FE0F at character 3"),
        ];
        for (name, expected) in bad {
            let error = ServiceName::parse(name).unwrap_err().to_string();
            assert!(error.contains(expected), "{name:?}: {error}");
        }
    }

    #[test]
    fn a_segment_that_a_url_would_lose_is_refused() {
        for name in [
            "/leading",
            "ends/",
            "a//b",
            "..",
            ".",
            "a/../b",
            "a/.",
            "http://svc/x",
        ] {
            assert_eq!(ServiceName::parse(name), Err(NameError::Segment), "{name}");
        }
        assert!(ServiceName::parse("...").is_ok());
    }

    #[test]
    fn empty_and_edge_spaces_are_refused() {
        assert_eq!(ServiceName::parse(""), Err(NameError::Empty));
        assert_eq!(ServiceName::parse(" a"), Err(NameError::EdgeSpace));
        assert_eq!(ServiceName::parse("a "), Err(NameError::EdgeSpace));
    }

    proptest! {
        #[test]
        fn a_parsed_name_parses_to_itself(text in "\\PC{0,80}") {
            if let Ok(name) = ServiceName::parse(&text) {
                let again = ServiceName::parse(name.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), name.as_str());
                prop_assert!(name.as_str().len() <= MAX_BYTES);
            }
        }
    }
}
