//! The list for scripts and pipes.

use std::process::{Command, Output, Stdio};

use lastbeat_proto::Status;
use lastbeat_proto::answer::Tombstone;

use crate::daemon::{Daemon, NOW, row};
use crate::pty::Terminal;

fn lastbeat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn tombstone(name: &str) -> Tombstone {
    let since = NOW.plus_micros(-60_000_000);
    Tombstone {
        id: 9,
        name: name.to_owned(),
        instance: "10.0.0.9".to_owned(),
        ip: "10.0.0.9".to_owned(),
        port: None,
        status: Status::Gone,
        reason: "no heartbeat".to_owned(),
        deregistered: false,
        since,
        last_heartbeat: since,
        first_seen: since,
    }
}

fn two() -> Daemon {
    Daemon::start(vec![
        row("auth", Status::Up, 5),
        row("billing", Status::Down, 99),
    ])
}

#[test]
fn a_table_for_people_says_by_its_code_that_something_is_down() {
    let daemon = two();

    let output = lastbeat(&["--once", "--url", &daemon.url()]);

    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn a_filter_decides_what_counts() {
    let daemon = two();

    let output = lastbeat(&["--once", "--url", &daemon.url(), "--filter", "auth"]);

    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    assert!(
        table.starts_with("1 of 2 matches \"auth\"; in all: UP 1  DOWN 1  GONE 0  total 2  as of"),
        "{table}"
    );
    assert!(!table.contains("billing"));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_filter_that_finds_nothing_says_so() {
    let daemon = two();
    daemon.state().gone = vec![tombstone("old-api")];
    let url = daemon.url();
    let filtered = |filter: &str, format: &str| {
        let flags = [
            "--once", "--url", &url, "--filter", filter, "--format", format,
        ];
        lastbeat(&flags)
    };

    for format in ["table", "tsv"] {
        let output = filtered("web \"a", format);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(
            text(&output.stderr),
            "lastbeat: nothing matches the filter \"web \"a\" of 2 services\n"
        );
        let found = filtered("billing", format);
        assert_eq!(text(&found.stderr), "");
    }
    let gone = filtered("status:gone web", "tsv");
    let json = filtered("web", "json");

    assert_eq!(
        text(&gone.stderr),
        "lastbeat: nothing matches the filter \"status:gone web\" of 1 that is GONE\n"
    );
    assert_eq!(text(&json.stderr), "");
}

#[test]
fn tsv_has_one_line_a_row() {
    let daemon = two();

    let output = lastbeat(&["--once", "--url", &daemon.url(), "--format", "tsv"]);

    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn json_is_the_answer_made_harmless() {
    let daemon = Daemon::start(vec![row("c1\u{9b}31m\u{202e}", Status::Up, 5)]);

    let output = lastbeat(&["--once", "--url", &daemon.url(), "--format", "json"]);

    let json = text(&output.stdout);
    assert!(json.contains("c1\\u009b31m\\u202e"), "{json}");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["services"][0]["name"], "c1\u{9b}31m\u{202e}");
}

#[test]
fn trouble_has_its_codes_and_sentences() {
    let mut gone = two();
    gone.stop();
    let foreign = two();
    foreign.state().refusal = Some((200, "<html>".to_owned()));
    let locked = two();
    locked.state().refusal = Some((401, String::new()));
    let cases = [
        (&gone, 3, "connection refused"),
        (&foreign, 3, "no lastbeatd answers here"),
        (&locked, 4, "give a token with --token-file"),
    ];
    for (daemon, code, said) in cases {
        let output = lastbeat(&["--once", "--url", &daemon.url()]);
        assert_eq!(output.status.code(), Some(code), "{said}");
        let stderr = text(&output.stderr);
        assert!(
            stderr.starts_with("lastbeat: cannot ask http://127.0.0.1"),
            "{stderr}"
        );
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn a_check_says_it_in_one_line_on_stdout_and_by_its_code() {
    let mut gone = two();
    gone.stop();
    let locked = two();
    locked.state().refusal = Some((401, String::new()));
    let mut late = row("cache", Status::Up, 50);
    late.late = true;
    let daemon = Daemon::start(vec![row("auth", Status::Up, 5), late]);
    let cases = [
        (gone.url(), "", 3, "LASTBEAT UNKNOWN - cannot ask"),
        (locked.url(), "", 3, "LASTBEAT UNKNOWN - cannot ask"),
        (
            daemon.url(),
            "",
            1,
            "LASTBEAT WARNING - 1 late: cache (10.0.0.7) |",
        ),
        (daemon.url(), "auth", 0, "LASTBEAT OK - 1 UP |"),
        (
            daemon.url(),
            "nonesuch",
            3,
            "LASTBEAT UNKNOWN - no service matches",
        ),
        (
            "ftp://x".to_owned(),
            "",
            3,
            "LASTBEAT UNKNOWN - cannot use --url",
        ),
    ];
    for (url, filter, code, said) in cases {
        let output = lastbeat(&["--format=nagios", "--url", &url, "--filter", filter]);
        let line = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(line.starts_with(said), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert_eq!(text(&output.stderr), "");
    }
    let daemon = two();
    let output = lastbeat(&["--once", "--format", "nagios", "--url", &daemon.url()]);
    assert_eq!(output.status.code(), Some(2));
    let mistake = lastbeat(&["--format", "nagios", "--nonsense"]);
    assert_eq!(mistake.status.code(), Some(3));
    assert!(text(&mistake.stdout).starts_with("LASTBEAT UNKNOWN - error: unexpected"));
    let help = lastbeat(&["--format", "nagios", "--help"]);
    assert_eq!(help.status.code(), Some(0));
}

#[test]
fn a_bad_flag_is_2() {
    for arguments in [
        &["--interval", "1ms"][..],
        &["--theme", "pink"],
        &["--nonsense"],
        &["beat"],
        &["beat", "a\u{202e}b"],
    ] {
        assert_eq!(lastbeat(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_pipe_gets_the_list_and_0() {
    let daemon = two();

    let output = lastbeat(&["--url", &daemon.url()]);

    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(
        shown.contains("billing") && !shown.contains('\x1b'),
        "{shown}"
    );
}

#[test]
fn a_dumb_terminal_gets_the_list_and_0() {
    let daemon = two();
    let terminal = Terminal::start((80, 24), &["--url", &daemon.url()], &[("TERM", "dumb")]);

    let (code, bytes) = terminal.end();

    assert_eq!(code, 0);
    let shown = text(&bytes);
    assert!(
        shown.contains("billing") && !shown.contains('\x1b'),
        "{shown}"
    );
}

#[test]
fn the_help_names_every_flag() {
    let output = lastbeat(&["--help"]);

    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout));
}

#[test]
fn what_is_gone_is_printed_where_the_filter_asks_for_it() {
    let daemon = two();
    let (old, other) = (tombstone("old-api"), tombstone("other"));
    daemon.state().gone = vec![old, other];
    let filtered = |filter: &str, format: &str| {
        let url = daemon.url();
        let flags = [
            "--once", "--url", &url, "--filter", filter, "--format", format,
        ];
        lastbeat(&flags)
    };

    let output = filtered("status:gone old", "table");
    let table = text(&output.stdout);
    let tsv = text(&filtered("status:gone", "tsv").stdout);
    let json = text(&filtered("status:gone", "json").stdout);
    let others = text(&filtered("auth", "json").stdout);

    assert_eq!(output.status.code(), Some(0));
    let line = table.lines().last().unwrap();
    assert!(line.starts_with("GONE   old-api  10.0.0.9"), "{table}");
    assert!(line.ends_with("no heartbeat"), "{table}");
    assert!(!table.contains("other"), "{table}");
    assert_eq!(
        tsv.lines()
            .filter(|line| line.starts_with("GONE\t"))
            .count(),
        2,
        "{tsv}"
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["gone"].as_array().unwrap().len(), 2);
    assert!(!others.contains("\"status\": \"GONE\""), "{others}");
}

#[test]
fn a_check_counts_what_is_gone_of_those_that_it_is_about() {
    let daemon = two();
    daemon.state().gone = vec![tombstone("auth"), tombstone("other")];
    let url = daemon.url();
    let check = |flags: &[&str]| {
        let flags = [&["--format", "nagios", "--url", &url], flags].concat();
        text(&lastbeat(&flags).stdout)
    };

    assert!(check(&[]).ends_with(" total=2 gone=2;;;0\n"));
    assert!(check(&["--filter", "auth"]).ends_with(" total=1 gone=1;;;0\n"));
}

#[test]
fn a_misspelt_state_in_a_filter_is_an_error_and_not_an_empty_list() {
    let output = lastbeat(&["--once", "--filter", "status:foo"]);

    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "lastbeat: cannot use --filter \"status:foo\": status:foo is none of status: up, late, \
         down, gone\n"
    );
}

#[test]
fn a_misspelt_key_in_a_filter_is_an_error_and_quoted_as_it_was_written() {
    let output = lastbeat(&["--once", "--filter", "statsu:down \"a\n"]);
    let check = lastbeat(&["--format", "nagios", "--filter", "tags:eu"]);

    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "lastbeat: cannot use --filter \"statsu:down \"a\\n\": statsu: is no key; did you mean \
         status:? the keys are status: and tag:, all else is plain text\n"
    );
    assert_eq!(check.status.code(), Some(3));
    assert!(text(&check.stdout).contains("tags: is no key"));
}

#[test]
fn an_order_is_reversed_by_a_minus_and_named_as_on_the_screen() {
    let daemon = two();
    let url = daemon.url();
    let first = |order: &[&str]| {
        let flags = [&["--once", "--format", "tsv", "--url", &url], order].concat();
        let output = lastbeat(&flags);
        let shown = text(&output.stdout);
        let line = shown.lines().nth(1).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{}", text(&output.stderr)))
    };

    for order in [&["--sort", "-name"][..], &["--sort=-name"], &["--sort=age"]] {
        assert!(first(order).contains("billing"), "{order:?}");
    }
    for order in [&["--sort", "-age"][..], &["--sort", "-state"]] {
        assert!(first(order).contains("auth"), "{order:?}");
    }
    let wrong = lastbeat(&["--once", "--sort", "-size"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert_eq!(
        text(&wrong.stderr),
        "lastbeat: cannot use --sort \"-size\": write one of status, name, address, heartbeat, \
         since, state, age, each also with - in front\n"
    );
}
