//! Settings: one const table feeds the flags, the environment, the file and `--help`. A flag beats
//! a variable, a variable the file, the file the default.
//!
//! Reading the command line is left to `cli`; this file and `cli` alone know the environment.

mod file;
mod sources;
mod table;
mod url;
mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lastbeat_proto::query::{Sort, SortKey};
use lastbeat_proto::{Span, filter, variable};

use crate::text::Charset;

pub use table::{BEAT_SETTINGS, Kind, SETTINGS, SHARED, Setting};
pub use url::{BaseUrl, Scheme, UrlError};
pub use words::{Format, Output, Theme};

use file::read_file;
use sources::Sources;

/// Shortest and longest interval of asking.
const INTERVAL_LIMITS: (Span, Span) = (Span::from_micros(250_000), Span::from_secs(3_600));
/// Shortest and longest wait for an answer.
const TIMEOUT_LIMITS: (Span, Span) = (Span::from_micros(100_000), Span::from_secs(300));
/// Columns that the screen calls otherwise than the API.
const OTHER_SORTS: [(&str, SortKey); 2] = [("state", SortKey::Status), ("age", SortKey::Heartbeat)];

/// Everything that was set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the daemon is.
    pub url: BaseUrl,
    /// Whose certificates to trust; absent: those the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Where the token lies.
    pub token_file: Option<PathBuf>,
    /// How often to ask.
    pub interval: Span,
    /// How long to wait for an answer.
    pub timeout: Span,
    /// The filter to begin with.
    pub filter: String,
    /// The order to begin with.
    pub sort: Sort,
    /// How colors and attributes are used.
    pub theme: Theme,
    /// Whether colors may be sent at all.
    pub is_colored: bool,
    /// What the terminal understands.
    pub charset: Charset,
    /// Whether to refuse what takes something away.
    pub is_read_only: bool,
    /// Whether the mouse is reported to us, which keeps the terminal from selecting text.
    pub is_mouse_on: bool,
    /// What to show it on.
    pub output: Output,
    /// How a list is printed.
    pub format: Format,
}

/// What cannot be used, and where it stood.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that does not fit.
    #[error("cannot use {from} \"{value}\": {expected}")]
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

/// A sentence for each variable that begins as ours do and is known to neither program.
pub fn unknown_variables() -> Vec<String> {
    variable::unknown(std::env::vars_os())
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
    resolve(&Sources {
        flags,
        environment,
        file,
    })
}

/// The settings of a file's text alone, without flags and variables: what the checks of
/// `lastbeat-checks` read, and nothing of the program.
///
/// # Errors
/// As [`load`].
#[doc(hidden)]
pub fn of_text(text: &str) -> Result<Settings, ConfigError> {
    let unset = |_: &str| None;
    resolve(&Sources {
        flags: &unset,
        environment: &unset,
        file: file::read_text(text, Path::new("config.toml"))?,
    })
}

fn resolve(sources: &Sources<'_, impl Environment>) -> Result<Settings, ConfigError> {
    let environment = sources.environment;
    let terminal = environment.variable("TERM").unwrap_or_default();
    let is_dumb = terminal == "dumb";
    let is_plain = is_dumb || terminal == "linux" || !is_utf8(environment);
    let no_color = environment.variable("NO_COLOR").is_some() || sources.is_set("no-color")?;
    let format = sources.read("format", Format::parse)?;
    Ok(Settings {
        url: sources.read("url", |text| {
            BaseUrl::parse(text).map_err(|error| error.to_string())
        })?,
        ca_file: sources.read("ca-file", |text| Ok(path(text)))?,
        token_file: sources.read("token-file", |text| Ok(path(text)))?,
        interval: sources.read("interval", |text| span(text, INTERVAL_LIMITS))?,
        timeout: sources.read("timeout", |text| span(text, TIMEOUT_LIMITS))?,
        filter: sources.read("filter", |text| match filter::fault(text) {
            None => Ok(text.to_owned()),
            Some(fault) => Err(fault),
        })?,
        sort: sources.read("sort", sort)?,
        theme: sources.read("theme", Theme::parse)?,
        is_colored: !no_color && has_color(&terminal.to_string_lossy()),
        charset: if is_plain || sources.is_set("ascii")? {
            Charset::Ascii
        } else {
            Charset::Utf8
        },
        is_read_only: sources.is_set("read-only")?,
        is_mouse_on: sources.is_set("mouse")?,
        output: if sources.is_set("once")? || format == Format::Nagios {
            Output::Once
        } else if is_dumb {
            Output::Listing
        } else {
            Output::Screen
        },
        format,
    })
}

impl Settings {
    /// What to say about a token that anyone on the way can read.
    pub fn token_warning(&self) -> Option<String> {
        let is_in_clear = self.token_file.is_some() && self.url.is_in_clear();
        is_in_clear.then(|| {
            format!(
                "the token is sent in clear to {}; anyone on the way can read it, so use https",
                self.url.authority()
            )
        })
    }
}

/// Terminals without colors by their names: the old ones of DEC, and what calls itself mono
/// (terminfo's suffixes `-m` and `-mono`).
fn has_color(terminal: &str) -> bool {
    let is_old = terminal == "dumb" || terminal.starts_with("vt");
    !(is_old || terminal.ends_with("-m") || terminal.ends_with("-mono"))
}

/// A path that was given.
fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
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
    let (minus, word) = match text.strip_prefix('-') {
        Some(word) => ("-", word),
        None => ("", text),
    };
    let other = OTHER_SORTS.iter().find(|(other, _)| *other == word);
    let word = other.map_or(word, |(_, key)| key.word());
    Sort::parse(&format!("{minus}{word}")).ok_or_else(|| {
        let words = SortKey::ALL.iter().map(|key| key.word());
        let words: Vec<&str> = words.chain(OTHER_SORTS.map(|(word, _)| word)).collect();
        format!(
            "write one of {}, each also with - in front",
            words.join(", ")
        )
    })
}

#[cfg(test)]
mod tests;
