//! The command line of `lastbeatd`: flags from the settings table, start, signals, and the lines
//! that say where everything is.

mod backup;
mod console;
mod database;
mod export;
mod greeting;
mod import;
mod listen;
mod log;
mod ping;
mod token;
mod verify;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};
use lastbeat_proto::variable;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

pub use self::console::tell;
use crate::clock::SystemClock;
use crate::config::{self, Config, ConfigError, Given, SETTINGS};
use crate::store::FileError;
use crate::token::TokenError;
use crate::{Daemon, DaemonError};

/// Port of the original.
pub const PORT: u16 = 5001;

/// Why a command of the command line failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line itself: the usage text, or help that was asked for.
    #[error("{0}")]
    Usage(String),
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {cause}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The daemon failed.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The runtime cannot be started, or signals cannot be heard.
    #[error("cannot start: {cause}; free some memory or raise the limits on threads and files")]
    Runtime {
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// `ping` found no daemon that serves.
    #[error("no daemon serves at {address}: {detail}; start it, or name its address with --listen")]
    NotServing {
        /// Where it was looked for.
        address: SocketAddr,
        /// What was found instead.
        detail: String,
    },
    /// The file of tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A file cannot be looked at, copied, written out or built.
    #[error(transparent)]
    File(#[from] FileError),
    /// `verify` found faults, and has printed them.
    #[error(
        "cannot trust {path}: {count}, listed above; put a backup in its place, or let \
         lastbeatd start with it, which keeps a file that it cannot read and saves what it can",
        path = path.display(),
        count = if *faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") }
    )]
    Unsound {
        /// The database.
        path: PathBuf,
        /// How many.
        faults: usize,
    },
}

/// The command line as clap knows it: what `--help`, man page and completions are made from.
pub fn command() -> Command {
    let serve = Command::new("serve")
        .about("Serve the registry (the default)")
        .args(arguments());
    let ping = Command::new("ping")
        .about("Ask a running daemon whether it serves: exits with 0 or 1")
        .args(arguments());
    Command::new("lastbeatd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A service registry and heartbeat monitor: the daemon")
        .after_help("Times are written 500ms, 60s, 10m, 24h, 7d.\nEvery setting can also be given as LASTBEAT_<NAME> and in the file of --config.")
        .args(arguments())
        .subcommands([serve, ping])
        .subcommands(database::commands(&arguments()))
        .subcommand(token::command(&arguments()))
}

fn arguments() -> Vec<Arg> {
    let argument = |setting: &config::Setting| {
        let arg = Arg::new(setting.key).long(setting.key);
        let help = match setting.default {
            Some(default) => format!("{} [default: {default}]", setting.help),
            None => setting.help.to_owned(),
        };
        let arg = arg.help(help);
        match setting.value {
            None => arg.action(ArgAction::SetTrue),
            Some(value) if setting.is_list => arg.value_name(value).action(ArgAction::Append),
            Some(value) => arg.value_name(value),
        }
    };
    SETTINGS.iter().map(argument).collect()
}

/// Runs the command line.
///
/// # Errors
/// [`CliError`]; `main` knows the exit code of each.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<(), CliError> {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => return Err(CliError::Usage(error.to_string())),
        Err(shown) => {
            return console::say(shown.to_string().trim_end());
        }
    };
    match matches.subcommand() {
        Some(("ping", flags)) => ping::run(&resolve(flags, &matches)?),
        Some(("verify", flags)) => verify::run(database::path(flags, "FILE")?),
        Some((name @ ("backup" | "export" | "import"), flags)) => {
            database::run(name, flags, &resolve(flags, &matches)?.db)
        }
        Some(("token", flags)) => token::run(flags, &matches),
        Some((_, flags)) => serve(resolve(flags, &matches)?),
        None => serve(resolve(&matches, &matches)?),
    }
}

/// The configuration of `flags`, given behind a subcommand, and of those `before` it.
fn resolve(flags: &ArgMatches, before: &ArgMatches) -> Result<Config, CliError> {
    let variables = config::from_environment(environment);
    let mut sources = vec![from_flags(flags), from_flags(before), variables];
    let file = sources.iter().find_map(|given| given.get("config"));
    if let Some(path) = file
        .and_then(|(_, values)| values.last())
        .map(PathBuf::from)
    {
        sources.push(config::from_file(&path)?);
    }
    Ok(Config::resolve(
        &sources,
        environment("STATE_DIRECTORY").map(PathBuf::from),
    )?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn from_flags(flags: &ArgMatches) -> Given {
    let mut given = Given::new();
    for setting in &SETTINGS {
        // A subcommand has only those that mean something to it: of the others clap says that they
        // are unknown in a debug build, and that they are not given in a release build.
        let values: Vec<String> = match setting.value {
            None => match flags.try_get_one::<bool>(setting.key) {
                Ok(Some(true)) => vec!["true".to_owned()],
                _ => Vec::new(),
            },
            Some(_) => match flags.try_get_many::<String>(setting.key) {
                Ok(Some(values)) => values.cloned().collect(),
                _ => Vec::new(),
            },
        };
        if !values.is_empty() {
            given.insert(setting.key, (format!("--{}", setting.key), values));
        }
    }
    given
}

/// Says which variables begin as ours do and mean nothing: rather a slip than a wish.
fn tell_unknown_variables() {
    for complaint in variable::unknown(std::env::vars_os()) {
        tracing::warn!("{complaint}");
    }
}

fn serve(config: Config) -> Result<(), CliError> {
    log::start(&config);
    tell_unknown_variables();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| CliError::Runtime { cause })?;
    runtime.block_on(async {
        // Heard from now on: by default this signal ends a program.
        let hangup = signal(SignalKind::hangup()).map_err(|cause| CliError::Runtime { cause })?;
        let listen = config.listen.clone();
        let format = config.log_format;
        let scheme = if config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let addresses = listen::Addresses::take(&listen)?;
        let daemon = Daemon::open(config, Arc::new(SystemClock::default()))?;
        let listeners = addresses.listen()?;
        let stop = stop_signal().map_err(|cause| CliError::Runtime { cause })?;
        greeting::announce(&daemon, &greeting::urls(scheme, &listeners), format);
        tokio::spawn(pass_on(hangup, daemon.reload()));
        Ok(daemon.serve(listeners, stop).await?)
    })
}

/// Ends with SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>, std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    })
}

/// Each SIGHUP makes the daemon read its files again; several at once do so once.
async fn pass_on(mut hangup: Signal, reload: Arc<Notify>) {
    while hangup.recv().await.is_some() {
        reload.notify_one();
    }
}
