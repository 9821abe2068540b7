//! What the monitor knows and shows. Pure: no I/O, no clock, no async; `update` alone changes it
//! in answer to messages, the views read it.

pub mod filter;
pub mod gone;
pub mod layout;
pub mod link;
pub mod rows;

use std::collections::BTreeSet;

use lastbeat_proto::Timestamp;
use lastbeat_proto::answer::{Event, Notice, NoticeLevel, Summary};
use lastbeat_proto::query::Sort;

use crate::clock::Mono;
use crate::config::Settings;

use filter::Filter;
use gone::GoneGroup;
use link::Link;
use rows::{RowKey, Rows};

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
    /// Services whose refresh is under way.
    pub refreshing: BTreeSet<String>,
    /// Whether a refresh of everything is under way.
    pub is_refreshing_all: bool,
    /// What happened, as far as it was asked for.
    pub events: Events,
}

/// The selected line. The instance is what is selected; the line is where it was last seen.
#[derive(Debug, Default)]
pub struct Cursor {
    /// Which instance.
    pub key: Option<RowKey>,
    /// Its line among the visible rows.
    pub line: usize,
    /// The first line on screen.
    pub top: usize,
}

/// What fills the middle of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The table alone.
    Table,
    /// Everything about the selected instance.
    Detail,
    /// What happened; the number of lines scrolled away.
    Events(usize),
}

/// What lies above everything else and takes the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Popup {
    /// The keys; the number of lines scrolled away.
    Help(usize),
    /// A question that Enter on "yes" or `y` confirms.
    Confirm {
        /// What would be done.
        question: Question,
        /// Whether "yes" is chosen; the default is no.
        is_yes: bool,
    },
}

/// What may be asked before it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Take an instance out of the registry.
    Deregister {
        /// Name of the service.
        name: String,
        /// Which instance.
        instance: String,
    },
    /// Judge a large registry anew.
    RefreshAll {
        /// How many instances.
        count: usize,
    },
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
    /// When it goes away.
    pub until: Mono,
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
            size,
            link: Link::new(settings.interval, now),
            rows: Rows::new(Filter::parse(&settings.filter), settings.sort),
            summary: Summary::default(),
            gone: Vec::new(),
            cursor: Cursor::default(),
            pane: Pane::Table,
            popup: None,
            typing: None,
            toast: None,
            refreshing: BTreeSet::new(),
            is_refreshing_all: false,
            events: Events::default(),
        }
    }

    /// The order in use.
    pub fn sort(&self) -> Sort {
        self.rows.sort()
    }

    /// Whether the row of this service is being judged anew.
    pub fn is_refreshing(&self, name: &str) -> bool {
        self.is_refreshing_all || self.refreshing.contains(name)
    }
}
