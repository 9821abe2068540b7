//! The sweep: sleeps to the nearest deadline, at most 250 ms, and has it acted on.

use std::sync::Arc;

use tokio::sync::watch;

use crate::registry::Registry;

/// Sweeps until `stop` says so.
pub async fn run(registry: Arc<Registry>, mut stop: watch::Receiver<bool>) {
    loop {
        let next = registry.sweep().await;
        tokio::select! {
            () = registry.clock().sleep_until(next) => {}
            // An error means that the stopping side is gone: the same.
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
