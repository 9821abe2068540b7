//! `cargo xtask tui-bars`: what the terminal client may cost, measured on the release build.
//!
//! The figures of the last run stand in `docs/terminal-bars.md`. Those that hold on a busy machine
//! and for a debug build are asserted by the client's own tests, too.

mod fluency;
mod measure;
pub(crate) mod pty;
pub(crate) mod registry;
mod still;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::USAGE;
use crate::runner::call;
use crate::scratch::Scratch;
use crate::test::root;

/// What something may cost.
struct Bar {
    what: &'static str,
    /// The most that is allowed.
    limit: f64,
    unit: &'static str,
    /// Digits behind the point.
    digits: usize,
}

const fn bar(what: &'static str, limit: f64, unit: &'static str, digits: usize) -> Bar {
    Bar {
        what,
        limit,
        unit,
        digits,
    }
}

const TICK: Bar = bar("a tick in which nothing changes", 0.0, "bytes", 0);
const HEARTBEAT: Bar = bar("a heartbeat of one row", 120.0, "bytes", 0);
const DOWN: Bar = bar("one row that goes DOWN, its line", 120.0, "bytes", 0);
const DOWN_FRAME: Bar = bar("the same with counts and sum of changes", 200.0, "bytes", 0);
const AGES: Bar = bar("ages that grow, of 50 rows", 600.0, "bytes/s", 0);
const FIRST_BYTES: Bar = bar("the first frame", 8_192.0, "bytes", 0);
const FIRST_TIME: Bar = bar("the first frame, before any answer, median", 50.0, "ms", 1);
const WRITES: Bar = bar("writes per frame", 1.0, "", 2);
const IDLE: Bar = bar("processor time in a minute without keys", 0.1, "s", 3);
const KEY: Bar = bar("key to frame with 10,000 rows, p99", 16.0, "ms", 1);
const LETTER: Bar = bar(
    "letter of a filter to frame with 10,000 rows, p99",
    30.0,
    "ms",
    1,
);
const MEMORY: Bar = bar("memory with 10,000 rows, at most", 40.0, "MB", 1);
const SIGTERM: Bar = bar("gone after SIGTERM, slowest", 200.0, "ms", 1);
const SIGHUP: Bar = bar("gone after SIGHUP, slowest", 200.0, "ms", 1);
const HANGUP: Bar = bar("gone after a hangup, slowest", 200.0, "ms", 1);
const NO_SIGNAL: Bar = bar(
    "gone after a hangup without SIGHUP, slowest",
    200.0,
    "ms",
    1,
);

/// All bars, in the order of the table.
#[cfg(test)]
const BARS: [&Bar; 16] = [
    &TICK,
    &HEARTBEAT,
    &DOWN,
    &DOWN_FRAME,
    &AGES,
    &FIRST_BYTES,
    &FIRST_TIME,
    &WRITES,
    &IDLE,
    &KEY,
    &LETTER,
    &MEMORY,
    &SIGTERM,
    &SIGHUP,
    &HANGUP,
    &NO_SIGNAL,
];

/// What was measured against a bar.
struct Figure {
    bar: &'static Bar,
    measured: f64,
}

impl Figure {
    fn is_met(&self) -> bool {
        self.measured <= self.bar.limit
    }

    /// A row of the table.
    fn row(&self) -> String {
        let Bar {
            what, unit, digits, ..
        } = self.bar;
        let with_unit = |number: String| format!("{number} {unit}").trim_end().to_owned();
        let measured = with_unit(format!("{:.digits$}", self.measured));
        let word = if self.is_met() { "yes" } else { "**NO**" };
        format!("| {what} | {} | {measured} | {word} |", limit(self.bar))
    }
}

/// The limit with its unit.
fn limit(bar: &Bar) -> String {
    format!("{} {}", bar.limit, bar.unit).trim_end().to_owned()
}

/// Tells a figure as soon as it is known.
fn figure(bar: &'static Bar, measured: f64) -> Figure {
    let figure = Figure { bar, measured };
    println!("   {}", figure.row());
    figure
}

/// From key to frame with so many rows that beat, p99 in ms.
///
/// # Errors
/// When the client cannot be started, or a key shows nothing.
pub(crate) fn key_ms(client: &str, daemon: SocketAddr, rows: usize) -> Result<f64> {
    let mut pty = measure::live(&[client], daemon)?;
    Ok(percentile(fluency::keys(&mut pty, rows)?, 99))
}

/// The time that so many of a hundred do not exceed, in ms.
pub(crate) fn percentile(mut times: Vec<Duration>, of_hundred: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * of_hundred).div_ceil(100).saturating_sub(1);
    times
        .get(at)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}

/// A count as a number to divide.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Measures everything and prints the table.
///
/// # Errors
/// When something cannot be measured at all.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if !arguments.is_empty() {
        eprintln!("xtask tui-bars: takes no options");
        return Ok(ExitCode::from(USAGE));
    }
    let root = root()?;
    let status = call(&["build", "--release", "-p", "lastbeatd", "-p", "lastbeat"]).status()?;
    ensure!(status.success(), "the release build ended with {status}");
    let missed = missed(&root)?;
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("xtask tui-bars: missed: {}", missed.join("; "));
    Ok(ExitCode::FAILURE)
}

/// The same with the release build as it is, as a step of the whole test. What a busy machine
/// spoils is measured once more: a bar is missed when it is missed twice.
///
/// # Errors
/// When a bar is missed.
pub(crate) fn step(root: &Path) -> Result<()> {
    let first = missed(root)?;
    if first.is_empty() {
        return Ok(());
    }
    println!("   once more, since it missed {}", first.join("; "));
    let mut twice = missed(root)?;
    twice.retain(|what| first.contains(what));
    ensure!(twice.is_empty(), "missed twice: {}", twice.join("; "));
    Ok(())
}

/// Measures, prints the table, and names what is missed.
fn missed(root: &Path) -> Result<Vec<&'static str>> {
    let folder = Scratch::new(root, "tui-bars")?;
    let figures = measure::all(root, folder.path())?;
    println!("\n{}\n", machine()?);
    println!("| what | at most | measured | met |\n|---|---|---|---|");
    for figure in &figures {
        println!("{}", figure.row());
    }
    let missed = figures.iter().filter(|figure| !figure.is_met());
    Ok(missed.map(|figure| figure.bar.what).collect())
}

/// Where and when it was measured.
pub(crate) fn machine() -> Result<String> {
    let said = |program: &str, argument: &str| -> Result<String> {
        let output = Command::new(program).arg(argument).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    };
    let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().context("no load")?;
    Ok(format!(
        "{} cores of {}, Linux {}, load {load}, {}",
        std::thread::available_parallelism()?,
        model.map_or("an unknown processor", |(_, name)| name),
        said("uname", "-r")?,
        said("date", "+%F")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_up_to_its_limit_and_missed_above() {
        let row = |measured| {
            Figure {
                bar: &KEY,
                measured,
            }
            .row()
        };

        let what = "key to frame with 10,000 rows, p99";
        assert_eq!(row(16.0), format!("| {what} | 16 ms | 16.0 ms | yes |"));
        assert_eq!(row(16.01), format!("| {what} | 16 ms | 16.0 ms | **NO** |"));
    }

    #[test]
    fn the_document_has_every_bar_and_each_is_met() {
        let path = root().unwrap().join("docs/terminal-bars.md");
        let text = std::fs::read_to_string(path).unwrap();
        for bar in BARS {
            let begin = format!("| {} | {} | ", bar.what, limit(bar));
            let row = text.lines().find(|line| line.starts_with(&begin));

            let row = row.unwrap_or_else(|| panic!("docs/terminal-bars.md lacks {begin}"));
            assert!(row.ends_with("| yes |"), "{row}");
        }
    }

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();

        let is = |of_hundred, ms: f64| {
            let found = percentile(times.clone(), of_hundred);
            assert!((found - ms).abs() < 1e-9, "{of_hundred}: {found}");
        };
        is(50, 100.0);
        is(99, 198.0);
        is(100, 200.0);
    }
}
