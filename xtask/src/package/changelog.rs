//! The changelog of the Debian package: the newest section of `CHANGELOG.md` in Debian's form.

use anyhow::{Context, Result, ensure};

/// Longest line, in characters.
const WIDTH: usize = 78;

/// Debian's changelog for this version of the package, dated as RFC 2822 wants it.
///
/// # Errors
/// When `CHANGELOG.md` has no section or no item in it.
pub(crate) fn debian(changelog: &str, version: &str, date: &str) -> Result<String> {
    let newest = changelog
        .split("\n## ")
        .nth(1)
        .context("CHANGELOG.md has no section")?;
    let mut items = String::new();
    let mut heading = None;
    for line in newest.lines() {
        if let Some(text) = line.strip_prefix("### ") {
            heading = Some(text.trim());
        } else if let Some(text) = line.strip_prefix("- ") {
            // A heading without an item would be one of nothing.
            if let Some(heading) = heading.take() {
                let blank = if items.is_empty() { "" } else { "\n" };
                items.extend([blank, "  [ ", heading, " ]\n"]);
            }
            items.push_str(&item(text));
        }
    }
    ensure!(!items.is_empty(), "CHANGELOG.md has no item");
    Ok(format!(
        "lastbeat ({version}) unstable; urgency=medium\n\n{items}\n \
         -- The lastbeat authors <authors@lastbeat.dev>  {date}\n"
    ))
}

/// One item, its lines broken before they are too long.
fn item(text: &str) -> String {
    let mut lines = String::new();
    let mut line = "  *".to_owned();
    for word in text.replace('`', "").split_whitespace() {
        if WIDTH < line.chars().count() + 1 + word.chars().count() {
            lines.push_str(&line);
            lines.push('\n');
            "   ".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    format!("{lines}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_section_is_written_as_debian_reads_it() {
        let long = "word ".repeat(20);
        let text = format!(
            "# Changelog\n\n## [2.0.0] - x\n\n- `a` and b\n- {long}\n\n## [1.0.0]\n\n- old\n"
        );

        let debian = debian(&text, "2.0.0-1", "Wed, 25 Nov 2026 09:00:00 +0000").unwrap();

        assert!(
            debian.starts_with(
                "lastbeat (2.0.0-1) unstable; urgency=medium\n\n  * a and b\n  * word"
            )
        );
        assert!(debian.contains("word\n    word"), "{debian}");
        let mut items = debian.lines().filter(|line| !line.starts_with(" -- "));
        assert!(items.all(|line| line.len() <= WIDTH), "{debian}");
        assert!(
            debian.ends_with(">  Wed, 25 Nov 2026 09:00:00 +0000\n"),
            "{debian}"
        );
        assert!(!debian.contains("old"), "{debian}");
    }

    #[test]
    fn headings_stand_before_their_items() {
        let text = "\n## [1.0.0]\n\n### Added\n\n- a\n- b\n\n### Changed\n\n### Fixed\n\n- c\n";

        let debian = debian(text, "1", "now").unwrap();

        assert!(
            debian.contains("\n\n  [ Added ]\n  * a\n  * b\n\n  [ Fixed ]\n  * c\n\n -- "),
            "{debian}"
        );
        assert!(!debian.contains("Changed"), "{debian}");
    }

    #[test]
    fn a_changelog_without_an_item_is_an_error() {
        assert!(debian("# Changelog\n", "1", "now").is_err());
        assert!(debian("\n## [1.0.0]\n\ntext\n", "1", "now").is_err());
    }
}
