//! How a value gets into a page: its markup escaped, and what could hide, turn the text around or
//! break a line written out as `<U+202E>`.
//!
//! Registrations hold no such characters, but a database into which somebody else has written may.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};
use lastbeat_proto::name::is_plain;

/// The escaper of all pages; `askama.toml` names it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut to: W, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| !is_plain(*c)) {
            let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            Html.write_escaped_str(&mut to, plain)?;
            write!(to, "&#60;U+{:04X}&#62;", u32::from(hidden))?;
            rest = from.strip_prefix(hidden).unwrap_or_default();
        }
        Html.write_escaped_str(to, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_what_hides_is_written_out() {
        let mut out = String::new();

        Visible
            .write_escaped_str(&mut out, "<b>\u{202e}ü\n\u{9b}\"")
            .unwrap();

        assert_eq!(
            out,
            "&#60;b&#62;&#60;U+202E&#62;ü&#60;U+000A&#62;&#60;U+009B&#62;&#34;"
        );
    }
}
