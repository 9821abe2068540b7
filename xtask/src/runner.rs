//! The test runner: cargo-nextest where it is installed, else cargo's own.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// Who runs the tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `cargo nextest run`: one process per test, limits in `.config/nextest.toml`.
    Nextest,
    /// `cargo test`.
    Cargo,
}

impl Runner {
    /// The one that is installed.
    pub(crate) fn find() -> Self {
        let nextest = Command::new(cargo())
            .args(["nextest", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if nextest.is_ok_and(|status| status.success()) {
            Self::Nextest
        } else {
            Self::Cargo
        }
    }

    /// All tests but the ignored ones; doc tests are left to cargo.
    pub(crate) fn tests(self) -> Command {
        match self {
            Self::Nextest => call(&["nextest", "run", "--workspace"]),
            Self::Cargo => call(&["test", "--workspace", "--lib", "--bins", "--tests"]),
        }
    }

    /// The ignored tests alone, two at a time: they start browsers and daemons.
    pub(crate) fn system_tests(self) -> Command {
        match self {
            Self::Nextest => call(&[
                "nextest",
                "run",
                "--workspace",
                "--profile",
                "system",
                "--run-ignored",
                "only",
                "--no-tests",
                "pass",
            ]),
            Self::Cargo => call(&[
                "test",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
                "--",
                "--ignored",
                "--test-threads",
                "2",
            ]),
        }
    }

    /// How many tests passed, by the runner's own summary lines.
    pub(crate) fn passed(self, said: &str) -> usize {
        let counted = |line: &str| -> Option<usize> {
            let before = match self {
                Self::Nextest => {
                    line.trim_start().strip_prefix("Summary ")?;
                    line.split(" passed").next()?
                }
                Self::Cargo => line
                    .strip_prefix("test result: ")?
                    .split(" passed")
                    .next()?,
            };
            before.rsplit([' ', '.']).next()?.parse().ok()
        };
        said.lines().filter_map(counted).sum()
    }
}

/// A call of cargo in which a test can only compare snapshots, never write one;
/// without colors, so that summary lines can be read.
pub(crate) fn call(arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo());
    command
        .args(arguments)
        .env("CARGO_TERM_COLOR", "never")
        .env("CI", "true")
        .env("INSTA_UPDATE", "no")
        .env_remove("INSTA_FORCE_PASS");
    command
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// How many tests of the tracked sources wait for a system package (`#[ignore = "needs …"]`).
///
/// # Errors
/// When git cannot list the sources or one cannot be read.
pub(crate) fn system_tests_in_sources(root: &Path) -> Result<usize> {
    let mut count = 0;
    for path in tracked(root, &["*.rs"])? {
        let text = std::fs::read_to_string(root.join(&path))
            .with_context(|| format!("cannot read {path}"))?;
        count += text
            .lines()
            .filter(|line| line.trim_start().starts_with("#[ignore = \"needs "))
            .count();
    }
    Ok(count)
}

/// Files of the repository, new ones too but no ignored ones, whose path fits one of the patterns;
/// all of them where there is no pattern.
///
/// # Errors
/// When git cannot be asked.
pub(crate) fn tracked(root: &Path, patterns: &[&str]) -> Result<Vec<String>> {
    let mut paths = listed(root, patterns)?;
    paths.retain(|path| root.join(path).is_file());
    Ok(paths)
}

/// The same, with symbolic links to folders and with what was deleted and is still tracked.
///
/// # Errors
/// When git cannot be asked.
pub(crate) fn listed(root: &Path, patterns: &[&str]) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            // The checkout may belong to another user than the one who tests it.
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
        ])
        .args(patterns)
        .current_dir(root)
        .output()
        .context("cannot start git; it lists the files to check")?;
    anyhow::ensure!(
        output.status.success(),
        "git ls-files ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let listed = String::from_utf8(output.stdout).context("a path is not UTF-8")?;
    Ok(listed
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_nextest_is_counted() {
        let said = "    Starting 3 tests\n     Summary [   1.204s] 14 tests run: 12 passed (1 slow), 2 failed, 90 skipped\n";

        assert_eq!(Runner::Nextest.passed(said), 12);
    }

    #[test]
    fn the_summaries_of_cargo_are_added() {
        let said = "test result: ok. 3 passed; 0 failed; 0 ignored\n\
                    test a ... ok\n\
                    test result: ok. 4 passed; 0 failed\n";

        assert_eq!(Runner::Cargo.passed(said), 7);
        assert_eq!(Runner::Cargo.passed("no tests"), 0);
    }
}
