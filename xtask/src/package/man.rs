//! The man pages: options from the command lines, variables from the tables of settings, files,
//! signals and exit codes from `docs/operations.md`.

use anyhow::Result;

use super::document::table;
use super::page::{Entry, Page, Source};

/// `lastbeatd(8)`.
///
/// # Errors
/// When the document lacks a table.
pub(crate) fn daemon(source: &Source<'_>) -> Result<Vec<u8>> {
    let operations = source.operations;
    let mut page = Page::new(lastbeatd::cli::command(), "8", source)?;
    page.list("ENVIRONMENT", &daemon_variables())?;
    let mut files = entries(table::<2>(operations, "## The Debian package", "file")?);
    files.extend(entries(table::<2>(operations, "## Files", "file")?));
    page.list("FILES", &files)?;
    let signals = entries(table::<2>(operations, "## Signals", "signal")?);
    page.list("SIGNALS", &signals)?;
    let codes = entries(table::<2>(operations, "## Exit codes", "code")?);
    page.list("EXIT STATUS", &codes)?;
    page.examples(&[
        (
            "Serve on loopback, with the database in this folder:",
            "lastbeatd",
        ),
        (
            "Copy the registry of the service while it runs:",
            "lastbeatd backup --db /var/lib/lastbeat/monitoring.db /backup/lastbeat.db",
        ),
        (
            "Ask whether a database is sound:",
            "lastbeatd verify /var/lib/lastbeat/monitoring.db",
        ),
        (
            "Register a service; repeated, this is its heartbeat:",
            "curl -d '{\"name\": \"shop\", \"ip\": \"10.0.0.7\"}' http://localhost:5001/register",
        ),
        ("Read what the service says:", "journalctl -u lastbeatd"),
    ])?;
    page.see_also("lastbeat", "1")?;
    Ok(page.bytes)
}

/// `lastbeat(1)`.
///
/// # Errors
/// When the document lacks a table.
pub(crate) fn client(source: &Source<'_>) -> Result<Vec<u8>> {
    let mut page = Page::new(lastbeat::cli::command(), "1", source)?;
    let keys = lastbeat::keymap::markdown_table();
    let keys = table::<2>(&format!("## Keys\n{keys}"), "## Keys", "key")?;
    page.list("KEYS", &entries(keys))?;
    page.list("ENVIRONMENT", &client_variables())?;
    page.list(
        "FILES",
        &[(
            "`$XDG_CONFIG_HOME/lastbeat/config.toml`".to_owned(),
            "settings, each named as its option with `_` for `-`; without the variable \
             it is `~/.config/lastbeat/config.toml`"
                .to_owned(),
        )],
    )?;
    let codes = table::<2>(source.operations, "## The terminal client", "exit code")?;
    page.list("EXIT STATUS", &entries(codes))?;
    page.examples(&[
        (
            "Watch the registry of another machine:",
            "lastbeat --url http://registry:5001",
        ),
        (
            "In a script, end with 1 when something is DOWN:",
            "lastbeat --once --format tsv",
        ),
        (
            "Be registered as long as a command runs:",
            "lastbeat beat nightly-export -- ./export.sh",
        ),
    ])?;
    page.see_also("lastbeatd", "8")?;
    Ok(page.bytes)
}

fn daemon_variables() -> Vec<Entry> {
    let mut variables: Vec<Entry> = lastbeatd::config::SETTINGS
        .iter()
        .map(|setting| {
            let key = setting.key.replace('-', "_");
            let in_file = match setting.key {
                "config" => String::new(),
                _ => format!("; in the settings file `{key}`"),
            };
            let list = if setting.is_list {
                ", separated by commas"
            } else {
                ""
            };
            (
                format!("`LASTBEAT_{}`", key.to_uppercase()),
                format!("as `--{}`{list}{in_file}", setting.key),
            )
        })
        .collect();
    variables.push((
        "`STATE_DIRECTORY`".to_owned(),
        "set by systemd: where the database is unless `--db` says".to_owned(),
    ));
    variables
}

fn client_variables() -> Vec<Entry> {
    let mut variables: Vec<Entry> = lastbeat::config::SETTINGS
        .iter()
        .filter_map(|setting| {
            let variable = setting.variable?;
            Some((format!("`{variable}`"), format!("as `--{}`", setting.name)))
        })
        .collect();
    variables.push((
        "`NO_COLOR`".to_owned(),
        "where it is not empty, as `--no-color`".to_owned(),
    ));
    variables
}

fn entries(rows: Vec<[String; 2]>) -> Vec<Entry> {
    rows.into_iter().map(|[term, text]| (term, text)).collect()
}

#[cfg(test)]
mod tests;
