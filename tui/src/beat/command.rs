//! The command that is beaten for, and the signals that reach us instead of it.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal as Number, getpgrp, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{BeatEnd, BeatError};

/// What ends the beating.
pub(super) struct Ending {
    child: Option<Child>,
    signals: Signals,
}

/// The signals that a command may be sent through us.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    user_1: Signal,
    user_2: Signal,
}

impl Ending {
    /// Hears signals from now on and starts the command, if there is one.
    pub(super) fn start(command: &[OsString]) -> Result<Self, BeatError> {
        let mut ending = Self {
            child: None,
            signals: Signals::new()?,
        };
        if let Some((program, arguments)) = command.split_first() {
            let child = Command::new(program).args(arguments).spawn();
            ending.child = Some(child.map_err(|source| BeatError::Start {
                command: program.to_string_lossy().into_owned(),
                source,
            })?);
        }
        Ok(ending)
    }

    /// Waits for the command's end, passing signals on to it; without a command for a signal.
    pub(super) async fn wait(mut self) -> Result<BeatEnd, BeatError> {
        loop {
            let number = match &mut self.child {
                None => {
                    self.signals.next().await;
                    return Ok(BeatEnd::Stopped);
                }
                Some(child) => tokio::select! {
                    status = child.wait() => return Ok(BeatEnd::Command(code(status?))),
                    number = self.signals.next() => number,
                },
            };
            self.pass_on(number);
        }
    }

    /// Ctrl-C and Ctrl-\ reach the whole foreground group by themselves; once is enough.
    fn pass_on(&self, number: Number) {
        let from_keyboard = matches!(number, Number::INT | Number::QUIT);
        if from_keyboard && is_in_foreground() {
            return;
        }
        let id = self.child.as_ref().and_then(Child::id);
        let pid = id.and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            // A command that ended at this moment needs no signal.
            let _gone: rustix::io::Result<()> = kill_process(pid, number);
        }
    }
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Number {
        tokio::select! {
            _ = self.hangup.recv() => Number::HUP,
            _ = self.interrupt.recv() => Number::INT,
            _ = self.quit.recv() => Number::QUIT,
            _ = self.terminate.recv() => Number::TERM,
            _ = self.user_1.recv() => Number::USR1,
            _ = self.user_2.recv() => Number::USR2,
        }
    }
}

fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|group| group == getpgrp())
}

/// The code a shell would give.
fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|number| 128 + number));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
