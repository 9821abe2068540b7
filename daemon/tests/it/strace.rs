//! Faults of the disk by strace: a call of the system ends with an error instead of being made.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) call: &'static str,
    pub(crate) error: &'static str,
    /// The first call that fails, counted from 1.
    pub(crate) nth: usize,
    /// Whether all later ones fail, too.
    pub(crate) lasts: bool,
}

impl Fault {
    fn arguments(self, log: &Path) -> Vec<String> {
        let Self {
            call,
            error,
            nth,
            lasts,
        } = self;
        let and_later = if lasts { "+" } else { "" };
        vec![
            "-o".to_owned(),
            log.display().to_string(),
            "-e".to_owned(),
            format!("trace={call}"),
            "-e".to_owned(),
            format!("inject={call}:error={error}:when={nth}{and_later}"),
        ]
    }
}

/// How many calls have failed by strace so far.
pub(crate) fn injected(log: &Path) -> usize {
    let text = fs::read_to_string(log).unwrap_or_else(|error| {
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        String::new()
    });
    text.matches("(INJECTED)").count()
}

/// `command` under strace from its first call on, restricted to calls about these files.
///
/// The tracer runs beside it, so that the program keeps its place as our child.
pub(crate) fn under(command: &Command, fault: Fault, log: &Path, files: &[PathBuf]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-D", "-f", "-qq"]).args(fault.arguments(log));
    for file in files {
        traced.arg("-P").arg(file);
    }
    traced.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    traced.stdin(Stdio::null());
    traced
}

/// A strace that is attached to a running daemon.
pub(crate) struct Strace {
    child: Child,
    log: PathBuf,
}

impl Strace {
    /// To the thread that writes. From its return on, calls are counted.
    pub(crate) fn attach(daemon: Pid, fault: Fault, log: &Path) -> Self {
        Self::start(&["-p", &store_thread(daemon)], fault, log)
    }

    /// To all threads, those that read history among them.
    pub(crate) fn attach_to_all(daemon: Pid, fault: Fault, log: &Path) -> Self {
        let daemon = daemon.as_raw_nonzero().to_string();
        Self::start(&["-f", "-p", &daemon], fault, log)
    }

    fn start(whom: &[&str], fault: Fault, log: &Path) -> Self {
        if let Err(error) = fs::remove_file(log) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
        let mut child = Command::new("strace")
            .args(whom)
            .args(fault.arguments(log))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace is installed");
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.contains("attached"), "strace cannot attach: {line}");
        Self {
            child,
            log: log.to_path_buf(),
        }
    }

    /// How many calls have failed by it so far.
    pub(crate) fn injected(&self) -> usize {
        injected(&self.log)
    }

    /// No call fails any more.
    pub(crate) fn detach(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It may have been detached already. Killed, it lets go of the daemon as well.
        self.child.kill().unwrap_or(());
        if let Err(error) = self.child.wait() {
            assert!(std::thread::panicking(), "cannot wait for strace: {error}");
        }
    }
}

/// Number of the one thread that writes to the disk.
fn store_thread(daemon: Pid) -> String {
    let tasks = format!("/proc/{}/task", daemon.as_raw_nonzero());
    fs::read_dir(tasks)
        .unwrap()
        .map(|task| task.unwrap())
        .find(|task| fs::read_to_string(task.path().join("comm")).unwrap() == "store\n")
        .expect("the store has a thread")
        .file_name()
        .into_string()
        .unwrap()
}
