//! One field of a registration: from what was sent to what was meant.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::Given;
use super::{
    MAX_KEY_BYTES, MAX_METADATA, MAX_TAG_BYTES, MAX_TAGS, MAX_TTL, MAX_VALUE_BYTES, MIN_TTL, Patch,
};
use crate::address::Endpoint;
use crate::name::{self, InstanceId, ServiceName};
use crate::span::Span;

/// A text of JSON, copied only where it has escapes; `Cow` by itself always copies.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

fn parse_text<'a>(given: &'a Given<'_>) -> Result<Cow<'a, str>, String> {
    let raw = match given {
        Given::Text(text) => return Ok(Cow::Borrowed(text)),
        Given::Json(raw) => raw,
    };
    // It was read as JSON already: between its quotes stands the text, unless it has escapes.
    let inner = raw
        .get()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner.filter(|inner| !inner.as_bytes().contains(&b'\\')) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => serde_json::from_str(raw.get())
            .map(|Text(text)| text)
            .map_err(|_not_text| format!("is {}; send a text", kind_of(raw))),
    }
}

pub(super) fn parse_name(given: &Given<'_>) -> Result<Patch<ServiceName>, String> {
    let text = parse_text(given)?;
    ServiceName::parse(&text)
        .map(Patch::Set)
        .map_err(|error| error.to_string())
}

pub(super) fn parse_instance(given: &Given<'_>) -> Result<Patch<InstanceId>, String> {
    let text = parse_text(given)?;
    InstanceId::parse(&text)
        .map(Patch::Set)
        .map_err(|error| error.to_string())
}

pub(super) fn parse_ip(given: &Given<'_>) -> Result<Patch<Endpoint>, String> {
    let text = parse_text(given)?;
    Endpoint::parse(&text)
        .map(Patch::Set)
        .map_err(|error| error.to_string())
}

pub(super) fn parse_port(given: &Given<'_>) -> Result<Patch<u16>, String> {
    let port = match given {
        Given::Text(text) => text.parse::<u16>().ok(),
        Given::Json(raw) => serde_json::from_str(raw.get()).ok().and_then(whole),
    };
    port.filter(|port| 0 < *port)
        .map(Patch::Set)
        .ok_or_else(|| "is not a whole number from 1 to 65535".to_owned())
}

/// Some languages have one kind of number and write 80 as `80.0`; both are the same in JSON.
fn whole(number: f64) -> Option<u16> {
    number.to_string().parse().ok()
}

pub(super) fn parse_ttl(given: &Given<'_>) -> Result<Patch<Span>, String> {
    let seconds = match given {
        Given::Text(text) => text.parse::<f64>().ok(),
        Given::Json(raw) => serde_json::from_str::<f64>(raw.get()).ok(),
    };
    let ttl = seconds.and_then(Span::from_secs_f64);
    ttl.filter(|ttl| (MIN_TTL..=MAX_TTL).contains(ttl))
        .map(Patch::Set)
        .ok_or_else(|| {
            format!(
                "is not a number of seconds from {} to {}",
                MIN_TTL.as_secs_f64(),
                MAX_TTL.as_secs_f64()
            )
        })
}

pub(super) fn parse_tags(given: &Given<'_>) -> Result<Patch<Vec<String>>, String> {
    let tags: Vec<String> = match given {
        Given::Text(text) => text.split(',').map(|tag| tag.trim().to_owned()).collect(),
        Given::Json(raw) => serde_json::from_str(raw.get())
            .map_err(|_not_texts| "is not a list of texts".to_owned())?,
    };
    let mut unique: Vec<String> = Vec::new();
    for tag in tags {
        name::check_line(&tag, MAX_TAG_BYTES).map_err(|error| format!("has a tag that {error}"))?;
        if tag.is_empty() || tag.trim() != tag {
            return Err("has an empty tag or one with a space at its end".to_owned());
        }
        if !unique.contains(&tag) {
            unique.push(tag);
        }
        if MAX_TAGS < unique.len() {
            return Err(format!("has more than {MAX_TAGS} tags"));
        }
    }
    Ok(if unique.is_empty() {
        Patch::Clear
    } else {
        Patch::Set(unique)
    })
}

/// Pairs of texts; a key that stands twice is an error, which `BTreeMap` alone would hide.
struct Pairs(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if MAX_METADATA <= pairs.len() {
                        return Err(A::Error::custom(format!(
                            "has more than {MAX_METADATA} pairs"
                        )));
                    }
                    if pairs.insert(key.clone(), value).is_some() {
                        return Err(A::Error::custom("has a key that stands twice"));
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

pub(super) fn parse_metadata(given: &Given<'_>) -> Result<Patch<BTreeMap<String, String>>, String> {
    let Given::Json(raw) = given else {
        return Err("cannot be sent in a form; send JSON".to_owned());
    };
    let Pairs(pairs) = serde_json::from_str(raw.get()).map_err(|error| {
        let text = error.to_string();
        match text.split(" at line ").next() {
            Some(said) if said.starts_with("has ") => said.to_owned(),
            _ => "is not an object of texts".to_owned(),
        }
    })?;
    for (key, value) in &pairs {
        if key.is_empty() {
            return Err("has an empty key".to_owned());
        }
        name::check_line(key, MAX_KEY_BYTES).map_err(|error| format!("has a key that {error}"))?;
        name::check_line(value, MAX_VALUE_BYTES)
            .map_err(|error| format!("has a value, of key {key}, that {error}"))?;
    }
    Ok(if pairs.is_empty() {
        Patch::Clear
    } else {
        Patch::Set(pairs)
    })
}

/// What a JSON value is, for a reader who sent the wrong kind.
fn kind_of(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "true or false",
        Some(b'"') => "a broken text",
        _ => "a number",
    }
}
