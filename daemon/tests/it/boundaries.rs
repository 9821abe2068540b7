//! The edges of liveness through the whole daemon: one microsecond before, on and behind each, by
//! every way to ask.

use lastbeat_proto::Span;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::world::WALL_START_US;

const SECOND_US: i64 = 1_000_000;

/// Every way to ask how `name` is, and what it answers: in the list, alone, refreshed, on the
/// page.
async fn ways(daemon: &Daemon, name: &str) -> [(&'static str, Option<String>); 4] {
    let word = |row: &Value| {
        let is_late = row["late"] == true;
        let status = row["status"].as_str().unwrap();
        if is_late { "LATE" } else { status }.to_owned()
    };
    let rows = daemon.rows().await;
    let listed = rows.iter().find(|row| row["name"] == name).map(word);
    let path = format!("/services/{name}");
    let alone = daemon.send("GET", &path, "").await;
    let alone = (alone.status == 200).then(|| word(&alone.json()["instances"][0]));
    let refreshed = daemon.send("POST", &format!("/refresh/{name}"), "").await;
    let refreshed = (refreshed.status == 200).then(|| word(&refreshed.json()["instances"][0]));
    let page = daemon.send("GET", "/", "").await.text();
    [
        ("the list", listed),
        ("alone", alone),
        ("refreshed", refreshed),
        ("the page", on_the_page(&page, name)),
    ]
}

/// The word of a row of the dashboard's table.
fn on_the_page(page: &str, name: &str) -> Option<String> {
    let link = format!(">{name}</a>");
    let row = page
        .split("<tr")
        .skip(1)
        .filter_map(|rest| rest.split("</tr>").next())
        .find(|row| row.contains(&link))?;
    let (_, word) = row.split_once("</svg>")?;
    Some(word.split("</b>").next()?.to_owned())
}

async fn expect(daemon: &Daemon, name: &str, word: Option<&str>) {
    let at = daemon.registry.health().up_ms;
    for (way, seen) in ways(daemon, name).await {
        assert_eq!(seen.as_deref(), word, "{name}, {way}, {at} ms");
    }
}

#[tokio::test]
async fn every_way_to_ask_changes_its_answer_in_the_same_microsecond() {
    let daemon = Daemon::start();
    daemon.register("a", "192.0.2.1").await;
    // The edge of each change in seconds, with what is seen up to it and behind it.
    let edges = [
        (45, Some("UP"), Some("LATE")),
        (60, Some("LATE"), Some("DOWN")),
        (120, Some("DOWN"), None),
    ];
    for (second, before, behind) in edges {
        daemon.run_until(second * SECOND_US - 1);
        expect(&daemon, "a", before).await;
        daemon.run_until(second * SECOND_US);
        expect(&daemon, "a", before).await;
        daemon.run_until(second * SECOND_US + 1);
        expect(&daemon, "a", behind).await;
    }
}

#[tokio::test]
async fn a_heartbeat_on_the_edge_is_in_time_and_one_behind_it_ends_a_down() {
    let daemon = Daemon::start();
    let beats = [
        ("before", 60 * SECOND_US - 1, vec!["registered"]),
        ("edge", 60 * SECOND_US, vec!["registered"]),
        (
            "behind",
            60 * SECOND_US + 1,
            vec!["up", "down", "registered"],
        ),
    ];
    for (name, ..) in &beats {
        daemon.register(name, "192.0.2.1").await;
    }
    for (name, at_us, kinds) in beats {
        daemon.run_until(at_us);

        let answer = daemon.send("POST", &format!("/heartbeat/{name}"), "").await;

        let row = answer.json()["service"].clone();
        let is_back = name == "behind";
        let since_us = WALL_START_US + if is_back { at_us } else { 0 };
        let since = lastbeat_proto::Timestamp::from_micros(since_us).to_string();
        assert_eq!(
            (&row["status"], &row["late"], &row["since"]),
            (&json!("UP"), &json!(false), &json!(since)),
            "{name}"
        );
        let path = format!("/events?name={name}");
        let events = daemon.send("GET", &path, "").await.json();
        let events = events["events"].as_array().unwrap();
        let seen: Vec<&str> = events.iter().map(|e| e["kind"].as_str().unwrap()).collect();
        assert_eq!(seen, kinds, "{name}");
    }
}

impl Daemon {
    /// Lets time pass up to so many microseconds after the start, with a reading of the clock at
    /// least each 250 ms, as the sweep reads it.
    fn run_until(&self, until_us: i64) {
        let reading_us = 250_000;
        while self.passed_us() < until_us {
            let step_us = (until_us - self.passed_us()).min(reading_us);
            self.advance(Span::from_signed_micros(step_us));
            self.registry.health();
        }
    }
}

#[tokio::test]
async fn the_times_of_an_uptime_are_those_of_the_events_at_every_moment() {
    let daemon = Daemon::start();
    daemon.register("api", "192.0.2.10").await;

    for passed_ms in [1, 100, 249] {
        daemon.advance(Span::from_micros(passed_ms * 1_000));
        let uptime = daemon.send("GET", "/uptime/api", "").await.json();
        let events = daemon.send("GET", "/events?name=api", "").await.json();

        let day = uptime["service"]["day"].as_array().unwrap();
        assert_eq!(day.last().unwrap()["from"], events["events"][0]["at"]);
    }
}
