//! What is told at the end: a table on standard output, and the same as JSON in `target/bench.json`.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use super::Bench;
use super::bars::{Figure, HEAD};
use super::options::FULL;

/// Where and when it was measured.
#[derive(Debug)]
pub(super) struct Machine {
    words: String,
    load: String,
}

impl Machine {
    /// Looks around.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(super) fn look() -> Result<Self> {
        let said = |program: &str, argument: &str| -> Result<String> {
            let output = Command::new(program).arg(argument).output()?;
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        };
        let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
        let cores = cpus.lines().filter(|line| line.starts_with("processor"));
        let model = cpus.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": "));
        Ok(Self {
            words: format!(
                "{} cores of {}, Linux {}, {}",
                cores.count(),
                model.map_or("an unknown processor", |(_, name)| name),
                said("uname", "-r")?,
                said("date", "+%F")?,
            ),
            load: load()?,
        })
    }

    /// In a line.
    pub(super) fn words(&self) -> String {
        format!("{}; load {} before", self.words, self.load)
    }
}

/// How many wanted a processor in the last minute.
fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().context("no load")?.to_owned())
}

/// Prints the table and writes the file.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn tell(
    bench: &Bench,
    machine: &Machine,
    figures: &[Figure],
    errors: &[String],
) -> Result<()> {
    let Machine {
        words,
        load: before,
    } = machine;
    println!("{words}; load {before} before and {} after\n", load()?);
    println!("{HEAD}");
    for figure in figures {
        println!("{}", figure.row());
    }
    println!();
    for line in &bench.beside {
        println!("- {line}");
    }
    for error in errors {
        eprintln!("xtask bench: {error}");
    }
    let file = bench.root.join("target/bench.json");
    let value = json!({
        "machine": words,
        "load_before": before,
        "is_quick": bench.scale.rounds < FULL.rounds,
        "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        "beside": bench.beside,
        "errors": errors,
    });
    std::fs::write(&file, format!("{value:#}\n"))
        .with_context(|| format!("cannot write {}", file.display()))
}
