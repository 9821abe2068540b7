//! `/etc/lastbeat/lastbeatd.toml` as it is installed: every setting, none of them set.

use std::fmt::Write as _;

use lastbeatd::config::{SETTINGS, Setting};

/// The file's text.
pub(crate) fn file() -> String {
    let mut text = "# Settings of lastbeatd; all of them stand in lastbeatd(8).\n\
        # Variables in /etc/default/lastbeatd beat them.\n\
        # After a change: systemctl restart lastbeatd\n"
        .to_owned();
    // A file of settings names no other one.
    for setting in SETTINGS.iter().filter(|setting| setting.key != "config") {
        let key = setting.key.replace('-', "_");
        let line = format!("\n# {}\n#{key} = {}\n", setting.help, value(setting));
        // Writing to a text never fails.
        text.write_str(&line).unwrap_or(());
    }
    text
}

/// The default, or what stands for a value in `--help`.
fn value(setting: &Setting) -> String {
    let Some(word) = setting.value else {
        return "true".to_owned();
    };
    let word = setting.default.unwrap_or(word);
    if setting.is_list {
        format!("[\"{word}\"]")
    } else if word.parse::<u64>().is_ok() {
        word.to_owned()
    } else {
        format!("\"{word}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file with every setting set.
    fn uncommented() -> String {
        let text = file();
        let lines = text.lines().filter(|line| line.contains(" = "));
        let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('#')).collect();
        lines.join("\n")
    }

    #[test]
    fn the_daemon_reads_nothing_in_the_installed_file_and_every_setting_when_uncommented() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lastbeatd.toml");

        std::fs::write(&path, file()).unwrap();
        assert!(lastbeatd::config::from_file(&path).unwrap().is_empty());
        std::fs::write(&path, uncommented()).unwrap();
        let given = lastbeatd::config::from_file(&path).unwrap();

        for setting in SETTINGS.iter().filter(|setting| setting.key != "config") {
            let (_, values) = given
                .get(setting.key)
                .unwrap_or_else(|| panic!("{}", setting.key));
            if let Some(default) = setting.default {
                assert_eq!(values, &[default], "{}", setting.key);
            }
        }
    }
}
