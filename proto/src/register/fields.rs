//! The fields of a body as they came, from JSON or a form, and each judged.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    BodyError, EXPECTED, PORT_AND_BRACKETS, Patch, Registration, Texts, all, error, field,
    field_error, whole,
};
use crate::name;
use crate::problem::FieldError;

/// The fields as they came, not yet judged.
#[derive(Default)]
pub(super) struct Fields<'body> {
    raw: [Option<Given<'body>>; FIELDS.len()],
}

/// The fields of a registration that are read; others are ignored.
pub const FIELDS: [&str; 7] = [
    "name", "ip", "port", "instance", "ttl_s", "tags", "metadata",
];

pub(super) enum Given<'body> {
    Json(&'body RawValue),
    Text(Cow<'body, str>),
}

impl<'body> Fields<'body> {
    pub(super) fn from_json(text: &'body str) -> Result<Self, BodyError> {
        match Texts::read(text.as_bytes()) {
            Some(texts) => Ok(texts.fields()),
            None => Self::from_any_json(text),
        }
    }

    /// The same by the JSON reader.
    pub(super) fn from_any_json(text: &'body str) -> Result<Self, BodyError> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = Self::deserialize(&mut reader).map_err(|error| json_error(text, &error))?;
        reader.end().map_err(|error| {
            let at = byte_at(text, &error);
            match text.as_bytes().get(at) {
                Some(byte) => whole(format!(
                    "unexpected byte 0x{byte:02X} after the JSON, at byte {at}; end the body behind the closing brace"
                )),
                None => json_error(text, &error),
            }
        })?;
        Ok(fields)
    }

    pub(super) fn from_form(text: &'body str) -> Result<Self, BodyError> {
        if percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .is_err()
        {
            return Err(whole(format!(
                "the form is not UTF-8 after percent-decoding; {EXPECTED}"
            )));
        }
        let mut fields = Self::default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let Some(slot) = fields.slot(&key) else {
                continue;
            };
            if slot.is_some() {
                return Err(field_error(&key, "stands twice; send it once"));
            }
            *slot = Some(Given::Text(value));
        }
        Ok(fields)
    }

    pub(super) fn slot(&mut self, key: &str) -> Option<&mut Option<Given<'body>>> {
        let index = FIELDS.iter().position(|field| *field == key)?;
        self.raw.get_mut(index)
    }

    pub(super) fn check(self) -> Result<Registration, BodyError> {
        let mut errors = Vec::new();
        // In the order of `FIELDS`.
        let [service, ip, port, instance, ttl, tags, metadata] = self.raw;
        let service = read(&mut errors, "name", service, field::parse_name);
        let ip = read(&mut errors, "ip", ip, field::parse_ip);
        let port = read(&mut errors, "port", port, field::parse_port);
        let instance = read(&mut errors, "instance", instance, field::parse_instance);
        let ttl = read(&mut errors, "ttl_s", ttl, field::parse_ttl);
        let tags = read(&mut errors, "tags", tags, field::parse_tags);
        let metadata = read(&mut errors, "metadata", metadata, field::parse_metadata);
        if matches!(service, Patch::Keep | Patch::Clear) && errors.iter().all(|e| e.field != "name")
        {
            errors.push(error("name", format!("is missing; {EXPECTED}")));
        }
        if let (Patch::Set(endpoint), Patch::Set(port)) = (&ip, &port)
            && endpoint.port.is_some_and(|written| written != *port)
        {
            errors.push(error(
                "port",
                "differs from the port in ip; give it once".to_owned(),
            ));
        }
        if let (Patch::Set(endpoint), Patch::Keep | Patch::Clear) = (&ip, &instance)
            && name::MAX_BYTES < endpoint.address.as_str().len() + PORT_AND_BRACKETS
        {
            let detail = format!(
                "has {} bytes; send an instance of at most {} bytes beside so long an address",
                endpoint.address.as_str().len(),
                name::MAX_BYTES
            );
            errors.push(error("ip", detail));
        }
        match service {
            Patch::Set(name) if errors.is_empty() => {
                let ip = if let Patch::Set(ip) = ip {
                    Some(ip)
                } else {
                    None
                };
                Ok(Registration {
                    name,
                    ip,
                    port,
                    instance,
                    ttl,
                    tags,
                    metadata,
                })
            }
            _ => Err(all(errors)),
        }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some(field::Text(key)) = map.next_key()? {
                    match fields.slot(&key) {
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                        Some(Some(_)) => {
                            return Err(A::Error::custom(format!(
                                "field {key} stands twice; send it once"
                            )));
                        }
                        Some(slot) => *slot = Some(Given::Json(map.next_value()?)),
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// One field judged; what is wrong goes to `errors`.
fn read<T>(
    errors: &mut Vec<FieldError>,
    field: &str,
    given: Option<Given<'_>>,
    parse: fn(&Given<'_>) -> Result<Patch<T>, String>,
) -> Patch<T> {
    match given {
        None => Patch::Keep,
        Some(Given::Json(raw)) if raw.get() == "null" => Patch::Clear,
        Some(given) => parse(&given).unwrap_or_else(|detail| {
            errors.push(error(field, detail));
            Patch::Keep
        }),
    }
}

fn json_error(text: &str, error: &serde_json::Error) -> BodyError {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    if let Some(field) = said
        .strip_prefix("field ")
        .and_then(|rest| rest.split(' ').next())
    {
        return field_error(field, "stands twice; send it once");
    }
    whole(format!(
        "the body is not JSON: {said} at byte {}; {EXPECTED}",
        byte_at(text, error)
    ))
}

/// Where in the body the reader stopped, counted from 0.
fn byte_at(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    before + error.column().saturating_sub(1)
}
