//! What the monitor knows and shows. Pure: no I/O, no clock, no async; `update` alone changes it
//! in answer to messages, the views read it.

pub mod detail;
pub mod filter;
pub mod gone;
pub mod group;
pub mod layout;
pub mod lines;
pub mod link;
pub mod mark;
pub mod note;
pub mod notices;
mod popup;
pub mod rows;

use std::collections::BTreeSet;

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::{Event, Notice, NoticeLevel, Row, Summary, UptimeAnswer};
use lastbeat_proto::query::Sort;

use crate::clock::Mono;
use crate::config::{Settings, Theme};
use crate::text::Charset;

use filter::Filter;
use gone::GoneGroup;
use group::Group;
use lines::{Item, Lines, Selection};
use link::Link;
use rows::Rows;

pub use popup::{Help, Popup, Question};

/// Everything.
#[derive(Debug)]
pub struct Model {
    /// Host and port as people write them.
    pub daemon: String,
    /// The base URL, for the curl line of an empty registry.
    pub url: String,
    /// Whether a token is sent.
    pub has_token: bool,
    /// What stands among the notices because of the settings.
    pub own_notice: Option<Notice>,
    /// Whether to refuse what takes something away.
    pub is_read_only: bool,
    /// How the terminal is used.
    pub display: Display,
    /// Columns and lines of the terminal.
    pub size: (u16, u16),
    /// How the conversation with the daemon goes.
    pub link: Link,
    /// The registry, in order and filtered.
    pub rows: Rows,
    /// Counts of the whole registry.
    pub summary: Summary,
    /// What the daemon says about itself.
    pub notices: Vec<Notice>,
    /// What left, grouped by service.
    pub gone: Vec<GoneGroup>,
    /// Whether what left was heard of, so that what comes on top is new.
    pub knows_gone: bool,
    /// What can be selected, made of the rows and of what left.
    pub lines: Lines,
    /// Where the cursor is.
    pub cursor: Cursor,
    /// What fills the middle of the screen.
    pub pane: Pane,
    /// What lies above everything.
    pub popup: Option<Popup>,
    /// The filter as it was before typing began; present while typing.
    pub typing: Option<Filter>,
    /// One sentence that goes away by itself.
    pub toast: Option<Toast>,
    /// What is being judged anew.
    pub refreshes: Refreshes,
    /// Services of which something is being taken off the list of what left.
    pub dismissals: BTreeSet<String>,
    /// What happened, as far as it was asked for.
    pub events: Events,
    /// How the service in the detail was, where that was told.
    pub uptime: Option<OfService>,
}

/// How the terminal is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Display {
    /// How colors and attributes are used.
    pub theme: Theme,
    /// Whether colors may be sent at all.
    pub is_colored: bool,
    /// Which characters it understands.
    pub charset: Charset,
    /// Whether the mouse is reported to us.
    pub is_mouse_on: bool,
}

/// What is being judged anew.
#[derive(Debug, Default)]
pub struct Refreshes {
    /// Services whose refresh is under way.
    pub names: BTreeSet<String>,
    /// Whether one of everything is under way.
    pub is_of_all: bool,
    /// Whether refreshing many services was confirmed; it is asked once.
    pub is_confirmed: bool,
}

/// The selected line. What stands there is what is selected; the line is where it was last seen.
#[derive(Debug, Default)]
pub struct Cursor {
    /// What is selected.
    pub key: Option<Selection>,
    /// Its line, those of what left behind those of the table.
    pub line: usize,
    /// The first line of the table on screen.
    pub top: usize,
    /// The first line of what left on screen, counted from the first of what left.
    pub gone_top: usize,
    /// Whether a message was taken in since rows, lines and this were brought into line.
    pub is_unsettled: bool,
}

/// What fills the middle of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The table alone.
    Table,
    /// Everything about what is selected; the number of lines scrolled away.
    Detail(usize),
    /// What happened; the number of lines scrolled away.
    Events(usize),
}

/// How a toast looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It worked.
    Good,
    /// It did not.
    Bad,
}

/// One sentence for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The sentence, as it came.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
    /// When it goes away; `None`: when a key is pressed.
    pub until: Option<Mono>,
}

/// What happened, newest first.
#[derive(Debug, Default)]
pub struct Events {
    /// Only of this service; `None`: of all.
    pub of: Option<String>,
    /// The events.
    pub list: Vec<Event>,
    /// Whether an answer is awaited.
    pub is_loading: bool,
    /// Why there is none.
    pub fault: Option<String>,
    /// The last revision for which they were asked.
    pub revision: Option<u64>,
}

/// How one service was in the last days.
#[derive(Debug)]
pub struct OfService {
    /// Which.
    pub name: String,
    /// What the daemon told, or why it did not.
    pub told: Result<Box<UptimeAnswer>, String>,
}

impl Model {
    /// The state before anything was asked.
    pub fn new(settings: &Settings, size: (u16, u16), now: Mono) -> Self {
        let own_notice = settings.token_warning().map(|text| Notice {
            kind: "token-in-clear".to_owned(),
            level: NoticeLevel::Warning,
            text,
            since: Timestamp::default(),
        });
        Self {
            has_token: settings.token_file.is_some(),
            notices: own_notice.iter().cloned().collect(),
            own_notice,
            daemon: settings.url.authority().to_owned(),
            url: settings.url.to_string(),
            is_read_only: settings.is_read_only,
            display: Display {
                theme: settings.theme,
                is_colored: settings.is_colored,
                charset: settings.charset,
                is_mouse_on: settings.is_mouse_on,
            },
            size,
            link: Link::new(settings.interval, now),
            rows: Rows::new(Filter::parse(&settings.filter), settings.sort),
            summary: Summary::default(),
            gone: Vec::new(),
            knows_gone: false,
            lines: Lines::default(),
            cursor: Cursor::default(),
            pane: Pane::Table,
            popup: None,
            typing: None,
            toast: None,
            refreshes: Refreshes::default(),
            dismissals: BTreeSet::new(),
            events: Events::default(),
            uptime: None,
        }
    }

    /// The order in use.
    pub fn sort(&self) -> Sort {
        self.rows.sort()
    }

    /// Whether the row of this service is being judged anew.
    pub fn is_refreshing(&self, name: &str) -> bool {
        self.refreshes.is_of_all || self.refreshes.names.contains(name)
    }

    /// How many lines can be selected: those of the table and those of what left.
    pub const fn len(&self) -> usize {
        self.table_len() + self.lines.gone_len()
    }

    /// Whether nothing can be selected.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many lines the table has.
    pub const fn table_len(&self) -> usize {
        self.lines.table_len(&self.rows)
    }

    /// What stands on a line.
    pub fn item(&self, line: usize) -> Option<Item<'_>> {
        self.lines.item(line, &self.rows, &self.gone)
    }

    /// The row of a service that has one instance only.
    pub fn only_row(&self, group: &Group) -> Option<&Row> {
        match group.members.as_slice() {
            [line] => self.rows.row(*line),
            _ => None,
        }
    }

    /// The line of what is selected, where it is visible.
    pub fn line_of(&self, selection: &Selection) -> Option<usize> {
        self.lines.line_of(selection, &self.rows, &self.gone)
    }

    /// What the cursor is on.
    pub fn selected(&self) -> Option<Item<'_>> {
        self.item(self.cursor.line)
    }

    /// Whether the status of the row on a line changed since it was last seen.
    pub fn is_changed(&self, line: usize) -> bool {
        let rows = self.lines.rows_on(line, &self.rows);
        rows.into_iter().any(|row| self.rows.is_changed(row))
    }

    /// How many rows and services that left changed since they were last seen.
    pub fn changed(&self) -> usize {
        self.rows.changed() + self.gone.iter().filter(|group| group.is_changed).count()
    }

    /// Makes the lines anew where what they are made of changed.
    pub fn keep_lines(&mut self) {
        self.lines.keep(&self.rows, &self.gone);
    }
}
