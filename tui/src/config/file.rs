//! The settings file: TOML with one key per setting; an unknown key is an error that names its line.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::sources::Found;
use super::{ConfigError, SETTINGS};

/// The values of a file with the places where they stand.
pub(super) fn read_file(path: &Path) -> Result<Vec<(String, Found)>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    read_text(&text, path)
}

/// The values of a file's `text`; `path` is for the errors.
pub(super) fn read_text(text: &str, path: &Path) -> Result<Vec<(String, Found)>, ConfigError> {
    let error_at = |byte: usize, cause: String| ConfigError::File {
        path: path.to_owned(),
        line: line_of(text, byte),
        cause,
    };
    let table = DeTable::parse(text).map_err(|error| {
        error_at(
            error.span().map_or(0, |span| span.start),
            error.message().to_owned(),
        )
    })?;
    let mut found = Vec::new();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        if !SETTINGS
            .iter()
            .any(|setting| setting.in_file && setting.name == name)
        {
            let known: Vec<&str> = SETTINGS
                .iter()
                .filter(|setting| setting.in_file)
                .map(|s| s.name)
                .collect();
            let cause = format!(
                "no setting is called {name:?}; known are {}",
                known.join(", ")
            );
            return Err(error_at(key.span().start, cause));
        }
        let text_value = match value.get_ref() {
            DeValue::String(value) => value.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            _ => {
                let cause = format!("{name} is neither a text nor true or false; quote it");
                return Err(error_at(value.span().start, cause));
            }
        };
        let from = format!(
            "{name} in {} line {}",
            path.display(),
            line_of(text, key.span().start)
        );
        found.push((
            name.to_owned(),
            Found {
                value: text_value,
                from,
            },
        ));
    }
    Ok(found)
}

fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}
