//! Long runs: a test of the daemon with a larger figure than it has in every run.
//!
//! What was measured last, with the command and the date, stands in `docs/reliability.md`.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::USAGE;
use crate::runner::call;
use crate::test::root;

/// A test whose figure can be raised.
pub(crate) struct Trial {
    /// The command: `cargo xtask <name> [COUNT]`.
    pub(crate) name: &'static str,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// The test, `<file>::<function>` under `daemon/tests/it`.
    test: &'static str,
    /// The figure of every run.
    every_run: usize,
    /// The figure of a long run, where none is given.
    pub(crate) long_run: usize,
}

/// All of them, in the order of `docs/reliability.md`.
pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "model",
        unit: "random sequences of liveness",
        test: "model::liveness_is_what_the_model_says",
        every_run: 2_000,
        long_run: 100_000,
    },
    Trial {
        name: "kill",
        unit: "kills under load",
        test: "kill::a_kill_under_load_loses_nothing_that_was_acknowledged",
        every_run: 20,
        long_run: 1_000,
    },
    Trial {
        name: "powercut",
        unit: "images of a disk after a power cut",
        test: "power_cut::a_power_cut_loses_nothing_that_was_acknowledged",
        every_run: 300,
        long_run: 5_000,
    },
    Trial {
        name: "churn",
        unit: "days of services that come and go",
        test: "churn::the_file_stays_bounded_and_shrinks_when_it_is_quiet",
        every_run: 9,
        long_run: 365,
    },
    Trial {
        name: "export",
        unit: "random registries exported and imported",
        test: "export::a_random_registry_survives_export_and_import",
        every_run: 60,
        long_run: 3_000,
    },
    Trial {
        name: "diskfaults",
        unit: "n-th calls that fail, each of three kinds",
        test: "disk_faults::a_write_that_fails_costs_no_heartbeat_and_nothing_that_was_answered",
        every_run: 20,
        long_run: 200,
    },
    Trial {
        name: "fulldisk",
        unit: "times of a full disk",
        test: "full_disk::a_full_disk_costs_no_heartbeat_and_nothing_that_was_answered",
        every_run: 3,
        long_run: 100,
    },
    Trial {
        name: "flood",
        unit: "connections of each attack",
        test: "flood::slow_and_many_clients_hold_up_nobody",
        every_run: 1_000,
        long_run: 5_000,
    },
    Trial {
        name: "memory",
        unit: "names for a quarter as many places",
        test: "memory::names_without_end_fill_the_registry_and_then_nothing",
        every_run: 20_000,
        long_run: 200_000,
    },
    Trial {
        name: "owners",
        unit: "races of two daemons for one file",
        test: "owners::of_two_daemons_on_one_file_one_serves_and_the_other_says_why",
        every_run: 20,
        long_run: 100,
    },
];

/// The variable that hands the figure to the test.
const VARIABLE: &str = "LASTBEAT_FIGURE";

impl Trial {
    /// Runs the test with the figure in `arguments`, or that of a long run.
    ///
    /// # Errors
    /// When cargo cannot be started, or the test fails.
    pub(crate) fn run(&self, arguments: &[String]) -> Result<ExitCode> {
        let figure = match arguments {
            [] => self.long_run,
            [one] if one.parse::<usize>().is_ok_and(|count| 0 < count) => one.parse()?,
            _ => {
                eprintln!("xtask {}: give the number of {}", self.name, self.unit);
                return Ok(ExitCode::from(USAGE));
            }
        };
        root()?;
        println!(
            "{} with {figure} {}, {} in every run",
            self.test, self.unit, self.every_run
        );
        let began = std::time::Instant::now();
        let status = call(&["test", "--package", "lastbeatd", "--test", "it", "--"])
            .args(["--exact", "--include-ignored", "--nocapture", self.test])
            .env(VARIABLE, figure.to_string())
            .status()?;
        let took = began.elapsed().as_secs();
        if !status.success() {
            bail!("{figure} {}: failed after {took} s", self.unit);
        }
        println!("{figure} {}: passed in {took} s", self.unit);
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_is_a_test_with_the_figure_of_the_table() {
        let root = root().unwrap();
        for trial in TRIALS {
            let (file, function) = trial.test.split_once("::").unwrap();
            let path = root.join(format!("daemon/tests/it/{file}.rs"));
            let source = std::fs::read_to_string(&path).unwrap();
            let digits = |number: usize| {
                let text = number.to_string();
                let (head, tail) = text.split_at(text.len().saturating_sub(3));
                if head.is_empty() {
                    text
                } else {
                    format!("{head}_{tail}")
                }
            };
            let figure = format!("figure(\"{}\", {})", trial.name, digits(trial.every_run));

            assert!(
                source.contains(&format!("fn {function}(")),
                "{}: {function}",
                trial.name
            );
            assert!(source.contains(&figure), "{}: {figure}", trial.name);
            assert!(trial.every_run < trial.long_run, "{}", trial.name);
        }
    }
}
