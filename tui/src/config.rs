//! Settings: one const table feeds the flags, the environment, the file and `--help`. A flag beats
//! a variable, a variable the file, the file the default.
//!
//! Reading the command line is left to `cli`; this file and `cli` alone know the environment.

mod url;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lastbeat_proto::Span;
use lastbeat_proto::query::{Sort, SortKey};
use toml::de::{DeTable, DeValue};

use crate::text::Charset;

pub use url::{BaseUrl, UrlError};

/// How a setting is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text(&'static str),
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
pub const SETTINGS: [Setting; 11] = [
    Setting {
        variable: Some("LASTBEAT_URL"),
        default: Some("http://127.0.0.1:5001"),
        ..setting(
            "url",
            Kind::Text("URL"),
            "where lastbeatd serves; may have a sub-path",
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
            Kind::Text("COLUMN"),
            "status, name, address, heartbeat or since; -name reverses",
        )
    },
    Setting {
        variable: Some("LASTBEAT_THEME"),
        default: Some("auto"),
        ..setting(
            "theme",
            Kind::Word(&["auto", "mono"]),
            "auto: the terminal's 16 colors; mono: none",
        )
    },
    setting("ascii", Kind::Switch, "draw with ASCII only"),
    setting("no-color", Kind::Switch, "no colors; so does NO_COLOR"),
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
            Kind::Word(&["table", "json", "tsv"]),
            "how --once prints",
        )
    },
];

/// Settings that `beat` knows too.
pub const SHARED: [&str; 2] = ["url", "timeout"];

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

/// Shortest and longest interval of asking.
const INTERVAL_LIMITS: (Span, Span) = (Span::from_micros(250_000), Span::from_secs(3_600));
/// Shortest and longest wait for an answer.
const TIMEOUT_LIMITS: (Span, Span) = (Span::from_micros(100_000), Span::from_secs(300));

/// How `--once` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// The daemon's answer, filtered.
    Json,
    /// Tab-separated values with a heading.
    Tsv,
}

/// What the registry is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// A screen of its own.
    Screen,
    /// A list, once, with an exit code that tells whether something is DOWN.
    Once,
    /// A list, once, because the terminal cannot move its cursor.
    Listing,
}

/// Everything that was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the daemon is.
    pub url: BaseUrl,
    /// How often to ask.
    pub interval: Span,
    /// How long to wait for an answer.
    pub timeout: Span,
    /// The filter to begin with.
    pub filter: String,
    /// The order to begin with.
    pub sort: Sort,
    /// Whether to use colors.
    pub is_colored: bool,
    /// What the terminal understands.
    pub charset: Charset,
    /// Whether to refuse what takes something away.
    pub is_read_only: bool,
    /// What to show it on.
    pub output: Output,
    /// How a list is printed.
    pub format: Format,
}

/// What cannot be used, and where it stood.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that does not fit.
    #[error("cannot use {from} {value:?}: {expected}")]
    Value {
        /// The flag, variable, or file and line.
        from: String,
        /// The value.
        value: String,
        /// What is wrong and what is right.
        expected: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}; check the path given with --config", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key that does not exist.
    #[error("cannot use {path} line {line}: {cause}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
        /// What is wrong and what is right.
        cause: String,
    },
}

/// The environment's variables, so that tests can bring their own.
pub trait Environment {
    /// The value of a variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<OsString>;
}

/// The process's own environment.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn variable(&self, name: &str) -> Option<OsString> {
        self(name)
            .filter(|value| !value.is_empty())
            .map(OsString::from)
    }
}

/// The file that is read when `--config` names none; it need not exist.
pub fn default_path(environment: &impl Environment) -> Option<PathBuf> {
    let base = environment
        .variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| {
            environment
                .variable("HOME")
                .map(|home| Path::new(&home).join(".config"))
        })?;
    Some(base.join("lastbeat").join("config.toml"))
}

/// A value and where it stood.
struct Found {
    value: String,
    from: String,
}

/// Where values come from, strongest first.
struct Sources<'a, E> {
    flags: &'a dyn Fn(&str) -> Option<String>,
    environment: &'a E,
    file: Vec<(String, Found)>,
}

impl<E: Environment> Sources<'_, E> {
    fn find(&self, name: &str) -> Option<Found> {
        if let Some(value) = (self.flags)(name) {
            return Some(Found {
                value,
                from: format!("--{name}"),
            });
        }
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        let by_variable = setting.variable.and_then(|variable| {
            let value = self.environment.variable(variable)?;
            Some(Found {
                value: value.to_string_lossy().into_owned(),
                from: variable.to_owned(),
            })
        });
        let by_file = || {
            let (_, found) = self.file.iter().find(|(key, _)| key == name)?;
            Some(Found {
                value: found.value.clone(),
                from: found.from.clone(),
            })
        };
        let by_default = || {
            let value = setting.default?.to_owned();
            Some(Found {
                value,
                from: format!("the default of --{name}"),
            })
        };
        by_variable.or_else(by_file).or_else(by_default)
    }

    /// The value of a setting read by `parse`; an unset one is read from an empty text.
    fn read<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let found = self.find(name).unwrap_or_else(|| Found {
            value: String::new(),
            from: format!("--{name}"),
        });
        parse(&found.value).map_err(|expected| ConfigError::Value {
            from: found.from,
            value: found.value,
            expected,
        })
    }

    fn is_set(&self, name: &str) -> Result<bool, ConfigError> {
        self.read(name, |value| match value {
            "true" => Ok(true),
            "false" | "" => Ok(false),
            _ => Err("write true or false".to_owned()),
        })
    }
}

/// Puts the settings together. `flags` gives the value of a flag that was written, `true` for a
/// switch; `named_file` is `--config`.
///
/// # Errors
/// [`ConfigError`] names the place and what is expected there.
pub fn load(
    flags: &dyn Fn(&str) -> Option<String>,
    environment: &impl Environment,
    named_file: Option<&Path>,
) -> Result<Settings, ConfigError> {
    let file = match named_file {
        Some(path) => read_file(path)?,
        None => match default_path(environment) {
            Some(path) if path.exists() => read_file(&path)?,
            _ => Vec::new(),
        },
    };
    let sources = Sources {
        flags,
        environment,
        file,
    };
    let terminal = environment.variable("TERM").unwrap_or_default();
    let is_dumb = terminal == "dumb";
    let is_plain = is_dumb || terminal == "linux" || !is_utf8(environment);
    let no_color = environment.variable("NO_COLOR").is_some() || sources.is_set("no-color")?;
    let is_mono = sources.read("theme", |text| match text {
        "auto" => Ok(false),
        "mono" => Ok(true),
        _ => Err("write auto or mono".to_owned()),
    })?;
    Ok(Settings {
        url: sources.read("url", |text| {
            BaseUrl::parse(text).map_err(|error| error.to_string())
        })?,
        interval: sources.read("interval", |text| span(text, INTERVAL_LIMITS))?,
        timeout: sources.read("timeout", |text| span(text, TIMEOUT_LIMITS))?,
        filter: sources.read("filter", |text| Ok(text.to_owned()))?,
        sort: sources.read("sort", sort)?,
        is_colored: !(no_color || is_mono || is_dumb),
        charset: if is_plain || sources.is_set("ascii")? {
            Charset::Ascii
        } else {
            Charset::Utf8
        },
        is_read_only: sources.is_set("read-only")?,
        output: if sources.is_set("once")? {
            Output::Once
        } else if is_dumb {
            Output::Listing
        } else {
            Output::Screen
        },
        format: sources.read("format", |text| match text {
            "table" => Ok(Format::Table),
            "json" => Ok(Format::Json),
            "tsv" => Ok(Format::Tsv),
            _ => Err("write table, json or tsv".to_owned()),
        })?,
    })
}

/// The first of these that is set decides (POSIX XBD §8.2).
fn is_utf8(environment: &impl Environment) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| environment.variable(name));
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// Reads a length of time between these two.
///
/// # Errors
/// A sentence that says what is expected.
pub fn span(text: &str, (shortest, longest): (Span, Span)) -> Result<Span, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if (shortest..=longest).contains(&span) {
        Ok(span)
    } else {
        Err(format!("is outside {shortest} to {longest}"))
    }
}

fn sort(text: &str) -> Result<Sort, String> {
    Sort::parse(text).ok_or_else(|| {
        let words: Vec<&str> = SortKey::ALL.iter().map(|key| key.word()).collect();
        format!(
            "write one of {}, each also with - in front",
            words.join(", ")
        )
    })
}

fn read_file(path: &Path) -> Result<Vec<(String, Found)>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let error_at = |byte: usize, cause: String| ConfigError::File {
        path: path.to_owned(),
        line: line_of(&text, byte),
        cause,
    };
    let table = DeTable::parse(&text).map_err(|error| {
        error_at(
            error.span().map_or(0, |span| span.start),
            error.message().to_owned(),
        )
    })?;
    let mut found = Vec::new();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        if !SETTINGS
            .iter()
            .any(|setting| setting.in_file && setting.name == name)
        {
            let known: Vec<&str> = SETTINGS
                .iter()
                .filter(|setting| setting.in_file)
                .map(|s| s.name)
                .collect();
            let cause = format!(
                "no setting is called {name:?}; known are {}",
                known.join(", ")
            );
            return Err(error_at(key.span().start, cause));
        }
        let text_value = match value.get_ref() {
            DeValue::String(value) => value.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            _ => {
                let cause = format!("{name} is neither a text nor true or false; quote it");
                return Err(error_at(value.span().start, cause));
            }
        };
        let from = format!(
            "{name} in {} line {}",
            path.display(),
            line_of(&text, key.span().start)
        );
        found.push((
            name.to_owned(),
            Found {
                value: text_value,
                from,
            },
        ));
    }
    Ok(found)
}

fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
