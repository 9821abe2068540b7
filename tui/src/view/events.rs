//! What happened, newest first.

use lastbeat_proto::answer::Event;
use lastbeat_proto::status::EventKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::canvas::Line;
use crate::model::Model;
use crate::text::short_time;
use crate::theme::{Look, Mark};

/// Draws a heading and the events from the `scrolled`th on.
pub(super) fn draw(model: &Model, look: Look, scrolled: usize, area: Rect, buffer: &mut Buffer) {
    let events = &model.events;
    let mut heading = Line::new(buffer, area, 0, look.charset);
    heading.skip(3).word("EVENTS", look.heading()).skip(2);
    match &events.of {
        Some(name) => heading
            .word("of ", look.plain())
            .compose(name, look.strong()),
        None => heading.word("of all services", look.plain()),
    };
    let selected = model.cursor.key.as_ref();
    match (&events.of, selected) {
        (None, Some(selected)) => heading
            .word(", newest first; e = of ", look.plain())
            .compose(selected.name(), look.plain()),
        (None, None) => heading.word(", newest first", look.plain()),
        (Some(_), _) => heading.word(", newest first; e = of all", look.plain()),
    };
    if let Some(fault) = &events.fault {
        let mut line = Line::new(buffer, area, 1, look.charset);
        line.skip(3)
            .compose(&format!("cannot read events: {fault}"), look.strong());
        return;
    }
    if events.list.is_empty() {
        let word = if events.is_loading {
            "loading"
        } else {
            "nothing happened yet"
        };
        Line::new(buffer, area, 1, look.charset)
            .skip(3)
            .word(word, look.plain());
        return;
    }
    for (line, event) in (1..area.height).zip(events.list.iter().skip(scrolled)) {
        let mut line = Line::new(buffer, area, line, look.charset);
        one_event(event, model, look, &mut line, area.x);
    }
}

/// One event on one line.
fn one_event(event: &Event, model: &Model, look: Look, line: &mut Line<'_>, x: u16) {
    let when = short_time(event.at, model.link.last_wall());
    line.skip(3).compose(&when, look.quiet()).move_to(x + 22);
    let (mark, word) = match event.kind {
        EventKind::Down => (Some(Mark::Down), "DOWN"),
        EventKind::Up => (Some(Mark::Up), "UP"),
        EventKind::Gone => (Some(Mark::Gone), "GONE"),
        EventKind::Back => (Some(Mark::Up), "back"),
        EventKind::Registered => (Some(Mark::Up), "registered"),
        EventKind::Changed => (None, "changed"),
        EventKind::Start => (None, "registry started"),
        EventKind::Stall => (None, "registry stood still"),
    };
    match mark {
        Some(mark) => line.word(look.shape(mark), look.shape_style(mark)).skip(1),
        None => line.skip(2),
    };
    line.word(word, look.strong()).move_to(x + 35);
    if let Some(name) = &event.name {
        line.skip(1).compose(name, look.plain());
    }
    if let Some(instance) = &event.instance {
        line.skip(2).compose(instance, look.quiet());
    }
    if let Some(reason) = &event.reason {
        line.skip(2).compose(reason, look.plain());
    }
}
