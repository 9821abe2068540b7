//! What a page may weigh: it is asked for over slow lines, and by many.

use bytes::Bytes;
use lastbeat_proto::answer::{Event, Row};
use lastbeat_proto::{EventKind, Status};

use super::tests::{NOW, UP_MS_NOW, event, overview, render, row};
use crate::http::coding;
use crate::registry::Overview;

/// A page of a hundred rows, as it is written.
const PAGE_BYTES: usize = 60_000;
/// The same as it is sent to who takes gzip.
const GZIPPED_BYTES: usize = 8_000;
/// What a browser asks for before the page stands: the page, style sheet, script and icon.
const REQUESTS: usize = 4;

/// Times that have nothing in common, as those of a real fleet.
struct Dice(u64);

impl Dice {
    /// A number below `limit`.
    fn roll(&mut self, limit: i64) -> i64 {
        // Knuth's MMIX generator; its high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A row that was heard `silent_us` ago and is in its state for up to three days.
fn heard(number: i64, silent_us: i64, dice: &mut Dice) -> Row {
    let address = format!("10.4.{}.{}", number / 50, number % 250);
    let site = ["eu-west", "us-east", "batch"];
    let mut tags = vec!["prod".to_owned()];
    if number % 3 == 0 {
        tags.push(site[usize::try_from(number / 3 % 3).unwrap()].to_owned());
    }
    Row {
        id: number + 1,
        port: Some(8080),
        instance: format!("{address}:8080"),
        tags,
        since: NOW.plus_micros(-1_000_000 * dice.roll(259_200)),
        last_heartbeat: NOW.plus_micros(-silent_us),
        heard_ms: UP_MS_NOW - silent_us / 1_000,
        due_ms: UP_MS_NOW + 60_000 - silent_us / 1_000,
        ..row(&format!("service-{number:04}"), &address)
    }
}

/// Three that are DOWN, two that are late, and as many as are missing to a hundred; twenty events.
fn hundred() -> Overview {
    let mut dice = Dice(1);
    let mut rows = Vec::new();
    for number in 0..100 {
        rows.push(match number {
            0..3 => Row {
                status: Status::Down,
                due_ms: UP_MS_NOW + 20_000 + number,
                ..heard(number, 90_000_000 + dice.roll(10_000_000), &mut dice)
            },
            3..5 => Row {
                late: true,
                ..heard(number, 45_000_000 + dice.roll(10_000_000), &mut dice)
            },
            _ => {
                let silent_us = dice.roll(20_000_000);
                heard(number, silent_us, &mut dice)
            }
        });
    }
    let mut seen = overview(rows);
    let mut at = NOW;
    for revision in (400..420).rev() {
        at = at.plus_micros(-dice.roll(600_000_000));
        let name = format!("service-{:04}", dice.roll(100));
        let kind = [EventKind::Down, EventKind::Up][usize::try_from(dice.roll(2)).unwrap()];
        let instance = format!("10.4.{}.{}:8080", dice.roll(4), dice.roll(250));
        seen.events.events.push(Event {
            at,
            instance: Some(instance),
            ..event(revision, kind, Some(&name))
        });
    }
    seen
}

#[tokio::test]
async fn a_page_of_a_hundred_rows_stays_small() {
    let page = render("/", hundred(), false);
    assert_eq!(page.matches("<tr").count(), 101);
    assert_eq!(page.matches("<li class=\"t-").count(), 20);

    let gzipped = coding::gzipped(&Bytes::from(page.clone())).await.len();

    assert!(page.len() <= PAGE_BYTES, "{} bytes as written", page.len());
    assert!(gzipped <= GZIPPED_BYTES, "{gzipped} bytes gzipped");
}

#[test]
fn a_page_is_four_requests() {
    let page = render("/", hundred(), false);

    let loads = |tag: &str| page.matches(tag).count();
    let loaded = 1 + loads("<link ") + loads("<script ") + loads("<img ") + loads("<iframe ");
    assert_eq!(loaded, REQUESTS, "{page}");
    // What a style sheet asks for by itself would be one more.
    let style = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/app.css"));
    assert!(!style.contains("url(") && !style.contains("@import"));
}
