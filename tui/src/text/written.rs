//! Which characters a terminal may be given, and how the others are written out.
//!
//! Pure rules of single graphemes; lines, cuts and widths are left to the module above.

use lastbeat_proto::name::{EMOJI, is_plain};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Charset;

/// Marks stacked on one letter beyond which the rest is only counted. Vietnamese needs two and
/// pointed Hebrew three.
const MAX_MARKS: usize = 4;

/// Writes a grapheme behind `out`, what could hide, act or fall out of its cell written out.
pub(super) fn push_grapheme(out: &mut String, grapheme: &str, charset: Charset) {
    let is_wide = 2 < grapheme.width();
    let mut marks = 0_usize;
    // Graphemes join only where what stood between them was written out, which is ASCII.
    let mut is_behind_escape = out.ends_with(|last: char| last.is_ascii());
    for (index, character) in grapheme.chars().enumerate() {
        let is_mark = is_mark(character);
        marks += usize::from(is_mark);
        // A mark without a letter would join whatever stands before it, and so would letters such
        // as Thai's U+0E33 behind something written out; no cell is wider than two, so what makes
        // one wider is written out too.
        let is_first = index == 0 || is_behind_escape;
        let is_loose = is_behind_escape || (is_wide && 0 < index);
        let stands_alone = (is_mark && is_first) || (is_loose && is_joined(out, character));
        let unknown = charset == Charset::Ascii && !character.is_ascii();
        if is_mark && MAX_MARKS < marks {
            continue;
        }
        // Khmer's U+17D8 alone is three columns wide, and a cell has two at most.
        let is_too_wide = character.width().is_some_and(|columns| 2 < columns);
        is_behind_escape = stands_alone || unknown || is_too_wide || is_hidden(character);
        if is_behind_escape {
            push_written_out(out, character);
        } else {
            out.push(character);
        }
    }
    if MAX_MARKS < marks {
        let count = format!("<+{} marks>", marks - MAX_MARKS);
        out.push_str(&count);
    }
}

/// Whether `character` is drawn upon the one before it: a mark, or a letter without a width of its
/// own, such as the vowels and finals of Hangul.
fn is_mark(character: char) -> bool {
    let by_category = matches!(
        character.general_category(),
        GeneralCategory::NonspacingMark
            | GeneralCategory::EnclosingMark
            | GeneralCategory::SpacingMark
    );
    by_category || (character.width() == Some(0) && !is_hidden(character))
}

/// Whether `character` becomes one grapheme with the end of `text`.
fn is_joined(text: &str, character: char) -> bool {
    let pair: String = text
        .chars()
        .next_back()
        .into_iter()
        .chain([character])
        .collect();
    pair.graphemes(true).count() == 1
}

fn push_written_out(out: &mut String, character: char) {
    let written = match character {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\0'..='\u{9f}' => format!("\\x{:02x}", u32::from(character)),
        _ => format!("<U+{:04X}>", u32::from(character)),
    };
    out.push_str(&written);
}

/// What must not be torn apart: graphemes, and what was written out as a whole. Half of
/// `<U+043F>` would tell another letter.
pub(super) fn units(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let unit = match written_out_len(rest) {
            Some(len) => rest.get(..len)?,
            None => rest.graphemes(true).next()?,
        };
        let start = at;
        at += unit.len();
        Some((start, unit))
    })
}

/// The length of what was written out at the beginning of a text. What a service wrote itself
/// looks the same and is kept together too.
fn written_out_len(text: &str) -> Option<usize> {
    if let Some(rest) = text.strip_prefix('\\') {
        return match rest.as_bytes() {
            [b'n' | b'r' | b't', ..] => Some(2),
            [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => Some(4),
            _ => None,
        };
    }
    let (inside, _) = text.strip_prefix('<')?.split_once('>')?;
    let digits = inside.strip_prefix("U+");
    let count = inside
        .strip_prefix('+')
        .and_then(|rest| rest.strip_suffix(" marks"));
    let is_code = digits.is_some_and(|d| {
        (4..=6).contains(&d.len()) && d.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let is_count = count.is_some_and(|c| !c.is_empty() && c.bytes().all(|d| d.is_ascii_digit()));
    (is_code || is_count).then_some(inside.len() + 2)
}

/// Whether a terminal would act on `character`, show nothing for it or show who knows what.
pub(super) fn is_hidden(character: char) -> bool {
    !is_plain(character) || character == EMOJI
}
