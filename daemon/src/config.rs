//! Settings: one table from which the flags, the variables, the file's keys, `--help` and the
//! docs are made, and the typed configuration that the daemon runs with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use lastbeat_proto::Span;

use crate::instance::Rules;
use crate::state::Limits;

/// Shortest `--ttl`.
const MIN_TTL: Span = lastbeat_proto::register::MIN_TTL;
/// Longest `--ttl`, and longest of all other durations too.
const MAX_SPAN: Span = Span::from_secs(3_660 * 86_400);

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
pub const SETTINGS: [Setting; 17] = [
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
        key: "insecure-no-auth",
        value: None,
        is_list: false,
        default: None,
        help: "Listen beyond this machine although anyone who can connect may change everything",
    },
    setting("config", "FILE", None, "Read settings from a TOML file"),
    setting(
        "log-level",
        "LEVEL",
        Some("info"),
        "error, warn, info, debug or trace",
    ),
    setting("log-format", "FORMAT", Some("text"), "text or json"),
];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What the daemon runs with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; empty: the default addresses, the IPv6 one where it exists.
    pub listen: Vec<SocketAddr>,
    /// The database.
    pub db: PathBuf,
    /// The numbers of liveness.
    pub rules: Rules,
    /// How much the registry holds.
    pub limits: Limits,
    /// How often heartbeats are written.
    pub flush: Span,
    /// How long a registration waits for the disk.
    pub storage_wait: Span,
    /// Open connections at most.
    pub max_connections: usize,
    /// Further host names of this daemon.
    pub allowed_hosts: Vec<String>,
    /// Whether anyone may connect from elsewhere and change everything.
    pub is_open: bool,
    /// Least severe log lines that are written.
    pub log_level: tracing::Level,
    /// How they are written.
    pub log_format: LogFormat,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings in {}: {cause}; name a readable file with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The file is no TOML, or holds what is no setting.
    #[error("cannot use the settings in {}: {detail}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        detail: String,
    },
    /// A value is not of its setting's kind.
    #[error("cannot use {origin} {value}: it {detail}")]
    Value {
        /// Where it was given: a flag, a variable, a key of the file.
        origin: String,
        /// As it was given.
        value: String,
        /// What is wrong and what is right.
        detail: String,
    },
    /// An address beyond this machine without the word that it is meant.
    #[error(
        "cannot listen on {address}: anyone who can connect could change the registry; add \
         --insecure-no-auth if the network is trusted, or listen on 127.0.0.1"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
}

/// Values of one source by setting, each with the words that name where it was given.
pub type Given = BTreeMap<&'static str, (String, Vec<String>)>;

/// The environment as a source: `LASTBEAT_REMOVE_AFTER=5m`.
pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Given {
    let mut given = Given::new();
    for setting in &SETTINGS {
        let variable = format!("LASTBEAT_{}", setting.key.replace('-', "_").to_uppercase());
        let Some(text) = read(&variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        let values = if setting.is_list {
            text.split(',')
                .map(|value| value.trim().to_owned())
                .collect()
        } else {
            vec![text]
        };
        given.insert(setting.key, (variable, values));
    }
    given
}

/// A settings file as a source: `remove_after = "5m"`.
///
/// # Errors
/// [`ConfigError::Unreadable`] and [`ConfigError::File`]; an unknown key is an error with its line.
pub fn from_file(path: &std::path::Path) -> Result<Given, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    let wrong = |detail: String| ConfigError::File {
        path: path.to_owned(),
        detail,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let mut given = Given::new();
    for (key, value) in table {
        let known = SETTINGS
            .iter()
            .find(|s| s.key.replace('-', "_") == key && s.key != "config");
        let line = text
            .lines()
            .position(|line| line.trim_start().starts_with(&key));
        let line = line.map_or(0, |index| index + 1);
        let Some(setting) = known else {
            return Err(wrong(format!(
                "line {line}: unknown key {key}; see lastbeatd --help"
            )));
        };
        let values = file_values(&value).ok_or_else(|| {
            wrong(format!(
                "line {line}: {key} is not a text, number, switch or list of texts"
            ))
        })?;
        given.insert(setting.key, (key, values));
    }
    Ok(given)
}

fn file_values(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(switch) => Some(vec![switch.to_string()]),
        toml::Value::Array(list) => list.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

impl Config {
    /// Makes the configuration of the sources, the first one that gives a setting winning, and
    /// of the defaults. `state_directory` is where the database goes if nobody says.
    ///
    /// # Errors
    /// [`ConfigError::Value`] and [`ConfigError::Open`].
    pub fn resolve(
        sources: &[Given],
        state_directory: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let all = Sources { sources };
        let is_open = all.switch("insecure-no-auth")?;
        let listen = all.list("listen", parse_address)?;
        if let Some(address) = listen.iter().find(|a| !a.ip().to_canonical().is_loopback())
            && !is_open
        {
            return Err(ConfigError::Open { address: *address });
        }
        let default_db = state_directory.unwrap_or_default().join("monitoring.db");
        Ok(Self {
            listen,
            db: all.optional("db").map_or(default_db, PathBuf::from),
            rules: Rules {
                ttl: all.one("ttl", |text| parse_span(text, MIN_TTL))?,
                remove_after: all.one("remove-after", |text| parse_span(text, Span::default()))?,
                start_grace: all.one("start-grace", |text| parse_span(text, Span::default()))?,
                gone_for: all.one("gone-for", |text| parse_span(text, Span::default()))?,
                tombstones_for: all
                    .one("tombstones-for", |text| parse_span(text, Span::default()))?,
            },
            limits: Limits {
                instances: all.one("max-instances", parse_count)?,
                tombstones: all.one("tombstones-max", parse_count)?,
            },
            flush: all.one("flush", |text| parse_span(text, Span::from_micros(10_000)))?,
            storage_wait: all.one("storage-wait", |text| parse_span(text, Span::default()))?,
            max_connections: all.one("max-connections", parse_count)?,
            allowed_hosts: all.list("allowed-host", |text| Ok(text.to_owned()))?,
            is_open,
            log_level: all.one("log-level", parse_level)?,
            log_format: all.one("log-format", parse_format)?,
        })
    }
}

struct Sources<'given> {
    sources: &'given [Given],
}

impl Sources<'_> {
    fn find(&self, key: &str) -> Option<&(String, Vec<String>)> {
        self.sources.iter().find_map(|given| given.get(key))
    }

    fn optional(&self, key: &str) -> Option<String> {
        self.find(key)
            .and_then(|(_, values)| values.last().cloned())
    }

    fn one<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let given = self
            .find(key)
            .and_then(|(origin, values)| Some((origin.clone(), values.last()?)));
        let default = SETTINGS
            .iter()
            .find(|s| s.key == key)
            .and_then(|s| s.default);
        let (origin, value) = match given {
            Some((origin, value)) => (origin, value.as_str()),
            None => (
                format!("the default of --{key}"),
                default.unwrap_or_default(),
            ),
        };
        parse(value).map_err(|detail| ConfigError::Value {
            origin,
            value: value.to_owned(),
            detail,
        })
    }

    fn list<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some((origin, values)) = self.find(key) else {
            return Ok(Vec::new());
        };
        let wrong = |value: &str, detail| ConfigError::Value {
            origin: origin.clone(),
            value: value.to_owned(),
            detail,
        };
        values
            .iter()
            .map(|value| parse(value).map_err(|detail| wrong(value, detail)))
            .collect()
    }

    fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        let Some((origin, values)) = self.find(key) else {
            return Ok(false);
        };
        match values.last().map(String::as_str) {
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            value => Err(ConfigError::Value {
                origin: origin.clone(),
                value: value.unwrap_or_default().to_owned(),
                detail: "is not true or false".to_owned(),
            }),
        }
    }
}

fn parse_span(text: &str, least: Span) -> Result<Span, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if (least..=MAX_SPAN).contains(&span) {
        Ok(span)
    } else {
        Err(format!("is not between {least} and {MAX_SPAN}"))
    }
}

fn parse_count(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=10_000_000).contains(count));
    count.ok_or_else(|| "is not a whole number from 1 to 10000000".to_owned())
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_not_an_address| {
        "is not an address with a port; write it as 127.0.0.1:5001 or [::1]:5001".to_owned()
    })
}

fn parse_level(text: &str) -> Result<tracing::Level, String> {
    text.parse()
        .map_err(|_not_a_level| "is not one of error, warn, info, debug, trace".to_owned())
}

fn parse_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is not one of text, json".to_owned()),
    }
}

#[cfg(test)]
mod tests;
