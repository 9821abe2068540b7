//! The program in a pseudo-terminal: what it writes, and what a terminal makes of it.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::daemon::DEADLINE;
use crate::tmux::until;

/// Lines are read whole (POSIX XBD §11.2.5); the value is that of Linux.
const ICANON: u32 = 0o2;

struct Seen {
    bytes: Vec<u8>,
    parser: vt100::Parser,
    is_closed: bool,
    is_hanging_up: bool,
    is_left_unread: bool,
}

/// Whose terminal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// The program's own: the kernel sends it SIGHUP when the terminal vanishes.
    Own,
    /// Nobody's, as under `sudo` and in some containers: no signal comes.
    Nobodys,
    /// The program's own, and stopped as by Ctrl-S: it takes no byte.
    Stopped,
}

pub(crate) struct Terminal {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    writer: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    pub(crate) child: Box<dyn Child + Send + Sync>,
}

impl Terminal {
    /// Starts `lastbeat` with these arguments and variables, and nothing of the test's own
    /// environment.
    pub(crate) fn start(size: (u16, u16), arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_in(size, Control::Own, arguments, variables)
    }

    /// The same, in a terminal that may not be the program's own.
    pub(crate) fn start_in(
        size: (u16, u16),
        control: Control,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let (cols, rows) = size;
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lastbeat"));
        command.set_controlling_tty(control != Control::Nobodys);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")] {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.args(arguments);
        if control == Control::Stopped {
            let tty = std::fs::File::open(pair.master.tty_name().unwrap()).unwrap();
            rustix::termios::tcflow(tty, rustix::termios::Action::OOff).unwrap();
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let seen = Seen {
            bytes: Vec::new(),
            parser: vt100::Parser::new(rows, cols, 0),
            is_closed: false,
            is_hanging_up: false,
            is_left_unread: false,
        };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let for_thread = Arc::clone(&seen);
        thread::spawn(move || {
            let mut chunk = [0; 16_384];
            loop {
                // A closed pseudo-terminal reads as an error on Linux.
                let read = reader.read(&mut chunk).unwrap_or(0);
                let mut seen = for_thread.0.lock().unwrap();
                let new = chunk.get(..read).unwrap();
                seen.bytes.extend_from_slice(new);
                seen.parser.process(new);
                seen.is_closed = read == 0;
                for_thread.1.notify_all();
                if read == 0 || seen.is_hanging_up {
                    return;
                }
                let is_left = |seen: &mut Seen| seen.is_left_unread;
                drop(for_thread.1.wait_while(seen, is_left).unwrap());
            }
        });
        Self {
            seen,
            writer: Some(writer),
            master: Some(pair.master),
            child,
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).unwrap();
        writer.flush().unwrap();
    }

    pub(crate) fn resize(&self, (cols, rows): (u16, u16)) {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.seen
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows, cols);
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// Waits until the screen satisfies `is_met`.
    pub(crate) fn wait(&self, what: &str, is_met: impl Fn(&vt100::Screen) -> bool) {
        let seen = self.seen.0.lock().unwrap();
        let (seen, waited) = self
            .seen
            .1
            .wait_timeout_while(seen, DEADLINE, |seen| !is_met(seen.parser.screen()))
            .unwrap();
        assert!(
            !waited.timed_out(),
            "never shown: {what}\n{}",
            seen.parser.screen().contents()
        );
    }

    /// Waits until the screen contains a text.
    pub(crate) fn wait_text(&self, text: &str) {
        self.wait(text, |screen| screen.contents().contains(text));
    }

    /// Waits until the screen contains a text no more.
    pub(crate) fn wait_gone(&self, text: &str) {
        let what = format!("the screen without {text}");
        self.wait(&what, |screen| !screen.contents().contains(text));
    }

    pub(crate) fn screen(&self) -> vt100::Screen {
        self.seen.0.lock().unwrap().parser.screen().clone()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().bytes.clone()
    }

    /// Waits for the program's end; its exit code and everything it wrote.
    pub(crate) fn end(mut self) -> (u32, Vec<u8>) {
        let status = self.child.wait().unwrap();
        let seen = self.seen.0.lock().unwrap();
        let (seen, waited) = self
            .seen
            .1
            .wait_timeout_while(seen, DEADLINE, |seen| !seen.is_closed)
            .unwrap();
        assert!(!waited.timed_out(), "the terminal stayed open");
        (status.exit_code(), seen.bytes.clone())
    }

    /// What all its threads took.
    pub(crate) fn processor_time(&self) -> Duration {
        let folder = format!("/proc/{}/task", self.child.process_id().unwrap());
        let tasks = std::fs::read_dir(folder).unwrap();
        let times = tasks.map(|task| {
            let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(times.sum())
    }

    /// Reads what it writes at most once more, as long as this lives.
    pub(crate) fn stop_reading(&self) {
        self.seen.0.lock().unwrap().is_left_unread = true;
    }

    /// Whether the thread that draws waits in a call on standard output (`/proc/pid/syscall`: the
    /// call's number and its arguments): it makes none there that waits but write(2).
    pub(crate) fn is_writing(&self) -> bool {
        let folder = format!("/proc/{}/task", self.child.process_id().unwrap());
        let read = |task: &std::path::Path, file| std::fs::read_to_string(task.join(file));
        let tasks = std::fs::read_dir(folder).unwrap();
        let paths = tasks.map(|task| task.unwrap().path());
        let mut drawing = paths.filter(|task| read(task, "comm").unwrap().trim() == "draw");
        drawing.next().is_some_and(|task| {
            let call = read(&task, "syscall").unwrap();
            call.split(' ').nth(1) == Some("0x1")
        })
    }

    /// Whether the terminal is as shells leave it.
    pub(crate) fn is_in_line_mode(&self) -> bool {
        let master = self.master.as_ref().unwrap();
        let modes = master.get_termios().unwrap();
        modes.local_flags.bits() & ICANON != 0
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.process_id().unwrap();
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Closes the terminal's other side, which the reading thread shares until it reads again: it
    /// reads the few bytes of another order. They are waited for, since a frame that finds no
    /// terminal would tell the program of its end by itself.
    pub(crate) fn hang_up(mut self) -> u32 {
        self.seen.0.lock().unwrap().is_hanging_up = true;
        let before = self.seen.0.lock().unwrap().bytes.len();
        self.press("s");
        let (lock, changed) = &*self.seen;
        let is_silent = |seen: &mut Seen| seen.bytes.len() == before;
        drop(changed.wait_while(lock.lock().unwrap(), is_silent).unwrap());
        drop(self.master.take());
        drop(self.writer.take());
        until(|| match self.child.try_wait().unwrap() {
            Some(_) => Ok(()),
            None => Err("it goes on without its terminal".to_owned()),
        });
        self.child.wait().unwrap().exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A wait that fails leaves it poisoned.
        let seen = self.seen.0.lock();
        seen.unwrap_or_else(PoisonError::into_inner).is_left_unread = false;
        self.seen.1.notify_all();
        // Its number may be another's once it has ended.
        if let Ok(None) = self.child.try_wait() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Whether a program left the terminal as it must be left.
pub(crate) fn is_given_back(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\x1b[m\x1b[?25h\x1b[?1049l")
}
