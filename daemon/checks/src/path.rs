//! What stands in a path behind a route's prefix: decoded once, never twice.

use lastbeat_proto::ServiceName;
use lastbeat_proto::path::{decode, decode_name, encode};

use crate::sentence::assert_plain;

/// Reads the bytes as such a part, and as a text to be encoded.
pub fn check(bytes: &[u8]) {
    let raw = String::from_utf8_lossy(bytes);
    let once = decoded_once(raw.as_bytes());
    match (decode(&raw), std::str::from_utf8(&once)) {
        (Ok(decoded), Ok(expected)) => assert_eq!(decoded, expected, "{raw:?}"),
        (Err(_), Err(_)) => {}
        (decoded, expected) => panic!("{raw:?}: {decoded:?}, not {expected:?}"),
    }
    match decode_name(&raw) {
        Ok(name) => {
            assert!(is_whole(raw.as_bytes()), "{raw:?} has a broken escape");
            let text = std::str::from_utf8(&once).unwrap();
            assert_eq!(ServiceName::parse(text).as_ref(), Ok(&name));
            assert_eq!(decode_name(&encode(name.as_str())).as_ref(), Ok(&name));
        }
        Err(error) => assert_plain("an error about a path", &error.to_string()),
    }
    let encoded = encode(&raw);
    assert_eq!(decode(&encoded).as_deref(), Ok(&*raw), "{encoded}");
    assert!(
        encoded
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte))
    );
}

/// Whether every `%` has its two digits.
fn is_whole(raw: &[u8]) -> bool {
    let is_digit = |at: usize| raw.get(at).is_some_and(u8::is_ascii_hexdigit);
    (0..raw.len())
        .filter(|at| raw.get(*at) == Some(&b'%'))
        .all(|at| is_digit(at + 1) && is_digit(at + 2))
}

/// Percent-decoding as RFC 3986 §2.1 has it; what is no `%` and two digits stays.
fn decoded_once(raw: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        let digits = (digit(raw.get(at + 1)), digit(raw.get(at + 2)));
        if let (b'%', (Some(high), Some(low))) = (byte, digits) {
            out.push(u8::try_from(high * 16 + low).unwrap());
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}
