//! The drawing thread: messages in, frames and effects out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use rustix::process::{Signal, kill_current_process_group};
use tokio::sync::mpsc;

use super::{Incoming, Outcome};
use crate::clock::Mono;
use crate::config::Settings;
use crate::model::Model;
use crate::poll;
use crate::terminal::{self, Guard, Screen, TerminalError};
use crate::theme::Look;
use crate::update::{Effect, Message, Request, settle, take, wake_at};
use crate::view;

/// How long after stopping ourselves to go on when nobody stopped us: a process group without a
/// shell above it ignores SIGTSTP.
const STOP_WAIT_MS: i64 = 300;

/// How long keys may be taken in without a frame.
const LONGEST_UNDRAWN_MS: i64 = 50;

/// Everything the drawing thread holds.
pub(super) struct Ui {
    model: Model,
    screen: Screen,
    guard: Arc<Guard>,
    requests: mpsc::Sender<Request>,
    /// While suspended: when to come back at the latest.
    comes_back: Option<Mono>,
}

impl Ui {
    pub(super) fn new(
        settings: &Settings,
        guard: Arc<Guard>,
        requests: mpsc::Sender<Request>,
    ) -> Self {
        let size = terminal::size();
        Self {
            model: Model::new(settings, size, Mono::now()),
            screen: Screen::new(size),
            guard,
            requests,
            comes_back: None,
        }
    }

    /// Draws and acts until something ends it. The first frame comes before any I/O.
    pub(super) fn serve(mut self, incoming: &Receiver<Incoming>) -> Outcome {
        match self.loop_until_ended(incoming) {
            Ok(outcome) => outcome,
            Err(TerminalError::Write(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Outcome::BrokenPipe
            }
            Err(_terminal_went_away) => Outcome::Hangup,
        }
    }

    fn loop_until_ended(
        &mut self,
        incoming: &Receiver<Incoming>,
    ) -> Result<Outcome, TerminalError> {
        let mut waiting = self.draw(incoming)?;
        self.take(Message::Tick)?;
        loop {
            let now = Mono::now();
            let wake = self.comes_back.unwrap_or_else(|| wake_at(&self.model, now));
            let received = match waiting.pop_front() {
                Some(one) => Ok(one),
                None => incoming.recv_timeout(wake.wait_from(now)),
            };
            let mut next = match received {
                Ok(one) => Some(one),
                Err(RecvTimeoutError::Timeout) if self.comes_back.is_some() => {
                    Some(Incoming::Continued)
                }
                Err(RecvTimeoutError::Timeout) => Some(Incoming::Message(Message::Tick)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Outcome::Panicked),
            };
            // Whatever waits is taken in before the next frame, so a burst costs one frame; a long
            // one is drawn in between, as one sees that it goes on.
            let late = Mono::now().plus_ms(LONGEST_UNDRAWN_MS);
            while let Some(one) = next {
                match one {
                    Incoming::End => return Ok(Outcome::Quit),
                    Incoming::Continued => self.come_back()?,
                    Incoming::Message(message) => {
                        if self.take(message)? {
                            return Ok(Outcome::Quit);
                        }
                    }
                }
                next = if late <= Mono::now() {
                    None
                } else {
                    waiting.pop_front().or_else(|| incoming.try_recv().ok())
                };
            }
            if self.comes_back.is_none() {
                waiting.extend(self.draw(incoming)?);
                let is_key = |one: &Incoming| matches!(one, Incoming::Message(Message::Key(_)));
                if !waiting.iter().any(is_key) {
                    self.take(Message::Shown)?;
                }
            }
        }
    }

    /// Draws; gives what came before the frame could be seen.
    fn draw(&mut self, incoming: &Receiver<Incoming>) -> Result<VecDeque<Incoming>, TerminalError> {
        let now = Mono::now();
        settle(&mut self.model, now);
        let (model, look) = (&self.model, Look::of(&self.model));
        let mut waiting = VecDeque::new();
        self.screen.draw(model.size, |buffer| {
            view::draw(model, look, now, buffer);
            waiting.extend(incoming.try_iter());
        })?;
        Ok(waiting)
    }

    /// Takes a message in and does what it asks for; true when it asks to end.
    fn take(&mut self, message: Message) -> Result<bool, TerminalError> {
        let mut must_end = false;
        for effect in take(&mut self.model, message, Mono::now()) {
            match effect {
                Effect::Send(request) => self.send(request)?,
                Effect::Copy(text) => self.screen.copy(&text)?,
                Effect::Mouse(is_wanted) => self.guard.set_mouse(is_wanted)?,
                Effect::Repaint => self.screen.repaint(),
                Effect::Suspend => self.suspend(),
                Effect::Quit => must_end = true,
            }
        }
        Ok(must_end)
    }

    fn send(&mut self, request: Request) -> Result<(), TerminalError> {
        if let Err(error) = self.requests.try_send(request) {
            let reply = poll::turned_away(error.into_inner());
            self.take(Message::Reply(reply))?;
        }
        Ok(())
    }

    /// Gives the terminal back and stops the process group, as the shell expects of Ctrl-Z.
    fn suspend(&mut self) {
        self.guard.restore();
        // When the signal cannot be sent the wait below passes and the screen comes back.
        let _sent: rustix::io::Result<()> = kill_current_process_group(Signal::TSTP);
        self.comes_back = Some(Mono::now().plus_ms(STOP_WAIT_MS));
    }

    fn come_back(&mut self) -> Result<(), TerminalError> {
        self.comes_back = None;
        self.guard.enter()?;
        let (columns, lines) = terminal::size();
        self.take(Message::Resize(columns, lines))?;
        self.take(Message::Resumed)?;
        Ok(())
    }
}
