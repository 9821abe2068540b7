//! The JSON that clients of the original send with each heartbeat: an object of a few plain texts,
//! read in one pass. Everything else, and everything that is wrong, is left to the JSON reader.

use std::borrow::Cow;

use super::fields::{Fields, Given};

/// The fields that are texts.
const TEXTS: [&str; 3] = ["name", "ip", "instance"];

/// The fields of an object that has nothing but some of [`TEXTS`], each once and without escapes.
pub(super) fn read(json: &str) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    let mut reader = Reader { json, at: 0 };
    reader.pass(b'{')?;
    loop {
        let key = reader.text()?;
        reader.pass(b':')?;
        let value = reader.text()?;
        let slot = fields.slot(TEXTS.into_iter().find(|field| *field == key)?)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(Given::Text(Cow::Borrowed(value)));
        if reader.pass(b',').is_none() {
            reader.pass(b'}')?;
            return (reader.at == json.len()).then_some(fields);
        }
    }
}

/// A text and how many bytes of it were read.
struct Reader<'json> {
    json: &'json str,
    at: usize,
}

impl<'json> Reader<'json> {
    fn next(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// Passes blanks (RFC 8259 §2), and then this byte.
    fn pass(&mut self, byte: u8) -> Option<()> {
        while matches!(self.next()?, b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// Passes a text without escapes.
    fn text(&mut self) -> Option<&'json str> {
        self.pass(b'"')?;
        let begin = self.at;
        // RFC 8259 §7.
        while !matches!(self.next()?, b'"' | b'\\' | 0..=0x1f) {
            self.at += 1;
        }
        let text = self.json.get(begin..self.at)?;
        (self.next()? == b'"').then(|| self.at += 1)?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::register::Registration;

    /// What a body is read as, in the plain way and by the reader.
    fn both(json: &str) -> [Option<Registration>; 2] {
        [read(json), Fields::from_any_json(json).ok()]
            .map(|fields| fields.and_then(|fields| fields.check().ok()))
    }

    #[test]
    fn what_clients_of_the_original_send_is_read_plainly() {
        for json in [
            r#"{"name": "auth-service", "ip": "192.168.1.100"}"#,
            r#"{"ip":"192.168.1.100","name":"auth-service"}"#,
            "{\n  \"name\" : \"k\u{fc}hlraum\",\r\n\t\"instance\":\"2\" }",
        ] {
            let [plain, other] = both(json);

            assert!(plain.is_some(), "{json}");
            assert_eq!(plain, other, "{json}");
        }
    }

    #[test]
    fn everything_else_is_left_to_the_reader() {
        for json in [
            r#"{"name":"a","port":80}"#,
            r#"{"name":"a","port":"80"}"#,
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a\u0062"}"#,
            "{\"name\":\"a\tb\"}",
            r#"{"name":"a",}"#,
            r#"{"name":"a"}}"#,
            r#"{"name":null}"#,
            r#"{"name":["a"]}"#,
            "{}",
            "{",
        ] {
            assert!(read(json).is_none(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_plainly_is_what_the_reader_reads(
            json in r#"\{( ?"(name|ip|instance|x)" ?: ?("[a-c1.:\\ ü/]{0,4}"|1|null) ?,?){0,3}\}? ?"#
        ) {
            let [plain, other] = both(&json);
            if read(&json).is_some() {
                prop_assert_eq!(plain, other);
            }
        }
    }
}
