//! The table of settings: what `cli` makes flags of and the file may hold.

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text(&'static str),
    /// A text that may begin with a minus.
    Signed(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Given or not.
    Switch,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name: `--name` as a flag, `name` in the file.
    pub name: &'static str,
    /// Its environment variable, where it has one.
    pub variable: Option<&'static str>,
    /// How it is written.
    pub kind: Kind,
    /// What holds when nobody sets it.
    pub default: Option<&'static str>,
    /// One line for `--help`.
    pub help: &'static str,
    /// Whether it may stand in the file.
    pub in_file: bool,
}

const fn setting(name: &'static str, kind: Kind, help: &'static str) -> Setting {
    Setting {
        name,
        variable: None,
        kind,
        default: None,
        help,
        in_file: true,
    }
}

/// All settings of the monitor, in the order of `--help`.
pub const SETTINGS: [Setting; 14] = [
    Setting {
        variable: Some("LASTBEAT_URL"),
        default: Some("http://127.0.0.1:5001"),
        ..setting(
            "url",
            Kind::Text("URL"),
            "where lastbeatd serves, http or https; may have a sub-path",
        )
    },
    Setting {
        variable: Some("LASTBEAT_CA_FILE"),
        ..setting(
            "ca-file",
            Kind::Text("FILE"),
            "trust the authorities (PEM) in this file instead of the system's",
        )
    },
    Setting {
        variable: Some("LASTBEAT_TOKEN_FILE"),
        ..setting(
            "token-file",
            Kind::Text("FILE"),
            "send the token in this file, which nobody else may read",
        )
    },
    Setting {
        default: Some("2s"),
        ..setting(
            "interval",
            Kind::Text("SPAN"),
            "how often to ask, 250ms to 1h",
        )
    },
    Setting {
        default: Some("5s"),
        ..setting(
            "timeout",
            Kind::Text("SPAN"),
            "how long to wait for an answer, 100ms to 5m",
        )
    },
    setting(
        "filter",
        Kind::Text("TEXT"),
        "show only what matches: text, status:down, tag:x, !x",
    ),
    Setting {
        default: Some("status"),
        ..setting(
            "sort",
            Kind::Signed("COLUMN"),
            "status (state), name, address, heartbeat (age) or since; -name reverses",
        )
    },
    Setting {
        variable: Some("LASTBEAT_THEME"),
        default: Some("auto"),
        ..setting(
            "theme",
            Kind::Word(&["auto", "mono", "contrast", "cb"]),
            "auto: the terminal's 16 colors; mono: none; contrast: none, nothing dim; cb: no red or green",
        )
    },
    setting("ascii", Kind::Switch, "draw with ASCII only"),
    setting("no-color", Kind::Switch, "no colors; so does NO_COLOR"),
    setting(
        "mouse",
        Kind::Switch,
        "the mouse selects rows instead of text",
    ),
    setting("read-only", Kind::Switch, "refuse to deregister"),
    Setting {
        in_file: false,
        ..setting(
            "once",
            Kind::Switch,
            "print the list once; exit 1 when something in it is DOWN",
        )
    },
    Setting {
        default: Some("table"),
        in_file: false,
        ..setting(
            "format",
            Kind::Word(&["table", "json", "tsv", "nagios"]),
            "how --once prints; nagios implies it, and exits as a plugin of it",
        )
    },
];

/// Settings that `beat` knows too.
pub const SHARED: [&str; 4] = ["url", "ca-file", "token-file", "timeout"];

/// What `beat` can be told beside them, in the order of `--help`.
pub const BEAT_SETTINGS: [Setting; 6] = [
    setting(
        "ip",
        Kind::Text("ADDRESS"),
        "where the service is [default: where the request comes from]",
    ),
    setting("port", Kind::Text("PORT"), "its port"),
    setting(
        "instance",
        Kind::Text("KEY"),
        "what tells it from others of this name [default: its address]",
    ),
    setting(
        "ttl",
        Kind::Text("SPAN"),
        "how long a heartbeat counts, 2s to 30d [default: the daemon's]",
    ),
    setting(
        "every",
        Kind::Text("SPAN"),
        "how often to beat, 250ms to 10d [default: a third of the ttl]",
    ),
    setting("tag", Kind::Text("TAGS"), "labels, separated by commas"),
];
