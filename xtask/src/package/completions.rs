//! What bash, zsh and fish need to complete the programs' command lines.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::{Shell, generate};

/// The shells.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// The file that a shell reads; `daemon/Cargo.toml` says where it is installed.
fn file(shell: Shell, program: &str) -> String {
    match shell {
        Shell::Zsh => format!("_{program}"),
        other => format!("{program}.{other}"),
    }
}

/// Both programs.
pub(crate) fn programs() -> [Command; 2] {
    [lastbeatd::cli::command(), lastbeat::cli::command()]
}

/// Writes a file for each program and shell into `folder`.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<()> {
    for mut command in programs() {
        let name = command.get_name().to_owned();
        for shell in SHELLS {
            let mut text = Vec::new();
            generate(shell, &mut command, &name, &mut text);
            let path = folder.join(file(shell, &name));
            std::fs::write(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
