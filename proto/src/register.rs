//! The body of `POST /register`: JSON or a form, read into a typed request or refused with a
//! sentence for every field that is wrong.

mod field;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::address::Endpoint;
use crate::name::{self, InstanceId, ServiceName};
use crate::problem::FieldError;
use crate::span::Span;

/// Shortest ttl of a registration: below it a heartbeat's way over a busy network is a large part.
pub const MIN_TTL: Span = Span::from_secs(2);
/// Longest ttl of a registration: 30 days.
pub const MAX_TTL: Span = Span::from_secs(30 * 86_400);
/// Most tags of one instance.
pub const MAX_TAGS: usize = 16;
/// Longest tag, in bytes.
pub const MAX_TAG_BYTES: usize = 64;
/// Most pairs of metadata of one instance.
pub const MAX_METADATA: usize = 32;
/// Longest metadata key, in bytes.
pub const MAX_KEY_BYTES: usize = 64;
/// Longest metadata value, in bytes.
pub const MAX_VALUE_BYTES: usize = 256;

/// A field that may be left as it is, cleared or set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Left out: unchanged.
    #[default]
    Keep,
    /// `null`, or empty: back to the default.
    Clear,
    /// Given.
    Set(T),
}

/// A registration as the client meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Name of the service.
    pub name: ServiceName,
    /// Where it is; missing: where the request came from.
    pub ip: Option<Endpoint>,
    /// Its port, if given apart from the address.
    pub port: Patch<u16>,
    /// The client's own key among the instances of this name.
    pub instance: Patch<InstanceId>,
    /// How long a heartbeat counts.
    pub ttl: Patch<Span>,
    /// Labels.
    pub tags: Patch<Vec<String>>,
    /// Pairs of texts.
    pub metadata: Patch<BTreeMap<String, String>>,
}

/// Why a body is no registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyError {
    /// One sentence: what is wrong with the whole, and what is expected.
    pub detail: String,
    /// What is wrong field by field.
    pub errors: Vec<FieldError>,
}

/// The `instance` that the body of a deregistration names, as JSON or as a form; none in an empty
/// body or object. A body that says something else must not mean all instances.
///
/// # Errors
/// [`BodyError`] when the body is neither, or names no instance.
pub fn instance_of(body: &[u8]) -> Result<Option<String>, BodyError> {
    #[derive(serde::Deserialize)]
    struct Named {
        instance: String,
    }
    const NO_BODY: &str = "leave the body out to deregister all instances";
    let text = std::str::from_utf8(body)
        .unwrap_or("\u{fffd}")
        .trim_matches(BLANK);
    match text.as_bytes().first() {
        None => Ok(None),
        Some(b'{') if text.get(1..).is_some_and(|rest| rest.trim() == "}") => Ok(None),
        Some(b'{') => match serde_json::from_str::<Named>(text) {
            Ok(named) => Ok(Some(named.instance)),
            Err(error) => Err(whole(format!(
                "the body is not {{\"instance\": \"…\"}}: {error}; {NO_BODY}"
            ))),
        },
        Some(_) if text.contains('=') => match crate::query::given(text, "instance") {
            Some(instance) => Ok(Some(instance)),
            None => Err(whole(format!("the form names no instance; {NO_BODY}"))),
        },
        Some(_) => Err(whole(format!(
            "the body is neither JSON nor a form; {NO_BODY}"
        ))),
    }
}

/// What a body should look like, for error texts.
const EXPECTED: &str =
    r#"send a JSON object such as {"name": "auth-service", "ip": "192.168.1.100"}"#;

impl Registration {
    /// A registration of `name` that says nothing else.
    pub fn bare(name: ServiceName) -> Self {
        Self {
            name,
            ip: None,
            port: Patch::Keep,
            instance: Patch::Keep,
            ttl: Patch::Keep,
            tags: Patch::Keep,
            metadata: Patch::Keep,
        }
    }

    /// Reads a body, whatever its Content-Type said: JSON (a byte order mark and blank tail are
    /// fine), else a form `name=…&ip=…`.
    ///
    /// # Errors
    /// [`BodyError`] names every field that is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, BodyError> {
        let text = std::str::from_utf8(body).map_err(|error| {
            whole(format!(
                "the body is not UTF-8 at byte {}; {EXPECTED}",
                error.valid_up_to()
            ))
        })?;
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .trim_matches(BLANK);
        if text.is_empty() {
            return Err(whole(format!("the body is empty; {EXPECTED}")));
        }
        match text.as_bytes().first() {
            Some(b'{') => Fields::from_json(text)?.check(),
            Some(b'[' | b'"') => Err(whole(format!("the body is not a JSON object; {EXPECTED}"))),
            _ if text.contains('=') => Fields::from_form(text)?.check(),
            _ => Err(whole(format!(
                "the body is neither JSON nor a form; {EXPECTED}"
            ))),
        }
    }
}

/// What a port adds to an address, at most: `[` and `]:65535`.
const PORT_AND_BRACKETS: usize = 8;

/// The blanks of JSON (RFC 8259 §2).
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

fn whole(detail: String) -> BodyError {
    BodyError {
        detail,
        errors: Vec::new(),
    }
}

/// The fields as they came, not yet judged.
#[derive(Default)]
struct Fields<'body> {
    raw: [Option<Given<'body>>; FIELDS.len()],
}

/// The fields of a registration that are read; others are ignored.
pub const FIELDS: [&str; 7] = [
    "name", "ip", "port", "instance", "ttl_s", "tags", "metadata",
];

enum Given<'body> {
    Json(&'body RawValue),
    Text(String),
}

impl<'body> Fields<'body> {
    fn from_json(text: &'body str) -> Result<Self, BodyError> {
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

    fn from_form(text: &'body str) -> Result<Self, BodyError> {
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
            *slot = Some(Given::Text(value.into_owned()));
        }
        Ok(fields)
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<Given<'body>>> {
        let index = FIELDS.iter().position(|field| *field == key)?;
        self.raw.get_mut(index)
    }

    fn take(&mut self, key: &str) -> Option<Given<'body>> {
        self.slot(key)?.take()
    }

    fn check(mut self) -> Result<Registration, BodyError> {
        let mut errors = Vec::new();
        let service = read(&mut errors, "name", self.take("name"), field::parse_name);
        let ip = read(&mut errors, "ip", self.take("ip"), field::parse_ip);
        let port = read(&mut errors, "port", self.take("port"), field::parse_port);
        let instance = read(
            &mut errors,
            "instance",
            self.take("instance"),
            field::parse_instance,
        );
        let ttl = read(&mut errors, "ttl_s", self.take("ttl_s"), field::parse_ttl);
        let tags = read(&mut errors, "tags", self.take("tags"), field::parse_tags);
        let metadata = read(
            &mut errors,
            "metadata",
            self.take("metadata"),
            field::parse_metadata,
        );
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
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
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

fn error(field: &str, detail: String) -> FieldError {
    FieldError {
        field: field.to_owned(),
        detail,
    }
}

fn field_error(field: &str, detail: &str) -> BodyError {
    all(vec![error(field, detail.to_owned())])
}

fn all(errors: Vec<FieldError>) -> BodyError {
    let sentences: Vec<String> = errors
        .iter()
        .map(|error| format!("{} {}", error.field, error.detail))
        .collect();
    BodyError {
        detail: sentences.join("; "),
        errors,
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

#[cfg(test)]
mod tests;
