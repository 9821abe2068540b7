//! Moments and lengths of time: text and value are the same thing, on the wire too.

use lastbeat_proto::{Span, Timestamp};

/// Largest length in microseconds whose seconds a JSON number can hold exactly enough.
const EXACT_US: u64 = 1 << 50;

/// Reads the bytes as a moment and as a length, and its first eight as microseconds.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(time) = Timestamp::parse(&text) {
        assert_moment(time);
    }
    if let Ok(span) = Span::parse(&text) {
        assert_eq!(Some(span.as_micros()), expected_us(text.trim()), "{text:?}");
        let whole = format!("{}ms", span.as_micros() / 1_000);
        assert_eq!(Span::parse(&whole), Ok(span), "{text:?}");
        assert_span(span);
    } else {
        assert_eq!(expected_us(text.trim()), None, "{text:?}");
    }
    let mut us = [0; 8];
    for (to, from) in us.iter_mut().zip(bytes) {
        *to = *from;
    }
    assert_moment(Timestamp::from_micros(i64::from_le_bytes(us)));
    assert_moment(Timestamp::from_micros(i64::from_le_bytes(us) >> 8));
    assert_span(Span::from_micros(u64::from_le_bytes(us)));
    assert_span(Span::from_micros(u64::from_le_bytes(us) % EXACT_US));
    if let Ok(seconds) = serde_json::from_slice::<f64>(bytes) {
        let read = Span::from_secs_f64(seconds);
        assert!(read.is_none() || 0.0 <= seconds, "{seconds}");
        assert_eq!(
            serde_json::from_slice::<Span>(bytes).ok(),
            read,
            "{seconds}"
        );
    }
}

fn assert_moment(time: Timestamp) {
    let text = time.to_string();
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000+00:00", "{text}");
    assert_eq!(Timestamp::parse(&text), Ok(time), "{text}");
    let json = serde_json::to_string(&time).unwrap();
    assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
}

fn assert_span(span: Span) {
    let shown = span.to_string();
    assert!(
        !shown.is_empty() && shown.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{shown}"
    );
    let json = serde_json::to_string(&span).unwrap();
    if span.as_micros() < EXACT_US {
        assert_eq!(serde_json::from_str::<Span>(&json).unwrap(), span, "{json}");
    }
}

/// What `60s` means, in microseconds.
fn expected_us(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let us: u128 = match unit {
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    u64::try_from(u128::from(number) * us).ok()
}
