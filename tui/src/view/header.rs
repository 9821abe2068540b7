//! The top of the screen: which daemon, how the conversation goes, counts, order, filter, notices.

use lastbeat_proto::Status;
use lastbeat_proto::answer::NoticeLevel;
use lastbeat_proto::query::SortKey;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::canvas::Line;
use crate::clock::Mono;
use crate::model::link::{Fault, FaultKind, LinkState};
use crate::model::{Model, notices};
use crate::text::short_time;
use crate::theme::{Look, Mark};

/// From this width the header says how often the daemon is asked.
const ROOM_FOR_INTERVAL: u16 = 56;

/// From this width the counts leave room for more than a number at the right end.
const ROOM_FOR_ALL: u16 = 100;

/// Name, daemon and connection.
pub(super) fn draw(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let (word, rest, style) = connection(model, look, now);
    let rest = match (model.link.state(), area.width) {
        (LinkState::Live, ..ROOM_FOR_INTERVAL) => look.safe(&last(model)),
        _ => look.safe(&rest),
    };
    let width = word.len() + rest.width() + 1;
    let width = u16::try_from(width).unwrap_or(u16::MAX);
    let width = width.min(area.width.saturating_sub(11));
    let split = area.right() - width;
    let left = Rect {
        width: (split - area.x).saturating_sub(2),
        ..area
    };
    let mut line = Line::new(buffer, left, 0, look.charset);
    line.skip(1)
        .word("lastbeat", look.strong())
        .skip(2)
        .compose(&model.daemon, look.plain());
    if model.is_read_only {
        line.skip(2).word("read-only", look.quiet());
    }
    let right = Rect {
        x: split.saturating_sub(1),
        width: width + 1,
        ..area
    };
    let mut line = Line::new(buffer, right, 0, look.charset);
    if style == look.alarm() {
        line.word(" ", look.badge());
    } else {
        line.skip(1);
    }
    line.word(word, style).text(&rest, look.plain());
}

/// When the daemon was last heard, by its own clock.
fn last(model: &Model) -> String {
    let time = model.link.last_wall();
    time.map_or_else(String::new, |time| {
        format!("  last {}", short_time(time, None))
    })
}

/// The state of the connection as a word and the rest of the sentence.
fn connection(model: &Model, look: Look, now: Mono) -> (&'static str, String, Style) {
    let link = &model.link;
    match (link.state(), &link.fault) {
        (LinkState::Connecting, None) => ("CONNECTING", String::new(), look.strong()),
        (LinkState::Live, _) => (
            "LIVE",
            format!("  every {}{}", link.interval(), last(model)),
            look.strong(),
        ),
        (LinkState::Paused, _) => (
            "PAUSED",
            format!("{}  (space = go on)", last(model)),
            look.strong(),
        ),
        (LinkState::Connecting, Some(fault)) => (
            fault_word(fault),
            // The cause stands in the middle of the screen, where there are no rows yet.
            format!(": {}", retry(model, now)),
            look.alarm(),
        ),
        (LinkState::Stale, Some(fault)) if fault.kind == FaultKind::Unauthorized => {
            // What to do; since when is seen by the ages, which go on.
            let advice = if model.has_token {
                "its token is not accepted"
            } else {
                "give a token with --token-file"
            };
            let said = format!(": {advice}, {}", retry(model, now));
            (fault_word(fault), said, look.alarm())
        }
        (LinkState::Stale, fault) => {
            let cause = fault.as_ref().map_or("", |fault| fault.text.as_str());
            let silent = link.silent_for(now);
            let said = format!(" {silent}: {cause}, {}", retry(model, now));
            ("STALE", said, look.alarm())
        }
    }
}

const fn fault_word(fault: &Fault) -> &'static str {
    match fault.kind {
        FaultKind::Unreachable => "NO CONTACT",
        FaultKind::Unauthorized => "UNAUTHORIZED",
        FaultKind::Untrusted => "NOT TRUSTED",
        FaultKind::NotOurs => "NOT LASTBEATD",
        FaultKind::Refused => "REFUSED",
    }
}

/// What comes next after a failure.
fn retry(model: &Model, now: Mono) -> String {
    match model.link.due() {
        _ if model.link.is_asking => "asking again".to_owned(),
        None => "paused (u = now)".to_owned(),
        Some(_) => {
            let seconds = model.link.retry_in(now).as_micros().div_ceil(1_000_000);
            format!("retry in {seconds}s (u = now)")
        }
    }
}

/// Counts, order and filter.
pub(super) fn counts(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) {
    let area = changed(model, look, area, buffer);
    let mut line = Line::new(buffer, area, 0, look.charset);
    line.skip(1);
    if model.link.has_answer() {
        let counts = model.summary;
        line.compose(&format!("UP {}", counts.up), look.plain());
        if 0 < counts.late {
            line.compose(&format!(" ({} late)", counts.late), look.strong());
        }
        let down = format!("DOWN {}", counts.down);
        line.skip(1);
        if 0 < counts.down {
            line.word(" ", look.badge()).compose(&down, look.alarm());
        } else {
            line.skip(1).compose(&down, look.plain());
        }
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
    if filter.is_empty() {
        line.word("none", look.quiet());
    } else {
        line.compose(filter.text(), look.strong());
    }
}

/// How much changed and was not seen yet, at the right end, where nothing moves for it; gives the
/// rest of the line.
fn changed(model: &Model, look: Look, area: Rect, buffer: &mut Buffer) -> Rect {
    let said = match model.changed() {
        0 => return area,
        count if ROOM_FOR_ALL <= area.width => format!("*{count} changed"),
        count => format!("*{count}"),
    };
    let said = look.safe(&said);
    let width = u16::try_from(said.width()).unwrap_or(u16::MAX);
    let right = Rect {
        x: area.right().saturating_sub(width),
        width,
        ..area
    };
    Line::new(buffer, right, 0, look.charset).text(&said, look.strong());
    Rect {
        width: area.width.saturating_sub(width + 1),
        ..area
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
    for (at, notice) in (0..area.height).zip(notices::lines(model)) {
        let mut line = Line::new(buffer, area, at, look.charset);
        let word = notices::word(notice.level);
        match notice.level {
            _ if !notice.is_first => line.skip(1 + u16::try_from(word.len()).unwrap_or(0)),
            NoticeLevel::Error => line.word(" ", look.badge()).word(word, look.alarm()),
            NoticeLevel::Warning => line.skip(1).word(word, look.strong()),
            NoticeLevel::Info => line.skip(1).word(word, look.quiet()),
        };
        line.skip(1).text(&notice.text, look.plain());
    }
}

/// All that fits on a very small screen: `2 DOWN / 36  LIVE`.
pub(super) fn one_line(model: &Model, look: Look, now: Mono, area: Rect, buffer: &mut Buffer) {
    let (word, _, style) = connection(model, look, now);
    let mut line = Line::new(buffer, area, 0, look.charset);
    if model.typing.is_some() {
        line.word("/", look.strong())
            .compose(model.rows.filter().text(), look.plain())
            .word(" ", look.selected());
        return;
    }
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
