//! The copy of the tree in which faults are planted, and the tests that run there.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::fault::Test;
use crate::runner::{call, listed};

/// Longest time of one test, in seconds: that of a system test.
const LIMIT_S: &str = "240";
/// What `timeout` ends with when the limit was reached.
const TIMED_OUT: i32 = 124;

/// The copy; its builds are kept for the next run.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
    target: PathBuf,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    TimedOut,
    /// The path is that of no test.
    Absent,
    /// The binary ended without saying how the test did.
    Crashed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "took too long",
            Self::Absent => "is no test",
            Self::Crashed => "crashed",
        })
    }
}

impl Tree {
    /// Copies the files of the repository as they stand. A file of an earlier copy that is the
    /// same is left alone, so that cargo builds only what changed.
    ///
    /// # Errors
    /// When git cannot list the files, or one cannot be copied.
    pub(crate) fn copy(from: &Path) -> Result<Self> {
        let home = from.join("target/planted");
        let root = home.join("tree");
        std::fs::create_dir_all(&root)?;
        let paths: BTreeSet<String> = listed(from, &[])?
            .into_iter()
            .filter(|path| from.join(path).symlink_metadata().is_ok())
            .collect();
        remove_others(&root, &root, &paths)?;
        for path in &paths {
            copy_one(&from.join(path), &root.join(path))
                .with_context(|| format!("cannot copy {path}"))?;
        }
        Ok(Self {
            root,
            target: home.join("target"),
        })
    }

    /// Where the copy is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Builds the daemon and the binaries of these tests; says whether they compile.
    ///
    /// # Errors
    /// When cargo cannot be started.
    pub(crate) fn builds<'test>(
        &self,
        tests: impl IntoIterator<Item = &'test Test>,
    ) -> Result<bool> {
        let targets: BTreeSet<_> = tests
            .into_iter()
            .map(|test| (test.package(), test.target()))
            .collect();
        for (package, target) in targets {
            let mut build = call(&["test", "--no-run", "--quiet", "--package", package]);
            if !self.within(build.args(target)).status()?.success() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs one test, ignored or not.
    ///
    /// # Errors
    /// When cargo cannot be started.
    pub(crate) fn run(&self, test: &Test) -> Result<Verdict> {
        let cargo = call(&["test", "--package", test.package()]);
        let mut limited = Command::new("timeout");
        limited.args(["--kill-after", "5", LIMIT_S]);
        limited.arg(cargo.get_program()).args(cargo.get_args());
        for (name, value) in cargo.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        limited
            .args(test.target())
            .args(["--", "--exact", "--include-ignored", test.path()])
            // That a sequence fails is enough; nobody waits for the shortest one.
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            // What a planted fault says is not read by anyone.
            .stderr(Stdio::null());
        let output = self
            .within(&mut limited)
            .output()
            .context("cannot start timeout, of coreutils")?;
        if output.status.code() == Some(TIMED_OUT) {
            return Ok(Verdict::TimedOut);
        }
        Ok(verdict(&String::from_utf8_lossy(&output.stdout)))
    }

    fn within<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody looks into these binaries with a debugger; without it they link sooner.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
    }
}

/// By the last line of the test binary.
fn verdict(said: &str) -> Verdict {
    let result = said
        .lines()
        .find_map(|line| line.strip_prefix("test result: "));
    match result {
        None => Verdict::Crashed,
        Some(line) if line.contains(" 1 failed;") => Verdict::Failed,
        Some(line) if line.contains(" 1 passed;") => Verdict::Passed,
        Some(_) => Verdict::Absent,
    }
}

/// Removes what an earlier copy had and this one has not.
fn remove_others(folder: &Path, root: &Path, paths: &BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = path.symlink_metadata()?.file_type();
        let within = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if kind.is_dir() {
            remove_others(&path, root, paths)?;
        } else if !paths.contains(&within) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Copies a file or a symbolic link, unless it is there already.
fn copy_one(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if from.symlink_metadata()?.file_type().is_symlink() {
        let goal = std::fs::read_link(from)?;
        if std::fs::read_link(to).is_ok_and(|there| there == goal) {
            return Ok(());
        }
        ensure!(to.symlink_metadata().is_err(), "something else is there");
        return Ok(std::os::unix::fs::symlink(goal, to)?);
    }
    let bytes = std::fs::read(from)?;
    let is_same = std::fs::read(to).is_ok_and(|there| there == bytes);
    if !is_same {
        // The modes come along; the time of the copy is new, which cargo goes by.
        std::fs::copy(from, to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_failed_test_is_a_find() {
        let said = |result: &str| verdict(&format!("running 1 test\n\n{result}\n"));

        assert_eq!(
            said("test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured"),
            Verdict::Failed
        );
        assert_eq!(
            said("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured"),
            Verdict::Passed
        );
        assert_eq!(
            said("test result: ok. 0 passed; 0 failed; 0 ignored; 90 filtered out"),
            Verdict::Absent
        );
        assert_eq!(said("error: could not compile"), Verdict::Crashed);
    }

    #[test]
    fn a_second_copy_writes_only_what_changed_and_removes_what_left() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let git = |arguments: &[&str]| {
            let status = Command::new("git")
                .args(arguments)
                .current_dir(root)
                .status();
            assert!(status.unwrap().success());
        };
        git(&["init", "--quiet"]);
        std::fs::write(root.join(".gitignore"), "target/\n").unwrap();
        std::fs::write(root.join("kept"), "1").unwrap();
        std::fs::write(root.join("changed"), "1").unwrap();
        std::fs::write(root.join("left"), "1").unwrap();
        std::fs::create_dir(root.join("folder")).unwrap();
        std::fs::write(root.join("folder/file"), "1").unwrap();
        std::os::unix::fs::symlink("folder", root.join("link")).unwrap();
        let tree = Tree::copy(root).unwrap();
        let written = |name: &str| {
            tree.root()
                .join(name)
                .metadata()
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = written("kept");
        assert_eq!(
            std::fs::read_link(tree.root().join("link")).unwrap(),
            Path::new("folder")
        );

        std::fs::write(tree.root().join("changed"), "planted").unwrap();
        std::fs::remove_file(root.join("left")).unwrap();
        Tree::copy(root).unwrap();

        assert_eq!(written("kept"), before);
        assert_eq!(
            std::fs::read_to_string(tree.root().join("changed")).unwrap(),
            "1"
        );
        assert!(!tree.root().join("left").exists());
        assert!(tree.root().join("folder/file").exists());
    }
}
