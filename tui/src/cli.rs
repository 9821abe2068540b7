//! The command line: flags made from the table of settings, and what each command calls.

mod plan;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::beat::{self, BeatEnd, BeatError};
use crate::client::{Client, CredentialError};
use crate::config::{
    self, ConfigError, Format, Kind, Output, ProcessEnvironment, SETTINGS, SHARED, Setting,
    Settings,
};
use crate::once::{self, OnceError, Verdict};
use crate::run::{self, Outcome, RunError};
use crate::text::{Charset, SafeText};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The monitor ended.
    Monitor(Outcome),
    /// `--once` printed.
    Printed {
        /// What the printed rows come to.
        verdict: Verdict,
    },
    /// `--format nagios` printed its line.
    Checked {
        /// What the rows come to.
        verdict: Verdict,
    },
    /// `beat` ended.
    Beat(BeatEnd),
    /// The list was printed because there is no screen to draw on.
    Shown,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line itself, or a wish for help.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The token or the authorities.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The list.
    #[error(transparent)]
    Once(#[from] OnceError),
    /// Beating.
    #[error(transparent)]
    Beat(#[from] BeatError),
    /// The monitor.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl CliError {
    /// Whether something is wrong: not for a wish for help, and not when nobody reads any more.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Usage(error) => error.use_stderr(),
            Self::Once(OnceError::Write(error)) => error.kind() != io::ErrorKind::BrokenPipe,
            _ => true,
        }
    }
}

/// The command line as clap sees it.
pub fn command() -> Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("settings file instead of $XDG_CONFIG_HOME/lastbeat/config.toml");
    Command::new("lastbeat")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Watch a lastbeat registry in the terminal")
        .args(
            SETTINGS
                .iter()
                .map(|setting| flag(setting, SHARED.contains(&setting.name))),
        )
        .arg(config.global(true))
        .subcommand(plan::command())
}

fn flag(setting: &Setting, is_shared: bool) -> Arg {
    let variable = setting.variable.map(|name| format!(" [env: {name}]"));
    let default = setting.default.map(|value| format!(" [default: {value}]"));
    let help = [Some(setting.help.to_owned()), variable, default]
        .into_iter()
        .flatten()
        .collect::<String>();
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .help(help)
        .global(is_shared);
    match setting.kind {
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Text(value) => arg.value_name(value),
        Kind::Signed(value) => arg.value_name(value).allow_hyphen_values(true),
        Kind::Word(words) => arg
            .value_name("WORD")
            .value_parser(PossibleValuesParser::new(words)),
    }
}

/// Reads the command line and does what it says.
///
/// # Errors
/// [`CliError`], to be told to the user.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<Done, CliError> {
    let matches = command().try_get_matches_from(arguments)?;
    for text in config::unknown_variables() {
        say(&text);
    }
    let settings = settings(&matches)?;
    let client = Client::open(&settings)?;
    if let Some(matches) = matches.subcommand_matches("beat") {
        let plan = plan::plan(matches)?;
        warn(&settings);
        return Ok(Done::Beat(beat::beat(&settings, client, plan)?));
    }
    let has_screen = rustix::termios::isatty(rustix::stdio::stdout());
    if settings.output == Output::Screen && has_screen {
        return Ok(Done::Monitor(run::run(&settings, client)?));
    }
    warn(&settings);
    let printed = once::print(&settings, &client, &mut io::stdout().lock())?;
    if let Some(text) = &printed.remark {
        say(text);
    }
    let verdict = printed.verdict;
    Ok(match (settings.output, settings.format) {
        (Output::Screen | Output::Listing, _) => Done::Shown,
        (Output::Once, Format::Nagios) => Done::Checked { verdict },
        (Output::Once, _) => Done::Printed { verdict },
    })
}

/// Whether these arguments ask for a check: then also what goes wrong before they are read as a
/// whole has to be told in its way.
pub fn is_check(arguments: &[OsString]) -> bool {
    let words = arguments.iter().take_while(|word| *word != "--");
    let mut words = words.filter_map(|word| word.to_str()).peekable();
    while let Some(word) = words.next() {
        let is_next = word == "--format" && words.peek() == Some(&"nagios");
        if is_next || word == "--format=nagios" {
            return true;
        }
    }
    false
}

/// Says once what whoever starts the program should know; the monitor has a notice for it.
fn warn(settings: &Settings) {
    if let Some(text) = settings.token_warning() {
        say(&text);
    }
}

fn say(text: &str) {
    let text = SafeText::new(text, Charset::Utf8);
    // A closed stderr is no reason to do nothing.
    let _written: io::Result<()> = writeln!(io::stderr(), "lastbeat: {text}");
}

fn settings(matches: &ArgMatches) -> Result<Settings, ConfigError> {
    let flags = |name: &str| {
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        match setting.kind {
            Kind::Switch => matches.get_flag(name).then(|| "true".to_owned()),
            Kind::Text(_) | Kind::Signed(_) | Kind::Word(_) => {
                matches.get_one::<String>(name).cloned()
            }
        }
    };
    let named = matches.get_one::<PathBuf>("config").map(PathBuf::as_path);
    config::load(&flags, &ProcessEnvironment, named.map(Path::new))
}
