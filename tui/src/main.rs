//! `lastbeat`: runs the library and turns how it ended into an exit code.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use lastbeat::beat::{BeatEnd, BeatError};
use lastbeat::cli::{self, CliError, Done};
use lastbeat::once::{self, OnceError, Verdict};
use lastbeat::run::Outcome;
use lastbeat::text::{Charset, SafeText};

/// Something printed is DOWN.
const DOWN: u8 = 1;
/// The command line or a setting cannot be used, or there is no terminal.
const USAGE: u8 = 2;
/// The daemon cannot be asked.
const UNREACHABLE: u8 = 3;
/// The daemon wants to know who asks.
const UNAUTHORIZED: u8 = 4;
/// The command of `beat` cannot be started (as `env` and `timeout` say it).
const NOT_STARTED: u8 = 127;
/// Nagios: something needs a look.
const CHECK_WARNING: u8 = 1;
/// Nagios: something is broken.
const CHECK_CRITICAL: u8 = 2;
/// Nagios: it cannot be told.
const CHECK_UNKNOWN: u8 = 3;
/// What was asked for cannot be written (`EX_IOERR` of sysexits.h).
const NOT_WRITTEN: u8 = 74;
/// A bug (`EX_SOFTWARE` of sysexits.h).
const BUG: u8 = 70;
/// A signal's number is added to this.
const SIGNAL: u8 = 128;
/// SIGHUP.
const HANGUP: u8 = 129;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let is_check = cli::is_check(&arguments);
    match cli::run(arguments) {
        Ok(done) => ExitCode::from(code_of(done)),
        Err(error) if is_check && error.is_trouble() => ExitCode::from(report_check(&error)),
        Err(error) => ExitCode::from(report(&error)),
    }
}

fn code_of(done: Done) -> u8 {
    match done {
        Done::Beat(BeatEnd::Command(code)) => code,
        Done::Beat(BeatEnd::Stopped)
        | Done::Shown
        | Done::Monitor(Outcome::Quit | Outcome::BrokenPipe)
        | Done::Printed {
            verdict: Verdict::Fine | Verdict::Late | Verdict::Nothing,
        } => 0,
        Done::Printed {
            verdict: Verdict::Down,
        } => DOWN,
        Done::Checked { verdict } => match verdict {
            Verdict::Fine => 0,
            Verdict::Late => CHECK_WARNING,
            Verdict::Down => CHECK_CRITICAL,
            Verdict::Nothing => CHECK_UNKNOWN,
        },
        Done::Monitor(Outcome::Hangup) => HANGUP,
        Done::Monitor(Outcome::Panicked) => BUG,
        Done::Monitor(Outcome::Signal(number)) => {
            SIGNAL.saturating_add(u8::try_from(number).unwrap_or(0))
        }
    }
}

/// Tells what runs the check, which reads stdout only.
fn report_check(error: &CliError) -> u8 {
    let text = error.to_string();
    // Of a usage error only the first line says what is wrong.
    let line = text.lines().next().unwrap_or_default();
    let written = writeln!(io::stdout(), "{}", once::unknown(line));
    // What runs the check would see a code without a word: this one can be found in its log.
    if let Err(cause) = written
        && cause.kind() != io::ErrorKind::BrokenPipe
    {
        tell(line);
    }
    CHECK_UNKNOWN
}

/// Tells the user and gives the exit code.
fn report(error: &CliError) -> u8 {
    let code = match error {
        CliError::Usage(error) => {
            // Help goes to stdout with 0, mistakes to stderr with 2; where nobody reads, so be it.
            let written = error.print().and_then(|()| io::stdout().flush());
            return match written {
                Err(cause) if !error.use_stderr() && cause.kind() != io::ErrorKind::BrokenPipe => {
                    tell(&format!("cannot print the help: {cause}"));
                    NOT_WRITTEN
                }
                Ok(()) | Err(_) => u8::try_from(error.exit_code()).unwrap_or(USAGE),
            };
        }
        CliError::Once(OnceError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return 0;
        }
        CliError::Once(OnceError::Ask { source, .. }) if source.is_unauthorized() => UNAUTHORIZED,
        CliError::Once(OnceError::Write(_)) => NOT_WRITTEN,
        CliError::Once(OnceError::Ask { .. } | OnceError::System(_)) => UNREACHABLE,
        CliError::Beat(BeatError::Start { .. }) => NOT_STARTED,
        CliError::Config(_) | CliError::Credential(_) | CliError::Beat(_) | CliError::Run(_) => {
            USAGE
        }
    };
    tell(&error.to_string());
    code
}

/// One line on stderr; where that is closed there is nobody left to tell.
fn tell(text: &str) {
    let text = SafeText::new(text, Charset::Utf8);
    let _written: io::Result<()> = writeln!(io::stderr(), "lastbeat: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_code() {
        let endings = [
            (Done::Monitor(Outcome::Quit), 0),
            (Done::Monitor(Outcome::BrokenPipe), 0),
            (Done::Monitor(Outcome::Panicked), 70),
            (Done::Monitor(Outcome::Hangup), 129),
            (Done::Monitor(Outcome::Signal(2)), 130),
            (Done::Monitor(Outcome::Signal(15)), 143),
            (Done::Shown, 0),
        ];
        for (done, code) in endings {
            assert_eq!(code_of(done), code, "{done:?}");
        }
        let verdicts = [
            (Verdict::Fine, 0, 0),
            (Verdict::Late, 0, 1),
            (Verdict::Down, 1, 2),
            (Verdict::Nothing, 0, 3),
        ];
        for (verdict, printed, checked) in verdicts {
            assert_eq!(code_of(Done::Printed { verdict }), printed, "{verdict:?}");
            assert_eq!(code_of(Done::Checked { verdict }), checked, "{verdict:?}");
        }
    }
}
