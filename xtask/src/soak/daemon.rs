//! The daemon of a soak: started, frozen, killed, stopped and started again at one address.

use std::fs::{self, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::peer::Peer;
use super::verdict::Verdict;

/// How long a start or a stop may take, also while others take the processors.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(5);
/// The lowest port that may be taken. 10,000 from here on lie below those that the system gives to
/// outgoing connections: else a client that tries to reach the stopped daemon could be given the
/// daemon's own port.
const PORT: u16 = 15_000;

/// How long a DOWN instance stays, and what an absence adds to a silence: short, so that a run of
/// two minutes sees whole lives.
pub(super) const REMOVE_AFTER: Duration = Duration::from_secs(20);
pub(super) const START_GRACE: Duration = Duration::from_secs(20);

/// A history of years, 9 MB of it: larger than the cache of `SQLite`, which the check of a start
/// then fills. In a young file it fills for an hour and looks like a leak.
const HISTORY: &str = "
    with recursive n (i) as (select 2 union all select i + 1 from n where i < 80000)
    insert into events (revision, at, l, kind, id, name, instance, reason)
    select i, i, 0, 'changed', 1, 'old-' || (i % 100), '10.3.0.2', 'address 10.3.0.1 -> 10.3.0.2'
    from n";

pub(super) struct Daemon {
    binary: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it with a database of its own in `folder`.
    pub(super) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        // Another run, or what an interrupted one left behind, is elsewhere.
        let first = u16::try_from(std::process::id() % 10_000)?;
        let port = (PORT + first..=PORT + 10_000)
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .context("no port is free")?;
        let mut daemon = Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            child: None,
        };
        daemon.start_again()?;
        daemon.terminate()?;
        grow_old(&daemon.db())?;
        daemon.start_again()?;
        Ok(daemon)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn db(&self) -> PathBuf {
        self.folder.join("monitoring.db")
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it after a kill or stop, and waits until it serves.
    pub(super) fn start_again(&mut self) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log_of(&self.folder))?;
        let seconds = |time: Duration| format!("{}s", time.as_secs());
        let child = Command::new(&self.binary)
            .args(["--listen", &self.address.to_string()])
            .arg("--db")
            .arg(self.db())
            .args(["--remove-after", &seconds(REMOVE_AFTER)])
            .args(["--start-grace", &seconds(START_GRACE)])
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        self.child = Some(child);
        let began = Instant::now();
        while !Peer::new(self.address)
            .ask("GET", "/readyz", "")
            .is_ok_and(|answer| answer.status == 200)
        {
            self.check_is_running()?;
            ensure!(
                began.elapsed() < PATIENCE,
                "the daemon does not serve after {PATIENCE:?}"
            );
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// # Errors
    /// When it has ended by itself.
    pub(super) fn check_is_running(&mut self) -> Result<()> {
        let child = self.child.as_mut().context("the daemon is not started")?;
        match child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the daemon ended by itself with {status}"),
        }
    }

    /// Runs `lastbeatd backup` of the database to `copy`, or `verify` of the copy.
    pub(super) fn run_tool(&self, name: &str, copy: &Path) -> Result<()> {
        let mut command = Command::new(&self.binary);
        command.arg(name);
        if name == "backup" {
            command.arg("--db").arg(self.db());
        }
        let output = command
            .arg(copy)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        ensure!(
            output.status.success(),
            "lastbeatd {name} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("the daemon is not started")?;
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the daemon is not started")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// When it does not end in time, or with anything but 0.
    pub(super) fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let mut child = self.child.take().context("the daemon is not started")?;
        let status = wait(&mut child)?;
        ensure!(status.success(), "asked to stop, it ended with {status}");
        Ok(())
    }

    /// Stops it for good and checks that the database is whole.
    pub(super) fn end(&mut self) -> Result<()> {
        self.terminate()?;
        check_database(&self.db())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only when it has ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Gives the database of a stopped daemon a long past.
fn grow_old(db: &Path) -> Result<()> {
    let status = Command::new("sqlite3")
        .arg(db)
        .arg(HISTORY)
        .status()
        .context("cannot start sqlite3")?;
    ensure!(status.success(), "sqlite3 ended with {status}");
    Ok(())
}

fn wait(child: &mut Child) -> Result<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if PATIENCE < began.elapsed() {
            child.kill()?;
            child.wait()?;
            bail!("asked to stop, it did not end within {PATIENCE:?}");
        }
        thread::sleep(LOOK);
    }
}

/// `pragma integrity_check` by the command line of `SQLite`.
///
/// # Errors
/// When it says anything but `ok`.
pub(super) fn check_database(db: &Path) -> Result<()> {
    let output = Command::new("sqlite3")
        .arg(db)
        .arg("pragma integrity_check")
        .output()
        .context("cannot start sqlite3")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && said.trim() == "ok",
        "{} is not whole: {said}{}",
        db.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("daemon.log")
}

/// No panic and no line of an error may stand in the log, and nothing may have been set aside.
pub(super) fn judge_log(folder: &Path, verdict: &mut Verdict) -> Result<()> {
    let log = fs::read_to_string(log_of(folder))?;
    let lines = |word: &str| -> Vec<String> {
        log.lines()
            .filter(|line| line.contains(word))
            .map(str::to_owned)
            .collect()
    };
    verdict.none("panics", &lines("panicked at"));
    verdict.none("lines of an error in the log", &lines(" ERROR "));
    verdict.note("warnings in the log", lines(" WARN ").len());
    let aside = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .filter(|name: &Result<String>| !matches!(name, Ok(name) if !name.contains(".corrupt-")))
        .collect::<Result<Vec<String>>>()?;
    verdict.none("files set aside as damaged", &aside);
    Ok(())
}

/// Size of the write-ahead log; 0 where there is none.
pub(super) fn wal_bytes(db: &Path) -> u64 {
    let mut wal = db.as_os_str().to_owned();
    wal.push("-wal");
    fs::metadata(PathBuf::from(wal)).map_or(0, |metadata| metadata.len())
}
