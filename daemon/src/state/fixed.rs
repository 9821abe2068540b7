//! The part of a row's JSON that only a registration changes.
//!
//! Most of it is written anew into every list: kept, it would be a third of what a row takes of
//! memory, and to copy it would be as slow as to write it. Tags and metadata may be long and are
//! kept as JSON where there are any.

use std::collections::BTreeMap;

use lastbeat_proto::Span;
use serde::Serialize;

use super::slab::Detail;

impl Detail {
    /// From `{"id":` to the end of the metadata.
    pub(super) fn write(&self, ttl: Span, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        json(out, &self.id);
        for (key, text) in [
            (&b",\"name\":"[..], self.name.as_str()),
            (b",\"instance\":", self.instance.as_str()),
            (b",\"ip\":", self.address.as_str()),
        ] {
            out.extend_from_slice(key);
            quoted(out, text, self.is_plain);
        }
        out.extend_from_slice(b",\"port\":");
        json(out, &self.port);
        out.extend_from_slice(b",\"ttl_s\":");
        json(out, &ttl);
        out.extend_from_slice(self.labels_json());
    }

    /// The name, between its quotes.
    pub(crate) fn write_name(&self, out: &mut Vec<u8>) {
        quoted(out, self.name.as_str(), self.is_plain);
    }
}

/// Tags and metadata, from the comma before them on.
pub(super) fn labels(tags: &[String], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = b",\"tags\":".to_vec();
    json(&mut out, tags);
    out.extend_from_slice(b",\"metadata\":");
    json(&mut out, metadata);
    out
}

/// A text, of which it is known whether it is plain.
fn quoted(out: &mut Vec<u8>, text: &str, is_plain: bool) {
    if is_plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        json(out, text);
    }
}

/// Whether nothing in a text must be escaped.
pub(super) fn is_plain(text: &str) -> bool {
    // RFC 8259 §7.
    let is_escaped = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
    // All are looked at: without a way out in between that is many at a time.
    !text.bytes().fold(false, |any, byte| any | is_escaped(byte))
}

/// A number, a text, or a list or map of texts.
pub(crate) fn json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // They always serialize, and memory takes everything.
    serde_json::to_writer(out, value).unwrap_or(());
}
