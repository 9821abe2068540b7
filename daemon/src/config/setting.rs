//! Settings: one table from which the flags, the variables, the file's keys, `--help` and the
//! docs are made. What a value means is left to [`Config`](super::Config).

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The flag without its dashes; `_` for `-` in the file, upper case behind `LASTBEAT_` in
    /// the environment.
    pub key: &'static str,
    /// What stands for its value in `--help`; absent for a switch.
    pub value: Option<&'static str>,
    /// Whether it may be given several times (a list in the file, commas in the environment).
    pub is_list: bool,
    /// Its value where nobody gives one.
    pub default: Option<&'static str>,
    /// One line.
    pub help: &'static str,
}

const fn setting(
    key: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        value: Some(value),
        is_list: false,
        default,
        help,
    }
}

/// All settings of `lastbeatd serve`.
pub const SETTINGS: [Setting; 24] = [
    Setting {
        key: "listen",
        value: Some("ADDR:PORT"),
        is_list: true,
        default: None,
        help: "Where to listen; may be given several times [default: 127.0.0.1:5001 and [::1]:5001]",
    },
    setting(
        "db",
        "FILE",
        None,
        "The database [default: $STATE_DIRECTORY/monitoring.db, else monitoring.db here]",
    ),
    setting(
        "ttl",
        "TIME",
        Some("60s"),
        "How long a heartbeat counts where a registration does not say",
    ),
    setting(
        "remove-after",
        "TIME",
        Some("60s"),
        "How long a DOWN instance stays in the registry",
    ),
    setting(
        "start-grace",
        "TIME",
        Some("60s"),
        "What an absence of the daemon adds to a silence, once",
    ),
    setting(
        "gone-for",
        "TIME",
        Some("24h"),
        "How long the screens show what left",
    ),
    setting(
        "tombstones-for",
        "TIME",
        Some("7d"),
        "How long what left can come back as it was",
    ),
    setting(
        "tombstones-max",
        "N",
        Some("100000"),
        "How many of them are kept",
    ),
    setting(
        "flush",
        "TIME",
        Some("2s"),
        "How often heartbeats are written to the database",
    ),
    setting(
        "storage-wait",
        "TIME",
        Some("2s"),
        "How long a registration waits for the disk before it is answered with 503",
    ),
    setting(
        "max-instances",
        "N",
        Some("100000"),
        "How many instances may be registered",
    ),
    setting(
        "max-connections",
        "N",
        Some("4096"),
        "How many connections may be open",
    ),
    Setting {
        key: "allowed-host",
        value: Some("HOST"),
        is_list: true,
        default: None,
        help: "Another host name that clients may call this daemon by; may be given several times",
    },
    Setting {
        key: "trusted-proxy",
        value: Some("NETWORK"),
        is_list: true,
        default: None,
        help: "An address or network (10.0.0.0/8) whose X-Forwarded-For, -Proto and -Prefix are believed; may be given several times",
    },
    setting(
        "tokens",
        "FILE",
        None,
        "Ask everyone for a token of this file; lastbeatd token add makes one",
    ),
    Setting {
        key: "anonymous-read",
        value: None,
        is_list: false,
        default: None,
        help: "Let those without a token look, but not change anything",
    },
    setting(
        "max-write-rate",
        "N",
        Some("200"),
        "New registrations, changes and deregistrations a second from one address, ten times as many at once",
    ),
    Setting {
        key: "insecure-no-auth",
        value: None,
        is_list: false,
        default: None,
        help: "Listen beyond this machine although anyone who can connect may change everything",
    },
    setting(
        "tls-cert",
        "FILE",
        None,
        "Speak TLS with the certificate (PEM, the chain behind it) in this file",
    ),
    setting(
        "tls-key",
        "FILE",
        None,
        "The private key (PEM) of that certificate",
    ),
    setting(
        "theme-css",
        "FILE",
        None,
        "A style sheet that the dashboard's pages load behind their own",
    ),
    setting("config", "FILE", None, "Read settings from a TOML file"),
    setting(
        "log-level",
        "LEVEL",
        Some("info"),
        "error, warn, info, debug or trace",
    ),
    setting("log-format", "FORMAT", Some("text"), "text or json"),
];
