//! Names of services and instances: what is accepted obeys every rule, is its own normal form and
//! is reachable; what is refused breaks a rule.

use lastbeat_proto::name::{MAX_BYTES, check_line};
use lastbeat_proto::path::{decode_name, encode};
use lastbeat_proto::{InstanceId, ServiceName};
use unicode_normalization::UnicodeNormalization;

use crate::hidden::is_hidden;
use crate::sentence::assert_plain;

/// Reads the bytes as a name.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let normal: String = text.nfc().collect();
    match ServiceName::parse(&text) {
        Ok(name) => {
            assert_eq!(name.as_str(), normal, "not in NFC");
            assert_eq!(broken_rule(&normal), None, "{normal:?}");
            assert_eq!(ServiceName::parse(name.as_str()).as_ref(), Ok(&name));
            assert_eq!(InstanceId::parse(&text).unwrap().as_str(), name.as_str());
            assert_reachable(&name);
            assert_eq!(check_line(name.as_str(), MAX_BYTES), Ok(()));
        }
        Err(error) => {
            // Unassigned characters are known to the product's table alone.
            if !error.to_string().contains("U+") {
                assert!(broken_rule(&normal).is_some(), "{normal:?}: {error}");
            }
            assert_plain("an error about a name", &error.to_string());
        }
    }
}

/// The first rule of names that a text in NFC breaks, as far as it needs no table of Unicode.
pub(crate) fn broken_rule(text: &str) -> Option<&'static str> {
    let segments: Vec<&str> = text.split('/').collect();
    if text.is_empty() || 128 < text.len() {
        Some("1 to 128 bytes")
    } else if text.chars().any(is_hidden) {
        Some("nothing hidden")
    } else if text.trim_matches(' ') != text {
        Some("no space at an end")
    } else if segments.iter().any(|s| ["", ".", ".."].contains(s)) {
        Some("no segment that a URL loses")
    } else {
        None
    }
}

/// A name is found again behind any prefix: as pages and clients write it, with every byte
/// encoded, and with what a proxy decodes decoded.
fn assert_reachable(name: &ServiceName) {
    let written = encode(name.as_str());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
    assert!(written.bytes().all(plain), "{written}");
    assert_eq!(decode_name(&written).as_ref(), Ok(name), "{written}");
    let every_byte = name.as_str().bytes().map(|byte| format!("%{byte:02x}"));
    let all = every_byte.collect::<Vec<_>>().concat();
    assert_eq!(decode_name(&all).as_ref(), Ok(name), "{all}");
    let by_proxy = written.replace("%2F", "/").replace("%7E", "~");
    assert_eq!(decode_name(&by_proxy).as_ref(), Ok(name), "{by_proxy}");
}
