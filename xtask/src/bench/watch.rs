//! How long after its deadline an instance is seen to be DOWN, by a client that waits for changes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use lastbeat_proto::Timestamp;
use serde::Deserialize;

use super::load::{Load, Until};
use super::server::Server;
use super::wire::{Connection, Wire};
use super::{Bench, float, requests};

/// The number of the first one that falls silent, and how its name begins.
pub(super) const SILENT: u64 = 5_000_000;
const SILENT_NAMES: &str = "service-5";
/// Heartbeats a second meanwhile, and over how many connections.
const BEATS_PER_SECOND: f64 = 5_000.0;
const BEAT_CONNECTIONS: usize = 32;
/// How long is watched behind the last deadline.
const BEHIND: Duration = Duration::from_secs(4);
/// The head of an answer stands before its rows and is shorter than this.
const HEAD_BYTES: usize = 8 << 10;

/// One that went DOWN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late {
    /// When it was due, on the wall.
    pub(super) deadline_us: i64,
    /// How much later it was seen.
    pub(super) by_us: i64,
}

impl Late {
    /// The same in ms.
    pub(super) fn by_ms(&self) -> f64 {
        float(self.by_us.unsigned_abs()) / 1_000.0
    }
}

/// Waits for changes as a client does, until all silent ones are DOWN, and says how late each was
/// seen, while `beating` others beat. The last deadline is at `last`.
///
/// # Errors
/// When one is not seen, or a request is not answered well.
pub(super) fn watch(
    bench: &Bench,
    daemon: &Server,
    (beating, silent): (u64, u64),
    last: SystemTime,
) -> Result<Vec<Late>> {
    let rest = last.duration_since(SystemTime::now()).unwrap_or_default() + BEHIND;
    let address = daemon.address;
    let beats = requests::heartbeats(beating);
    let beats = Load::closed(address, BEAT_CONNECTIONS, Until::Time(rest), beats);
    let beats = beats.open(BEATS_PER_SECOND);
    let mut answers: Vec<(SystemTime, Vec<u8>)> = Vec::new();
    bench.runtime.block_on(async {
        let beating = tokio::spawn(async move { beats.run().await });
        // They are read when nobody is measured any more.
        let keep = |came, body| answers.push((came, body));
        changes(address, Instant::now() + rest, silent, keep).await?;
        // Who watches is done before those who beat, mostly.
        beating.abort();
        if let Ok(beaten) = beating.await {
            beaten?;
        }
        anyhow::Ok(())
    })?;
    let mut seen = Seen::default();
    for (came, body) in answers {
        seen.read(came, &body)?;
    }
    seen.all_of(silent)
}

/// Those that were seen to be DOWN, each once.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<String, Late>);

impl Seen {
    /// Takes in an answer that came at this time.
    ///
    /// # Errors
    /// When it is no list of changes.
    pub(super) fn read(&mut self, came: SystemTime, body: &[u8]) -> Result<()> {
        let answer: Answer<'_> = serde_json::from_slice(body)?;
        for row in { answer.services.iter() }.filter(|row| row.is_silent()) {
            let deadline_us = Timestamp::parse(row.since)?.as_micros();
            let late = Late {
                deadline_us,
                by_us: micros(came)? - deadline_us,
            };
            self.0.entry(row.name.to_owned()).or_insert(late);
        }
        Ok(())
    }

    /// How late each was seen.
    ///
    /// # Errors
    /// When they are not so many.
    pub(super) fn all_of(self, silent: u64) -> Result<Vec<Late>> {
        let count = u64::try_from(self.0.len())?;
        ensure!(
            count == silent,
            "{silent} fell silent, and {count} were seen to be DOWN"
        );
        Ok(self.0.into_values().collect())
    }
}

fn micros(time: SystemTime) -> Result<i64> {
    Ok(i64::try_from(time.duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// The part of an answer that counts here.
#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    services: Vec<Row<'a>>,
}

#[derive(Debug, Deserialize)]
struct Row<'a> {
    name: &'a str,
    status: &'a str,
    since: &'a str,
}

impl Row<'_> {
    fn is_silent(&self) -> bool {
        self.status == "DOWN" && self.name.starts_with(SILENT_NAMES)
    }
}

/// Asks for what changed until all silent ones are DOWN, and hands each answer over with the time at
/// which all of it was there.
///
/// # Errors
/// When a request is not answered well.
pub(super) async fn changes(
    daemon: SocketAddr,
    until: Instant,
    silent: u64,
    mut take: impl FnMut(SystemTime, Vec<u8>),
) -> Result<()> {
    let mut connection = Connection::new(daemon, Wire::Http);
    let ask = |path: &str| {
        let mut request = Vec::new();
        requests::get(path)(0, &mut request);
        request
    };
    connection.ask(&ask("/services?size=1")).await?;
    let mut body = connection.body()?;
    loop {
        let head = body.get(..HEAD_BYTES).unwrap_or(&body);
        let head = String::from_utf8_lossy(head);
        let down = text_after(&head, "\"down\":", [',', '}']);
        let down: u64 = down.context("an answer without its counts")?.parse()?;
        if silent <= down || until < Instant::now() {
            return Ok(());
        }
        let cursor = text_after(&head, "\"cursor\":\"", ['"', '"']);
        let cursor = cursor.context("an answer without a cursor")?;
        let request = ask(&format!("/services?since={cursor}&wait=1s"));
        connection.ask(&request).await?;
        let came = SystemTime::now();
        body = connection.body()?;
        take(came, body.clone());
    }
}

/// What stands behind a key, up to one of these ends.
fn text_after<'a>(head: &'a str, key: &str, ends: [char; 2]) -> Option<&'a str> {
    let (_, rest) = head.split_once(key)?;
    rest.split(ends).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_cursor_are_found_in_the_head() {
        let head = r#"{"summary":{"total":3,"up":2,"down":1},"cursor":"a.1-2","services":["#;

        assert_eq!(text_after(head, "\"down\":", [',', '}']), Some("1"));
        assert_eq!(text_after(head, "\"cursor\":\"", ['"', '"']), Some("a.1-2"));
        assert_eq!(text_after(head, "\"gone\":", [',', '}']), None);
    }

    #[test]
    fn only_the_silent_that_are_down_count() {
        let row = |name, status| Row {
            name,
            status,
            since: "",
        };

        assert!(row("service-5000001", "DOWN").is_silent());
        assert!(!row("service-5000001", "UP").is_silent());
        assert!(!row("service-0000001", "DOWN").is_silent());
    }
}
