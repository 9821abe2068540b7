//! `cargo xtask`: what a maintainer of lastbeat runs. Unpublished; nothing of the product needs it.

mod fuzz;
mod planted;
mod test;
mod trial;

mod soak;

mod deny;
mod package;
mod tools;

mod debian;
mod runner;
mod snapshots;
mod steps;

mod scratch;
mod screenshots;

mod bench;
mod browser;
mod fleet;
mod http;
mod page_bars;
mod palette;
mod running;
mod terminal;
mod tui_bars;

#[cfg(test)]
mod documents;
#[cfg(test)]
mod examples;

use std::process::ExitCode;

use anyhow::Result;

use crate::trial::TRIALS;

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    options: &'static str,
    summary: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

/// All of them; `cargo xtask help` prints this table.
const COMMANDS: &[Command] = &[
    Command {
        name: "test",
        options: "[--skip-system]",
        summary: "everything that must pass before a change is merged",
        run: test::run,
    },
    Command {
        name: "planted",
        options: "[NAME…]",
        summary: "mistakes made on purpose in a copy, each to be found by its tests",
        run: planted::run,
    },
    Command {
        name: "fuzz",
        options: "[SECONDS | --runs COUNT] [TARGET…]",
        summary: "every parser under libFuzzer, for 30 s each",
        run: fuzz::run,
    },
    Command {
        name: "screenshots",
        options: "[URL]",
        summary: "the pictures under docs/img, or of the page at URL into target/",
        run: screenshots::run,
    },
    Command {
        name: "soak",
        options: "[--debug] [MINUTES]",
        summary: "the real programs for 60 minutes, with every trouble, and a verdict",
        run: soak::run,
    },
    Command {
        name: "tui-bars",
        options: "",
        summary: "what the terminal client may cost, measured on the release build",
        run: tui_bars::run,
    },
    Command {
        name: "page-bars",
        options: "",
        summary: "what the dashboard may cost, measured on the release build",
        run: page_bars::run,
    },
    Command {
        name: "bench",
        options: "[--quick] [--only WORD] [--programs FOLDER]",
        summary: "how fast and how small the daemon is, beside others and against bars",
        run: bench::run,
    },
    Command {
        name: "yardstick",
        options: "[BYTES]",
        summary: "the bare server that `bench` compares with, until it is killed",
        run: bench::yardstick::run,
    },
    Command {
        name: "package",
        options: "[--debug] [--check]",
        summary: "the Debian package, and with --check its life on a copy of this machine",
        run: package::run,
    },
    Command {
        name: "deny",
        options: "[ADVISORIES]",
        summary: "licenses, bans and sources of all dependencies; advisories of a database's folder",
        run: deny::run,
    },
    Command {
        name: "help",
        options: "",
        summary: "this list",
        run: |_arguments| Ok(print_help()),
    },
];

/// Exit code for a call that cannot be understood, or a machine that lacks what it needs.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("help", &[][..]),
    };
    let name = if ["-h", "--help"].contains(&name) {
        "help"
    } else {
        name
    };
    let command = COMMANDS.iter().find(|command| command.name == name);
    let trial = TRIALS.iter().find(|trial| trial.name == name);
    let result = match (command, trial) {
        (Some(command), _) => (command.run)(rest),
        (None, Some(trial)) => trial.run(rest),
        (None, None) => {
            eprintln!("xtask: no command {name}; `cargo xtask help` lists them");
            return ExitCode::from(USAGE);
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask {name}: {error:#}");
        ExitCode::FAILURE
    })
}

fn print_help() -> ExitCode {
    for command in COMMANDS {
        let call = format!("{} {}", command.name, command.options);
        println!(
            "cargo xtask {}\n        {}",
            call.trim_end(),
            command.summary
        );
    }
    for trial in TRIALS {
        println!(
            "cargo xtask {} [COUNT]\n        long run: {} {}",
            trial.name, trial.long_run, trial.unit
        );
    }
    ExitCode::SUCCESS
}
