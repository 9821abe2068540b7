//! The top of the screen: which daemon, how the conversation goes, counts, order, filter, notices.

use lastbeat_proto::Status;
use lastbeat_proto::answer::NoticeLevel;
use lastbeat_proto::query::SortKey;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::Model;
use crate::model::link::{Fault, FaultKind, LinkState};
use crate::text::short_time;
use crate::theme::{Look, Mark};

/// Name, daemon and connection.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let (word, rest, style) = connection(model, look, now);
    let rest = look.safe(&rest);
    let width = word.len() + rest.width() + 1;
    let width = u16::try_from(width)
        .unwrap_or(u16::MAX)
        .min(area.width.saturating_sub(11));
    let split = area.right() - width;
    let left = Rect {
        width: split - area.x,
        ..area
    };
    let mut line = Line::new(buffer, left, 0, look.charset);
    line.skip(1)
        .word("lastbeat", look.strong())
        .skip(2)
        .compose(&model.daemon, look.plain());
    let right = Rect {
        x: split,
        width,
        ..area
    };
    Line::new(buffer, right, 0, look.charset)
        .word(word, style)
        .text(&rest, look.plain());
}

/// The state of the connection as a word and the rest of the sentence.
fn connection(model: &Model, look: Look, now: Mono) -> (&'static str, String, Style) {
    let link = &model.link;
    let last = || {
        link.last_wall()
            .map_or_else(String::new, |time| short_time(time, None))
    };
    match (link.state(), &link.fault) {
        (LinkState::Connecting, None) => ("CONNECTING", String::new(), look.strong()),
        (LinkState::Live, _) => (
            "LIVE",
            format!("  every {}  last {}", link.interval(), last()),
            look.strong(),
        ),
        (LinkState::Paused, _) => (
            "PAUSED",
            format!("  last {}  (space = go on)", last()),
            look.strong(),
        ),
        (LinkState::Connecting, Some(fault)) => (
            fault_word(fault),
            format!(": {}", retry(model, fault, now)),
            look.alarm(),
        ),
        (LinkState::Stale, fault) => {
            let said = fault
                .as_ref()
                .map_or_else(String::new, |fault| retry(model, fault, now));
            (
                "STALE",
                format!(" {}: {said}", link.silent_for(now)),
                look.alarm(),
            )
        }
    }
}

const fn fault_word(fault: &Fault) -> &'static str {
    match fault.kind {
        FaultKind::Unreachable => "NO CONTACT",
        FaultKind::Unauthorized => "NOT ALLOWED",
        FaultKind::NotOurs => "NOT LASTBEATD",
        FaultKind::Refused => "REFUSED",
    }
}

fn retry(model: &Model, fault: &Fault, now: Mono) -> String {
    let when = match model.link.due() {
        _ if model.link.is_asking => "asking again".to_owned(),
        None => "paused (u = now)".to_owned(),
        Some(_) => {
            let seconds = model.link.retry_in(now).as_micros().div_ceil(1_000_000);
            format!("retry in {seconds}s (u = now)")
        }
    };
    format!("{}, {when}", fault.text)
}

/// Counts, order and filter.
pub(super) fn counts(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    if model.link.has_answer() {
        let counts = model.summary;
        line.compose(&format!("UP {}", counts.up), look.plain());
        if 0 < counts.late {
            line.compose(&format!(" ({} late)", counts.late), look.strong());
        }
        let down = if 0 < counts.down {
            look.alarm()
        } else {
            look.plain()
        };
        line.skip(2).compose(&format!("DOWN {}", counts.down), down);
        line.skip(2)
            .compose(&format!("GONE {}", counts.gone), look.plain());
        line.skip(3)
            .compose(&format!("total {}", counts.total), look.plain());
    } else {
        line.word("UP -  DOWN -  GONE -   total -", look.quiet());
    }
    let sort = model.sort();
    let arrow = look.arrow(sort.is_reversed);
    let name = sort_name(sort.key);
    line.skip(3)
        .word("sort ", look.plain())
        .word(name, look.plain())
        .skip(1);
    line.word(arrow, look.plain())
        .skip(3)
        .word("filter: ", look.plain());
    let filter = model.rows.filter();
    match &model.typing {
        Some(_) => {
            line.compose(filter.text(), look.strong())
                .word(" ", look.selected());
        }
        None if filter.is_empty() => {
            line.word("none", look.quiet());
        }
        None => {
            line.compose(filter.text(), look.strong());
        }
    }
}

/// The word for an order.
const fn sort_name(key: SortKey) -> &'static str {
    match key {
        SortKey::Status => "state",
        SortKey::Name => "name",
        SortKey::Address => "address",
        SortKey::Heartbeat => "age",
        SortKey::Since => "since",
    }
}

/// What the daemon says about itself, the loudest first.
pub(super) fn notices(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    for (line, notice) in (0..area.height).zip(&model.notices) {
        let (word, style) = match notice.level {
            NoticeLevel::Error => ("error", look.alarm()),
            NoticeLevel::Warning => ("warning", look.strong()),
            NoticeLevel::Info => ("note", look.quiet()),
        };
        Line::new(buffer, area, line, look.charset)
            .skip(1)
            .word(word, style)
            .skip(1)
            .compose(&notice.text, look.plain());
    }
}

/// All that fits on a very small screen: `2 DOWN / 36  LIVE`.
pub(super) fn one_line(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let (word, _, style) = connection(model, look, now);
    let mut line = Line::new(buffer, area, 0, look.charset);
    if model.link.has_answer() {
        let down = if 0 < model.summary.down {
            look.alarm()
        } else {
            look.plain()
        };
        line.compose(&model.summary.down.to_string(), down)
            .skip(1)
            .word(Status::Down.word(), look.word_style(Mark::Down))
            .compose(&format!(" / {}  ", model.summary.total), look.plain());
    }
    line.word(word, style);
}
