//! `lastbeatd verify FILE`: says what a database file is and whether it is sound.

use std::fmt::Write as _;
use std::path::Path;

use lastbeat_proto::Span;

use super::CliError;
use super::console::say;
use super::database::now;
use crate::store::{Content, Found, Report, inspect};

/// Looks at `file` and prints what was found, one fact a line.
///
/// # Errors
/// [`CliError::File`] when it cannot be read or is not ours, [`CliError::Unsound`].
pub(super) fn run(file: &Path) -> Result<(), CliError> {
    let report = inspect(file, now())?;
    say(&shown(&report))?;
    if report.faults.is_empty() {
        return Ok(());
    }
    Err(CliError::Unsound {
        path: report.path,
        faults: report.faults.len(),
    })
}

/// The report for people.
fn shown(report: &Report) -> String {
    let verdict = match (report.faults.as_slice(), report.warnings.as_slice()) {
        ([], []) => "sound",
        ([], _) => "sound, with warnings",
        _ => "damaged",
    };
    let mut lines = vec![format!("{}: {verdict}", report.path.display())];
    lines.extend(report.faults.iter().map(|fault| format!("fault: {fault}")));
    let warnings = report.warnings.iter();
    lines.extend(warnings.map(|warning| format!("warning: {warning}")));
    if let Some(saveable) = report.saveable {
        lines.push(format!("readable in spite of that: {saveable} instances"));
    }
    let log = match report.log_bytes {
        0 => String::new(),
        bytes => format!(", and {bytes} in its -wal"),
    };
    lines.push(format!("size: {} bytes{log}", report.file_bytes));
    let in_use = if report.is_live { "yes" } else { "no" };
    lines.push(format!("in use by a running program: {in_use}"));
    match &report.found {
        Found::Ours { version, content } => {
            lines.push(format!("made by: lastbeatd, schema {version}"));
            if let Some(content) = content {
                lines.extend(counts(content).lines().map(str::to_owned));
                lines.extend(past(content, report.is_live));
            }
        }
        Found::Original {
            rows,
            taken,
            merged,
            refused,
        } => {
            lines.push("made by: the original program".to_owned());
            lines.push(format!(
                "rows: {rows}; a start of lastbeatd would import {taken}, merge {merged} and refuse {refused}"
            ));
        }
    }
    lines.join("\n")
}

/// What is in a registry, as `backup` and `export` say it, too.
pub(super) fn counts(content: &Content) -> String {
    let Content {
        up,
        down,
        tombstones,
        events,
        refused_rows,
        ..
    } = content;
    let mut text = format!("instances: {} ({up} UP, {down} DOWN)", up + down);
    let times = match content.event_times {
        None => String::new(),
        Some((first, last)) => format!(", from {first} to {last}"),
    };
    // Writing to a text cannot fail.
    write!(text, "\ntombstones: {tombstones}\nevents: {events}{times}").unwrap_or(());
    if 0 < *refused_rows {
        write!(
            text,
            "\nrefused rows of an imported database: {refused_rows}"
        )
        .unwrap_or(());
    }
    text
}

fn past(content: &Content, is_live: bool) -> [String; 3] {
    let listened = Span::from_signed_micros(content.listened.as_micros());
    let last_stop = match content.is_clean {
        None => "none, it was never started",
        Some(_) if is_live => "none yet, it runs",
        Some(true) => "clean",
        Some(false) => "not clean: killed, cut off, or this is a copy of a running one",
    };
    [
        format!("highest id: {}", content.last_id),
        format!("listened: {listened}, stretches: {}", content.stretches),
        format!("last stop: {last_stop}"),
    ]
}
