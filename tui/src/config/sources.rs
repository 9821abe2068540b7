//! Where the value of a setting comes from: a flag, a variable, the file or the default.

use super::{ConfigError, Environment, SETTINGS};

/// A value and where it stood.
pub(super) struct Found {
    pub(super) value: String,
    pub(super) from: String,
}

/// Where values come from, strongest first.
pub(super) struct Sources<'a, E> {
    pub(super) flags: &'a dyn Fn(&str) -> Option<String>,
    pub(super) environment: &'a E,
    pub(super) file: Vec<(String, Found)>,
}

impl<E: Environment> Sources<'_, E> {
    fn find(&self, name: &str) -> Option<Found> {
        if let Some(value) = (self.flags)(name) {
            return Some(Found {
                value,
                from: format!("--{name}"),
            });
        }
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        let by_variable = setting.variable.and_then(|variable| {
            let value = self.environment.variable(variable)?;
            Some(Found {
                value: value.to_string_lossy().into_owned(),
                from: variable.to_owned(),
            })
        });
        let by_file = || {
            let (_, found) = self.file.iter().find(|(key, _)| key == name)?;
            Some(Found {
                value: found.value.clone(),
                from: found.from.clone(),
            })
        };
        let by_default = || {
            let value = setting.default?.to_owned();
            Some(Found {
                value,
                from: format!("the default of --{name}"),
            })
        };
        by_variable.or_else(by_file).or_else(by_default)
    }

    /// The value of a setting read by `parse`; an unset one is read from an empty text.
    pub(super) fn read<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let found = self.find(name).unwrap_or_else(|| Found {
            value: String::new(),
            from: format!("--{name}"),
        });
        parse(&found.value).map_err(|expected| ConfigError::Value {
            from: found.from,
            value: found.value,
            expected,
        })
    }

    /// Whether a switch is on.
    pub(super) fn is_set(&self, name: &str) -> Result<bool, ConfigError> {
        self.read(name, |value| match value {
            "true" => Ok(true),
            "false" | "" => Ok(false),
            _ => Err("write true or false".to_owned()),
        })
    }
}
