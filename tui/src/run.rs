//! The monitor: starts its threads, joins them with channels, and sees to it that the terminal is
//! given back whichever of them ends first.
//!
//! The main thread supervises. One thread draws, one reads keys, one watches the terminal, one
//! does all I/O with the daemon and hears signals. No I/O but drawing happens where keys are acted
//! on, and a terminal that takes no more bytes cannot keep the program from ending.

mod signals;
mod ui;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::client::Client;
use crate::config::Settings;
use crate::poll;
use crate::terminal::{Guard, Input, TerminalError, read_keys, watch_for_hangup};
use crate::update::{Message, Request};

use signals::Signals;

/// How long the drawing thread may take to end when told so.
const END_WAIT: Duration = Duration::from_millis(150);

/// How the monitor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The user said so.
    Quit,
    /// The terminal went away.
    Hangup,
    /// By a signal with this number.
    Signal(i32),
    /// Nobody reads what we write.
    BrokenPipe,
    /// By a bug.
    Panicked,
}

/// Why the monitor cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No usable terminal.
    #[error(transparent)]
    Terminal(#[from] TerminalError),
    /// The operating system refuses what every program needs.
    #[error("cannot start the monitor: {0}; the system is short of threads or descriptors")]
    System(#[from] std::io::Error),
}

/// What the drawing thread hears.
#[derive(Debug)]
enum Incoming {
    /// For `update`.
    Message(Message),
    /// SIGCONT came.
    Continued,
    /// End now.
    End,
}

/// Tells the supervisor when the thread or task that holds it panics.
struct Alarm(Sender<Outcome>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            // Nobody listens when the program is ending already.
            let _ending: Result<(), std::sync::mpsc::SendError<Outcome>> =
                self.0.send(Outcome::Panicked);
        }
    }
}

/// Watches the registry until the user, a signal or the terminal ends it.
///
/// # Errors
/// When there is no usable terminal or the system refuses a thread.
pub fn run(settings: &Settings, client: Client) -> Result<Outcome, RunError> {
    let guard = Arc::new(Guard::new()?);
    restore_on_panic(&guard);
    let (ended, endings) = channel();
    let (messages, incoming) = channel();
    let (requests, waiting) = mpsc::channel(poll::MAX_WAITING);
    guard.set_mouse(settings.is_mouse_on)?;
    // Signals are heard before the terminal is taken, and one that takes no bytes holds up its
    // writer alone.
    start_daemon_thread(client, waiting, &messages, ended.clone())?;
    let (faults, fault) = channel();
    let drawing = {
        let (ended, guard, settings) = (ended.clone(), Arc::clone(&guard), settings.clone());
        thread::Builder::new()
            .name("draw".to_owned())
            .spawn(move || {
                let _alarm = Alarm(ended.clone());
                let outcome = match guard.enter() {
                    Ok(()) => ui::Ui::new(&settings, guard, requests).serve(&incoming),
                    Err(error) => {
                        let _ending: Result<(), _> = faults.send(error);
                        Outcome::Hangup
                    }
                };
                let _ending: Result<(), _> = ended.send(outcome);
            })?
    };
    start_terminal_threads(&guard, &messages, &ended)?;
    let outcome = supervise(&guard, &endings, &messages, &drawing);
    match fault.try_recv() {
        Ok(error) => Err(error.into()),
        Err(_never_failed) => Ok(outcome),
    }
}

/// Waits for the first ending and gives the terminal back.
fn supervise(
    guard: &Guard,
    endings: &Receiver<Outcome>,
    messages: &Sender<Incoming>,
    drawing: &thread::JoinHandle<()>,
) -> Outcome {
    let outcome = endings.recv().unwrap_or(Outcome::Panicked);
    let _ended_already: Result<(), _> = messages.send(Incoming::End);
    // The drawing thread's own ending is the next one, when it was not the first.
    let has_ended = drawing.is_finished()
        || matches!(
            outcome,
            Outcome::Quit | Outcome::BrokenPipe | Outcome::Panicked
        )
        || endings.recv_timeout(END_WAIT).is_ok();
    if has_ended {
        guard.restore();
    } else {
        guard.restore_modes();
    }
    outcome
}

fn restore_on_panic(guard: &Arc<Guard>) {
    let guard = Arc::clone(guard);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        guard.restore();
        report(panic);
    }));
}

fn start_terminal_threads(
    guard: &Arc<Guard>,
    messages: &Sender<Incoming>,
    ended: &Sender<Outcome>,
) -> std::io::Result<()> {
    let (alarm, messages) = (Alarm(ended.clone()), messages.clone());
    thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || {
            let _alarm = alarm;
            read_keys(|input| {
                let message = match input {
                    Input::Key(key) => Message::Key(key),
                    Input::Pointer(pointer) => Message::Pointer(pointer),
                    Input::Paste(text) => Message::Paste(text),
                    Input::Resize(columns, lines) => Message::Resize(columns, lines),
                };
                messages.send(Incoming::Message(message)).is_ok()
            });
        })?;
    let (guard, ended) = (Arc::clone(guard), ended.clone());
    thread::Builder::new()
        .name("hangup".to_owned())
        .spawn(move || {
            let _alarm = Alarm(ended.clone());
            watch_for_hangup(&guard);
            let _ending: Result<(), _> = ended.send(Outcome::Hangup);
        })?;
    Ok(())
}

fn start_daemon_thread(
    client: Client,
    waiting: mpsc::Receiver<Request>,
    messages: &Sender<Incoming>,
    ended: Sender<Outcome>,
) -> std::io::Result<()> {
    let client = Arc::new(client);
    let messages = messages.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let signals = {
        let _context = runtime.enter();
        Signals::new()?
    };
    thread::Builder::new()
        .name("daemon".to_owned())
        .spawn(move || {
            let _alarm = Alarm(ended.clone());
            runtime.block_on(async move {
                let heard = messages.clone();
                let task_alarm = ended.clone();
                let report = move |reply| {
                    let _alarm = Alarm(task_alarm.clone());
                    let _ending: Result<(), _> =
                        heard.send(Incoming::Message(Message::Reply(reply)));
                };
                tokio::spawn(poll::serve(client, waiting, report));
                signals.listen(&messages, &ended).await;
            });
        })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::terminal::Pty;

    /// What a panic of any thread here leads to, without a switch in the product that panics.
    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let pty = Pty::open();
        pty.guard.enter().unwrap();
        let was_raw_when_told = Arc::new(Mutex::new(None));
        let before = std::panic::take_hook();
        let (guard, told) = (Arc::clone(&pty.guard), Arc::clone(&was_raw_when_told));
        std::panic::set_hook(Box::new(move |_| {
            let modes = rustix::termios::tcgetattr(guard.fd()).unwrap();
            let is_line_mode = modes
                .local_modes
                .contains(rustix::termios::LocalModes::ICANON);
            *told.lock().unwrap() = Some(!is_line_mode);
        }));
        restore_on_panic(&pty.guard);
        let (ended, endings) = channel();
        let (messages, incoming) = channel();

        let drawing = thread::spawn(move || {
            let _alarm = Alarm(ended);
            panic!("a bug");
        });
        let outcome = supervise(&pty.guard, &endings, &messages, &drawing);
        drawing.join().unwrap_err();
        std::panic::set_hook(before);

        assert_eq!(outcome, Outcome::Panicked);
        assert_eq!(*was_raw_when_told.lock().unwrap(), Some(false));
        assert!(!pty.is_raw());
        assert!(matches!(incoming.try_recv(), Ok(Incoming::End)));
        assert!(pty.written().ends_with(b"\x1b[?25h\x1b[?1049l"));
    }

    #[test]
    fn the_first_ending_is_the_outcome_and_the_modes_come_back_from_a_drawing_that_hangs() {
        let pty = Pty::open();
        pty.guard.enter().unwrap();
        let (ended, endings) = channel();
        let (messages, _incoming) = channel();
        let (release, held) = channel::<()>();
        // It hangs until the test ends it: a terminal that takes no more bytes.
        let drawing = thread::spawn(move || {
            held.recv().unwrap_err();
        });
        ended.send(Outcome::Signal(15)).unwrap();

        let outcome = supervise(&pty.guard, &endings, &messages, &drawing);

        assert_eq!(outcome, Outcome::Signal(15));
        assert!(!pty.is_raw());
        drop(release);
        drawing.join().unwrap();
    }
}
