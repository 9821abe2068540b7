//! When a certificate ends: its `notAfter`, and what is told of it in time.
//!
//! Pure. Only the way to that one field is read (RFC 5280 §4.1); whether the rest is a certificate
//! is rustls' to say.

use lastbeat_proto::answer::NoticeLevel;
use lastbeat_proto::{Span, Timestamp};

/// From here on before its end it is told.
const SOON: Span = Span::from_secs(14 * DAY_S);
const DAY_S: u64 = 86_400;

/// Tags of DER (ITU-T X.690 §8).
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// Where the version stands, which may be left out.
const VERSION: u8 = 0xa0;

/// When the certificate ends; nothing where that cannot be read.
pub(super) fn ends_at(certificate: &[u8]) -> Option<Timestamp> {
    let mut outer = Der(certificate).take(SEQUENCE)?;
    let mut inner = outer.take(SEQUENCE)?;
    if inner.0.first() == Some(&VERSION) {
        inner.take(VERSION)?;
    }
    inner.take(INTEGER)?; // serial number
    inner.take(SEQUENCE)?; // algorithm of the signature
    inner.take(SEQUENCE)?; // issuer
    let mut validity = inner.take(SEQUENCE)?;
    validity.time()?;
    validity.time()
}

/// What is to be told `now` of a certificate that ends at `end`, and what to do.
pub(super) fn notice(end: Timestamp, now: Timestamp) -> Option<(NoticeLevel, String)> {
    let left_us = end.as_micros() - now.as_micros();
    let advice = "put a new one in its place and send SIGHUP (systemctl reload lastbeatd)";
    if left_us < 0 {
        let text = format!(
            "the TLS certificate has expired at {}, and clients refuse to connect: {advice}",
            day_and_time(end)
        );
        return Some((NoticeLevel::Error, text));
    }
    (left_us <= SOON.as_signed_micros()).then(|| {
        let days = Span::from_signed_micros(left_us).as_micros() / (DAY_S * 1_000_000);
        let left = match days {
            0 => "in less than a day".to_owned(),
            1 => "in 1 day".to_owned(),
            days => format!("in {days} days"),
        };
        let text = format!(
            "the TLS certificate expires {left}, at {}, and then clients refuse to connect: {advice}",
            day_and_time(end)
        );
        (NoticeLevel::Warning, text)
    })
}

/// `2026-11-28 13:40:12 UTC`
fn day_and_time(time: Timestamp) -> String {
    let text = time.to_string();
    let day = text.get(..10).unwrap_or_default();
    let time = text.get(11..19).unwrap_or_default();
    format!("{day} {time} UTC")
}

/// What is left of some bytes in DER.
struct Der<'bytes>(&'bytes [u8]);

impl Der<'_> {
    /// The content of the next value, which has this tag.
    fn take(&mut self, tag: u8) -> Option<Self> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match usize::from(*first) {
            short @ 0..0x80 => (short, rest),
            // A longer one is in as many bytes as this says; no certificate needs more than four.
            long => {
                let (bytes, rest) = rest.split_at_checked(long - 0x80)?;
                let is_sane = (1..=4).contains(&bytes.len());
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
                (is_sane.then_some(length)?, rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(Der(content))
    }

    /// The next value as a time, in one of its two forms (RFC 5280 §4.1.2.5).
    fn time(&mut self) -> Option<Timestamp> {
        let tag = *self.0.first()?;
        let text = std::str::from_utf8(self.take(tag)?.0).ok()?;
        let text = text.strip_suffix('Z').filter(|text| text.is_ascii())?;
        let century = match (tag, text.get(..2)?) {
            (UTC_TIME, year) if year < "50" => "20",
            (UTC_TIME, _) => "19",
            (GENERALIZED_TIME, _) => "",
            _ => return None,
        };
        let text = format!("{century}{text}");
        let part = |from: usize, to: usize| text.get(from..to);
        if text.len() != 14 {
            return None;
        }
        let written = format!(
            "{}-{}-{}T{}:{}:{}.000000+00:00",
            part(0, 4)?,
            part(4, 6)?,
            part(6, 8)?,
            part(8, 10)?,
            part(10, 12)?,
            part(12, 14)?
        );
        Timestamp::parse(&written).ok()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 2, 28);
        let signed = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        signed.der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms_of_its_year() {
        for year in [1999, 2026, 2049, 2050, 4096] {
            let end = time(&format!("{year}-02-28T00:00:00.000000+00:00"));

            assert_eq!(ends_at(&certificate(year)), Some(end), "{year}");
        }
    }

    #[test]
    fn what_is_cut_off_or_altered_never_panics() {
        let whole = certificate(2026);
        let field = whole
            .windows(6)
            .position(|bytes| bytes == b"260228")
            .unwrap();
        for length in 0..field + 13 {
            assert_eq!(ends_at(&whole[..length]), None, "{length}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut altered = whole.clone();
                altered[at] = byte;
                let _end = ends_at(&altered);
            }
        }
    }

    #[test]
    fn it_is_told_from_fourteen_days_before_the_end() {
        let end = time("2026-12-20T12:00:00.000000+00:00");
        let told = |us: i64| notice(end, end.plus_micros(us));
        let day = 86_400_000_000;

        assert_eq!(told(-14 * day - 1), None);
        let (level, text) = told(-14 * day).unwrap();
        assert_eq!(level, NoticeLevel::Warning);
        assert!(
            text.contains("in 14 days, at 2026-12-20 12:00:00 UTC"),
            "{text}"
        );
        assert!(told(-day).unwrap().1.contains("in 1 day,"));
        let (level, text) = told(0).unwrap();
        assert_eq!(level, NoticeLevel::Warning);
        assert!(text.contains("in less than a day"), "{text}");
        let (level, text) = told(1).unwrap();
        assert_eq!(level, NoticeLevel::Error);
        assert!(
            text.contains("has expired at 2026-12-20 12:00:00 UTC"),
            "{text}"
        );
        assert!(text.contains("SIGHUP"), "{text}");
    }
}
