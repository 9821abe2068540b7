//! The original's database under the real program: the same in every time zone, nothing of the
//! old file touched, and soon.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Null;
use serde_json::{Value, json};

use crate::program::{Program, clock, command, until};
use crate::sample::{names, old_row, original};

/// West and east of Greenwich, one of them by half an hour, and there.
const ZONES: [&str; 3] = ["America/New_York", "Asia/Kolkata", "UTC"];
/// The longest that a start with ten thousand old rows may take.
const IMPORTED_WITHIN: Duration = Duration::from_secs(2);

fn start(dir: &Path, zone: &str) -> Program {
    let settings = [
        "--listen",
        "127.0.0.1:0",
        "--ttl",
        "2s",
        "--start-grace",
        "2s",
    ];
    let mut command = command(dir, &settings);
    command.args(["--remove-after", "60s"]).env("TZ", zone);
    Program::spawn(command)
}

/// What the original left after some years, among it what it should never have stored.
fn fill(path: &Path) {
    let connection = original(path);
    let times = [
        ("seconds", "2024-03-10 02:30:00"),
        ("micros", "2024-03-10 02:30:00.123456"),
        ("iso", "2024-03-10T02:30:00.5"),
        ("zulu", "2024-03-10T02:30:00Z"),
        ("offset", "2024-03-10T08:00:00+05:30"),
        ("future", "2199-01-01 00:00:00"),
        ("junk", "a while ago"),
    ];
    for (name, at) in times {
        old_row(&connection, &[&name, &"192.0.2.1", &"DOWN", &at]);
    }
    old_row(&connection, &[&"null", &"192.0.2.1", &"up?", &Null]);
    for at in ["2024-03-10 02:30:00", "2024-03-10 02:30:01"] {
        old_row(&connection, &[&"twice", &"192.0.2.7", &"UP", &at]);
    }
    let bytes = vec![0x66_u8, 0xff];
    old_row(&connection, &[&bytes, &"192.0.2.1", &"UP", &Null]);
    connection
        .execute_batch("insert into services (name, ip, status) values (cast(x'66ff' as text), '192.0.2.1', 'UP')")
        .unwrap();
    connection.close().unwrap();
}

/// What a row says that no time zone and no moment may change.
fn lasting(row: &Value) -> Value {
    let heard = row["last_heartbeat"].as_str().unwrap();
    let (_, fraction) = heard.split_once('.').unwrap();
    assert!(
        fraction.len() == "123456+00:00".len() && fraction.ends_with("+00:00"),
        "{heard}"
    );
    let is_old = heard.starts_with("2024");
    let heard = if is_old { heard } else { "the import" };
    json!([
        row["id"],
        row["name"],
        row["status"],
        row["confirmed"],
        heard
    ])
}

#[test]
fn the_originals_rows_are_the_same_in_every_time_zone() {
    let expected = |name: &str, id: u64, heard: &str| json!([id, name, "UP", false, heard]);
    let half_past_two = "2024-03-10T02:30:00.000000+00:00";
    let all = [
        expected("future", 6, "the import"),
        expected("iso", 3, "2024-03-10T02:30:00.500000+00:00"),
        expected("junk", 7, "the import"),
        expected("micros", 2, "2024-03-10T02:30:00.123456+00:00"),
        expected("null", 8, "the import"),
        expected("offset", 5, half_past_two),
        expected("seconds", 1, half_past_two),
        expected("twice", 10, "2024-03-10T02:30:01.000000+00:00"),
        expected("zulu", 4, half_past_two),
    ];
    std::thread::scope(|scope| {
        for zone in ZONES {
            let all = &all;
            scope.spawn(move || in_a_zone(zone, all));
        }
    });
}

fn in_a_zone(zone: &str, all: &[Value]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    fill(&path);
    let before = std::fs::read(&path).unwrap();

    let program = start(dir.path(), zone);

    let mut rows: Vec<Value> = program.rows().iter().map(lasting).collect();
    rows.sort_by_key(|row| row[1].as_str().unwrap().to_owned());
    assert_eq!(rows, all, "{zone}");
    let (_, health) = program.ask("GET", "/healthz", "");
    assert!(
        health
            .to_string()
            .contains("2 rows of the imported database"),
        "{health}"
    );
    assert_eq!(program.ask("POST", "/heartbeat/zulu", "").0, 200);
    let is_down = |name: &str| program.row(name).unwrap()["status"] == "DOWN";
    until("who does not beat is DOWN after one grace", || {
        is_down("seconds")
    });
    assert_eq!(program.stop(), Some(0));
    let kept = names(dir.path());
    let copies: Vec<_> = kept
        .iter()
        .filter(|name| name.contains(".original-"))
        .collect();
    assert_eq!(copies.len(), 1, "{kept:?}");
    assert_eq!(
        std::fs::read(dir.path().join(copies[0])).unwrap(),
        before,
        "{zone}"
    );

    let program = start(dir.path(), zone);

    assert_eq!(program.rows().len(), all.len());
    assert_eq!(program.row("seconds").unwrap()["status"], "DOWN");
    assert_eq!(program.stop(), Some(0));
    assert_eq!(names(dir.path()), kept, "the second start imports nothing");
}

#[test]
fn ten_thousand_rows_of_the_original_are_there_in_two_seconds() {
    // A machine that does other things at this moment may spoil one measurement.
    let took = (0..3).map(|_| importing_ten_thousand_rows()).min().unwrap();

    assert!(took < IMPORTED_WITHIN, "{took:?}");
}

/// How long a start with that many rows takes.
fn importing_ten_thousand_rows() -> Duration {
    let dir = tempfile::tempdir().unwrap();
    let connection = original(&dir.path().join("monitoring.db"));
    connection
        .execute_batch(
            "insert into services (name, ip, status, last_heartbeat)
             with recursive n(n) as (select 1 union all select n + 1 from n where n < 10000)
             select 'service-' || n, '192.0.2.1', 'UP', '2024-03-10 02:30:00' from n",
        )
        .unwrap();
    connection.close().unwrap();
    let began = clock();

    let program = start(dir.path(), "UTC");

    let took = began.elapsed();
    println!("10,000 rows: {took:?}");
    assert_eq!(program.rows().len(), 10_000);
    took
}
