//! The table: column names and the rows that can be seen.

use lastbeat_proto::answer::Row;
use lastbeat_proto::{Span, explain};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::Model;
use crate::model::link::LinkState;
use crate::text::{SafeText, address, short_time};
use crate::theme::{Look, Mark};

/// The cursor's mark and the shape stand before the first word.
const STATE_X: u16 = 2;
/// Badge of three columns, word of four, one blank.
const STATE: u16 = 9;
/// The age with its leading blank.
const AGE: u16 = 8;
/// Narrowest useful name.
const MIN_NAME: u16 = 8;
/// Names get this before anything to the right of the age is shown.
const NAME: u16 = 24;
/// Widest name column.
const MAX_NAME: u16 = 48;
/// An IPv4 address and a port.
const ADDRESS: u16 = 22;
/// An IPv6 address and a port.
const MAX_ADDRESS: u16 = 45;
/// `13:58:05Z` or a date.
const SINCE: u16 = 18;
/// Narrowest useful note.
const MIN_NOTE: u16 = 12;
/// Width that a whole note likes to have before the column since is shown.
const NOTE: u16 = 36;

/// Width of each column; 0 where it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Columns {
    name: u16,
    address: u16,
    age: u16,
    since: u16,
    note: u16,
}

impl Columns {
    /// NOTE goes first as the width shrinks, then SINCE, ADDRESS, AGE.
    fn new(width: u16) -> Self {
        let rest = width.saturating_sub(STATE_X + STATE);
        let mut columns = Self {
            name: rest,
            ..Self::default()
        };
        if rest < MIN_NAME + AGE {
            return columns;
        }
        columns.age = AGE;
        columns.name = rest - AGE;
        if columns.name < 14 + ADDRESS {
            return columns;
        }
        columns.address = ADDRESS;
        columns.name = (columns.name - ADDRESS).min(NAME);
        let mut left = rest - AGE - ADDRESS - columns.name;
        if NOTE + SINCE <= left {
            columns.since = SINCE;
            left -= SINCE;
            let more = (left - NOTE).min(MAX_NAME - NAME);
            columns.name += more / 2;
            columns.address += (more / 2).min(MAX_ADDRESS - ADDRESS);
            left -= more / 2 + (more / 2).min(MAX_ADDRESS - ADDRESS);
        }
        if MIN_NOTE <= left {
            columns.note = left;
        } else {
            columns.name += left;
        }
        columns
    }
}

/// Draws names of columns on the first line and rows below.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::new(area.width);
    heading(columns, look, area, buffer);
    let is_old = model.link.state() == LinkState::Stale;
    let base = if is_old { look.quiet() } else { look.plain() };
    let shown = (1..area.height).zip(model.rows.rows_from(model.cursor.top));
    for (index, (line, row)) in shown.enumerate() {
        let is_selected = model.cursor.top + index == model.cursor.line;
        let context = Context {
            model,
            look,
            now,
            columns,
            base,
            is_selected,
        };
        context.draw(row, area, line, buffer);
    }
}

fn heading(columns: Columns, look: Look, area: Rect, buffer: &mut Buffer) {
    let style = look.strong().add_modifier(Modifier::UNDERLINED);
    let mut line = Line::new(buffer, area, 0, look.charset);
    let mut x = area.x + STATE_X + 1;
    line.move_to(x).word("STATE", style);
    x = area.x + STATE_X + STATE;
    line.move_to(x).word("NAME", style);
    x += columns.name;
    if 0 < columns.address {
        line.move_to(x).word("ADDRESS", style);
        x += columns.address;
    }
    if 0 < columns.age {
        line.move_to(x + AGE - 3).word("AGE", style);
        x += AGE;
    }
    if 0 < columns.since {
        line.move_to(x + 2).word("SINCE", style);
        x += columns.since;
    }
    if 0 < columns.note {
        line.move_to(x + 2).word("NOTE", style);
    }
}

struct Context<'a> {
    model: &'a Model,
    look: Look,
    now: Mono,
    columns: Columns,
    base: Style,
    is_selected: bool,
}

impl Context<'_> {
    fn draw(&self, row: &Row, area: Rect, at: u16, buffer: &mut Buffer) {
        let Self {
            look,
            columns,
            base,
            ..
        } = *self;
        let mark = Mark::of(row);
        let area_of_line = Rect {
            y: area.y + at,
            height: 1,
            ..area
        };
        let mut line = Line::new(buffer, area, at, look.charset);
        line.word(if self.is_selected { ">" } else { " " }, look.strong());
        let shape = base.patch(look.shape_style(mark));
        let is_busy = self.model.is_refreshing(&row.name);
        let symbol = if is_busy { "o" } else { look.shape(mark) };
        line.move_to(area.x + STATE_X)
            .word(" ", shape)
            .word(symbol, shape)
            .word(" ", shape);
        line.word(explain::state_word(row), base.patch(look.word_style(mark)));
        let mut x = area.x + STATE_X + STATE;
        line.move_to(x);
        let name = look.safe(&row.name);
        put(&mut line, look, &name, columns.name, base, SafeText::cut);
        x += columns.name;
        if 0 < columns.address {
            line.move_to(x);
            let address = look.safe(&address(&row.ip, row.port));
            put(
                &mut line,
                look,
                &address,
                columns.address,
                base,
                SafeText::cut_middle,
            );
            x += columns.address;
        }
        if 0 < columns.age {
            let age = look.safe(&age(self.model.link.age(row, self.now)));
            line.move_to(x).right(&age, AGE, base);
            x += AGE;
        }
        if 0 < columns.since {
            let since = short_time(row.since, self.model.link.wall(self.now));
            line.move_to(x + 2).compose(&since, base);
            x += columns.since;
        }
        if 0 < columns.note {
            let note = explain::note(row, self.model.link.up_ms(self.now)).unwrap_or_default();
            line.move_to(x + 2).compose(&note, base);
        }
        if self.is_selected {
            buffer.set_style(area_of_line, look.selected());
        }
    }
}

/// Writes a text into a column, with one blank behind it.
fn put(
    line: &mut Line<'_>,
    look: Look,
    text: &SafeText,
    columns: u16,
    style: Style,
    cut: fn(&SafeText, usize, crate::text::Charset) -> SafeText,
) {
    let columns = usize::from(columns.min(line.left()).saturating_sub(1));
    line.text(&cut(text, columns, look.charset), style);
}

/// Seconds up to 999 s, so that columns of ages compare at a glance; then two units.
fn age(age: Span) -> String {
    match age.as_micros() / 1_000_000 {
        seconds @ 0..1_000 => format!("{seconds}s"),
        _ => age.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_drop_from_the_right_and_fit() {
        for width in 0..300 {
            let c = Columns::new(width);
            let sum = STATE_X + STATE + c.name + c.address + c.age + c.since + c.note;
            assert!(sum <= width.max(STATE_X + STATE), "{width}: {c:?}");
            assert!(c.since == 0 || 0 < c.note, "{width}: {c:?}");
            assert!(c.note == 0 || 0 < c.address, "{width}: {c:?}");
            assert!(c.address == 0 || 0 < c.age, "{width}: {c:?}");
        }
    }

    #[test]
    fn ages_are_seconds_as_long_as_they_compare() {
        assert_eq!(age(Span::from_secs(999)), "999s");
        assert_eq!(age(Span::from_secs(1_000)), "16m40s");
    }
}
