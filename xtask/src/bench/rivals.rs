//! What a user would run instead: the original under gunicorn, etcd and Redis. Each is left out, with
//! a word, where it is not to be had.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::server::{Server, free_address};
use crate::debian::PYTHON;

/// From Python's index.
const PACKAGES: [&str; 2] = ["flask==3.1.3", "gunicorn==27.0.1"];
/// The original in a few lines.
const APP: &str = include_str!("../../rivals/flask_registry.py");
/// How gunicorn is told to work; the faster one counts.
pub(super) const WORKERS: [&[&str]; 2] = [&["-w", "2", "--threads", "4"], &["-w", "1"]];

/// The original and what it needs, in a folder that is made once.
pub(super) struct Flask {
    bin: PathBuf,
}

impl Flask {
    /// Installs it under `target/`.
    ///
    /// # Errors
    /// When Python has no `venv`, or pip no index.
    pub(super) fn install(root: &Path) -> Result<Self> {
        let folder = root.join("target/bench-python").join(PACKAGES.join("-"));
        let (bin, done) = (folder.join("bin"), folder.join("done"));
        if !done.exists() {
            eprintln!("   installing {}", PACKAGES.join(" "));
            succeed(
                Command::new(PYTHON)
                    .args(["-m", "venv", "--clear"])
                    .arg(&folder),
            )?;
            let pip = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ];
            succeed(Command::new(bin.join("python")).args(pip).args(PACKAGES))?;
            std::fs::write(done, "")?;
        }
        Ok(Self { bin })
    }

    /// Serves from a database in `folder` with `rows` rows.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn start(&self, folder: &Path, rows: usize, workers: &[&str]) -> Result<Server> {
        let app = folder.join("flask_registry.py");
        std::fs::write(&app, APP)?;
        let db = folder.join("monitoring.db");
        succeed(
            Command::new(self.bin.join("python"))
                .args([&app, &db])
                .arg(rows.to_string()),
        )?;
        let address = free_address()?;
        let mut command = Command::new(self.bin.join("gunicorn"));
        command
            .env("REGISTRY_DB", db)
            .args(["--no-control-socket", "--bind", &address.to_string()])
            .args(workers)
            .arg("flask_registry:app")
            .current_dir(folder);
        Server::start_other(&mut command, address, "Listening at")
    }
}

/// Redis without and with a sync of each write.
///
/// # Errors
/// When it is installed and does not start; none when it is not installed.
pub(super) fn redis(folder: &Path, syncs: bool) -> Result<Option<Server>> {
    let Some(program) = installed("redis-server") else {
        return Ok(None);
    };
    let address = free_address()?;
    let only = if syncs { "yes" } else { "no" };
    let mut command = Command::new(program);
    command
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string()])
        .args([
            "--save",
            "",
            "--appendonly",
            only,
            "--appendfsync",
            "always",
        ])
        .current_dir(folder);
    Server::start_other(&mut command, address, "Ready to accept connections").map(Some)
}

/// etcd with its HTTP gateway.
///
/// # Errors
/// When it is installed and does not start; none when it is not installed.
pub(super) fn etcd(folder: &Path) -> Result<Option<Server>> {
    let Some(program) = installed("etcd") else {
        return Ok(None);
    };
    let (address, peers) = (free_address()?, free_address()?);
    let url = |address: SocketAddr| format!("http://{address}");
    let mut command = Command::new(program);
    command
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .args(["--listen-client-urls", &url(address)])
        .args(["--advertise-client-urls", &url(address)])
        .args(["--listen-peer-urls", &url(peers)])
        .args(["--initial-advertise-peer-urls", &url(peers)])
        .args(["--initial-cluster", &format!("default={}", url(peers))]);
    Server::start_other(&mut command, address, "ready to serve client requests").map(Some)
}

/// Where a program of this name is.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path).map(|folder| folder.join(name));
    { places }.find(|program| program.is_file())
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_on_the_path_or_not_at_all() {
        assert!(installed("sh").is_some());
        assert_eq!(installed("no-such-program-anywhere"), None);
    }
}
