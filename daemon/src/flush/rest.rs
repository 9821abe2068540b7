//! Between two chunks of a storm: the processors are left to others, but for those who wait.

use std::sync::Arc;

use lastbeat_proto::Span;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Flush;
use crate::clock::Mono;
use crate::store::StoreError;

/// The longest rest, so that a slow disk does not make a storm's rows wait twice.
const MAX_REST: Span = Span::from_micros(10_000);

/// What a loop needs to rest.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    pub(super) runtime: Handle,
    pub(super) stop: watch::Receiver<bool>,
}

impl Flush {
    /// Rests as long as it worked, `since` then, and writes at once what somebody waits for. Nobody
    /// waits for the rows of a storm, and all who beat meanwhile want the processors.
    pub(super) fn rest(&mut self, since: Mono) -> Result<(), StoreError> {
        let Some(Rest { runtime, mut stop }) = self.rest.clone() else {
            return Ok(());
        };
        let now = self.now();
        let worked = Span::from_signed_micros(now.micros_since(since));
        let until = now.plus(worked.min(MAX_REST));
        loop {
            let registry = Arc::clone(&self.registry);
            let is_asked = runtime.block_on(async {
                tokio::select! {
                    () = registry.clock().sleep_until(until) => false,
                    () = registry.asked() => true,
                    _ = stop.wait_for(|stop| *stop) => false,
                }
            });
            if !is_asked {
                return Ok(());
            }
            self.write_waiting()?;
        }
    }
}
