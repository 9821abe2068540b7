//! Where settings come from beside the flags: the environment and a file.

use lastbeat_proto::variable::PREFIX;

use super::{ConfigError, Given, SETTINGS};

/// The environment as a source: `LASTBEAT_REMOVE_AFTER=5m`.
pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Given {
    let mut given = Given::new();
    for setting in &SETTINGS {
        let variable = variable(setting.key);
        let Some(text) = read(&variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        let values = if setting.is_list {
            text.split(',')
                .map(|value| value.trim().to_owned())
                .collect()
        } else {
            vec![text]
        };
        given.insert(setting.key, (variable, values));
    }
    given
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('-', "_").to_uppercase())
}

/// A settings file as a source: `remove_after = "5m"`.
///
/// # Errors
/// [`ConfigError::Unreadable`] and [`ConfigError::File`]; an unknown key is an error with its line.
pub fn from_file(path: &std::path::Path) -> Result<Given, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    let wrong = |detail: String| ConfigError::File {
        path: path.to_owned(),
        detail,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let mut given = Given::new();
    for (key, value) in table {
        let known = SETTINGS
            .iter()
            .find(|s| s.key.replace('-', "_") == key && s.key != "config");
        let place = place(&text, &key);
        let Some(setting) = known else {
            return Err(wrong(format!(
                "{place}unknown key {key}; see lastbeatd --help"
            )));
        };
        let values = file_values(&value).ok_or_else(|| {
            wrong(format!(
                "{place}{key} is not a text, number, switch or list of texts"
            ))
        })?;
        given.insert(setting.key, (key, values));
    }
    Ok(given)
}

/// Where in a file `key` stands first, however it is written: plain, in quotes or as a heading.
/// Nothing for one that is written in escapes.
fn place(text: &str, key: &str) -> String {
    let is_quote = |c: char| matches!(c, '"' | '\'' | '[') || c.is_whitespace();
    let is_there = |line: &str| {
        let rest = line.trim_start_matches(is_quote).strip_prefix(key);
        rest.is_some_and(|rest| {
            rest.starts_with(['=', '.', ']', '"', '\'']) || rest.starts_with(char::is_whitespace)
        })
    };
    let line = text.lines().position(is_there);
    line.map_or_else(String::new, |index| format!("line {}: ", index + 1))
}

fn file_values(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(switch) => Some(vec![switch.to_string()]),
        toml::Value::Array(list) => list.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lastbeat_proto::variable::DAEMON;

    use super::*;

    #[test]
    fn the_table_of_variables_is_that_of_the_settings() {
        let ours: Vec<String> = SETTINGS
            .iter()
            .map(|setting| variable(setting.key))
            .collect();

        assert_eq!(ours, DAEMON);
    }
}
