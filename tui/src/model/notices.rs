//! The daemon's notices as lines: their ends say what to do, so they are broken, not cut, as far
//! as there is room.

use lastbeat_proto::answer::NoticeLevel;

use super::Model;
use super::layout::notice_room;
use crate::text::SafeText;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeLine {
    /// How loud.
    pub level: NoticeLevel,
    /// Whether it is the first line of its notice.
    pub is_first: bool,
    /// Its part of the text.
    pub text: SafeText,
}

/// The word before a notice.
pub const fn word(level: NoticeLevel) -> &'static str {
    match level {
        NoticeLevel::Error => "error",
        NoticeLevel::Warning => "warning",
        NoticeLevel::Info => "note",
    }
}

/// The lines there is room for, the loudest notice first; each has one at least, while there are.
pub fn lines(model: &Model) -> Vec<NoticeLine> {
    let (width, _) = model.size;
    let mut room = usize::from(notice_room(model.size));
    let mut lines = Vec::new();
    for (index, notice) in model.notices.iter().enumerate() {
        if room == 0 {
            break;
        }
        let behind = model.notices.len() - index - 1;
        let most = room.saturating_sub(behind).max(1);
        let columns = usize::from(width).saturating_sub(word(notice.level).len() + 3);
        let parts = broken(
            SafeText::new(&notice.text, model.display.charset),
            columns,
            most,
        );
        room -= parts.len();
        for (index, text) in parts.into_iter().enumerate() {
            lines.push(NoticeLine {
                level: notice.level,
                is_first: index == 0,
                text,
            });
        }
    }
    lines
}

/// At most so many lines; what does not fit is left to the last of them, which is cut when drawn.
fn broken(text: SafeText, columns: usize, most: usize) -> Vec<SafeText> {
    let mut parts = text.wrap(columns);
    if most == 1 && 1 < parts.len() {
        return vec![text];
    }
    let rest: Vec<SafeText> = parts.split_off(most.min(parts.len()));
    if let Some(last) = parts.last_mut() {
        for part in rest {
            *last = last.joined(&part);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{live, notice};
    use lastbeat_proto::answer::Notice;

    fn shown(size: (u16, u16), texts: &[&str]) -> Vec<String> {
        let mut model = live(size, Vec::new());
        let notices = texts.iter().map(|text| Notice {
            text: (*text).to_owned(),
            ..notice()
        });
        model.notices = notices.collect();
        lines(&model)
            .iter()
            .map(|line| line.text.to_string())
            .collect()
    }

    #[test]
    fn a_notice_is_broken_and_each_has_a_line() {
        let long = "one two three four five six seven eight nine ten eleven twelve";

        assert_eq!(shown((30, 7), &[long]), [""; 0]);
        assert_eq!(shown((30, 8), &[long, "b"]), [long]);
        assert_eq!(shown((30, 13), &[long, "b"]), [long]);
        assert_eq!(
            shown((30, 24), &[long]),
            [
                "one two three four",
                "five six seven eight",
                "nine ten eleven",
                "twelve"
            ]
        );
        assert_eq!(
            shown((30, 24), &["a", long, "b", "c"]),
            ["a", long, "b", "c"]
        );
        assert_eq!(
            shown((30, 15), &[long]),
            [
                "one two three four",
                "five six seven eight nine ten eleven twelve"
            ]
        );
        assert_eq!(shown((200, 15), &["a", "b", "c"]), ["a", "b"]);
    }
}
