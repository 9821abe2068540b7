//! A server that is measured, as a process of its own: what it took of processor, memory and disk.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::running::Running;

/// How long a server may take to end by itself.
const ENDING: Duration = Duration::from_secs(20);

/// Asked to end, and waited for, when dropped.
pub(super) struct Server {
    running: Running,
    pub(super) address: SocketAddr,
}

impl Server {
    /// A server that says on its standard error where it listens, as ours do.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let (running, address) =
            Running::start(command, |child| child.stderr.take(), Running::address_in)?;
        Ok(Self { running, address })
    }

    /// A server of others that listens at `address` once it said `words`.
    ///
    /// # Errors
    /// When it does not start.
    pub(super) fn start_other(
        command: &mut Command,
        address: SocketAddr,
        words: &'static str,
    ) -> Result<Self> {
        // Either stream may have the words; one pipe holds both.
        let shell = "exec \"$0\" \"$@\" 2>&1";
        let mut joined = Command::new("/bin/sh");
        joined
            .args(["-c", shell])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(folder) = command.get_current_dir() {
            joined.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            joined.env(name, value.unwrap_or_default());
        }
        let is_said = |line: &str| line.contains(words).then_some(());
        let (running, ()) = Running::start(&mut joined, |child| child.stdout.take(), is_said)?;
        Ok(Self { running, address })
    }

    /// The number of its process.
    pub(super) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Processor time of all its threads so far, in the kernel's ticks of 10 ms.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        cpu_in(&stat, rustix::param::clock_ticks_per_second()).context("no times in /proc/PID/stat")
    }

    /// Its memory, in MB.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn rss_mb(&self) -> Result<f64> {
        let kib = self.number_in("status", "VmRSS:")?;
        Ok(super::float(kib) * 1_024.0 / 1e6)
    }

    /// What it made the kernel write to the disk, in bytes, by whole pages.
    ///
    /// # Errors
    /// When it has ended.
    pub(super) fn written(&self) -> Result<u64> {
        self.number_in("io", "write_bytes:")
    }

    fn number_in(&self, file: &str, key: &str) -> Result<u64> {
        let path = format!("/proc/{}/{file}", self.pid());
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        let number = number.with_context(|| format!("{path} has no {key}"))?;
        Ok(number.parse()?)
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When it does not end in time.
    pub(super) fn end(self) -> Result<()> {
        let ended = self.ask_to_end();
        ensure!(
            ended,
            "process {} did not end within {ENDING:?}",
            self.pid()
        );
        Ok(())
    }

    fn ask_to_end(&self) -> bool {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended already, which is seen below.
            kill_process(pid, Signal::TERM).unwrap_or(());
        }
        let began = Instant::now();
        while began.elapsed() < ENDING {
            if self.has_ended() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Whether only its entry in the table of processes is left.
    fn has_ended(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        let state = stat.as_deref().ok().and_then(|stat| stat.rsplit_once(')'));
        state.is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its children end with it only when it is asked; what stays is killed by `Running`.
        self.ask_to_end();
    }
}

/// User and system time in a line of /proc/PID/stat.
fn cpu_in(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    // Behind the name, which may hold blanks and brackets, the state is the first.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut times = rest.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    let millis = (user + system) * 1_000 / ticks_per_second;
    Some(Duration::from_millis(millis))
}

/// A port of loopback that is free now, for servers that cannot say which one they took.
///
/// # Errors
/// When there is none.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The daemon with a database in `folder` and room for a million.
///
/// # Errors
/// When it does not start.
pub(super) fn daemon(program: &Path, folder: &Path, arguments: &[&str]) -> Result<Server> {
    Server::start(&mut daemon_command(
        program,
        folder,
        "127.0.0.1:0",
        arguments,
    ))
}

/// The same on one core.
///
/// # Errors
/// When it does not start.
pub(super) fn daemon_on_core(
    core: usize,
    program: &Path,
    folder: &Path,
    arguments: &[&str],
) -> Result<Server> {
    let command = daemon_command(program, folder, "127.0.0.1:0", arguments);
    let mut pinned = Command::new("taskset");
    pinned
        .args(["--cpu-list", &core.to_string()])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear();
    Server::start(&mut pinned)
}

/// The command line of such a daemon.
pub(super) fn daemon_command(
    program: &Path,
    folder: &Path,
    listen: &str,
    arguments: &[&str],
) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--listen", listen, "--max-instances", "1000000"])
        .args(["--remove-after", "1h", "--db"])
        .arg(folder.join("monitoring.db"))
        .args(arguments)
        .env_clear();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 3 4 20 0 5 0 99 1 1";

        assert_eq!(cpu_in(stat, 100), Some(Duration::from_secs(3)));
        assert_eq!(cpu_in("7 (a) S 1", 100), None);
    }

    #[test]
    fn a_server_that_was_ended_is_gone() {
        let mut command = Command::new("/bin/sh");
        command.args([
            "-c",
            "echo listening on http://127.0.0.1:1 >&2; exec sleep 1000",
        ]);
        let server = Server::start(&mut command).unwrap();
        assert!(0.0 < server.rss_mb().unwrap());
        let pid = server.pid();

        server.end().unwrap();

        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
