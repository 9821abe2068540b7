//! Tokens: what a caller shows to be let in, and the file in which their hashes stand.
//!
//! The text of a token exists once, when it is made. The file keeps its SHA-256, which suffices
//! for 256 random bits (ADR 0013). Who asks for a token is left to [`crate::http`].

mod error;
mod file;
mod line;
mod masked;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;

use lastbeat_proto::Timestamp;
use lastbeat_proto::endpoint::Scope;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use self::error::TokenError;
pub use self::file::{Stamp, add, revoke};
pub use self::masked::masked;

/// What every token begins with, so that people and scanners of leaked secrets know it.
const PREFIX: &str = "lastbeat";
/// Random bytes of a token's id.
const ID_BYTES: usize = 4;
/// Random bytes of its secret part: as many as the hash has.
const SECRET_BYTES: usize = 32;
/// Longest text that is looked at as a token: the prefix, both parts in hex and two underlines.
const TOKEN_BYTES: usize = PREFIX.len() + 2 + 2 * (ID_BYTES + SECRET_BYTES);
/// Longest file that is read, in bytes: some 150,000 tokens without notes, 70,000 with the longest.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;
/// Longest note, in bytes.
pub const MAX_NOTE_BYTES: usize = 128;

/// A token as the file knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// By which people name it; eight hexadecimal digits, no secret.
    pub id: String,
    /// What its bearer may do.
    pub scope: Scope,
    /// SHA-256 of its text.
    hash: [u8; SECRET_BYTES],
    /// When it was made.
    pub made: Timestamp,
    /// What it is for; may be empty.
    pub note: String,
}

impl Token {
    /// A new one and its text, which is not kept anywhere.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    fn new(scope: Scope, note: &str, made: Timestamp) -> Result<(Self, String), TokenError> {
        let id = hex(&random::<ID_BYTES>()?);
        let text = format!("{PREFIX}_{id}_{}", hex(&random::<SECRET_BYTES>()?));
        let token = Self {
            id,
            scope,
            hash: Sha256::digest(&text).into(),
            made,
            note: note.to_owned(),
        };
        Ok((token, text))
    }

    /// Whether both are the same token, and not only of the same id.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id && self.hash.ct_eq(&other.hash).into()
    }
}

/// All tokens that are live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    tokens: Vec<Token>,
    /// Where each id stands: a caller may name any, known or not, and never searches them all.
    places: HashMap<String, usize>,
}

impl Tokens {
    /// The token of which this is the text. How long the search takes tells whether its id is
    /// known, which is no secret, and nothing of the secret part.
    pub fn find(&self, text: &str) -> Option<&Token> {
        if text.len() != TOKEN_BYTES {
            return None;
        }
        let (prefix, rest) = text.split_once('_')?;
        let (id, _secret) = rest.split_once('_')?;
        let token = self.by_id(id)?;
        let hash: [u8; SECRET_BYTES] = Sha256::digest(text).into();
        let is_known: bool = token.hash.ct_eq(&hash).into();
        (prefix == PREFIX && is_known).then_some(token)
    }

    /// The token of this id.
    pub fn by_id(&self, id: &str) -> Option<&Token> {
        self.tokens.get(*self.places.get(id)?)
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> &[Token] {
        &self.tokens
    }

    /// Puts `token` behind the others; false, and nothing, where its id is taken.
    pub(crate) fn push(&mut self, token: Token) -> bool {
        match self.places.entry(token.id.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(self.tokens.len());
                self.tokens.push(token);
                true
            }
        }
    }

    /// Takes out the token of this id.
    fn remove(&mut self, id: &str) -> Option<Token> {
        let place = self.places.remove(id)?;
        let token = self.tokens.remove(place);
        for later in self.places.values_mut().filter(|later| place < **later) {
            *later -= 1;
        }
        Some(token)
    }
}

/// Bytes of the system's generator, fit for secrets.
///
/// # Errors
/// [`TokenError::Random`].
pub fn random<const N: usize>() -> Result<[u8; N], TokenError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|cause| TokenError::Random { cause })?;
    Ok(bytes)
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a `String` cannot fail.
        write!(text, "{byte:02x}").unwrap_or(());
    }
    text
}

#[cfg(test)]
mod tests;
