//! The Debian packages that the system tests use: which are missing, and putting them there.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What shows that a package is there.
enum Sign {
    /// A program of this absolute path.
    Program(&'static str),
    /// A module that Debian's own Python can import.
    Module(&'static str),
}

/// Debian's Python, whatever else stands first in `PATH`: its packages are what apt installs.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// Every package with the sign that it is installed.
const PACKAGES: [(&str, Sign); 25] = [
    ("adduser", Sign::Program("/usr/sbin/adduser")),
    ("chromium", Sign::Program("/usr/bin/chromium")),
    ("chromium-driver", Sign::Program("/usr/bin/chromedriver")),
    ("curl", Sign::Program("/usr/bin/curl")),
    ("dpkg-dev", Sign::Program("/usr/bin/dpkg-shlibdeps")),
    ("fish", Sign::Program("/usr/bin/fish")),
    ("lintian", Sign::Program("/usr/bin/lintian")),
    ("man-db", Sign::Program("/usr/bin/man")),
    ("mandoc", Sign::Program("/usr/bin/mandoc")),
    ("nginx-light", Sign::Program("/usr/sbin/nginx")),
    ("nodejs", Sign::Program("/usr/bin/node")),
    ("npm", Sign::Program("/usr/bin/npm")),
    ("openssh-server", Sign::Program("/usr/sbin/sshd")),
    ("openssl", Sign::Program("/usr/bin/openssl")),
    ("prometheus", Sign::Program("/usr/bin/promtool")),
    ("python3-requests", Sign::Module("requests")),
    ("python3-seccomp", Sign::Module("seccomp")),
    ("python3-venv", Sign::Module("ensurepip")),
    ("sqlite3", Sign::Program("/usr/bin/sqlite3")),
    ("strace", Sign::Program("/usr/bin/strace")),
    ("systemd", Sign::Program("/usr/bin/systemd-analyze")),
    ("tmux", Sign::Program("/usr/bin/tmux")),
    ("util-linux", Sign::Program("/usr/bin/prlimit")),
    ("valgrind", Sign::Program("/usr/bin/valgrind")),
    ("zsh", Sign::Program("/usr/bin/zsh")),
];

impl Sign {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(path) => Path::new(path).exists(),
            Self::Module(module) => Command::new(PYTHON)
                .args(["-c", &format!("import {module}")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
        }
    }
}

/// Names of the packages that are not installed.
pub(crate) fn missing() -> Vec<&'static str> {
    PACKAGES
        .iter()
        .filter(|(_, sign)| !sign.is_there())
        .map(|(package, _)| *package)
        .collect()
}

/// The line that a person types to get them.
pub(crate) fn install_line(packages: &[&str]) -> String {
    format!(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Installs packages; needs root and Debian.
///
/// # Errors
/// When apt fails, or a package is still not there afterwards.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    apt(&["update"])?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)?;
    let still = missing();
    ensure!(still.is_empty(), "still missing: {}", still.join(" "));
    Ok(())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        // Another apt may hold the lock for a while, on a machine that has just started.
        .args(["-o", "DPkg::Lock::Timeout=200"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("cannot start apt-get; install the packages by hand or use --skip-system")?;
    ensure!(
        status.success(),
        "apt-get {} ended with {status}",
        arguments.join(" ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_install_line_names_every_package_once() {
        let line = install_line(&["tmux", "curl"]);

        assert!(line.ends_with("--no-install-recommends tmux curl"));
        assert!(!line.contains('\n'));
    }

    #[test]
    fn the_table_is_sorted_and_has_no_package_twice() {
        assert!(PACKAGES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        assert!(!Sign::Program("/nonexistent/program").is_there());
        assert!(!Sign::Module("no_such_module_anywhere").is_there());
        assert!(Sign::Program("/bin/sh").is_there());
    }
}
