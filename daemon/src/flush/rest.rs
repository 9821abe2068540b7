//! In a storm the processors are left to others, but for those who wait.

use std::sync::Arc;

use lastbeat_proto::Span;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Flush;
use crate::clock::Mono;
use crate::store::StoreError;

/// The longest rest, so that a slow disk does not make a storm's rows wait twice.
const MAX_REST: Span = Span::from_micros(10_000);
/// How long the sweep goes first: as long as it needs for 100,000 rows and their marks where many
/// beat meanwhile (ADR 0019). Where it never catches up, rows are stored all the same.
pub(super) const SWEEP_FIRST: Span = Span::from_micros(1_000_000);

/// What a loop needs to rest.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    pub(super) runtime: Handle,
    pub(super) stop: watch::Receiver<bool>,
}

/// How a rest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rested {
    /// By its time.
    Out,
    /// Nobody rests any more.
    Stopped,
}

impl Flush {
    /// Rests as long as it worked, `since` then, and writes at once what somebody waits for. Nobody
    /// waits for the rows of a storm, and all who beat meanwhile want the processors.
    pub(super) fn rest(&mut self, since: Mono) -> Result<(), StoreError> {
        let now = self.now();
        let worked = Span::from_signed_micros(now.micros_since(since));
        self.rest_until(now.plus(worked.min(MAX_REST)))?;
        Ok(())
    }

    /// Rests as long as the sweep has more to do than fits into one hold, and no longer than
    /// [`SWEEP_FIRST`]: that somebody is DOWN is to be seen at once, and stored soon. By then there
    /// are more of them, and in the order of the file each is cheaper.
    pub(super) fn let_sweep_pass(&mut self) -> Result<(), StoreError> {
        let latest = self.now().plus(SWEEP_FIRST);
        while self.registry.is_behind() && self.now() < latest {
            let until = self.now().plus(MAX_REST);
            if self.rest_until(until)? == Rested::Stopped {
                break;
            }
        }
        Ok(())
    }

    /// Rests, and writes at once what somebody waits for.
    fn rest_until(&mut self, until: Mono) -> Result<Rested, StoreError> {
        let Some(Rest { runtime, mut stop }) = self.rest.clone() else {
            return Ok(Rested::Stopped);
        };
        loop {
            let registry = Arc::clone(&self.registry);
            let rested = runtime.block_on(async {
                tokio::select! {
                    () = registry.clock().sleep_until(until) => Some(Rested::Out),
                    () = registry.asked() => None,
                    // An error means that the stopping side is gone: the same.
                    _ = stop.wait_for(|stop| *stop) => Some(Rested::Stopped),
                }
            });
            match rested {
                Some(rested) => return Ok(rested),
                None => self.write_waiting()?,
            }
        }
    }
}
