//! Stored snapshots that no test compares with any more.
//!
//! insta writes the path of every snapshot a test asked for into the file that
//! `INSTA_SNAPSHOT_REFERENCES_FILE` names; what is tracked and not in there is dead.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::runner::tracked;

/// The variable that makes insta write its list.
pub(crate) const VARIABLE: &str = "INSTA_SNAPSHOT_REFERENCES_FILE";

/// Where the list of this run stands.
pub(crate) fn list(root: &Path) -> PathBuf {
    root.join("target").join("snapshots-asked-for.txt")
}

/// Fails when a stored snapshot was not asked for.
///
/// # Errors
/// Names each of them.
pub(crate) fn check(root: &Path) -> Result<()> {
    let stored = tracked(root, &["*.snap"])?;
    let asked = std::fs::read_to_string(list(root)).unwrap_or_default();
    let dead = unreferenced(root, &stored, &asked);
    println!("   {} snapshots, {} of them dead", stored.len(), dead.len());
    ensure!(
        dead.is_empty(),
        "no test compares with {}; delete them",
        dead.join(", ")
    );
    Ok(())
}

fn unreferenced(root: &Path, stored: &[String], asked: &str) -> Vec<String> {
    let asked: BTreeSet<PathBuf> = asked.lines().map(|line| plain(Path::new(line))).collect();
    stored
        .iter()
        .filter(|path| !asked.contains(&plain(&root.join(path))))
        .cloned()
        .collect()
}

/// The path without links and `..`; as it is when it does not exist.
fn plain(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_gone| path.to_owned())
}

/// Begins a new list.
///
/// # Errors
/// When the old one cannot be emptied.
pub(crate) fn begin(root: &Path) -> Result<()> {
    let path = list(root);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, "").with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_no_test_asked_for_is_dead() {
        let root = Path::new("/nonexistent");
        let stored = ["a/x.snap".to_owned(), "a/y.snap".to_owned()];

        let dead = unreferenced(root, &stored, "/nonexistent/a/x.snap\n");

        assert_eq!(dead, ["a/y.snap"]);
    }
}
