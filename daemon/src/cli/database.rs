//! The commands about a database file, which run beside a daemon or without one.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use lastbeat_proto::Timestamp;

use super::{CliError, backup, export, import};
use crate::clock::{Clock, SystemClock};

/// What stands for standard output or input where a file is named.
pub(super) const STREAM: &str = "-";

/// The commands; of `settings` they take those that say where the database is.
pub(super) fn commands(settings: &[Arg]) -> [Command; 4] {
    let names_it = |argument: &&Arg| matches!(argument.get_id().as_str(), "db" | "config");
    let database = || settings.iter().filter(names_it).cloned();
    let verify = Command::new("verify")
        .about("Say what a database file is and whether it is sound; changes nothing")
        .arg(file("FILE", "The database").required(true));
    let backup = Command::new("backup")
        .about("Copy the database to a new file, also while a daemon runs")
        .args(database())
        .arg(file("TO", "The copy; must not exist").required(true));
    let export = Command::new("export")
        .about("Write the whole registry with its history as JSON, also while a daemon runs")
        .args(database())
        .arg(file(
            "TO",
            "The document; must not exist; - is standard output [default: -]",
        ));
    let import = Command::new("import")
        .about("Make a new database of an exported document")
        .args(database())
        .arg(file("FROM", "The document; - is standard input").required(true));
    [verify, backup, export, import]
}

fn file(name: &'static str, help: &'static str) -> Arg {
    let path = value_parser!(PathBuf);
    Arg::new(name)
        .value_name(name)
        .help(help)
        .value_parser(path)
}

/// Runs `backup`, `export` or `import` on the database `db`.
pub(super) fn run(name: &str, flags: &ArgMatches, db: &Path) -> Result<(), CliError> {
    match name {
        "backup" => backup::run(db, path(flags, "TO")?),
        "import" => import::run(db, path(flags, "FROM")?),
        _export => {
            let to = flags.get_one::<PathBuf>("TO").map(PathBuf::as_path);
            export::run(db, to)
        }
    }
}

/// What the wall clock shows.
pub(super) fn now() -> Timestamp {
    SystemClock::default().now().wall
}

/// A path that clap has asked for.
pub(super) fn path<'a>(flags: &'a ArgMatches, name: &str) -> Result<&'a Path, CliError> {
    let path = flags.get_one::<PathBuf>(name).map(PathBuf::as_path);
    path.ok_or_else(|| CliError::Usage(format!("{name} is missing\n")))
}
