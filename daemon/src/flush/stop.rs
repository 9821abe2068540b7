//! The end of the store's loop: everything that waits is written, and the end of the run behind it.

use std::sync::Arc;

use tokio::runtime::Handle;
use tracing::error;

use super::{Flush, RETRY};
use crate::state::State;
use crate::state::dirty::{Copied, EVENTS_CHUNK};
use crate::store::StoreError;

/// How often a stop tries to store everything, [`RETRY`] apart.
const STOP_ATTEMPTS: usize = 5;

impl Flush {
    /// Writes everything that waits, for a few tries, and marks the stop as clean if it could.
    pub(super) fn stop(mut self, runtime: &Handle) -> Result<bool, StoreError> {
        while self.registry.hold(State::sweep) {}
        for attempt in 0..STOP_ATTEMPTS {
            if 0 < attempt {
                let clock = Arc::clone(self.registry.clock());
                runtime.block_on(clock.sleep_until(self.now().plus(RETRY)));
            }
            self.next_beats = self.now();
            self.look_at_file_now();
            self.pass()?;
            let is_written = self.registry.hold(|state, _| state.waiting_to_store() == 0);
            if self.trouble.is_none() && is_written {
                break;
            }
        }
        let waiting = self.registry.hold(|state, _| state.waiting_to_store());
        if 0 < waiting {
            error!(
                store.waiting = waiting,
                "{waiting} rows and events could not be stored"
            );
            return Ok(false);
        }
        let is_stored = self.trouble.is_none() && self.write_end()?;
        if is_stored {
            self.store.close();
        } else {
            error!("the end of this run could not be stored; the next start takes it for a crash");
        }
        Ok(is_stored)
    }

    /// Marks the stop as clean, in a file that is at its path also afterwards.
    fn write_end(&mut self) -> Result<bool, StoreError> {
        for _ in 0..STOP_ATTEMPTS {
            let mut last = Copied::default();
            self.registry.hold(|state, now| {
                state.read_clock(now);
                state.copy_history(EVENTS_CHUNK, &mut last);
            });
            last.batch.is_clean_stop = true;
            let result = self.store.write(&last.batch);
            self.note(result)?;
            if self.trouble.is_some() {
                return Ok(false);
            }
            if self.store.is_in_place() {
                return Ok(true);
            }
            self.look_at_file_now();
            self.pass()?;
        }
        Ok(false)
    }
}
