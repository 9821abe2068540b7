//! Instances of a registry that is measured: registered fast, and counted.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::load::{Load, Request, Until};
use super::server::Server;
use super::{Bench, requests};
use crate::http;

/// How many register at once; each waits for the disk.
pub(super) const REGISTRARS: usize = 256;

/// Registers the first `count` instances with the daemon's own ttl.
///
/// # Errors
/// When one is refused.
pub(super) fn register(bench: &Bench, daemon: &Server, count: u64) -> Result<()> {
    register_as(bench, daemon, count, requests::registrations(0))
}

/// Registers `count` instances by such requests.
///
/// # Errors
/// When one is refused, or the registry holds not as many more as were registered.
pub(super) fn register_as(
    bench: &Bench,
    daemon: &Server,
    count: u64,
    request: Request,
) -> Result<()> {
    let before = summary(daemon.address, "total")?;
    let load = Load::closed(daemon.address, REGISTRARS, Until::Count(count), request);
    bench.load(&load)?;
    let total = summary(daemon.address, "total")?;
    ensure!(
        total == before + count,
        "{count} instances were registered beside {before}, and the registry holds {total}"
    );
    Ok(())
}

/// A number of the registry's summary.
///
/// # Errors
/// When the daemon does not say it.
pub(super) fn summary(daemon: SocketAddr, key: &str) -> Result<u64> {
    let list = http::ask(daemon, "GET", "/services?size=1", &Value::Null)?;
    let number = list.pointer(&format!("/summary/{key}"));
    number
        .and_then(Value::as_u64)
        .with_context(|| format!("the list has no summary of {key}"))
}
