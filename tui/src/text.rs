//! Text that is safe to put on a terminal: everything the daemon, or anyone behind it, can choose
//! passes [`SafeText`] before it reaches a cell, a printed line or an error.
//!
//! Where text goes and in which style is left to the screens.

mod written;

use std::fmt;

use lastbeat_proto::{Span, Timestamp};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use written::{is_hidden, push_grapheme, units};

/// Which characters the terminal understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, with shapes outside ASCII.
    Utf8,
    /// ASCII only: on an 8-bit terminal the bytes of UTF-8 are control characters.
    Ascii,
}

impl Charset {
    /// What stands where a text was cut.
    pub const fn ellipsis(self) -> &'static str {
        match self {
            Self::Utf8 => "…",
            Self::Ascii => ">",
        }
    }
}

/// One line without any character that could hide, move the cursor or run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SafeText(String);

impl SafeText {
    /// `text` with every such character written out: `\n`, `\x1b`, `<U+202E>`.
    pub fn new(text: &str, charset: Charset) -> Self {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Self(text.to_owned());
        }
        let mut out = String::with_capacity(text.len() + 8);
        for grapheme in text.graphemes(true) {
            push_grapheme(&mut out, grapheme, charset);
        }
        Self(out)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        columns_of(&self.0)
    }

    /// The text in at most `columns`, its end replaced by a mark where it does not fit.
    #[must_use]
    pub fn cut(&self, columns: usize, charset: Charset) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        if columns == 0 {
            return Self::default();
        }
        let mut out = head(&self.0, columns - 1).to_owned();
        out.push_str(charset.ellipsis());
        Self(out)
    }

    /// This text and another behind a blank.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        Self(format!("{} {}", self.0, other.0))
    }

    /// The text in at most `columns`, its middle replaced by a mark where it does not fit:
    /// addresses differ at both ends.
    #[must_use]
    pub fn cut_middle(&self, columns: usize, charset: Charset) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        if columns < 5 {
            return self.cut(columns, charset);
        }
        let right = (columns - 1) / 2;
        let left = columns - 1 - right;
        let mut out = head(&self.0, left).to_owned();
        out.push_str(charset.ellipsis());
        out.push_str(tail(&self.0, right));
        Self(out)
    }

    /// The text broken into lines of at most `columns`, at blanks where there are some.
    pub fn wrap(&self, columns: usize) -> Vec<Self> {
        let columns = columns.max(1);
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in self.0.split_inclusive(' ') {
            if !line.is_empty() && columns < columns_of(&line) + columns_of(word.trim_end()) {
                lines.push(Self(line.trim_end().to_owned()));
                line.clear();
            }
            let mut rest = word;
            while line.is_empty() {
                let part = match head(rest, columns) {
                    "" => torn(rest, columns),
                    part => part,
                };
                if rest.trim_end().len() <= part.len() {
                    break;
                }
                lines.push(Self(part.to_owned()));
                rest = rest.strip_prefix(part).unwrap_or_default();
            }
            line.push_str(rest);
        }
        lines.push(Self(line.trim_end().to_owned()));
        lines
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An address with its port, IPv6 in brackets: what an URL or a socket call takes.
pub fn address(ip: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
        Some(port) => format!("{ip}:{port}"),
        None => ip.to_owned(),
    }
}

/// A length of time in the column of ages, at most six columns: `108s`, `16m40s`, `5h03m`, `4d12h`,
/// `400d`.
///
/// Seconds as long as silences are compared by them, below two minutes; in sentences it is
/// [`whole_seconds`] that stand.
pub fn age_text(age: Span) -> String {
    let seconds = age.as_micros() / 1_000_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        86_400..8_640_000 => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
        8_640_000..8_640_000_000 => format!("{}d", seconds / 86_400),
        _ => ">274y".to_owned(),
    }
}

/// A length of time in a sentence, without what is less than a second.
pub const fn whole_seconds(span: Span) -> Span {
    Span::from_secs(span.as_micros() / 1_000_000)
}

/// A moment as short as it stays clear beside `today`: `13:58:05Z`, else `2024-11-23 13:58Z`.
pub fn short_time(time: Timestamp, today: Option<Timestamp>) -> String {
    let text = time.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let same_day = today.is_none_or(|today| today.to_string().get(..10) == text.get(..10));
    if same_day {
        format!("{}Z", part(11..19))
    } else {
        format!("{} {}Z", part(0..10), part(11..16))
    }
}

/// A moment with all its digits: `2024-11-24 13:58:05.812334 UTC`.
pub fn long_time(time: Timestamp) -> String {
    let text = time.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!("{} {} UTC", part(0..10), part(11..26))
}

/// JSON text in which no character can act on a terminal: such characters can only stand inside
/// strings, where `\u` escapes mean the same.
pub fn safe_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !is_hidden(character) {
            out.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let escape = format!("\\u{unit:04x}");
                out.push_str(&escape);
            }
        }
    }
    out
}

/// Columns of a text, each grapheme in cells of its own as the screen has it.
fn columns_of(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The longest beginning of whole units in at most `columns`.
fn head(text: &str, columns: usize) -> &str {
    longest(text, units(text), columns)
}

/// The longest beginning of whole graphemes in at most `columns`, and of one where not even that
/// fits: a wide letter has a line of its own.
fn torn(text: &str, columns: usize) -> &str {
    match longest(text, text.grapheme_indices(true), columns) {
        "" => text.graphemes(true).next().unwrap_or_default(),
        part => part,
    }
}

fn longest<'a>(
    text: &'a str,
    parts: impl Iterator<Item = (usize, &'a str)>,
    columns: usize,
) -> &'a str {
    let mut width = 0;
    let fits = |(_, part): &(usize, &str)| {
        width += columns_of(part);
        width <= columns
    };
    let last = parts.take_while(fits).last();
    let end = last.map_or(0, |(start, part)| start + part.len());
    text.get(..end).unwrap_or_default()
}

/// The longest end of whole units in at most `columns`.
fn tail(text: &str, columns: usize) -> &str {
    let mut width = 0;
    let fits = |(_, part): &&(usize, &str)| {
        width += columns_of(part);
        width <= columns
    };
    let parts: Vec<(usize, &str)> = units(text).collect();
    let first = parts.iter().rev().take_while(fits).last();
    let start = first.map_or(text.len(), |(start, _)| *start);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
