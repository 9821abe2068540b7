//! A program in a pseudo-terminal, read by the one thread that measures it.

use std::fs;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Columns and lines of the bars.
pub(super) const SIZE: (u16, u16) = (160, 54);
/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// util-linux; it starts a session, and gives it the terminal where asked.
const SETSID: &str = "/usr/bin/setsid";

/// Whose terminal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// The program's own: the kernel sends it SIGHUP when the terminal vanishes.
    Own,
    /// Nobody's, as under `sudo` and in some containers: no signal comes.
    Nobodys,
}

/// How a program is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Signal(Signal),
    /// The other side of the terminal is closed.
    Hangup,
}

/// The program, and what it wrote so far.
pub(super) struct Pty {
    /// Absent once it is closed.
    master: Option<OwnedFd>,
    child: Child,
    parser: vt100::Parser,
    /// All that it wrote so far.
    pub(super) bytes: Vec<u8>,
    /// When it was started.
    pub(super) began: Instant,
}

impl Pty {
    /// Starts a program with these words and nothing of our own environment.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or the program cannot be started.
    pub(super) fn start(words: &[&str], control: Control) -> Result<Self> {
        let (columns, lines) = SIZE;
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .context("cannot open a pseudo-terminal")?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(ptsname(&master, Vec::new())?, flags, Mode::empty())?;
        let size = Winsize {
            ws_row: lines,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&slave, size)?;
        let mut command = Command::new(SETSID);
        if control == Control::Own {
            command.arg("--ctty");
        }
        command
            .args(words)
            .env_clear()
            .envs([("TERM", "xterm-256color"), ("LANG", "C.UTF-8")])
            .stdin(Stdio::from(slave.try_clone()?))
            .stdout(Stdio::from(slave.try_clone()?))
            .stderr(Stdio::from(slave));
        let began = Instant::now();
        let child = command.spawn().with_context(|| {
            format!("cannot start {SETSID}; it belongs to the package util-linux")
        })?;
        Ok(Self {
            master: Some(master),
            child,
            parser: vt100::Parser::new(lines, columns, 0),
            bytes: Vec::new(),
            began,
        })
    }

    /// Reads until the screen is so; gives the moment at which the last bytes for it came.
    ///
    /// # Errors
    /// When it never is.
    pub(super) fn read_until(
        &mut self,
        what: &str,
        is_met: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<Instant> {
        let deadline = Instant::now() + PATIENCE;
        let mut came = Instant::now();
        while !is_met(self.parser.screen()) {
            match self.read_before(deadline)? {
                Some(at) => came = at,
                None => bail!(
                    "the terminal never showed {what}; it shows\n{}",
                    self.parser.screen().contents()
                ),
            }
        }
        Ok(came)
    }

    /// Reads until a text is on the screen.
    ///
    /// # Errors
    /// When it never is.
    pub(super) fn read_text(&mut self, text: &str) -> Result<Instant> {
        self.read_until(text, |screen| screen.contents().contains(text))
    }

    /// Reads for so long; gives how many bytes came.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn read_for(&mut self, span: Duration) -> Result<usize> {
        let (deadline, before) = (Instant::now() + span, self.bytes.len());
        while self.read_before(deadline)?.is_some() {}
        Ok(self.bytes.len() - before)
    }

    /// Something of what is on the screen.
    pub(super) fn with<T>(&self, look: impl Fn(&vt100::Screen) -> T) -> T {
        look(self.parser.screen())
    }

    /// The next bytes, and when they came; nothing when the deadline passes first.
    fn read_before(&mut self, deadline: Instant) -> Result<Option<Instant>> {
        let master = self.master.as_ref().context("the terminal is closed")?;
        if !is_readable_before(master, deadline)? {
            return Ok(None);
        }
        let mut chunk = [0; 16_384];
        let read = rustix::io::read(master, &mut chunk).with_context(|| {
            let shown = self.parser.screen().contents();
            format!("the program left the terminal, which shows\n{shown}")
        })?;
        let came = Instant::now();
        let read = chunk.get(..read).unwrap_or_default();
        self.bytes.extend_from_slice(read);
        self.parser.process(read);
        Ok(Some(came))
    }

    /// Presses keys; gives when.
    ///
    /// # Errors
    /// When the terminal takes no bytes.
    pub(super) fn press(&self, keys: &str) -> Result<Instant> {
        let began = Instant::now();
        let master = self.master.as_ref().context("the terminal is closed")?;
        let written = rustix::io::write(master, keys.as_bytes())?;
        ensure!(written == keys.len(), "the terminal takes no more keys");
        Ok(began)
    }

    /// Processor time of all its threads.
    ///
    /// # Errors
    /// When the kernel does not count it.
    pub(super) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.child.id())
    }

    /// The most memory it ever had, in MB.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(super) fn peak_memory(&self) -> Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.context("no VmHWM")?.trim().trim_end_matches(" kB");
        Ok(kib.trim().parse::<f64>()? * 1_024.0 / 1e6)
    }

    /// Ends it, reading on; gives how long that took and how it ended.
    ///
    /// # Errors
    /// When it cannot be told, or does not end.
    pub(super) fn end(mut self, ending: Ending) -> Result<(Duration, ExitStatus)> {
        let pid = Pid::from_raw(self.child.id().try_into()?).context("a program without id")?;
        let began = Instant::now();
        match ending {
            Ending::Signal(signal) => kill_process(pid, signal)?,
            Ending::Hangup => self.master = None,
        }
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok((began.elapsed(), status));
            }
            let soon = Instant::now() + Duration::from_millis(1);
            match &self.master {
                Some(master) if is_readable_before(master, soon)? => {
                    // An error says that the program has left the terminal; its end is near.
                    let _left: rustix::io::Result<usize> =
                        rustix::io::read(master, &mut [0; 16_384]);
                }
                Some(_) => {}
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        bail!(
            "it still ran {} s after it was told to end",
            PATIENCE.as_secs()
        )
    }
}

/// Processor time of all threads of a program.
///
/// # Errors
/// When the kernel does not count it.
pub(crate) fn cpu_of(pid: u32) -> Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("schedstat");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let nanoseconds = text.split(' ').next().unwrap_or_default();
        sum += nanoseconds.parse::<u64>().context("no number of ns")?;
    }
    Ok(Duration::from_nanos(sum))
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether there is something to read, or nothing ever again, before the deadline.
fn is_readable_before(terminal: &OwnedFd, deadline: Instant) -> Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut watched = [PollFd::new(terminal, PollFlags::IN)];
        match poll(&mut watched, Some(&Timespec::try_from(left)?)) {
            Ok(ready) => return Ok(0 < ready),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_in_a_terminal_is_read_counted_and_ended() {
        let words = [
            "/bin/sh",
            "-c",
            "stty -echo; echo ready; read word; echo $word; sleep 60",
        ];
        let mut pty = Pty::start(&words, Control::Own).unwrap();

        pty.read_text("ready").unwrap();
        let before = pty.bytes.len();
        pty.press("ab\n").unwrap();
        pty.read_text("ab").unwrap();
        assert_eq!(pty.read_for(Duration::from_millis(20)).unwrap(), 0);

        assert_eq!(pty.bytes.len() - before, "ab\r\n".len());
        assert!(0.0 < pty.peak_memory().unwrap());
        let (_, status) = pty.end(Ending::Hangup).unwrap();
        assert!(!status.success(), "{status}");
    }
}
