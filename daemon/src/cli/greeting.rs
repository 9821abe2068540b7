//! The first lines of a daemon that serves: where it listens, which database it has, how to open it.

use tokio::net::TcpListener;
use tracing::info;

use super::console::tell;
use crate::Daemon;
use crate::config::LogFormat;

/// The addresses that are listened on, as they are opened.
pub(super) fn urls(scheme: &str, listeners: &[TcpListener]) -> Vec<String> {
    listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .map(|address| format!("{scheme}://{address}"))
        .collect()
}

/// Says where everything is: for people on the terminal, for machines in the log.
pub(super) fn announce(daemon: &Daemon, urls: &[String], format: LogFormat) {
    let summary = daemon.registry().summary();
    let db = daemon.db().display();
    let first = urls.first().map(String::as_str).unwrap_or_default();
    match format {
        LogFormat::Text => {
            for url in urls {
                tell(&format!("listening on {url}\n"));
            }
            tell(&format!(
                "database {db} holds {} instances\n\
                 open {first} in a browser, or the terminal client with: lastbeat --url {first}\n\
                 (in a checkout: cargo run --release -p lastbeat -- --url {first})\n",
                summary.total
            ));
        }
        LogFormat::Json => {
            for url in urls {
                info!(server.url = %url, "listening on {url}");
            }
            info!(store.path = %db, store.instances = summary.total, "database {db} opened");
        }
    }
}
