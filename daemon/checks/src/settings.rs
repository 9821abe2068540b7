//! The terminal client's URL and settings file: a URL that is accepted can be asked and is read
//! from its own text; a file is accepted whole or refused with a line.

use lastbeat::config::{BaseUrl, ConfigError, of_text};

/// Reads the bytes as a URL and as a file.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(url) = BaseUrl::parse(&text) {
        let written = url.to_string();
        assert_eq!(BaseUrl::parse(&written).as_ref(), Ok(&url), "{written}");
        let path = url.path("/services");
        assert!(
            path.starts_with('/') && path.ends_with("/services"),
            "{path}"
        );
        assert!(
            path.bytes()
                .all(|b| b.is_ascii_graphic() && !b"?#".contains(&b)),
            "{path}"
        );
        assert!(
            url.authority()
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"/@?#".contains(&b))
        );
        assert!(url.authority().ends_with(&format!(":{}", url.port())));
        assert!(url.port() != 0 && !url.host().is_empty());
    }
    match of_text(&text) {
        Ok(settings) => {
            assert!((250_000..=3_600_000_000).contains(&settings.interval.as_micros()));
            assert!((100_000..=300_000_000).contains(&settings.timeout.as_micros()));
        }
        Err(ConfigError::File { line, cause, .. }) => {
            assert!(
                1 <= line && line <= text.split('\n').count(),
                "line {line} of {text:?}"
            );
            assert!(!cause.is_empty());
        }
        Err(ConfigError::Value { from, .. }) => assert!(from.contains("line"), "{from}"),
        Err(ConfigError::Read { .. }) => panic!("a text is no file"),
    }
}
