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
    hangup: Signal,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
}

impl Ending {
    /// Hears signals from now on and starts the command, if there is one.
    pub(super) fn start(command: &[OsString]) -> Result<Self, BeatError> {
        let mut ending = Self {
            child: None,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
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
                    next(
                        &mut self.hangup,
                        &mut self.interrupt,
                        &mut self.quit,
                        &mut self.terminate,
                    )
                    .await;
                    return Ok(BeatEnd::Stopped);
                }
                Some(child) => tokio::select! {
                    status = child.wait() => return Ok(BeatEnd::Command(code(status?))),
                    number = next(
                        &mut self.hangup,
                        &mut self.interrupt,
                        &mut self.quit,
                        &mut self.terminate,
                    ) => number,
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

async fn next(
    hangup: &mut Signal,
    interrupt: &mut Signal,
    quit: &mut Signal,
    terminate: &mut Signal,
) -> Number {
    tokio::select! {
        _ = hangup.recv() => Number::HUP,
        _ = interrupt.recv() => Number::INT,
        _ = quit.recv() => Number::QUIT,
        _ = terminate.recv() => Number::TERM,
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
