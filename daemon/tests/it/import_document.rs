//! `lastbeatd import` takes an exported document whole and strictly, or nothing of it.

use std::fs::{self, File};
use std::path::Path;

use rusqlite::Connection;

use crate::sample::names;
use crate::tool::{registry, run};

/// The document of a registry with an UP, a DOWN and a GONE instance.
fn document() -> String {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(registry(dir.path()).stop(), Some(0));
    run(dir.path(), &["export"]).fine()
}

/// The document with the first `from` replaced.
fn with(document: &str, from: &str, to: &str) -> String {
    assert!(document.contains(from), "{from}: {document}");
    document.replacen(from, to, 1)
}

/// What is replaced in a document, by what, and what is then said.
const WRONG: &[(&str, &str, &[&str])] = &[
    (
        "\"version\":1",
        "\"version\":2",
        &["its format has version 2; this program reads version 1"],
    ),
    (
        "lastbeat registry",
        "spare parts",
        &["its format is \"spare parts\" and not \"lastbeat registry\""],
    ),
    (
        "\"id\":1,",
        "\"id\":1,\"color\":\"red\",",
        &["unknown field `color`", "line 7 column "],
    ),
    (
        "\"last_id\"",
        "\"hope\":1,\"last_id\"",
        &["unknown field `hope`", "line 2 column "],
    ),
    ("\"id\":1,", "", &["missing field `id`", "line 7 column "]),
    (
        "\"port\":null,",
        "",
        &["missing field `port`", "line 7 column "],
    ),
    (
        "\"port\":null,",
        "\"port\":70000,",
        &["70000", "line 7 column "],
    ),
    (
        "\"id\":1,",
        "\"id\":\"1\",",
        &["invalid type: string \"1\", expected i64", "line 7 column "],
    ),
    (
        "\"id\":1,",
        "\"id\":1,\"id\":1,",
        &["duplicate field `id`", "line 7 column "],
    ),
    (
        "\"id\":1,",
        "\"id\":3,",
        &["instances[2]: another instance has the id 3"],
    ),
    (
        "\"id\":1,",
        "\"id\":0,",
        &["instances[0]: the id 0 is not between 1 and 9007199254740992"],
    ),
    (
        "\"last_id\":3",
        "\"last_id\":2",
        &["the last id 2 is not between 3, the highest of the rows, and "],
    ),
    (
        "\"name\":\"alive\"",
        "\"name\":\" alive\"",
        &["\" alive\" ", "line 7 column "],
    ),
    (
        "\"ip\":\"10.0.0.1\"",
        "\"ip\":\"10.0.0.1:80\"",
        &[
            "\"10.0.0.1:80\" is to be written as \"10.0.0.1\"",
            "line 7 column ",
        ],
    ),
    (
        "\"state\":\"up\"",
        "\"state\":\"fine\"",
        &[
            "\"fine\" is none of up, down, timed-out, dismissed, deregistered",
            "line 7 column ",
        ],
    ),
    (
        "\"ttl_us\":3600000000",
        "\"ttl_us\":1",
        &["instances[0]: its ttl of 1 us is not between 2s and 30d"],
    ),
    (
        "\"ttl_us\":3600000000",
        "\"ttl_us\":-1",
        &["invalid value", "line 7 column "],
    ),
    (
        r#""tags":["a \"b\""]"#,
        LONG_TAG,
        &["instances[0]: a tag has 65 bytes; the limit is 64"],
    ),
    (
        "\"first_seen\":\"",
        "\"first_seen\":\"1",
        &["is not a time; write it as ", "line 7 column "],
    ),
    (
        "\"listened_us\":0",
        "\"listened_us\":9000000000000000000",
        &["events[0]: listening time 9000000000000000000 us is not within 10,000 years"],
    ),
    (
        "\"listened_us\":0",
        "\"listened_us\":9000000000",
        &["events[0]: it is from listening time 9000000000 us"],
    ),
    (
        "\"last_listened_us\":",
        "\"last_listened_us\":-",
        &["stretches[0]: it ends before it begins"],
    ),
    (
        "\"revision\":1",
        "\"revision\":2",
        &["events[1]: its revision 2 does not follow 2"],
    ),
    (
        "\"kind\":\"start\"",
        "\"kind\":\"born\"",
        &["\"born\" is no kind of event", "line 12 column "],
    ),
    (
        "\"began\":\"start\"",
        "\"began\":\"now\"",
        &["\"now\" is none of start, stall", "line 4 column "],
    ),
    (
        "\"refused_rows\":[",
        "\"refused_rows\":[7",
        &["invalid type: integer `7`", "column "],
    ),
    (
        "\"stretches\"",
        "\"stretch\"",
        &["unknown field `stretch`", "line 3 column "],
    ),
    (
        "]}\n",
        "]}\n{}",
        &["it is no export of a registry (trailing characters at line "],
    ),
];

const LONG_TAG: &str =
    "\"tags\":[\"0123456789012345678901234567890123456789012345678901234567890123x\"]";

#[test]
fn a_document_that_is_wrong_anywhere_is_refused_with_the_place() {
    let good = document();
    let dir = tempfile::tempdir().unwrap();
    for (from, to, words) in WRONG {
        fs::write(dir.path().join("document"), with(&good, from, to)).unwrap();

        let ran = run(dir.path(), &["import", "document"]);

        ran.refused(1, &["cannot import document: ", "; nothing was written"]);
        run(dir.path(), &["import", "document"]).refused(1, words);
        assert_eq!(names(dir.path()), ["document"], "{to}");
    }
    run(dir.path(), &["import", "nothing"]).refused(
        1,
        &["cannot import nothing: it cannot be read: No such file"],
    );
    fs::write(dir.path().join("document"), good).unwrap();
    run(dir.path(), &["import", "document"]).fine();
}

#[test]
fn a_time_in_any_other_form_than_the_one_that_is_written_is_refused() {
    let good = document();
    let start = good.find("\"exported_at\":\"").unwrap() + 15;
    let written = good.get(start..start + 32).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (other, why) in [
        (written.replace("+00:00", "Z"), "is to be written as "),
        (written.replace("+00:00", "+00:30"), "is to be written as "),
        (
            "0000-01-01T00:00:00.000000+00:00".to_owned(),
            "is to be written as \"0001-01-01",
        ),
        (
            "2026-13-01T00:00:00.000000+00:00".to_owned(),
            "is not a time; write it as ",
        ),
    ] {
        fs::write(dir.path().join("document"), with(&good, written, &other)).unwrap();

        run(dir.path(), &["import", "document"]).refused(1, &[why, "line 1 column "]);
    }
}

#[test]
fn an_instance_that_was_heard_in_the_future_is_refused() {
    let good = document();
    let dir = tempfile::tempdir().unwrap();
    for (field, name) in [
        ("\"first_seen\":\"20", "first_seen"),
        ("\"since\":\"20", "since"),
        ("\"heartbeat\":{\"at\":\"20", "heartbeat.at"),
    ] {
        let later = format!("{}29", field.strip_suffix("20").unwrap());
        fs::write(dir.path().join("document"), with(&good, field, &later)).unwrap();

        let place = format!("instances[0]: its {name} 29");
        sentences(
            dir.path(),
            1,
            &[&place, "is more than 1d ahead of this machine's clock"],
        );
    }
}

fn sentences(dir: &Path, code: i32, words: &[&str]) {
    let before = names(dir);
    run(dir, &["import", "document"]).refused(code, words);
    assert_eq!(names(dir), before);
}

#[test]
fn a_place_that_is_taken_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("monitoring.db");
    fs::write(dir.path().join("document"), document()).unwrap();

    Connection::open(&db)
        .unwrap()
        .execute_batch("create table t (x)")
        .unwrap();
    let before = fs::read(&db).unwrap();
    sentences(
        dir.path(),
        2,
        &["monitoring.db: it exists already; choose another name, or move that one away"],
    );
    assert_eq!(fs::read(&db).unwrap(), before);
    fs::remove_file(&db).unwrap();

    let log = dir.path().join("monitoring.db-wal");
    fs::write(&log, "the only truth").unwrap();
    sentences(
        dir.path(),
        2,
        &["monitoring.db-wal lies beside it and would be taken for its own"],
    );
    fs::remove_file(&log).unwrap();

    let lock = File::create(dir.path().join("monitoring.db.lock")).unwrap();
    lock.lock().unwrap();
    sentences(
        dir.path(),
        4,
        &["another lastbeatd uses it; stop that one or choose another file with --db"],
    );
    drop(lock);

    run(dir.path(), &["import", "--db", "missing/x.db", "document"]).refused(
        3,
        &["its directory does not exist; create it or choose a file with --db"],
    );
    run(dir.path(), &["import", "document"]).fine();
    run(dir.path(), &["verify", "monitoring.db"]).fine();
}

#[test]
fn what_stands_for_standard_output_is_no_file_and_a_mark_in_front_is_skipped() {
    let dir = tempfile::tempdir().unwrap();
    registry(dir.path()).stop();
    let document = run(dir.path(), &["export", "-"]).fine();
    assert!(document.starts_with("{\"format\":"), "{document}");
    let advice = "choose a file name, or use lastbeatd export";
    run(dir.path(), &["backup", "-"]).refused(2, &[advice]);
    assert!(!dir.path().join("-").exists());

    fs::write(dir.path().join("marked"), format!("\u{feff}{document}")).unwrap();
    run(dir.path(), &["import", "--db", "other.db", "marked"]).fine();
    for (wrong, said) in [
        ("[]", "expected an object with format and version"),
        ("3", "expected an object"),
    ] {
        fs::write(dir.path().join("document"), wrong).unwrap();
        sentences_of(dir.path(), said);
    }
}

fn sentences_of(dir: &Path, said: &str) {
    let ran = run(dir, &["import", "--db", "third.db", "document"]);
    assert!(!ran.err.contains("struct"), "{ran:?}");
    ran.refused(1, &[said]);
}
