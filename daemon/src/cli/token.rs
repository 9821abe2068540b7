//! `lastbeatd token`: makes tokens, lists them and takes them back.

use std::io::Write;
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command};
use lastbeat_proto::endpoint::{Scope, TOKEN_SCOPES};

use super::console::{STDOUT, say, tell};
use super::database::now;
use super::{CliError, resolve};
use crate::store::FileError;
use crate::token::{self, Tokens};

/// The command; of `settings` it takes those that say where the file is.
pub(super) fn command(settings: &[Arg]) -> Command {
    let names_it = |argument: &&Arg| matches!(argument.get_id().as_str(), "tokens" | "config");
    let file = || settings.iter().filter(names_it).cloned();
    let words: Vec<&str> = TOKEN_SCOPES.iter().map(|(_, word)| *word).collect();
    let add = Command::new("add")
        .about("Make a token and print it; only its hash is kept")
        .args(file())
        .arg(
            Arg::new("scope")
                .long("scope")
                .value_name("SCOPE")
                .value_parser(PossibleValuesParser::new(words))
                .required(true)
                .help("read: look; register: also register, beat, refresh and deregister an instance; admin: everything"),
        )
        .arg(
            Arg::new("note")
                .long("note")
                .value_name("TEXT")
                .help("What it is for, for the list"),
        );
    let list = Command::new("list")
        .about("List the tokens: id, scope, when they were made, note")
        .args(file());
    let revoke = Command::new("revoke")
        .about("Take a token back; a running daemon knows within a second")
        .args(file())
        .arg(
            Arg::new("ID")
                .required(true)
                .help("The token's id, as the list and the token itself show it"),
        );
    Command::new("token")
        .about("Make, list and take back tokens")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands([add, list, revoke])
}

/// Runs it; `before` are the flags in front of the command.
///
/// # Errors
/// [`CliError`].
pub(super) fn run(flags: &ArgMatches, before: &ArgMatches) -> Result<(), CliError> {
    let Some((name, flags)) = flags.subcommand() else {
        return Err(CliError::Usage(
            "token is followed by add, list or revoke\n".to_owned(),
        ));
    };
    let path = resolve(flags, before)?.tokens.ok_or_else(|| {
        CliError::Usage(
            "lastbeatd: no file of tokens is named; name it with --tokens FILE, LASTBEAT_TOKENS or \
             the file of --config\n"
                .to_owned(),
        )
    })?;
    match name {
        "add" => add(&path, flags),
        "revoke" => {
            let id = flags.get_one::<String>("ID").map_or("", String::as_str);
            let token = token::revoke(&path, id)?;
            say(&format!("revoked {} {}", token.id, token.scope.word()))
        }
        _list => list(&path),
    }
}

/// Prints the token alone on standard output, so that it can be sent to a file, and the rest on
/// standard error.
fn add(path: &Path, flags: &ArgMatches) -> Result<(), CliError> {
    let word = flags.get_one::<String>("scope").map_or("", String::as_str);
    let scope = Scope::of_token(word).unwrap_or(Scope::Read);
    let note = flags.get_one::<String>("note").map_or("", String::as_str);
    let (token, text) = token::add(path, scope, note, now())?;
    // Who asked for a token and cannot read it must not end up with a live one that nobody has.
    let mut stdout = std::io::stdout().lock();
    if let Err(cause) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        token::revoke(path, &token.id)?;
        return Err(FileError::unwritable(Path::new(STDOUT), cause).into());
    }
    explain(path, &token);
    Ok(())
}

fn explain(path: &Path, token: &token::Token) {
    tell(&format!(
        "made token {} with scope {} in {}; it is shown this once. Send it as the header \
         Authorization: Bearer TOKEN\n",
        token.id,
        token.scope.word(),
        path.display()
    ));
}

fn list(path: &Path) -> Result<(), CliError> {
    let tokens = Tokens::read(path)?;
    let mut lines = vec![format!("{:<8}  {:<8}  {:<32}  NOTE", "ID", "SCOPE", "MADE")];
    lines.extend(tokens.all().iter().map(|token| {
        let made = token.made.to_string();
        let line = format!(
            "{:<8}  {:<8}  {made:<32}  {}",
            token.id,
            token.scope.word(),
            token.note
        );
        line.trim_end().to_owned()
    }));
    say(&lines.join("\n"))
}
