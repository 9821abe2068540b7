//! Where the log goes: standard error, one line an event whatever its values hold.

use std::io::{self, Write};

use lastbeat_proto::name::is_plain;

use crate::config::{Config, LogFormat};

/// Starts the log as the settings have it; once for the life of the program.
pub(super) fn start(config: &Config) {
    let format = config.log_format;
    let log = tracing_subscriber::fmt()
        .with_writer(move || OneLine::new(io::stderr(), format))
        .with_max_level(config.log_level)
        // It would tell on standard error that it cannot write there, and panic when it cannot.
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// Takes one whole event at a time, as `tracing-subscriber` writes them.
#[derive(Debug, Clone, Copy)]
struct OneLine<W> {
    to: W,
    format: LogFormat,
}

impl<W: Write> OneLine<W> {
    /// A writer of events in `format`.
    const fn new(to: W, format: LogFormat) -> Self {
        Self { to, format }
    }
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        if line.chars().all(is_plain) {
            self.to.write_all(event)?;
        } else {
            let mut shown = written_out(line, self.format);
            shown.push('\n');
            self.to.write_all(shown.as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A line in which every character that could break it, hide or act on a terminal is an escape;
/// in JSON, where it can only stand inside a text, one that means the same.
fn written_out(line: &str, format: LogFormat) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    for character in line.chars() {
        match format {
            _ if is_plain(character) => out.push(character),
            LogFormat::Text => out.extend(character.escape_unicode()),
            LogFormat::Json => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let escape = format!("\\u{unit:04x}");
                    out.push_str(&escape);
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(event: &str, format: LogFormat) -> String {
        let mut out = Vec::new();
        OneLine::new(&mut out, format)
            .write_all(event.as_bytes())
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_event_is_one_line_in_both_formats() {
        assert_eq!(
            logged("a\nb\u{1b}[2J\u{202e}ü\n", LogFormat::Text),
            "a\\u{a}b\\u{1b}[2J\\u{202e}ü\n"
        );
        assert_eq!(
            logged("{\"a\":\"\u{9b}\u{e0041}\"}\n", LogFormat::Json),
            "{\"a\":\"\\u009b\\udb40\\udc41\"}\n"
        );
        assert_eq!(logged("plain\n", LogFormat::Text), "plain\n");
    }
}
