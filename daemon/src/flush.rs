//! The store's loop: writes what is dirty and publishes how far it got (ADR 0003).
//!
//! It runs on a thread of its own, so that nothing else ever waits for the disk. Urgent rows come
//! first and are looked at again between all other chunks; a failed chunk is put back as places,
//! never as values, and is tried again. What becomes of the file meanwhile is seen to in [`mod@file`],
//! the time left to others in [`mod@rest`], the last pass in [`mod@stop`], trouble in
//! [`mod@trouble`].

mod file;
mod rest;
mod stop;
mod trouble;

use std::sync::Arc;

use lastbeat_proto::{Span, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::watch;

use self::rest::Rest;
use crate::clock::Mono;
use crate::registry::Registry;
use crate::state::dirty::{Copied, EVENTS_CHUNK, List, MAX_COPIED};
use crate::state::{Place, State};
use crate::store::{Keep, Store, StoreError};

/// Urgent rows of one transaction.
const URGENT_CHUNK: usize = 1_024;
/// Lazy rows of one transaction: large enough to pay for its fsync, small enough that a
/// registration behind it waits a few milliseconds only.
const LAZY_CHUNK: usize = 512;
/// Heartbeats of one transaction, for the same reasons: they are written three times as fast.
const BEATS_CHUNK: usize = 4_096;
/// How soon a store that cannot write is tried again.
const RETRY: Span = Span::from_micros(500_000);
/// How often listening time is stored while nobody is registered.
const IDLE_FLUSH: Span = Span::from_secs(30);
/// How often old events are looked for.
const PRUNE: Span = Span::from_secs(60);

/// The store's loop.
#[derive(Debug)]
pub struct Flush {
    registry: Arc<Registry>,
    store: Store,
    interval: Span,
    next_beats: Mono,
    next_idle: Mono,
    next_check: Mono,
    next_prune: Mono,
    /// Since when writing fails.
    trouble: Option<Timestamp>,
    /// Kinds of notices about the file that stand already.
    told: Vec<&'static str>,
    /// How it rests in a storm; absent while nobody else runs.
    rest: Option<Rest>,
}

impl Flush {
    /// A loop that writes heartbeats every `interval`.
    pub fn new(registry: Arc<Registry>, store: Store, interval: Span) -> Self {
        let now = registry.clock().now().mono;
        Self {
            registry,
            store,
            interval,
            next_beats: now.plus(interval),
            next_idle: now.plus(interval),
            next_check: now.plus(file::CHECK),
            next_prune: now.plus(PRUNE),
            trouble: None,
            told: Vec::new(),
            rest: None,
        }
    }

    /// Writes until `stop` says so, and then once more, marking the stop as clean. False when the
    /// disk did not take everything in the time a stop may take.
    ///
    /// # Errors
    /// [`StoreError::Defect`] only: trouble with the disk is waited out.
    pub fn run(
        mut self,
        runtime: &Handle,
        mut stop: watch::Receiver<bool>,
    ) -> Result<bool, StoreError> {
        self.rest = Some(Rest {
            runtime: runtime.clone(),
            stop: stop.clone(),
        });
        while !*stop.borrow_and_update() {
            let registry = Arc::clone(&self.registry);
            let wake = self.next_wake();
            // Nothing is tried before its time while the disk is in trouble, whoever asks for it.
            let is_well = self.trouble.is_none();
            let is_stopping_side_gone = runtime.block_on(async {
                tokio::select! {
                    () = registry.clock().sleep_until(wake) => false,
                    () = registry.nudged(), if is_well => false,
                    changed = stop.changed() => changed.is_err(),
                }
            });
            if is_stopping_side_gone {
                break;
            }
            self.pass()?;
        }
        self.rest = None;
        self.stop(runtime)
    }

    /// Writes everything that should be written now.
    ///
    /// # Errors
    /// [`StoreError::Defect`] only.
    pub fn pass(&mut self) -> Result<(), StoreError> {
        let result = self.try_pass();
        self.note(result)
    }

    fn next_wake(&self) -> Mono {
        if self.trouble.is_some() {
            return self.now().plus(RETRY);
        }
        self.next_beats.min(self.next_check)
    }

    fn now(&self) -> Mono {
        self.registry.clock().now().mono
    }

    fn try_pass(&mut self) -> Result<(), StoreError> {
        self.check_file()?;
        self.write_urgent()?;
        self.write_lazy()?;
        if self.next_beats <= self.now() {
            // Those that fail are due still: a try without them would find nothing to complain of.
            let next = self.now().plus(self.interval);
            self.write_beats()?;
            self.next_beats = next;
        }
        if self.next_idle <= self.now() {
            self.write(List::Lazy, &[])?;
        }
        self.prune()
    }

    fn write_urgent(&mut self) -> Result<(), StoreError> {
        let (number, places) = self.registry.hold(|state, _| state.take_urgent());
        self.write_chunks(List::Urgent, &places)?;
        if !places.is_empty() && !self.store.is_in_place() {
            // They stand in a file that nobody finds any more, and are answered for when they
            // stand in the one that takes its place.
            self.look_at_file_now();
            self.check_file()?;
        }
        self.registry.publish(number);
        Ok(())
    }

    /// Writes what stands on the lazy list when the sweep is done; what comes meanwhile is the next pass's,
    /// so that heartbeats have their turn however busy the registry is.
    fn write_lazy(&mut self) -> Result<(), StoreError> {
        self.let_sweep_pass()?;
        // Events of urgent rows are stored with these: a transaction of their own would only keep
        // waiting who waits for the rows.
        let events_left = |state: &State| {
            let with_urgent = state.waiting(List::Urgent);
            state.unwritten_events().saturating_sub(with_urgent)
        };
        let registry = Arc::clone(&self.registry);
        let (mut rows, mut events) =
            registry.hold(|state, _| (state.waiting(List::Lazy), events_left(state)));
        self.put_in_order(List::Lazy, LAZY_CHUNK);
        while 0 < rows || 0 < events {
            let began = self.now();
            let chunk = rows.min(LAZY_CHUNK);
            let places = self.registry.hold(|state, _| state.take(List::Lazy, chunk));
            self.write(List::Lazy, &places)?;
            rows -= chunk;
            self.write_waiting()?;
            let left = registry.hold(|state, _| events_left(state));
            events = events.saturating_sub(EVENTS_CHUNK).min(left);
            if 0 < rows || 0 < events {
                self.rest(began)?;
            }
        }
        Ok(())
    }

    fn write_beats(&mut self) -> Result<(), StoreError> {
        let mut left = self.registry.hold(|state, _| state.waiting(List::Beats));
        self.put_in_order(List::Beats, BEATS_CHUNK);
        while 0 < left {
            let chunk = left.min(BEATS_CHUNK);
            let places = self
                .registry
                .hold(|state, _| state.take(List::Beats, chunk));
            self.write(List::Beats, &places)?;
            self.write_waiting()?;
            left -= chunk;
        }
        Ok(())
    }

    /// A list of more than a chunk is written in the order of the file, so that a chunk changes few
    /// pages: in the order in which they came up, each row would dirty its own. It is put in order
    /// while nobody waits for it.
    fn put_in_order(&self, list: List, chunk: usize) {
        let is_long = self.registry.hold(|state, _| chunk < state.waiting(list));
        if is_long {
            let mut places = self.registry.hold(|state, _| state.take_whole(list));
            places.make_contiguous().sort_unstable();
            self.registry
                .hold(|state, _| state.put_in_order(list, places));
        }
    }

    /// Between two chunks: whoever waits comes first.
    fn write_waiting(&mut self) -> Result<(), StoreError> {
        let is_urgent = self
            .registry
            .hold(|state, _| 0 < state.waiting(List::Urgent));
        if is_urgent {
            self.write_urgent()
        } else {
            Ok(())
        }
    }

    /// Writes places in transactions of [`URGENT_CHUNK`]; what was not written is put back.
    fn write_chunks(&mut self, list: List, places: &[Place]) -> Result<(), StoreError> {
        let mut written = 0;
        for chunk in places.chunks(URGENT_CHUNK) {
            if let Err(error) = self.write(list, chunk) {
                let behind = places.get(written + chunk.len()..).unwrap_or_default();
                self.registry.hold(|state, _| state.give_back(list, behind));
                return Err(error);
            }
            written += chunk.len();
        }
        Ok(())
    }

    /// One transaction: values are copied now, in small holds, and put back when it fails.
    fn write(&mut self, list: List, places: &[Place]) -> Result<(), StoreError> {
        let mut copied = Copied::default();
        for chunk in places.chunks(MAX_COPIED) {
            self.registry
                .hold(|state, _| state.copy(list, chunk, &mut copied));
        }
        self.registry.hold(|state, _| {
            let events = match list {
                // What a storm left behind must not hold up who waits.
                List::Urgent if EVENTS_CHUNK < state.unwritten_events() => places.len(),
                List::Urgent | List::Lazy | List::Beats => EVENTS_CHUNK,
            };
            state.copy_history(events, &mut copied);
        });
        if let Err(error) = self.store.write(&copied.batch) {
            self.registry.hold(|state, _| state.put_back(list, places));
            return Err(error);
        }
        self.registry.hold(|state, _| state.written(&copied));
        self.registry.hold(State::note_write);
        self.next_idle = self.now().plus(self.idle_interval());
        Ok(())
    }

    fn idle_interval(&self) -> Span {
        let total = self.registry.hold(|state, _| state.summary().total);
        if total == 0 {
            self.interval.max(IDLE_FLUSH)
        } else {
            self.interval
        }
    }

    fn prune(&mut self) -> Result<(), StoreError> {
        let now = self.registry.clock().now();
        if now.mono < self.next_prune {
            return Ok(());
        }
        let listened = self.registry.hold(|state, _| state.listened());
        let has_more = self.store.tidy(&Keep::LIMITS, listened)?;
        self.next_prune = now.mono.plus(if has_more { self.interval } else { PRUNE });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
