//! Names in paths: encoded on the way out, decoded once on the way in.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::name::{NameError, ServiceName};

/// Everything but RFC 3986's unreserved characters and `/` is encoded.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Why a path or query part is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Decoded bytes are not UTF-8.
    #[error("is not UTF-8 after percent-decoding; encode the name as UTF-8")]
    NotUtf8,
    /// A `%` that begins no escape.
    #[error("has a % without two hexadecimal digits behind it; write the sign itself as %25")]
    Escape,
    /// Decoded text is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// `name` so that it fits behind any prefix; a slash stays.
///
/// Proxies decode `%2F`, and then a page's path would have fewer segments for the browser than
/// for the daemon, whose relative links would miss. No name has a segment that a path could lose.
pub fn encode(name: &str) -> String {
    utf8_percent_encode(name, NAME).to_string()
}

/// The name that is everything behind a route's prefix, decoded once.
///
/// # Errors
/// When a `%` begins no escape (RFC 3986 §2.1), or the bytes are not UTF-8 or not a name.
pub fn decode_name(raw: &str) -> Result<ServiceName, PathError> {
    let is_whole = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !raw.split('%').skip(1).all(is_whole) {
        return Err(PathError::Escape);
    }
    let text = decode(raw)?;
    Ok(ServiceName::parse(&text)?)
}

/// Decodes `%xx`; `+` stays a plus and a lone `%` stays itself.
///
/// # Errors
/// When the bytes are not UTF-8.
pub fn decode(raw: &str) -> Result<Cow<'_, str>, PathError> {
    percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_not_utf8| PathError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slash_may_come_raw_or_encoded() {
        assert_eq!(decode_name("team/api"), decode_name("team%2Fapi"));
        assert_eq!(encode("team/api b"), "team/api%20b");
    }

    #[test]
    fn a_name_is_decoded_once_and_a_plus_stays_a_plus() {
        assert_eq!(decode_name("100%2525").unwrap().as_str(), "100%25");
        assert_eq!(decode_name("a%2Bb%20c").unwrap().as_str(), "a+b c");
        assert_eq!(decode_name("a+b").unwrap().as_str(), "a+b");
    }

    #[test]
    fn what_decodes_to_no_name_is_refused() {
        assert_eq!(decode_name("%ff"), Err(PathError::NotUtf8));
        for broken in ["%zz", "a%", "a%2", "%2g", "%%41", "100%", "%\u{e9}1"] {
            assert_eq!(decode_name(broken), Err(PathError::Escape), "{broken}");
        }
        assert_eq!(
            decode_name("..%2Fetc"),
            Err(PathError::Name(NameError::Segment))
        );
        assert!(matches!(
            decode_name("a%00"),
            Err(PathError::Name(NameError::Character { .. }))
        ));
    }

    proptest! {
        #[test]
        fn every_name_survives_its_own_path(text in "\\PC{1,40}") {
            if let Ok(name) = ServiceName::parse(&text) {
                prop_assert_eq!(decode_name(&encode(name.as_str())).unwrap(), name);
            }
        }
    }
}
