//! A token as a line of its file: `ID SCOPE SHA256 MADE NOTE`, readable and deletable by hand.

use lastbeat_proto::Timestamp;
use lastbeat_proto::endpoint::Scope;
use lastbeat_proto::name::is_plain;

use super::{ID_BYTES, MAX_NOTE_BYTES, SECRET_BYTES, Token, hex};

/// Writes the line of `token`, without its end.
pub(super) fn write(token: &Token) -> String {
    let Token {
        id,
        scope,
        hash,
        made,
        note,
    } = token;
    let line = format!("{id} {} {} {made} {note}", scope.word(), hex(hash));
    line.trim_end().to_owned()
}

/// Reads a line that is neither empty nor a comment; an error says what is wrong with it.
pub(super) fn parse(line: &str) -> Result<Token, &'static str> {
    let mut words = line.splitn(5, ' ');
    let mut next = || words.next().unwrap_or_default();
    let (id, scope, hash, made, note) = (next(), next(), next(), next(), next());
    check_note(note)?;
    if id.len() != 2 * ID_BYTES || bytes_of::<ID_BYTES>(id).is_none() {
        return Err("does not begin with an id of eight hexadecimal digits");
    }
    Ok(Token {
        id: id.to_owned(),
        scope: Scope::of_token(scope)
            .ok_or("has no scope read, register or admin behind its id")?,
        hash: bytes_of::<SECRET_BYTES>(hash).ok_or("has no SHA-256 of 64 hexadecimal digits")?,
        made: Timestamp::parse(made).map_err(|_cause| "has no time behind its SHA-256")?,
        note: note.to_owned(),
    })
}

/// Whether a note can stand in the file and be listed on a terminal.
pub(super) fn check_note(note: &str) -> Result<(), &'static str> {
    if MAX_NOTE_BYTES < note.len() {
        return Err("has a note of more than 128 bytes");
    }
    if !note.chars().all(is_plain) {
        return Err("has a character in its note that does not show itself");
    }
    Ok(())
}

/// The bytes of `N` pairs of lower-case hexadecimal digits.
fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_lower = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 * N || !text.as_bytes().iter().all(is_lower) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let pair = text.get(2 * index..2 * index + 2)?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}
