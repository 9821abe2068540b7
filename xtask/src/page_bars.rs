//! `cargo xtask page-bars`: what the dashboard may cost, measured on the release build.
//!
//! The figures of the last run stand in `docs/page-bars.md`. What a page weighs is asserted by the
//! daemon's own tests, too.

mod measure;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::USAGE;
use crate::runner::call;
use crate::scratch::Scratch;
use crate::test::root;
use crate::tui_bars::machine;

/// How many services are registered, a column of the table each.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// No limit: what the clock says of a machine on which others work tells as much of them.
const NONE: f64 = f64::INFINITY;

/// What something may cost, whatever the number of services.
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

/// All bars, in the order of the table.
const BARS: [Bar; 15] = [
    bar("processor time of the page, median", 5.0, "ms", 2),
    bar("processor time of the page, p99", 10.0, "ms", 2),
    bar("processor time of its live part, median", 5.0, "ms", 2),
    bar("processor time of its live part, p99", 10.0, "ms", 2),
    bar("processor time of the page gzipped, median", 6.0, "ms", 2),
    bar("the page by the clock, median", NONE, "ms", 2),
    bar("the page by the clock, p99", NONE, "ms", 2),
    bar("its live part by the clock, median", NONE, "ms", 2),
    bar("its live part by the clock, p99", NONE, "ms", 2),
    bar("the page as written", 60_000.0, "bytes", 0),
    bar("the page gzipped", 8_000.0, "bytes", 0),
    bar("requests until it stands", 4.0, "", 0),
    bar("DOMContentLoaded, median", NONE, "ms", 0),
    bar("a heartbeat, p99", NONE, "ms", 2),
    bar("the same beside 16 gzip readers, p99", 50.0, "ms", 2),
];

/// What was measured with one number of services, in the order of [`BARS`].
type Column = [f64; BARS.len()];

impl Bar {
    /// A row of the table.
    fn row(&self, measured: &[f64]) -> String {
        let digits = self.digits;
        let cells: Vec<String> = measured.iter().map(|m| format!("{m:.digits$}")).collect();
        let word = match (self.limit.is_finite(), self.is_met(measured)) {
            (false, _) => "–",
            (true, true) => "yes",
            (true, false) => "**NO**",
        };
        format!("{}{} | {word} |", self.opening(), cells.join(" | "))
    }

    /// How its row begins.
    fn opening(&self) -> String {
        let limit = if self.limit.is_finite() {
            format!("{} {}", self.limit, self.unit)
        } else {
            format!("– {}", self.unit)
        };
        format!("| {} | {} | ", self.what, limit.trim_end())
    }

    fn is_met(&self, measured: &[f64]) -> bool {
        measured.iter().all(|measured| *measured <= self.limit)
    }
}

/// Measures everything and prints the table.
///
/// # Errors
/// When something cannot be measured at all.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if !arguments.is_empty() {
        eprintln!("xtask page-bars: takes no options");
        return Ok(ExitCode::from(USAGE));
    }
    let root = root()?;
    let status = call(&["build", "--release", "-p", "lastbeatd"]).status()?;
    ensure!(status.success(), "the release build ended with {status}");
    let missed = missed(&root)?;
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("xtask page-bars: missed: {}", missed.join("; "));
    Ok(ExitCode::FAILURE)
}

/// Measures, prints the table, and names what is missed.
fn missed(root: &Path) -> Result<Vec<&'static str>> {
    let folder = Scratch::new(root, "page-bars")?;
    let mut columns: Vec<Column> = Vec::new();
    for size in SIZES {
        println!("   {size} services");
        columns.push(measure::column(root, folder.path(), size)?);
    }
    println!("\n{}\n", machine()?);
    println!("| what | at most | 100 | 1,000 | 10,000 | met |\n|---|---|---|---|---|---|");
    let mut missed = Vec::new();
    for (at, bar) in BARS.iter().enumerate() {
        let measured: Vec<f64> = columns.iter().filter_map(|c| c.get(at).copied()).collect();
        println!("{}", bar.row(&measured));
        if !bar.is_met(&measured) {
            missed.push(bar.what);
        }
    }
    Ok(missed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_stands_met_in_its_document() {
        let path = root().unwrap().join("docs/page-bars.md");
        let text = std::fs::read_to_string(path).unwrap();
        for bar in BARS {
            let begin = bar.opening();
            let row = text.lines().find(|line| line.starts_with(&begin));

            let row = row.unwrap_or_else(|| panic!("docs/page-bars.md lacks {begin}"));
            let word = if bar.limit.is_finite() { "yes" } else { "–" };
            assert!(row.ends_with(&format!("| {word} |")), "{row}");
        }
    }

    #[test]
    fn one_size_that_is_too_much_misses_the_bar() {
        let bar = bar("a page", 5.0, "ms", 1);

        assert_eq!(bar.row(&[1.0, 5.0]), "| a page | 5 ms | 1.0 | 5.0 | yes |");
        assert_eq!(
            bar.row(&[5.1, 1.0]),
            "| a page | 5 ms | 5.1 | 1.0 | **NO** |"
        );
        let told = super::bar("told", NONE, "ms", 1);
        assert_eq!(told.row(&[7.0]), "| told | – ms | 7.0 | – |");
    }
}
