//! Values of a document that are written as one text, and read back only in exactly that form.

use std::fmt::Display;

use lastbeat_proto::{Address, EventKind, InstanceId, NetworkEndpoint, ServiceName, Timestamp};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::instance::Life;
use crate::state::record::Began;
use crate::store::load::{began, life, life_word};

/// A value with one text form.
pub(super) trait Word: Sized {
    /// Reads the text, or says what is wrong with it.
    fn read(text: &str) -> Result<Self, String>;
    /// The one form.
    fn word(&self) -> impl Display;
}

/// For `#[serde(with = "word")]`.
pub(super) fn serialize<T: Word, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&value.word())
}

/// For `#[serde(with = "word")]`.
pub(super) fn deserialize<'de, T: Word, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    let value = T::read(&text).map_err(|fault| Error::custom(format!("{text:?} {fault}")))?;
    let word = value.word().to_string();
    if word == text {
        Ok(value)
    } else {
        Err(Error::custom(format!(
            "{text:?} is to be written as {word:?}"
        )))
    }
}

impl Word for ServiceName {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }

    fn word(&self) -> impl Display {
        self.as_str()
    }
}

impl Word for InstanceId {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }

    fn word(&self) -> impl Display {
        self.as_str()
    }
}

impl Word for Address {
    fn read(text: &str) -> Result<Self, String> {
        NetworkEndpoint::parse(text)
            .map(|endpoint| endpoint.address)
            .map_err(|error| error.to_string())
    }

    fn word(&self) -> impl Display {
        self.as_str()
    }
}

impl Word for Timestamp {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }

    fn word(&self) -> impl Display {
        self
    }
}

impl Word for Life {
    fn read(text: &str) -> Result<Self, String> {
        life(text).map_err(|_unknown| {
            "is none of up, down, timed-out, dismissed, deregistered".to_owned()
        })
    }

    fn word(&self) -> impl Display {
        life_word(*self)
    }
}

impl Word for Began {
    fn read(text: &str) -> Result<Self, String> {
        began(text).map_err(|_unknown| "is none of start, stall".to_owned())
    }

    fn word(&self) -> impl Display {
        Self::word(*self)
    }
}

impl Word for EventKind {
    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| "is no kind of event".to_owned())
    }

    fn word(&self) -> impl Display {
        Self::word(*self)
    }
}
