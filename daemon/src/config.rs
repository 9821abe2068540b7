//! The typed configuration that the daemon runs with, made of what [`SETTINGS`] were given.

mod setting;
mod source;
mod value;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use lastbeat_proto::Span;
use lastbeat_proto::register::MIN_TTL;

pub use self::setting::{SETTINGS, Setting};
pub use self::source::{from_environment, from_file};
use self::value::Sources;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The rule's numbers that an operator may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long a heartbeat counts where the registration does not say.
    pub ttl: Span,
    /// How long a DOWN instance stays in the registry.
    pub remove_after: Span,
    /// What an absence of the daemon adds to a silence, once.
    pub start_grace: Span,
    /// How long a tombstone is shown.
    pub gone_for: Span,
    /// How long a tombstone is kept.
    pub tombstones_for: Span,
}

#[cfg(test)]
impl Rules {
    /// A minute for all that is short.
    pub(crate) const SAMPLE: Self = Self {
        ttl: Span::from_secs(60),
        remove_after: Span::from_secs(60),
        start_grace: Span::from_secs(60),
        gone_for: Span::from_secs(86_400),
        tombstones_for: Span::from_secs(7 * 86_400),
    };
}

/// How much the registry holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Registered instances.
    pub instances: usize,
    /// Tombstones.
    pub tombstones: usize,
}

/// Where certificate and key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that issued it, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
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
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// The file of tokens; absent: nobody is asked for one.
    pub tokens: Option<PathBuf>,
    /// Whether those without a token may look.
    pub anonymous_read: bool,
    /// Changes a second from one address.
    pub max_write_rate: usize,
    /// Whether anyone may connect from elsewhere and change everything.
    pub is_open: bool,
    /// Where certificate and key lie, where TLS is spoken.
    pub tls: Option<TlsFiles>,
    /// The operator's style sheet for the dashboard.
    pub theme_css: Option<PathBuf>,
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
        "cannot listen on {address}: anyone who can connect could change the registry; ask for \
         tokens with --tokens, add --insecure-no-auth if the network is trusted, or listen on \
         127.0.0.1"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// Two settings that say the opposite of each other, or one that means nothing alone.
    #[error("cannot use {first} {how} {second}; {advice}")]
    Together {
        /// One flag.
        first: &'static str,
        /// `with` or `without`.
        how: &'static str,
        /// The other one.
        second: &'static str,
        /// What to do.
        advice: &'static str,
    },
}

/// Values of one source by setting, each with the words that name where it was given.
pub type Given = BTreeMap<&'static str, (String, Vec<String>)>;

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
        let tokens = all.optional("tokens").map(PathBuf::from);
        let anonymous_read = all.switch("anonymous-read")?;
        check_access(tokens.is_some(), is_open, anonymous_read)?;
        let listen = all.list("listen", value::parse_address)?;
        if let Some(address) = listen.iter().find(|address| is_wide(address))
            && !is_open
            && tokens.is_none()
        {
            return Err(ConfigError::Open { address: *address });
        }
        let default_db = state_directory.unwrap_or_default().join("monitoring.db");
        Ok(Self {
            listen,
            db: all.optional("db").map_or(default_db, PathBuf::from),
            rules: rules(&all)?,
            limits: Limits {
                instances: all.one("max-instances", value::parse_count)?,
                tombstones: all.one("tombstones-max", value::parse_count)?,
            },
            flush: all.one("flush", |text| {
                value::parse_span(text, Span::from_micros(10_000))
            })?,
            storage_wait: all.one("storage-wait", |text| {
                value::parse_span(text, Span::default())
            })?,
            max_connections: all.one("max-connections", value::parse_count)?,
            allowed_hosts: all.list("allowed-host", value::parse_host)?,
            trusted_proxies: all.list("trusted-proxy", value::parse_network)?,
            tokens,
            anonymous_read,
            max_write_rate: all.one("max-write-rate", value::parse_count)?,
            is_open,
            tls: all
                .pair("tls-cert", "tls-key")?
                .map(|(cert, key)| TlsFiles {
                    cert: PathBuf::from(cert),
                    key: PathBuf::from(key),
                }),
            theme_css: all.optional("theme-css").map(PathBuf::from),
            log_level: all.one("log-level", value::parse_level)?,
            log_format: all.one("log-format", value::parse_format)?,
        })
    }

    /// The address beyond this machine over which tokens come in clear text: neither we speak TLS
    /// nor a proxy, as far as we know.
    pub fn shows_tokens_on(&self) -> Option<SocketAddr> {
        let is_covered = self.tls.is_some() || !self.trusted_proxies.is_empty();
        if self.tokens.is_none() || is_covered {
            return None;
        }
        self.listen.iter().copied().find(is_wide)
    }
}

/// The numbers of liveness. What left cannot be shown for longer than it is kept: who asks for that
/// is told, and the default gives way to a shorter `--tombstones-for`.
fn rules(all: &Sources<'_>) -> Result<Rules, ConfigError> {
    let any = |text: &str| value::parse_span(text, Span::default());
    let tombstones_for = all.one("tombstones-for", any)?;
    let is_shown_for = all.optional("gone-for").is_some();
    let gone_for = all.one("gone-for", |text| match any(text)? {
        shown if shown <= tombstones_for => Ok(shown),
        _ if !is_shown_for => Ok(tombstones_for),
        _ => Err(format!(
            "is longer than --tombstones-for {tombstones_for}, and what is not kept cannot be \
             shown; raise that or lower this"
        )),
    })?;
    Ok(Rules {
        ttl: all.one("ttl", |text| value::parse_span(text, MIN_TTL))?,
        remove_after: all.one("remove-after", any)?,
        start_grace: all.one("start-grace", any)?,
        gone_for,
        tombstones_for,
    })
}

/// Whether other machines reach it.
fn is_wide(address: &SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Whether the settings about who may ask agree with each other.
fn check_access(asks_tokens: bool, is_open: bool, anonymous_read: bool) -> Result<(), ConfigError> {
    if asks_tokens && is_open {
        return Err(ConfigError::Together {
            first: "--insecure-no-auth",
            how: "with",
            second: "--tokens",
            advice: "leave out one of them; with --anonymous-read everybody may look",
        });
    }
    if anonymous_read && !asks_tokens {
        return Err(ConfigError::Together {
            first: "--anonymous-read",
            how: "without",
            second: "--tokens",
            advice: "without tokens everybody may look and change everything",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
