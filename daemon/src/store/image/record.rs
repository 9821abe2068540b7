//! The record format: how the columns of a row are packed (sqlite.org/fileformat2.html §2.1).

use rusqlite::types::Value;

/// The most columns that a record may claim; the widest table of any of our versions has fewer.
const MAX_COLUMNS: usize = 100;

/// The columns of a row; `None` when the bytes are no record.
pub(super) fn parse(payload: &[u8]) -> Option<Vec<Value>> {
    let (header_bytes, mut at) = varint(payload, 0)?;
    let header_bytes = usize::try_from(header_bytes).ok()?;
    let mut body = header_bytes;
    let mut values = Vec::new();
    while at < header_bytes {
        if MAX_COLUMNS <= values.len() {
            return None;
        }
        let (kind, next) = varint(payload, at)?;
        let (value, bytes) = column(payload, body, kind)?;
        values.push(value);
        body += bytes;
        at = next;
    }
    (at == header_bytes && body == payload.len()).then_some(values)
}

/// The value at `at` with this serial type, and its length.
fn column(payload: &[u8], at: usize, kind: i64) -> Option<(Value, usize)> {
    let integer = |bytes| {
        Some((
            Value::Integer(big_endian_signed(payload, at, bytes)?),
            bytes,
        ))
    };
    match kind {
        0 => Some((Value::Null, 0)),
        1..=4 => integer(usize::try_from(kind).ok()?),
        5 => integer(6),
        6 => integer(8),
        7 => {
            let bits = big_endian(payload, at, 8)?.cast_unsigned();
            Some((Value::Real(f64::from_bits(bits)), 8))
        }
        8 | 9 => Some((Value::Integer(kind - 8), 0)),
        12.. => {
            let length = usize::try_from((kind - 12) / 2).ok()?;
            let bytes = payload.get(at..at.checked_add(length)?)?;
            let value = if kind % 2 == 0 {
                Value::Blob(bytes.to_vec())
            } else {
                text(bytes)
            };
            Some((value, length))
        }
        _ => None,
    }
}

/// A text, or the bytes of what claims to be one and is no UTF-8.
pub(in super::super) fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(
        |_not_utf8| Value::Blob(bytes.to_vec()),
        |text| Value::Text(text.to_owned()),
    )
}

/// A number of 1 to 9 bytes (§1.6), and where it ends.
pub(super) fn varint(bytes: &[u8], start: usize) -> Option<(i64, usize)> {
    let mut number: i64 = 0;
    for length in 0..8 {
        let byte = i64::from(*bytes.get(start.checked_add(length)?)?);
        number = number << 7 | (byte & 0x7f);
        if byte < 0x80 {
            return Some((number, start + length + 1));
        }
    }
    let last = i64::from(*bytes.get(start.checked_add(8)?)?);
    Some((number << 8 | last, start + 9))
}

/// The unsigned number in these bytes; eight bytes give their bits.
pub(super) fn big_endian(bytes: &[u8], at: usize, length: usize) -> Option<i64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | i64::from(*byte)),
    )
}

fn big_endian_signed(bytes: &[u8], at: usize, length: usize) -> Option<i64> {
    let unused = 64_u32.checked_sub(u32::try_from(length).ok()?.checked_mul(8)?)?;
    Some(big_endian(bytes, at, length)? << unused >> unused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_ends_with_its_first_small_byte_or_its_ninth() {
        assert_eq!(varint(&[0x7f], 0), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0x00], 0), Some((128, 2)));
        assert_eq!(varint(&[0xff; 9], 0), Some((-1, 9)));
        assert_eq!(varint(&[0x80], 0), None);
        assert_eq!(varint(&[], 0), None);
    }

    #[test]
    fn a_record_gives_its_columns() {
        let payload = [7, 0, 1, 8, 9, 17, 16, 0xff, b'h', b'i', 1, 2];

        assert_eq!(
            parse(&payload),
            Some(vec![
                Value::Null,
                Value::Integer(-1),
                Value::Integer(0),
                Value::Integer(1),
                Value::Text("hi".to_owned()),
                Value::Blob(vec![1, 2]),
            ])
        );
    }

    #[test]
    fn what_is_too_short_too_long_or_unknown_is_no_record() {
        for payload in [&[][..], &[3, 1], &[2, 1], &[2, 8, 0], &[2, 10], &[9, 1, 1]] {
            assert_eq!(parse(payload), None, "{payload:?}");
        }
    }
}
