//! The body of `POST /register`: JSON or a form, read into a typed request or refused with a
//! sentence for every field that is wrong.

mod field;
mod fields;
mod plain;

use std::collections::BTreeMap;

pub use self::fields::FIELDS;
use self::fields::Fields;
pub use self::plain::Texts;
use crate::address::Endpoint;
use crate::name::{InstanceId, ServiceName};
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

#[cfg(test)]
mod tests;
