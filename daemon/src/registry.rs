//! The registry: one lock around the state, the clock that is read inside it, and the waiting
//! that happens outside.
//!
//! One hold of the lock per command, one reading of the clock per hold. Answers about a row wait
//! until the row's last change is stored (ADR 0003). Who calls: HTTP handlers, the sweep task and
//! the store thread. What a command means is left to [`crate::state`].

mod answers;
mod commands;
mod error;
mod heard;
mod lines;
mod listing;
mod pieces;
mod stored;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastbeat_proto::Span;
use lastbeat_proto::answer::{EventsAnswer, GoneAnswer, NoticeLevel, ServicesAnswer, UptimeAnswer};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, Semaphore, watch};

use crate::clock::{Clock, Moment, Mono};
use crate::state::dirty::List;
use crate::state::{Cursor, State};
use crate::store::History;

pub use self::error::RegistryError;
pub use self::heard::HeardAnswer;
use self::lines::{Lines, OfASecond};
pub use self::pieces::Listing;
use self::stored::Stored;
use self::turns::{Next, Turns};

/// The sweep looks at the clock at least this often, so that a stall of the machine is seen.
pub const MAX_SLEEP: Span = Span::from_micros(250_000);
/// How long those who wait for changes have, when all have fallen, before each of these changes
/// again by its mark: some answers' time (ADR 0019).
pub(crate) const READERS_FIRST: Span = Span::from_micros(50_000);
/// Readers of events that only the store holds, at a time; more than pages are rendered at a time,
/// so that nobody is turned away by it on a machine with many cores.
const MAX_HISTORY_READERS: usize = 64;
/// Events of the dashboard's pane.
const PAGE_EVENTS: usize = 20;
/// Tombstones of the dashboard's section.
const PAGE_GONE: usize = 200;

/// Everything the dashboard's page shows.
#[derive(Debug)]
pub struct Overview {
    /// The page of rows that the query asked for, with counts, notices and clocks.
    pub services: ServicesAnswer,
    /// Tombstones that are shown, newest first.
    pub gone: GoneAnswer,
    /// The last events.
    pub events: EventsAnswer,
}

/// What the page of a service tells of its past.
#[derive(Debug)]
pub struct Past {
    /// What happened to it last.
    pub events: EventsAnswer,
    /// How it was in the last days.
    pub uptime: UptimeAnswer,
    /// Why older events are missing, where they are.
    pub missing: Option<RegistryError>,
}

/// What a hold of the sweep left to do.
#[derive(Debug, Clone, Copy)]
enum Left {
    /// More is due.
    Due(Next),
    /// At this moment only marks of a mass loss, and nothing is due for so long.
    Marks(Mono, Span),
}

/// Owner of the state.
#[derive(Debug)]
pub struct Registry {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    max_instances: usize,
    storage_wait: Span,
    history: History,
    /// Each reader of old events opens the file: a few at a time, or descriptors run out.
    history_turns: Semaphore,
    /// How far the store got, and who waits for it.
    stored: Stored,
    /// The last change that wakes waiting readers.
    changed: watch::Sender<u64>,
    /// Tells the store that something wants to be written.
    nudge: Notify,
    /// Tells it while it rests that somebody waits for something to be written.
    asked: Notify,
    is_serving: AtomicBool,
    /// Whether the sweep has more to do than one hold of the lock may.
    is_behind: AtomicBool,
    /// Taken inside the state's lock.
    turns: Mutex<Turns>,
    /// What commands may still say in this second.
    lines: OfASecond,
}

impl Registry {
    /// A registry around a loaded state.
    pub fn new(
        state: State,
        clock: Arc<dyn Clock>,
        history: History,
        max_instances: usize,
        storage_wait: Span,
    ) -> Self {
        Self {
            changed: watch::Sender::new(state.waking_change()),
            state: Mutex::new(state),
            clock,
            max_instances,
            storage_wait,
            history,
            history_turns: Semaphore::new(MAX_HISTORY_READERS),
            stored: Stored::default(),
            nudge: Notify::new(),
            asked: Notify::new(),
            is_serving: AtomicBool::new(false),
            is_behind: AtomicBool::new(false),
            turns: Mutex::default(),
            lines: OfASecond::default(),
        }
    }

    /// The clock that the registry reads.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// One command: the lock is taken, the clock is read, and what the command left behind is
    /// told to the store, to readers and to the log after unlocking.
    pub(crate) fn hold<T>(&self, command: impl FnOnce(&mut State, Moment) -> T) -> T {
        let mut lines = self.lines.of_a_command();
        let result = self.hold_and_log(&mut lines, command, |state| drop(state));
        self.lines.note(&lines);
        result
    }

    /// The same as a part of something for which all `lines` are.
    fn hold_and_log<T>(
        &self,
        lines: &mut Lines,
        command: impl FnOnce(&mut State, Moment) -> T,
        unlock: impl FnOnce(MutexGuard<'_, State>),
    ) -> T {
        let mut state = self.state.lock();
        let now = self.clock.now();
        let (revision, waking) = (state.revision(), state.waking_change());
        let result = command(&mut state, now);
        let wants_store = state.wants_store();
        let is_asked = 0 < state.waiting(List::Urgent);
        let is_changed = waking != state.waking_change();
        let waking = state.waking_change();
        let recorded = state.revision() - revision;
        let events = if recorded == 0 {
            Vec::new()
        } else {
            state.recorded_since(revision, lines.left())
        };
        unlock(state);
        if wants_store {
            self.nudge.notify_one();
        }
        if is_asked {
            self.asked.notify_one();
        }
        if is_changed {
            self.changed.send_replace(waking);
        }
        lines.add(&events, recorded);
        result
    }

    /// Judges everything again now; the answer is the whole list.
    pub async fn refresh_all(self: &Arc<Self>) -> Listing {
        while self.hold(State::look) {
            tokio::task::yield_now().await;
        }
        self.list_all()
    }

    /// What changed since `cursor`, which waits for up to `wait` for something worth telling.
    /// A cursor that cannot be used gets the whole list.
    pub async fn delta(self: &Arc<Self>, cursor: &str, wait: Option<Span>) -> Listing {
        let Some(cursor) = Cursor::parse(cursor) else {
            return self.list_all();
        };
        if let Some(wait) = wait {
            self.until_changed(&cursor, wait).await;
        }
        self.list_changes(&cursor)
    }

    /// Whether the daemon serves: false until everything is loaded and while it stops.
    pub fn is_ready(&self) -> bool {
        self.is_serving.load(Ordering::Acquire)
    }

    /// Whether more is due than the sweep has come to yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }

    /// From now on the daemon serves.
    pub(crate) fn start_serving(&self) {
        self.hold(State::listen);
        self.is_serving.store(true, Ordering::Release);
    }

    /// The daemon stops: who waits for a change is answered.
    pub(crate) fn stop_serving(&self) {
        self.is_serving.store(false, Ordering::Release);
        self.changed.send_modify(|_| {});
        self.lines.end();
    }

    /// Acts on every deadline that is due, in small holds, and leaves the worker to others in
    /// between (ADR 0019). Says when to look again.
    pub(crate) async fn sweep(&self) -> Mono {
        let mut lines = Lines::default();
        let begin = |state: &mut State, now: Moment| {
            self.turns.lock().begin(now.mono, state.heartbeats());
        };
        let one_hold = |state: &mut State, now: Moment| {
            let is_behind = state.sweep(now);
            // In the hold: the store, which is nudged behind it, looks at it.
            self.is_behind.store(is_behind, Ordering::Relaxed);
            is_behind.then(|| match state.only_marks_for(READERS_FIRST) {
                Some(span) => Left::Marks(now.mono, span),
                None => Left::Due(self.turns.lock().next(now.mono, state.heartbeats())),
            })
        };
        self.hold(begin);
        let mut marks_from = None;
        // Who waits for the lock has it next: given back as usual, the sweep has it again before
        // they wake.
        while let Some(left) =
            self.hold_and_log(&mut lines, one_hold, |state| MutexGuard::unlock_fair(state))
        {
            match left {
                Left::Due(Next::Hold) => {}
                Left::Due(Next::Rest(rest)) => self.rest(rest).await,
                Left::Marks(now, span)
                    if now < *marks_from.get_or_insert(now.plus(READERS_FIRST)) =>
                {
                    self.rest(span).await;
                }
                Left::Due(Next::Others) | Left::Marks(..) => tokio::task::yield_now().await,
            }
        }
        lines.end();
        let until_due = self.state.lock().until_due();
        let sleep = until_due.map_or(MAX_SLEEP, |span| span.min(MAX_SLEEP));
        let now = self.clock.now().mono;
        self.lines.begin_next(now);
        now.plus(sleep)
    }

    async fn rest(&self, span: Span) {
        let until = self.clock.now().mono.plus(span);
        self.clock.sleep_until(until).await;
    }

    /// Lets a notice of this kind stand until it is set again, or takes it away.
    pub(crate) fn set_notice(&self, kind: &str, said: Option<(NoticeLevel, String)>) {
        self.hold(|state, now| state.set_notice(kind, said, now));
    }

    /// Everything up to this urgent number is stored: who waits for it is answered.
    pub(crate) fn publish(&self, urgent: u64) {
        self.hold(|state, _| state.publish(urgent));
        self.stored.publish(urgent);
    }

    /// Ends when something wants to be written.
    pub(crate) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Ends when somebody waits for something to be written.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    async fn until_changed(&self, cursor: &Cursor, wait: Span) {
        let mut changed = self.changed.subscribe();
        let deadline = self.clock.now().mono.plus(wait);
        loop {
            let wakes = self.hold(|state, now| {
                state.look(now);
                state.wakes(cursor)
            });
            if wakes || !self.is_ready() {
                return;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = self.clock.sleep_until(deadline) => return,
            }
        }
    }
}
