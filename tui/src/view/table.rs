//! The table: column names and the rows that can be seen.

use lastbeat_proto::{Span, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::Model;
use crate::model::lines::Item;
use crate::model::link::LinkState;
use crate::model::note;
use crate::text::{SafeText, address, age_text, short_time};
use crate::theme::{Look, Mark};
use crate::update::{layout, listed};

use super::columns::{AGE, Columns, STATE, STATE_X};

/// Draws names of columns on the first line and what is listed below.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::new(area.width);
    heading(model, columns, look, area, buffer);
    let is_old = model.link.state() == LinkState::Stale;
    let base = if is_old { look.quiet() } else { look.plain() };
    let top = model.cursor.top;
    let listed = listed(model, layout(model));
    for (at, line) in (1..area.height).zip(top..listed) {
        let context = Context {
            model,
            look,
            now,
            columns,
            base,
            line,
        };
        if let Some(item) = model.item(line) {
            context.draw(item, area, at, buffer);
        }
    }
}

fn heading(model: &Model, columns: Columns, look: Look, area: Rect, buffer: &mut Buffer) {
    let style = look.heading();
    let mut line = Line::new(buffer, area, 0, look.charset);
    let mut x = area.x + STATE_X + 1;
    line.move_to(x).word("STATE", style);
    x = area.x + STATE_X + STATE;
    line.move_to(x).word("NAME", style);
    x += columns.name;
    if 0 < columns.address {
        let word = if model.lines.is_grouped() {
            "INSTANCES"
        } else {
            "ADDRESS"
        };
        line.move_to(x).word(word, style);
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

/// What the cells of a line say.
struct Cells {
    mark: Mark,
    name: String,
    address: String,
    age: Option<Span>,
    since: Option<Timestamp>,
    /// The same in fewer and fewer words; the first that fits is shown.
    notes: Vec<String>,
    is_changed: bool,
    is_busy: bool,
}

struct Context<'a> {
    model: &'a Model,
    look: Look,
    now: Mono,
    columns: Columns,
    base: Style,
    line: usize,
}

impl Context<'_> {
    fn cells(&self, item: Item<'_>) -> Cells {
        let up_ms = self.model.link.up_ms(self.now);
        let only = match item {
            Item::Service(group) => self.model.only_row(group),
            Item::Instance(_) | Item::Gone(_) | Item::Left(_) => None,
        };
        match item {
            Item::Instance(row) => Cells {
                mark: Mark::of(row),
                name: if self.model.lines.is_grouped() {
                    format!("  {}", row.instance)
                } else {
                    row.name.clone()
                },
                address: self.address(&row.instance, &row.ip, row.port),
                age: Some(self.model.link.age(row, self.now)),
                since: Some(row.since),
                notes: note::of_row(row, up_ms),
                is_changed: self.model.is_changed(self.line),
                is_busy: self.model.is_refreshing(&row.name),
            },
            Item::Service(group) => Cells {
                mark: Mark::of_group(group),
                name: group.name.clone(),
                address: group.counts(),
                age: Some(Span::from_signed_micros(
                    up_ms.saturating_sub(group.heard_ms).saturating_mul(1_000),
                )),
                since: only.map(|row| row.since),
                notes: only.map_or_else(|| note::of_group(group), |r| note::of_row(r, up_ms)),
                is_changed: group.is_changed,
                is_busy: self.model.is_refreshing(&group.name),
            },
            Item::Left(tombstone) => Cells {
                mark: Mark::Gone,
                name: format!("  {}", tombstone.instance),
                address: self.address(&tombstone.instance, &tombstone.ip, tombstone.port),
                age: None,
                since: Some(tombstone.since),
                notes: vec![tombstone.reason.clone(), String::new()],
                is_changed: false,
                is_busy: false,
            },
            Item::Gone(group) => Cells {
                mark: Mark::Gone,
                name: group.name.clone(),
                address: group.who(),
                age: None,
                since: Some(group.since()),
                notes: vec![group.reason().to_owned(), String::new()],
                is_changed: group.is_changed,
                is_busy: false,
            },
        }
    }

    /// The address, but where the instance beside it is called by just that.
    fn address(&self, instance: &str, ip: &str, port: Option<u16>) -> String {
        let address = address(ip, port);
        if self.model.lines.is_grouped() && address == instance {
            return String::new();
        }
        address
    }

    fn draw(&self, item: Item<'_>, area: Rect, at: u16, buffer: &mut Buffer) {
        let cells = self.cells(item);
        let is_selected = self.line == self.model.cursor.line;
        let mut line = Line::new(buffer, area, at, self.look.charset);
        line.flag(is_selected, ">", self.look.strong());
        line.flag(cells.is_changed, "*", self.look.strong());
        self.state(&cells, area, &mut line);
        self.facts(&cells, area, &mut line);
        if is_selected {
            let area_of_line = Rect {
                y: area.y + at,
                height: 1,
                ..area
            };
            buffer.set_style(area_of_line, self.look.selected());
        }
    }

    /// The badge and the word. A `?` behind it says that the state is only the last known.
    fn state(&self, cells: &Cells, area: Rect, line: &mut Line<'_>) {
        let (look, base, mark) = (self.look, self.base, cells.mark);
        let shape = base.patch(look.shape_style(mark));
        let symbol = if cells.is_busy {
            look.busy()
        } else {
            look.shape(mark)
        };
        let is_old = self.model.link.state() == LinkState::Stale;
        line.move_to(area.x + STATE_X)
            .word(" ", shape)
            .word(symbol, shape)
            .word(" ", shape)
            .word(mark.word(), base.patch(look.word_style(mark)))
            .word(if is_old { "?" } else { "" }, base);
    }

    fn facts(&self, cells: &Cells, area: Rect, line: &mut Line<'_>) {
        let Self {
            look,
            columns,
            base,
            ..
        } = *self;
        let mut x = area.x + STATE_X + STATE;
        line.move_to(x);
        let name = look.safe(&cells.name);
        put(line, look, &name, columns.name, base, SafeText::cut);
        x += columns.name;
        if 0 < columns.address {
            line.move_to(x);
            let address = look.safe(&cells.address);
            let cut = SafeText::cut_middle;
            put(line, look, &address, columns.address, base, cut);
            x += columns.address;
        }
        if 0 < columns.age {
            let age = look.safe(&cells.age.map_or_else(String::new, age_text));
            line.move_to(x).right(&age, AGE, base);
            x += AGE;
        }
        if 0 < columns.since {
            let today = self.model.link.wall(self.now);
            let since = cells.since.map(|since| short_time(since, today));
            line.move_to(x + 2)
                .compose(&since.unwrap_or_default(), base);
            x += columns.since;
        }
        if 0 < columns.note {
            line.move_to(x + 2);
            let fits = |note: &&SafeText| note.width() <= usize::from(line.left());
            let notes: Vec<SafeText> = cells.notes.iter().map(|note| look.safe(note)).collect();
            if let Some(note) = notes.iter().find(fits).or(notes.last()) {
                line.text(note, base);
            }
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
