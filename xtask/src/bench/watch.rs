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
    let answers = bench.runtime.block_on(async {
        let beating = tokio::spawn(async move { beats.run().await });
        let answers = changes(address, Instant::now() + rest, silent).await?;
        // Who watches is done before those who beat, mostly.
        beating.abort();
        if let Ok(beaten) = beating.await {
            beaten?;
        }
        anyhow::Ok(answers)
    })?;
    let mut seen = HashMap::new();
    for (came, body) in answers {
        let answer: Answer<'_> = serde_json::from_slice(&body)?;
        for row in { answer.services.iter() }.filter(|row| row.is_silent()) {
            let deadline_us = Timestamp::parse(row.since)?.as_micros();
            let late = Late {
                deadline_us,
                by_us: micros(came)? - deadline_us,
            };
            seen.entry(row.name.to_owned()).or_insert(late);
        }
    }
    let count = u64::try_from(seen.len())?;
    ensure!(
        count == silent,
        "{silent} fell silent, and {count} were seen to be DOWN"
    );
    Ok(seen.into_values().collect())
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

/// Answers with what changed, and when each was there; until all silent ones are DOWN.
async fn changes(
    daemon: SocketAddr,
    until: Instant,
    silent: u64,
) -> Result<Vec<(SystemTime, Vec<u8>)>> {
    let mut connection = Connection::new(daemon, Wire::Http);
    let ask = |path: &str| {
        let mut request = Vec::new();
        requests::get(path)(0, &mut request);
        request
    };
    connection.ask(&ask("/services?size=1")).await?;
    let mut answers: Vec<(SystemTime, Vec<u8>)> = Vec::new();
    let mut body = connection.body()?;
    loop {
        let head = body.get(..HEAD_BYTES).unwrap_or(&body);
        let head = String::from_utf8_lossy(head);
        let down = text_after(&head, "\"down\":", [',', '}']);
        let down: u64 = down.context("an answer without its counts")?.parse()?;
        if silent <= down || until < Instant::now() {
            return Ok(answers);
        }
        let cursor = text_after(&head, "\"cursor\":\"", ['"', '"']);
        let cursor = cursor.context("an answer without a cursor")?;
        let request = ask(&format!("/services?since={cursor}&wait=1s"));
        connection.ask(&request).await?;
        let came = SystemTime::now();
        body = connection.body()?;
        answers.push((came, body.clone()));
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
