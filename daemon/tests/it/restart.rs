//! Restarts of the real program keep what is true: ids, first-seen, DOWN since when, UP until
//! heard or overdue.

use std::sync::{Arc, Barrier};

use serde_json::Value;

use crate::program::{Program, ask, until};

const FAST: [&str; 6] = ["--ttl", "2s", "--remove-after", "60s", "--flush", "100ms"];

fn same(before: &Value, after: &Value, keys: &[&str]) {
    for key in keys {
        assert_eq!(before[key], after[key], "{key}");
    }
}

fn keeps_the_truth(end: fn(Program)) {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &FAST);
    program.register(r#"{"name":"dead","ip":"10.0.0.1","tags":["x"],"metadata":{"k":"v"}}"#);
    program.register(r#"{"name":"alive","ip":"10.0.0.2","ttl_s":3600}"#);
    until("dead is DOWN", || {
        program.row("dead").unwrap()["status"] == "DOWN"
    });
    until("everything is stored", || {
        program.ask("GET", "/healthz", "").1["store"]["waiting"] == 0
    });
    let (dead, alive) = (program.row("dead").unwrap(), program.row("alive").unwrap());
    end(program);

    let program = Program::start(dir.path(), &FAST);

    let kept = [
        "id",
        "instance",
        "ip",
        "first_seen",
        "last_heartbeat",
        "tags",
        "metadata",
        "status",
    ];
    let dead_after = program.row("dead").unwrap();
    same(&dead, &dead_after, &kept);
    same(&dead, &dead_after, &["since", "reason"]);
    let alive_after = program.row("alive").unwrap();
    same(&alive, &alive_after, &kept);
    assert_eq!(alive_after["confirmed"], false);
    let (status, heard) = program.ask("POST", "/heartbeat/alive", "");
    assert_eq!(
        (status, &heard["service"]["confirmed"]),
        (200, &Value::Bool(true))
    );
    let fresh = program.register(r#"{"name":"fresh","ip":"10.0.0.3"}"#);
    assert!(alive["id"].as_i64() < fresh["service"]["id"].as_i64());
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn a_clean_restart_keeps_the_truth() {
    keeps_the_truth(|program| assert_eq!(program.stop(), Some(0)));
}

#[test]
fn a_kill_keeps_the_truth() {
    keeps_the_truth(Program::kill);
}

#[test]
fn what_was_answered_survives_a_kill_in_the_next_moment() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let program = Program::start(dir.path(), &[]);
        program.register(&format!(r#"{{"name":"svc-{round}","ip":"10.0.0.1"}}"#));
        program.kill();
    }

    let program = Program::start(dir.path(), &[]);

    assert_eq!(program.rows().len(), 10);
}

#[test]
fn a_name_lives_through_all_its_states_with_exact_stamps() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &["--ttl", "2s", "--remove-after", "2s"]);
    let first = program.register(r#"{"name":"a","ip":"10.0.0.1"}"#)["service"].clone();
    let micros = |time: &Value| {
        lastbeat_proto::Timestamp::parse(time.as_str().unwrap())
            .unwrap()
            .as_micros()
    };
    until("a is DOWN", || {
        program.row("a").is_some_and(|row| row["status"] == "DOWN")
    });
    let down = program.row("a").unwrap();
    assert_eq!(
        micros(&down["since"]),
        micros(&first["last_heartbeat"]) + 2_000_000
    );
    until("a is gone", || program.row("a").is_none());

    let (_, gone) = program.ask("GET", "/gone", "");
    assert_eq!(gone["gone"][0]["reason"], "no heartbeat for 4s");
    assert_eq!(
        micros(&gone["gone"][0]["since"]),
        micros(&first["last_heartbeat"]) + 4_000_000
    );

    let back = program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);
    assert_eq!(back["created"], false);
    same(&first, &back["service"], &["id", "first_seen"]);
    let (_, events) = program.ask("GET", "/events?name=a", "");
    let events = events["events"].as_array().unwrap();
    let kinds: Vec<&Value> = events.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["back", "gone", "down", "registered"]);
}

#[test]
fn two_hundred_clients_with_one_identity_make_one_row() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    let addr = program.addr;
    let start = Arc::new(Barrier::new(200));
    let register = move |start: &Barrier| {
        start.wait();
        ask(
            addr,
            "POST",
            "/register",
            r#"{"name":"same","ip":"10.0.0.1"}"#,
        )
    };
    let threads: Vec<_> = (0..200)
        .map(|_| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || register(&start))
        })
        .collect();

    let answers: Vec<(u16, Value)> = threads.into_iter().map(|t| t.join().unwrap()).collect();

    assert!(answers.iter().all(|(status, _)| *status == 200));
    let created = answers
        .iter()
        .filter(|(_, answer)| answer["created"] == true);
    assert_eq!(created.count(), 1);
    assert_eq!(program.rows().len(), 1);
}

#[test]
fn replicas_are_rows_and_a_known_instance_moves_its_row() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    for ip in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        program.register(&format!(r#"{{"name":"worker","ip":"{ip}"}}"#));
    }
    assert_eq!(program.rows().len(), 3);

    let first = program.register(r#"{"name":"dhcp","ip":"10.0.0.1","instance":"mac-1"}"#);
    let moved = program.register(r#"{"name":"dhcp","ip":"10.0.0.9","instance":"mac-1"}"#);

    assert_eq!(first["service"]["id"], moved["service"]["id"]);
    assert_eq!(moved["service"]["ip"], "10.0.0.9");
    assert_eq!(program.rows().len(), 4);
    let (_, events) = program.ask("GET", "/events?name=dhcp", "");
    assert_eq!(
        events["events"][0]["reason"],
        "address 10.0.0.1 -> 10.0.0.9"
    );
}

#[test]
fn a_time_zone_changes_nothing() {
    for zone in ["America/New_York", "Asia/Kolkata", "UTC"] {
        let dir = tempfile::tempdir().unwrap();
        let mut command = crate::program::command(dir.path(), &["--listen", "127.0.0.1:0"]);
        command.env("TZ", zone);
        let program = Program::spawn(command);

        let answer = program.register(r#"{"name":"a","ip":"10.0.0.1"}"#);

        let row = &answer["service"];
        assert_eq!(row["status"], "UP", "{zone}");
        let heard = lastbeat_proto::Timestamp::parse(row["last_heartbeat"].as_str().unwrap());
        let now = std::fs::metadata(dir.path().join("monitoring.db"))
            .unwrap()
            .modified()
            .unwrap();
        let now = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_micros();
        let off = i128::from(heard.unwrap().as_micros()) - i128::try_from(now).unwrap();
        assert!(off.abs() < 60_000_000, "{zone}: {off} us off");
    }
}

#[test]
fn deregistering_takes_no_more_than_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    for ip in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
        program.register(&format!(r#"{{"name":"twin","ip":"{ip}"}}"#));
    }

    let (status, problem) = program.ask("DELETE", "/services/twin?instanc=10.0.0.1", "");
    assert_eq!(
        (status, &problem["errors"][0]["field"]),
        (400, &"instanc".into())
    );
    assert_eq!(program.rows().len(), 3);
    assert_eq!(
        program
            .ask("POST", "/deregister/twin", "instance=10.0.0.1")
            .0,
        200
    );
    assert_eq!(
        program
            .ask("POST", "/deregister/twin", r#"{"instance":"10.0.0.2"}"#)
            .0,
        200
    );
    assert_eq!(program.rows().len(), 1);
    let (status, problem) = program.ask("DELETE", "/services/twin?instance=10.9.9.9", "");
    assert_eq!(status, 404);
    assert_eq!(
        problem["detail"],
        "instance 10.9.9.9 of service twin is not registered; register it first with POST /register"
    );
}
