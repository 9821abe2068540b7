//! How the records of the registry stand in a document: one structure for writing and reading, so
//! that a new field of a record is one line here.
//!
//! Every field is written and has to be there; an unknown one is refused.

use std::collections::BTreeMap;

use lastbeat_proto::{Address, EventKind, InstanceId, ServiceName, Span, Timestamp};
use rusqlite::types::Value;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::word;
use crate::clock::Listened;
use crate::instance::{Changes, Life};
use crate::state::record::{Began, EventRecord, Heartbeat, InstanceRecord, Stretch, Subject};
use crate::store::import::{OldRow, Refused};

/// An instance, living or tombstone.
#[derive(Serialize, Deserialize)]
#[serde(
    remote = "InstanceRecord",
    deny_unknown_fields,
    expecting = "an instance as an object"
)]
struct InstanceFields {
    id: i64,
    #[serde(with = "word")]
    name: ServiceName,
    #[serde(with = "word")]
    instance: InstanceId,
    #[serde(rename = "ip", with = "word")]
    address: Address,
    #[serde(deserialize_with = "Option::deserialize")]
    port: Option<u16>,
    #[serde(rename = "ttl_us", with = "span_us")]
    ttl: Option<Span>,
    tags: Vec<String>,
    metadata: BTreeMap<String, String>,
    #[serde(with = "word")]
    first_seen: Timestamp,
    #[serde(rename = "state", with = "word")]
    life: Life,
    #[serde(with = "word")]
    since: Timestamp,
    #[serde(rename = "since_listened_us", with = "listened_us")]
    since_l: Listened,
    #[serde(rename = "mass_loss")]
    is_mass: bool,
    #[serde(rename = "changes_listened_us")]
    changes: Changes,
    #[serde(rename = "flapping")]
    is_flapping: bool,
    #[serde(with = "HeartbeatFields")]
    heartbeat: Heartbeat,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Heartbeat", deny_unknown_fields)]
struct HeartbeatFields {
    #[serde(with = "word")]
    at: Timestamp,
    #[serde(rename = "listened_us", with = "listened_us")]
    l: Listened,
}

#[derive(Serialize, Deserialize)]
#[serde(
    remote = "EventRecord",
    deny_unknown_fields,
    expecting = "an event as an object"
)]
struct EventFields {
    revision: u64,
    #[serde(with = "word")]
    at: Timestamp,
    #[serde(rename = "listened_us", with = "listened_us")]
    l: Listened,
    #[serde(with = "word")]
    kind: EventKind,
    #[serde(with = "subject")]
    subject: Option<Subject>,
    #[serde(deserialize_with = "Option::deserialize")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Subject", deny_unknown_fields)]
struct SubjectFields {
    id: i64,
    #[serde(with = "word")]
    name: ServiceName,
    #[serde(with = "word")]
    instance: InstanceId,
}

#[derive(Serialize, Deserialize)]
#[serde(
    remote = "Stretch",
    deny_unknown_fields,
    expecting = "a stretch as an object"
)]
struct StretchFields {
    #[serde(with = "word")]
    began: Began,
    #[serde(rename = "start_listened_us", with = "listened_us")]
    start_l: Listened,
    #[serde(rename = "last_listened_us", with = "listened_us")]
    last_l: Listened,
    #[serde(rename = "start_at", with = "word")]
    start_wall: Timestamp,
    #[serde(rename = "last_at", with = "word")]
    last_wall: Timestamp,
    #[serde(rename = "clean_stop")]
    is_clean: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(
    remote = "Refused",
    deny_unknown_fields,
    expecting = "a refused row as an object"
)]
struct RefusedFields {
    #[serde(with = "OldRowFields")]
    row: OldRow,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(
    remote = "OldRow",
    deny_unknown_fields,
    expecting = "a row of the original as an object"
)]
struct OldRowFields {
    id: i64,
    #[serde(with = "value")]
    name: Value,
    #[serde(with = "value")]
    ip: Value,
    #[serde(with = "value")]
    status: Value,
    #[serde(with = "value")]
    last_heartbeat: Value,
}

/// A record that can be written and read.
macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $record:ty, $fields:literal) => {
        $(#[$doc])*
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(#[serde(with = $fields)] pub(super) $record);
    };
}

line!(
    /// An instance.
    InstanceLine, InstanceRecord, "InstanceFields"
);
line!(
    /// An event.
    EventLine, EventRecord, "EventFields"
);
line!(
    /// A stretch.
    StretchLine, Stretch, "StretchFields"
);
line!(
    /// A refused row.
    RefusedLine, Refused, "RefusedFields"
);
line!(
    /// A time.
    TimeWord, Timestamp, "word"
);

/// Listening time as a whole number of microseconds.
mod listened_us {
    use super::{Deserialize, Deserializer, Listened, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde gives a reference to the field"
    )]
    pub(super) fn serialize<S: Serializer>(value: &Listened, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(value.as_micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Listened, D::Error> {
        i64::deserialize(from).map(Listened::from_micros)
    }
}

/// A length of time as a whole number of microseconds, or null.
mod span_us {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Span};

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Span>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Span::as_micros).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Span>, D::Error> {
        let us = Option::<u64>::deserialize(from)?;
        Ok(us.map(Span::from_micros))
    }
}

/// The instance of an event, or null.
mod subject {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Subject, SubjectFields};

    #[derive(Serialize)]
    struct Written<'a>(#[serde(with = "SubjectFields")] &'a Subject);
    #[derive(Deserialize)]
    struct Read(#[serde(with = "SubjectFields")] Subject);

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Subject>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Written).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Subject>, D::Error> {
        let subject = Option::<Read>::deserialize(from)?;
        Ok(subject.map(|Read(subject)| subject))
    }
}

/// Whatever stood in a column: null, a whole number or a text as they are, the rest in an object.
mod value {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer, Value};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged, deny_unknown_fields)]
    enum Column {
        Null(()),
        Integer(i64),
        Text(String),
        Real { real: String },
        Bytes { hex: String },
    }

    pub(super) fn serialize<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
        let column = match value {
            Value::Null => Column::Null(()),
            Value::Integer(number) => Column::Integer(*number),
            Value::Text(text) => Column::Text(text.clone()),
            Value::Real(number) => Column::Real {
                real: format!("{number:?}"),
            },
            Value::Blob(bytes) => Column::Bytes {
                hex: hexadecimal(bytes),
            },
        };
        column.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        match Column::deserialize(from)? {
            Column::Null(()) => Ok(Value::Null),
            Column::Integer(number) => Ok(Value::Integer(number)),
            Column::Text(text) => Ok(Value::Text(text)),
            Column::Real { real } => match real.parse() {
                Ok(number) => Ok(Value::Real(number)),
                Err(_not_a_number) => Err(Error::custom(format!("{real:?} is not a number"))),
            },
            Column::Bytes { hex } => bytes(&hex)
                .map(Value::Blob)
                .ok_or_else(|| Error::custom(format!("{hex:?} is not bytes in hexadecimal"))),
        }
    }

    fn hexadecimal(bytes: &[u8]) -> String {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    }

    fn bytes(hex: &str) -> Option<Vec<u8>> {
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        rest.is_empty()
            .then(|| pairs.iter().map(byte).collect())
            .flatten()
    }
}
