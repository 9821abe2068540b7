//! Cells to bytes: the fewest that put the cells on screen. Only the sixteen colors every
//! terminal knows, attributes set after colors, nothing at all where nothing changed.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// Longest gap between two cells of a line that costs less when written again than when skipped:
/// the shortest skips are `\x1b[C` and `\x1b[2C`.
const MAX_REWRITTEN: u16 = 3;

/// Colors and attributes of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    const fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }
}

const DEFAULT: Pen = Pen {
    fg: Color::Reset,
    bg: Color::Reset,
    modifier: Modifier::empty(),
};

/// Attributes with their SGR numbers (ECMA-48 §8.3.117).
const ATTRIBUTES: [(Modifier, u8); 5] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
];

/// Collects the bytes of a frame.
#[derive(Debug)]
pub(super) struct Painter {
    bytes: Vec<u8>,
    pen: Pen,
    /// Where the terminal's cursor is, as far as that is certain.
    at: Option<(u16, u16)>,
}

impl Default for Painter {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            pen: DEFAULT,
            at: None,
        }
    }
}

impl Painter {
    /// Empties the screen.
    pub(super) fn clear(&mut self) {
        self.bytes.extend_from_slice(b"\x1b[m\x1b[2J");
        self.pen = DEFAULT;
        self.at = None;
    }

    /// Draws the cells that differ between what is shown and what comes next.
    pub(super) fn paint(&mut self, shown: &Buffer, next: &Buffer) {
        for (x, y, cell) in shown.diff_iter(next) {
            if !self.rewrite_up_to(x, y, next) {
                self.move_to(x, y);
            }
            self.take_pen(Pen::of(cell));
            let symbol = cell.symbol();
            self.bytes.extend_from_slice(symbol.as_bytes());
            // Terminals disagree about the width of what is not ASCII, and about the cursor at
            // the right edge; the next cell is then addressed outright, so lines stay straight.
            let width = u16::try_from(symbol.width()).unwrap_or(1);
            self.at = symbol.is_ascii().then_some((x.saturating_add(width), y));
        }
    }

    /// The bytes so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Writes what stands between the cursor and the cell again, where that is short and plain to
    /// do: blanks between words that change, mostly.
    fn rewrite_up_to(&mut self, x: u16, y: u16, next: &Buffer) -> bool {
        let Some((from, _)) = self.at.filter(|at| at.1 == y && at.0 < x) else {
            return false;
        };
        if MAX_REWRITTEN < x - from {
            return false;
        }
        let between = || (from..x).filter_map(|x| next.cell((x, y)));
        let is_plain = |cell: &Cell| {
            let symbol = cell.symbol();
            symbol.len() == 1 && symbol.is_ascii() && Pen::of(cell) == self.pen
        };
        if !between().all(is_plain) {
            return false;
        }
        for cell in between() {
            self.bytes.extend_from_slice(cell.symbol().as_bytes());
        }
        true
    }

    fn move_to(&mut self, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        let outright = format!("\x1b[{};{}H", y + 1, x + 1);
        let relative = self.at.and_then(|at| step(at, (x, y)));
        match relative {
            Some(bytes) if bytes.len() < outright.len() => {
                self.bytes.extend_from_slice(bytes.as_bytes());
            }
            _ => self.bytes.extend_from_slice(outright.as_bytes()),
        }
    }

    fn take_pen(&mut self, pen: Pen) {
        if self.pen == pen {
            return;
        }
        self.pen = pen;
        let mut numbers: Vec<u8> = Vec::with_capacity(4);
        numbers.extend(color_number(pen.fg));
        numbers.extend(color_number(pen.bg).map(|number| number + 10));
        let set = ATTRIBUTES
            .iter()
            .filter(|(modifier, _)| pen.modifier.contains(*modifier));
        numbers.extend(set.map(|(_, number)| *number));
        self.bytes.extend_from_slice(b"\x1b[");
        for number in numbers.iter().map(|number| format!(";{number}")) {
            self.bytes.extend_from_slice(number.as_bytes());
        }
        self.bytes.push(b'm');
    }
}

/// A step to the right on the same line, or to the line below and a little to the left: how the
/// cells of a column of ages follow each other.
fn step((from_x, from_y): (u16, u16), (x, y): (u16, u16)) -> Option<String> {
    let count = |number: u16| {
        if number == 1 {
            String::new()
        } else {
            number.to_string()
        }
    };
    if y == from_y && from_x < x {
        return Some(format!("\x1b[{}C", count(x - from_x)));
    }
    if y == from_y.saturating_add(1) && x <= from_x {
        let left = match from_x - x {
            0 => String::new(),
            columns => format!("\x1b[{}D", count(columns)),
        };
        return Some(format!("\x1b[B{left}"));
    }
    None
}

/// SGR number of a foreground color; none for the terminal's own.
const fn color_number(color: Color) -> Option<u8> {
    match color {
        Color::Red => Some(31),
        Color::Green => Some(32),
        Color::Yellow => Some(33),
        Color::Blue => Some(34),
        Color::Magenta => Some(35),
        Color::Cyan => Some(36),
        _ => None,
    }
}

/// RFC 4648 §4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (index, byte)| {
            bits | u32::from(*byte) << (16 - 8 * index)
        });
        for index in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * index) & 63) as usize);
            let letter = letter.filter(|_| index <= chunk.len());
            out.push(letter.map_or('=', |letter| char::from(*letter)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn painted(lines: &[(&str, Style)]) -> String {
        let area = Rect::new(0, 0, 10, 4);
        let blank = Buffer::empty(area);
        let mut next = Buffer::empty(area);
        for (y, (text, style)) in (0..).zip(lines) {
            next.set_string(0, y, text, *style);
        }
        let mut painter = Painter::default();
        painter.paint(&blank, &next);
        String::from_utf8(painter.take()).unwrap()
    }

    #[test]
    fn nothing_new_costs_nothing() {
        assert_eq!(painted(&[]), "");
    }

    #[test]
    fn attributes_follow_colors_and_are_taken_back() {
        let alarm = Style::new().fg(Color::Red).add_modifier(Modifier::REVERSED);

        assert_eq!(
            painted(&[("a", alarm), ("b", Style::new())]),
            "\x1b[1;1H\x1b[;31;7ma\x1b[2;1H\x1b[mb"
        );
    }

    #[test]
    fn a_color_beyond_the_sixteen_is_not_sent() {
        let fancy = Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(200));

        assert_eq!(painted(&[("a", fancy)]), "\x1b[1;1H\x1b[ma");
    }

    #[test]
    fn after_a_letter_of_doubtful_width_the_next_is_addressed_outright() {
        assert_eq!(painted(&[("▲b", Style::new())]), "\x1b[1;1H▲\x1b[1;2Hb");
    }

    #[test]
    fn a_short_gap_between_cells_is_written_again_and_a_long_one_skipped() {
        let text = |text| [(text, Style::new())];

        assert_eq!(painted(&text("a   b")), "\x1b[1;1Ha   b");
        assert_eq!(painted(&text("a    b")), "\x1b[1;1Ha\x1b[4Cb");
    }

    #[test]
    fn a_gap_that_looks_otherwise_is_skipped() {
        let area = Rect::new(0, 0, 10, 1);
        let mut shown = Buffer::empty(area);
        shown.set_string(0, 0, "a-b", Style::new());
        shown.set_string(4, 0, "c▲d", Style::new());
        let mut next = shown.clone();
        let bold = Style::new().add_modifier(Modifier::BOLD);
        next.set_string(0, 0, "A", bold);
        next.set_string(2, 0, "B", bold);
        next.set_string(4, 0, "C", bold);
        next.set_string(6, 0, "D", bold);

        let mut painter = Painter::default();
        painter.paint(&shown, &next);

        let written = String::from_utf8(painter.take()).unwrap();
        assert_eq!(written, "\x1b[1;1H\x1b[;1mA\x1b[CB\x1b[CC\x1b[CD");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ];
        for (text, expected) in vectors {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
