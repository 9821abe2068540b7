//! Golden timelines of liveness: what happens when, down to the microsecond, across restarts,
//! crashes, stalls and steps of the wall clock. The timelines are data, in `timelines/*.toml`.

use lastbeat_proto::{Span, Status};

use crate::world::{Seen, WALL_START_US, World};

#[derive(serde::Deserialize)]
struct File {
    timeline: Vec<Timeline>,
}

#[derive(serde::Deserialize)]
struct Timeline {
    /// What it shows, as a sentence.
    name: String,
    /// `<seconds> <what> [<whom>] [key=value …]`, by rising time.
    steps: Vec<String>,
    /// `<seconds> <whom> <UP|LATE|DOWN|GONE> [key=value …]`.
    expect: Vec<String>,
    /// Whole histories at the end: `<whom>: <kind>@<seconds> …`, or kinds alone.
    #[serde(default)]
    history: Vec<String>,
}

/// A line of a timeline, taken apart.
struct Line<'line> {
    at_us: i64,
    words: Vec<&'line str>,
    pairs: Vec<(&'line str, &'line str)>,
}

#[test]
fn every_timeline_comes_out_to_the_microsecond() {
    let file: File = toml::from_str(include_str!("timelines/liveness.toml")).unwrap();
    assert!(15 <= file.timeline.len());
    for timeline in &file.timeline {
        play(timeline);
    }
}

fn play(timeline: &Timeline) {
    let mut world = World::new();
    let mut kept = 0;
    let mut lines: Vec<(Line<'_>, bool, &str)> = Vec::new();
    for text in &timeline.steps {
        lines.extend(
            expand(text)
                .into_iter()
                .map(|line| (line, false, text.as_str())),
        );
    }
    for text in &timeline.expect {
        lines.push((parse(text), true, text));
    }
    // At one moment steps come before what is expected of them.
    lines.sort_by_key(|(line, is_expectation, _)| (line.at_us, *is_expectation));
    let mut next_keep_us = 0;
    for (line, is_expectation, text) in lines {
        while 0 < kept && next_keep_us <= line.at_us {
            world.run_until(next_keep_us);
            beat_all(&mut world, kept);
            next_keep_us += 20_000_000;
        }
        world.run_until(line.at_us);
        let context = format!("{}: {text}", timeline.name);
        if is_expectation {
            expect(&mut world, &line, &context);
        } else if line.words[0] == "keep" {
            kept = line.words[1].parse().unwrap();
            beat_all(&mut world, kept);
            next_keep_us = line.at_us + 20_000_000;
        } else if line.words[0] == "fall" {
            kept = 0;
        } else {
            act(&mut world, &line, &context);
        }
    }
    for text in &timeline.history {
        check_history(&mut world, text, &timeline.name);
    }
}

fn beat_all(world: &mut World, count: usize) {
    for index in 1..=count {
        world.register(&format!("v{index}"), None).unwrap();
    }
}

fn act(world: &mut World, line: &Line<'_>, context: &str) {
    let whom = line.words.get(1).copied().unwrap_or_default();
    let ttl = line
        .pair("ttl")
        .map(|s| Span::from_secs(s.parse().unwrap()));
    let heard = match line.words[0] {
        verb @ ("start" | "stop" | "kill" | "stall" | "step-wall") => {
            disturb(world, verb, whom);
            Ok(())
        }
        "beat" => world.register(whom, ttl),
        "ping" => world.heartbeat(whom),
        "bye" => world.deregister(whom),
        other => panic!("{context}: no such step {other}"),
    };
    let is_refused = line.pair("refused").is_some();
    assert_eq!(heard.is_err(), is_refused, "{context}: {heard:?}");
}

/// What happens to the daemon itself.
fn disturb(world: &mut World, verb: &str, seconds: &str) {
    match verb {
        "start" => world.start(),
        "stop" => world.stop(),
        "kill" => world.kill(),
        "stall" => world.stall(micros(seconds)),
        _ => world.wall_steps_us += micros(seconds),
    }
}

fn expect(world: &mut World, line: &Line<'_>, context: &str) {
    let (whom, state) = (line.words[0], line.words[1]);
    let seen = world.see(whom);
    let (status, since, first, heard, confirmed) = match &seen {
        Seen::Registered(row) => {
            let status = if row.late { "LATE" } else { row.status.word() };
            (
                status,
                row.since,
                row.first_seen,
                row.last_heartbeat,
                row.confirmed,
            )
        }
        Seen::Gone(stone) => (
            Status::Gone.word(),
            stone.since,
            stone.first_seen,
            stone.last_heartbeat,
            true,
        ),
        Seen::Nowhere => panic!("{context}: nowhere"),
    };
    // UP says nothing of late unless it is asked for.
    let status = if state == "UP" && status == "LATE" && line.pair("late").is_none() {
        "UP"
    } else {
        status
    };
    assert_eq!(status, state, "{context}: {seen:?}");
    for (key, shown) in [("since", since), ("first", first), ("heard", heard)] {
        if let Some(expected) = line.pair(key) {
            let shown_us = shown.as_micros() - WALL_START_US;
            assert_eq!(shown_us, micros(expected), "{context}: {key}: {seen:?}");
        }
    }
    if let Some(expected) = line.pair("confirmed") {
        assert_eq!(confirmed.to_string(), expected, "{context}: {seen:?}");
    }
}

fn check_history(world: &mut World, text: &str, name: &str) {
    let (whom, expected) = text.split_once(": ").unwrap();
    let history = world.history(whom);
    let expected: Vec<&str> = expected.split(' ').collect();
    let kinds: Vec<&str> = history.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected_kinds: Vec<&str> = expected
        .iter()
        .map(|event| event.split('@').next().unwrap())
        .collect();
    assert_eq!(kinds, expected_kinds, "{name}: {text}");
    for ((_, at_us), event) in history.iter().zip(&expected) {
        if let Some((_, at)) = event.split_once('@') {
            assert_eq!(*at_us, micros(at), "{name}: {event}");
        }
    }
}

/// A step, or the many steps of `crash-loop COUNT up=SECONDS off=SECONDS`.
fn expand(text: &str) -> Vec<Line<'_>> {
    let line = parse(text);
    if line.words[0] != "crash-loop" {
        return vec![line];
    }
    let count: i64 = line.words[1].parse().unwrap();
    let (up_us, off_us) = (
        micros(line.pair("up").unwrap()),
        micros(line.pair("off").unwrap()),
    );
    let mut lines = Vec::new();
    for round in 0..count {
        let begin_us = line.at_us + round * (up_us + off_us);
        lines.push(Line {
            at_us: begin_us + up_us,
            words: vec!["kill"],
            pairs: Vec::new(),
        });
        let back_us = begin_us + up_us + off_us;
        lines.push(Line {
            at_us: back_us,
            words: vec!["start"],
            pairs: Vec::new(),
        });
    }
    lines
}

fn parse(text: &str) -> Line<'_> {
    let mut parts = text.split(' ');
    let at_us = micros(parts.next().unwrap());
    let (pairs, words): (Vec<&str>, Vec<&str>) = parts.partition(|part| part.contains('='));
    let pairs = pairs
        .into_iter()
        .filter_map(|pair| pair.split_once('='))
        .collect();
    Line {
        at_us,
        words,
        pairs,
    }
}

/// Seconds with up to six decimals, exactly.
fn micros(text: &str) -> i64 {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i64 = whole.parse().unwrap();
    let fraction: i64 = format!("{fraction:0<6}").parse().unwrap();
    sign * (whole * 1_000_000 + fraction)
}

impl Line<'_> {
    fn pair(&self, key: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(found, _)| *found == key)
            .map(|(_, value)| *value)
    }
}
