//! Tools that cargo can install: one version each, built once, under `target/tools`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::runner::call;

/// A tool of the registry.
pub(crate) struct Tool {
    /// The crate, which is the name of its program, too.
    name: &'static str,
    /// The version that is installed: what a maintainer runs changes by a commit alone.
    version: &'static str,
}

/// Makes Debian packages.
pub(crate) const CARGO_DEB: Tool = Tool {
    name: "cargo-deb",
    version: "3.8.0",
};

/// Looks at licenses, sources, duplicates and advisories.
pub(crate) const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
};

impl Tool {
    /// Its program, which is built first where this version is not there yet.
    ///
    /// # Errors
    /// When cargo cannot install it, as without a registry.
    pub(crate) fn find(&self, root: &Path) -> Result<PathBuf> {
        let tools = root.join(format!("target/tools/{}-{}", self.name, self.version));
        let program = tools.join("bin").join(self.name);
        if program.exists() {
            return Ok(program);
        }
        println!("   installing {} {}", self.name, self.version);
        let status = call(&["install", self.name, "--locked", "--quiet"])
            .args(["--version", &format!("={}", self.version), "--root"])
            .arg(&tools)
            .status()
            .with_context(|| format!("cannot start cargo to install {}", self.name))?;
        ensure!(
            status.success(),
            "cannot install {}: cargo ended with {status}; it needs the registry once",
            self.name
        );
        Ok(program)
    }
}
