//! Text for a terminal: nothing hidden is left, it fits where it must, and making it safe twice
//! changes nothing more. The first byte is the number of columns.

use lastbeat::text::{Charset, SafeText, safe_json};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::hidden::is_hidden;

/// Longest text that is looked at, in bytes.
const MAX_BYTES: usize = 200;

/// Reads the bytes as columns and a text.
pub fn check(bytes: &[u8]) {
    let (columns, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let columns = usize::from(*columns);
    // What is longer is only more of the same, and slow to look at.
    let rest = rest.get(..MAX_BYTES).unwrap_or(rest);
    let text = String::from_utf8_lossy(rest);
    for charset in [Charset::Utf8, Charset::Ascii] {
        let safe = SafeText::new(&text, charset);
        assert_safe(&safe, charset);
        assert_eq!(SafeText::new(safe.as_str(), charset), safe, "{text:?}");
        for cut in [
            safe.cut(columns, charset),
            safe.cut_middle(columns, charset),
        ] {
            assert!(cut.width() <= columns, "{cut:?} in {columns}");
        }
        let lines = safe.wrap(columns);
        for line in &lines {
            assert!(line.width() <= columns.max(2), "{line:?} in {columns}");
        }
        let kept = |text: &str| text.replace(' ', "");
        let joined: String = lines.iter().map(ToString::to_string).collect();
        assert_eq!(kept(&joined), kept(safe.as_str()), "wrapped in {columns}");
    }
    let json = serde_json::to_string(&*text).unwrap();
    let safe = safe_json(&json);
    assert!(!safe.chars().any(is_hidden), "{safe:?}");
    assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
}

fn assert_safe(safe: &SafeText, charset: Charset) {
    let text = safe.as_str();
    assert!(!text.chars().any(is_hidden), "{text:?}");
    assert!(charset == Charset::Utf8 || text.is_ascii(), "{text:?}");
    let widest = text.graphemes(true).map(UnicodeWidthStr::width).max();
    assert!(widest.unwrap_or(0) <= 2, "{text:?}");
    let longest = text.graphemes(true).map(|g| g.chars().count()).max();
    assert!(longest.unwrap_or(0) <= 40, "a tower: {text:?}");
}
