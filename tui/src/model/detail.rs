//! Everything about what is selected, as lines: `update` needs their number for scrolling, the
//! view draws them.

mod strip;

use lastbeat_proto::answer::{Event, Row, Tombstone};
use lastbeat_proto::{Span, explain};

use super::Model;
use super::gone::GoneGroup;
use super::group::Group;
use super::lines::Item;
use super::mark::Mark;
use super::note;
use crate::clock::Mono;
use crate::text::{SafeText, address, long_time, short_time, whole_seconds};

/// Column of the values.
pub const VALUE_X: u16 = 16;
/// Under this width values stand behind their labels.
pub const NARROW: u16 = 44;
/// Most slots of the strip: half an hour each.
const STRIP: usize = 48;
/// Most other instances that are listed.
const SIBLINGS: usize = 20;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailLine {
    /// State and name.
    Title(Mark, SafeText),
    /// A fact, its label on the first of its lines only.
    Fact(&'static str, SafeText),
    /// The heading of a list.
    Heading(SafeText),
    /// A line of a list.
    Entry(Option<Mark>, SafeText),
    /// Nothing.
    Blank,
}

/// The lines about what is selected, values broken to fit into `columns`.
pub fn lines(model: &Model, columns: u16, now: Mono) -> Vec<DetailLine> {
    let mut page = Page {
        model,
        columns,
        now,
        lines: Vec::new(),
    };
    match model.selected() {
        Some(Item::Instance(row)) => page.instance(row),
        Some(Item::Service(group)) => page.service(group),
        Some(Item::Gone(group)) => page.gone(group),
        Some(Item::Left(tombstone)) => page.left(tombstone),
        None => page.heading("no service is selected"),
    }
    page.lines
}

struct Page<'a> {
    model: &'a Model,
    columns: u16,
    now: Mono,
    lines: Vec<DetailLine>,
}

impl Page<'_> {
    fn instance(&mut self, row: &Row) {
        self.title(Mark::of(row), &row.name);
        let up_ms = self.model.link.up_ms(self.now);
        let today = self.model.link.wall(self.now);
        let (whole, at) = (note::in_seconds(row, up_ms), note::up_s(up_ms));
        let why = explain::line(&whole, at, |t| short_time(t, today));
        self.fact("why", &why);
        if let Some(reason) = &row.reason {
            self.fact("reason", reason);
        }
        self.fact("address", &address(&row.ip, row.port));
        self.fact("instance", &row.instance);
        self.fact("last heartbeat", &long_time(row.last_heartbeat));
        self.fact("since", &long_time(row.since));
        self.fact("first seen", &long_time(row.first_seen));
        self.fact("ttl", &row.ttl_s.to_string());
        if !row.confirmed {
            self.fact("unconfirmed", "not heard since the registry was away");
        }
        if !row.tags.is_empty() {
            self.fact("tags", &row.tags.join(", "));
        }
        for (key, value) in &row.metadata {
            self.fact("metadata", &format!("{key} = {value}"));
        }
        self.fact("id", &row.id.to_string());
        self.uptime(row);
        self.siblings(row);
        self.recent(&row.name, Some(&row.instance));
    }

    /// How it was in the last days.
    fn uptime(&mut self, row: &Row) {
        let told = self.model.uptime.as_ref();
        let Some(told) = told.filter(|told| told.name == row.name) else {
            return;
        };
        let answer = match &told.told {
            Ok(answer) => answer,
            Err(why) => return self.fact("uptime", &format!("not told: {why}")),
        };
        let mut instances = answer.instances.iter();
        let Some(one) = instances.find(|one| one.instance == row.instance) else {
            return;
        };
        let columns = self.value_columns().saturating_sub(strip::KEY_COLUMNS);
        let end = self.model.link.wall(self.now).unwrap_or(answer.now);
        let strip = strip::strip(&one.uptime, end, columns.clamp(12, STRIP));
        let key = strip::key(&strip);
        if strip.len() + key.len() < self.value_columns() {
            self.fact("last day", &format!("{strip} {key}"));
        } else {
            self.fact("last day", &strip);
            self.fact("", &key);
        }
        for window in strip::telling(&one.uptime.windows) {
            let length = explain::window_length(&window);
            self.fact("uptime", &format!("{length}: {}", explain::window(&window)));
        }
    }

    /// The other instances of the same service.
    fn siblings(&mut self, row: &Row) {
        let rows = &self.model.rows;
        let others: Vec<&Row> = rows
            .of_service(&row.name)
            .filter(|other| other.instance != row.instance)
            .collect();
        if others.is_empty() {
            return;
        }
        self.heading(&format!("other instances ({})", others.len()));
        for other in others.iter().take(SIBLINGS) {
            self.member(other);
        }
        if SIBLINGS < others.len() {
            let rest = others.len() - SIBLINGS;
            self.entry(None, &format!("and {rest} more; v lists them"));
        }
    }

    fn member(&mut self, row: &Row) {
        let age = self.model.link.age(row, self.now);
        let said = format!(
            "{:<5} {}  {}",
            Mark::of(row).word(),
            address(&row.ip, row.port),
            whole_seconds(age)
        );
        self.entry(Some(Mark::of(row)), &said);
    }

    fn service(&mut self, group: &Group) {
        self.title(Mark::of_group(group), &group.name);
        self.fact("instances", &group.counts());
        let up_ms = self.model.link.up_ms(self.now);
        let silent = Span::from_signed_micros((up_ms - group.heard_ms).saturating_mul(1_000));
        self.fact("last heartbeat", &format!("{} ago", whole_seconds(silent)));
        self.heading("instances");
        for line in &group.members {
            if let Some(row) = self.model.rows.row(*line) {
                self.member(row);
            }
        }
        self.recent(&group.name, None);
    }

    fn gone(&mut self, group: &GoneGroup) {
        self.title(Mark::Gone, &group.name);
        self.fact(
            "why",
            &format!(
                "GONE since {}: {}",
                self.short(group.since()),
                group.reason()
            ),
        );
        for tombstone in &group.tombstones {
            self.lines.push(DetailLine::Blank);
            self.tombstone(tombstone);
        }
        self.recent(&group.name, None);
    }

    fn left(&mut self, tombstone: &Tombstone) {
        self.title(Mark::Gone, &tombstone.name);
        let since = self.short(tombstone.since);
        self.fact("why", &format!("GONE since {since}: {}", tombstone.reason));
        self.tombstone(tombstone);
        self.recent(&tombstone.name, Some(&tombstone.instance));
    }

    fn tombstone(&mut self, tombstone: &Tombstone) {
        self.fact("address", &address(&tombstone.ip, tombstone.port));
        self.fact("instance", &tombstone.instance);
        self.fact("reason", &tombstone.reason);
        self.fact("left", &long_time(tombstone.since));
        self.fact("last heartbeat", &long_time(tombstone.last_heartbeat));
        self.fact("first seen", &long_time(tombstone.first_seen));
        let back = if tombstone.deregistered {
            "when it registers"
        } else {
            "with its next heartbeat"
        };
        self.fact("comes back", back);
    }

    fn recent(&mut self, name: &str, instance: Option<&str>) {
        self.heading("recent events (e = more)");
        let events = &self.model.events;
        if let Some(fault) = &events.fault {
            self.entry(None, &format!("cannot read events: {fault}"));
            return;
        }
        let found: Vec<&Event> = of(self.model, name, instance).collect();
        for event in found {
            let mut said = format!("{}  {}", self.short(event.at), event.kind.word());
            if instance.is_none()
                && let Some(instance) = &event.instance
            {
                said.extend(["  ", instance]);
            }
            if let Some(reason) = &event.reason {
                said.extend(["  ", reason]);
            }
            self.entry(None, &said);
        }
    }

    fn short(&self, time: lastbeat_proto::Timestamp) -> String {
        short_time(time, self.model.link.wall(self.now))
    }

    fn value_columns(&self) -> usize {
        let x = if self.columns < NARROW { 2 } else { VALUE_X };
        usize::from(self.columns.saturating_sub(x + 1))
    }

    fn safe(&self, text: &str) -> SafeText {
        SafeText::new(text, self.model.display.charset)
    }

    fn title(&mut self, mark: Mark, name: &str) {
        self.lines.push(DetailLine::Title(mark, self.safe(name)));
    }

    fn fact(&mut self, label: &'static str, value: &str) {
        let (label, value) = if self.columns < NARROW && !label.is_empty() {
            ("", format!("{label}: {value}"))
        } else {
            (label, value.to_owned())
        };
        let wrapped = self.safe(&value).wrap(self.value_columns());
        for (index, text) in wrapped.into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            self.lines.push(DetailLine::Fact(label, text));
        }
    }

    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(DetailLine::Blank);
        }
        self.lines.push(DetailLine::Heading(self.safe(text)));
    }

    fn entry(&mut self, mark: Option<Mark>, text: &str) {
        self.lines.push(DetailLine::Entry(mark, self.safe(text)));
    }
}

/// Events of a service, or of one instance, newest first, as far as they were asked for.
fn of<'a>(
    model: &'a Model,
    name: &str,
    instance: Option<&'a str>,
) -> impl Iterator<Item = &'a Event> {
    let is_of = model.events.of.as_deref() == Some(name);
    let all = model
        .events
        .list
        .iter()
        .take(if is_of { usize::MAX } else { 0 });
    all.filter(move |event| instance.is_none() || event.instance.as_deref() == instance)
}
