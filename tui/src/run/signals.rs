//! The signals that end the program: it hears all that would kill it and can be heard, so that the
//! terminal is given back first; and the one that says that it goes on.

use std::sync::mpsc::{SendError, Sender};

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Incoming, Outcome};

/// Signals whose default is the end (signal(7)), and with which nobody asks for a core: those are
/// left to do what they are for.
const ENDING: [Number; 9] = [
    Number::HUP,
    Number::INT,
    Number::QUIT,
    Number::TERM,
    Number::USR1,
    Number::USR2,
    Number::ALARM,
    Number::VTALARM,
    Number::PROF,
];
/// The same where only Linux ends with them, or has them.
#[cfg(target_os = "linux")]
const ENDING_HERE: [Number; 3] = [Number::IO, Number::POWER, Number::STKFLT];
#[cfg(not(target_os = "linux"))]
const ENDING_HERE: [Number; 0] = [];

/// The signals that mean something here.
pub(super) struct Signals {
    ending: Vec<(Number, Signal)>,
    continued: Signal,
}

impl Signals {
    /// Hears them from now on.
    pub(super) fn new() -> std::io::Result<Self> {
        let hear = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        let ending = ENDING.into_iter().chain(ENDING_HERE);
        let ending = ending.map(|number| Ok((number, hear(number)?)));
        Ok(Self {
            ending: ending.collect::<std::io::Result<_>>()?,
            continued: hear(Number::CONT)?,
        })
    }

    /// Reports those that end the program, each from a task of its own, and each time that it
    /// goes on; until nobody listens.
    pub(super) async fn listen(mut self, messages: &Sender<Incoming>, ended: &Sender<Outcome>) {
        for (number, mut signal) in self.ending {
            let ended = ended.clone();
            tokio::spawn(async move {
                signal.recv().await;
                let _ending: Result<(), SendError<Outcome>> = ended.send(outcome(number));
            });
        }
        while self.continued.recv().await.is_some() {
            if messages.send(Incoming::Continued).is_err() {
                return;
            }
        }
    }
}

fn outcome(number: Number) -> Outcome {
    if number == Number::HUP {
        Outcome::Hangup
    } else {
        Outcome::Signal(number.as_raw())
    }
}
