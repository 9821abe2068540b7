//! A folder under `target/` for what a run leaves behind: databases, logs, profiles, sockets.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that is removed at the end, unless it is kept.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A folder of this process, named after what it is `of`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(root: &Path, of: &str) -> Result<Self> {
        let folder = root.join(format!("target/{of}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Leaves it, to be looked at.
    pub(crate) fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // What stays, as a browser still writes its profile, lies under target/ and harms nobody.
            drop(std::fs::remove_dir_all(&self.0));
        }
    }
}
