//! Writing into a buffer of cells: the one way by which text reaches the screen. Dynamic text has
//! to be [`SafeText`]; only texts of our own may be plain.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text::{Charset, SafeText};

/// Writes from left to right on one line, never beyond its end.
#[derive(Debug)]
pub struct Line<'buffer> {
    buffer: &'buffer mut Buffer,
    x: u16,
    y: u16,
    end: u16,
    charset: Charset,
}

impl<'buffer> Line<'buffer> {
    /// A line of `area`, counted from its top; nothing is written outside of `area`.
    pub fn new(buffer: &'buffer mut Buffer, area: Rect, line: u16, charset: Charset) -> Self {
        let area = area.intersection(buffer.area);
        let y = area.y.saturating_add(line);
        let end = if y < area.bottom() {
            area.right()
        } else {
            area.x
        };
        Self {
            buffer,
            x: area.x,
            y,
            end,
            charset,
        }
    }

    /// How many columns are left.
    pub const fn left(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// Where the next text goes, counted from the buffer's left edge.
    pub const fn x(&self) -> u16 {
        self.x
    }

    /// Writes a text of our own, cut with a mark where the line ends.
    pub fn word(&mut self, text: &'static str, style: Style) -> &mut Self {
        // In a single column its first letter says more than a mark.
        if 1 < self.left() && text.is_ascii() && usize::from(self.left()) < text.len() {
            return self.compose(text, style);
        }
        self.put(text, style)
    }

    /// Writes a safe text, cut with a mark where the line ends.
    pub fn text(&mut self, text: &SafeText, style: Style) -> &mut Self {
        let text = text.cut(usize::from(self.left()), self.charset);
        self.put(text.as_str(), style)
    }

    /// Writes what was composed here, made safe as a whole.
    pub fn compose(&mut self, text: &str, style: Style) -> &mut Self {
        let text = SafeText::new(text, self.charset);
        self.text(&text, style)
    }

    /// Goes on at column `x` of the buffer; going back is not possible.
    pub const fn move_to(&mut self, x: u16) -> &mut Self {
        if self.x < x {
            self.x = if x < self.end { x } else { self.end };
        }
        self
    }

    /// Leaves columns out.
    pub const fn skip(&mut self, columns: u16) -> &mut Self {
        self.move_to(self.x.saturating_add(columns))
    }

    /// Writes a mark of one column where something holds; else leaves the column out.
    pub fn flag(&mut self, holds: bool, mark: &'static str, style: Style) -> &mut Self {
        if holds {
            self.word(mark, style)
        } else {
            self.skip(1)
        }
    }

    /// Writes a safe text into a column of its own, at its right end, and goes on behind it.
    pub fn right(&mut self, text: &SafeText, columns: u16, style: Style) -> &mut Self {
        let end = self.x.saturating_add(columns);
        let text = text.cut(usize::from(columns.min(self.left())), self.charset);
        let width = u16::try_from(text.width()).unwrap_or(columns);
        self.skip(columns.saturating_sub(width));
        self.put(text.as_str(), style);
        self.move_to(end)
    }

    fn put(&mut self, text: &str, style: Style) -> &mut Self {
        if 0 < self.left() {
            let columns = usize::from(self.left());
            let (x, _) = self
                .buffer
                .set_stringn(self.x, self.y, text, columns, style);
            self.x = x;
        }
        self
    }
}

/// Empties an area.
pub fn clear(buffer: &mut Buffer, area: Rect) {
    for position in area.intersection(buffer.area).positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
        }
    }
}

/// A frame above everything, with a free column at either side: what stands under it would else
/// be read together with it. Gives the area inside.
pub fn popup(buffer: &mut Buffer, area: Rect, charset: Charset, style: Style) -> Rect {
    let around = Rect {
        x: area.x.saturating_sub(1),
        width: area.width.saturating_add(if area.x == 0 { 1 } else { 2 }),
        ..area
    };
    clear(buffer, around);
    frame(buffer, area, charset, style)
}

/// Empties an area and draws a frame around it; gives the area inside.
pub fn frame(buffer: &mut Buffer, area: Rect, charset: Charset, style: Style) -> Rect {
    let area = area.intersection(buffer.area);
    clear(buffer, area);
    if area.width < 2 || area.height < 2 {
        return Rect::new(area.x, area.y, 0, 0);
    }
    let (corners, across, down) = match charset {
        Charset::Utf8 => (["┌", "┐", "└", "┘"], "─", "│"),
        Charset::Ascii => (["+", "+", "+", "+"], "-", "|"),
    };
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let mut set = |x: u16, y: u16, symbol: &str| {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    for x in area.left()..area.right() {
        set(x, area.y, across);
        set(x, bottom, across);
    }
    for y in area.top()..area.bottom() {
        set(area.x, y, down);
        set(right, y, down);
    }
    let places = [
        (area.x, area.y),
        (right, area.y),
        (area.x, bottom),
        (right, bottom),
    ];
    for ((x, y), symbol) in places.into_iter().zip(corners) {
        set(x, y, symbol);
    }
    Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
}
