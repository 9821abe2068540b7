//! The JSON that clients of the original send with each heartbeat: an object of a few plain texts,
//! read in one pass. Everything else, and everything that is wrong, is left to the JSON reader.
//!
//! Texts that are those of a known instance to the byte need no judging, since all that is known was
//! judged once: most heartbeats are heard by them alone.

use std::borrow::Cow;

use super::PORT_AND_BRACKETS;
use super::fields::{Fields, Given};
use crate::name;

/// A registration of a few texts as they came: nothing of it was judged yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts<'body> {
    /// Name of the service.
    pub name: &'body str,
    /// Where it is, if that is said.
    pub ip: Option<&'body str>,
    /// The client's own key, if it has one.
    pub instance: Option<&'body str>,
}

impl<'body> Texts<'body> {
    /// Reads a JSON object that has nothing but a name and perhaps the other two, each once and
    /// without escapes. None for every other body, whether it is a registration or not, and for an
    /// address that is too long to be a key.
    pub fn read(body: &'body [u8]) -> Option<Self> {
        let json = std::str::from_utf8(body).ok()?;
        let (mut service, mut ip, mut instance) = (None, None, None);
        let mut reader = Reader { rest: json };
        reader.pass(b'{')?;
        loop {
            let key = reader.text()?;
            reader.pass(b':')?;
            let value = reader.text()?;
            let field = match key {
                "name" => &mut service,
                "ip" => &mut ip,
                "instance" => &mut instance,
                _ => return None,
            };
            if field.replace(value).is_some() {
                return None;
            }
            if reader.pass(b',').is_none() {
                reader.pass(b'}')?;
                break;
            }
        }
        let is_key = |ip: &str| ip.len() + PORT_AND_BRACKETS <= name::MAX_BYTES;
        (reader.rest.is_empty() && ip.is_none_or(is_key)).then_some(Self {
            name: service?,
            ip,
            instance,
        })
    }

    /// The same among all fields.
    pub(super) fn fields(self) -> Fields<'body> {
        let mut fields = Fields::default();
        let texts = [
            ("name", Some(self.name)),
            ("ip", self.ip),
            ("instance", self.instance),
        ];
        for (field, text) in texts {
            if let Some(slot) = fields.slot(field) {
                *slot = text.map(|text| Given::Text(Cow::Borrowed(text)));
            }
        }
        fields
    }
}

/// What is not read yet of a text.
struct Reader<'json> {
    rest: &'json str,
}

impl<'json> Reader<'json> {
    /// Passes blanks (RFC 8259 §2), and then this byte.
    fn pass(&mut self, byte: u8) -> Option<()> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let mut bytes = self.rest.as_bytes().iter();
        let at = bytes.position(|byte| !is_blank(byte))?;
        self.pass_here(at, byte)
    }

    /// Passes a text without escapes.
    fn text(&mut self) -> Option<&'json str> {
        self.pass(b'"')?;
        // RFC 8259 §7.
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let end = self.rest.as_bytes().iter().position(is_end)?;
        let text = self.rest.get(..end)?;
        self.pass_here(end, b'"')?;
        Some(text)
    }

    /// Passes everything up to this place, where this byte stands.
    fn pass_here(&mut self, at: usize, byte: u8) -> Option<()> {
        let is_there = *self.rest.as_bytes().get(at)? == byte;
        self.rest = self.rest.get(at + 1..).filter(|_| is_there)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::register::Registration;

    /// What a body is read as, in the plain way and by the reader.
    fn both(json: &str) -> [Option<Registration>; 2] {
        let plain = Texts::read(json.as_bytes()).map(Texts::fields);
        [plain, Fields::from_any_json(json).ok()]
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
            r#"{"ip":"10.0.0.1"}"#,
            "{}",
            "{",
        ] {
            assert_eq!(Texts::read(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn an_address_that_is_no_key_is_left_to_the_reader() {
        let with_ip = |bytes: usize| format!(r#"{{"name":"a","ip":"{}"}}"#, "a".repeat(bytes));
        let longest = name::MAX_BYTES - PORT_AND_BRACKETS;

        assert!(Texts::read(with_ip(longest).as_bytes()).is_some());
        assert_eq!(Texts::read(with_ip(longest + 1).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn what_is_read_plainly_is_what_the_reader_reads(
            json in r#"\{( ?"(name|ip|instance|x)" ?: ?("[a-c1.:\\ ü/]{0,4}"|1|null) ?,?){0,3}\}? ?"#
        ) {
            let [plain, other] = both(&json);
            if Texts::read(json.as_bytes()).is_some() {
                prop_assert_eq!(plain, other);
            }
        }
    }
}
