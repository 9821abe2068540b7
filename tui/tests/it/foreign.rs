//! What answers at the address is no lastbeatd, or not at this path: the message says what was
//! found there and which flag to look at, and never how our parser puts it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;

use lastbeat_proto::problem::{Problem, Slug};

/// Runs `--once` at a server that gives one answer and ends.
fn asked(sub_path: &str, answer: String) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}{sub_path}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let head = BufReader::new(stream.try_clone().unwrap()).lines();
        let lines: Vec<String> = head
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream.write_all(answer.as_bytes()).unwrap();
        lines
    });
    let output = Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(["--once", "--url", &url])
        .env_clear()
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let lines = serving.join().unwrap();
    assert_eq!(lines[0], format!("GET {sub_path}/services HTTP/1.1"));
    output
}

fn answer(status: &str, header: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{header}content-length: {length}\r\n\r\n{body}")
}

/// What it said behind the address.
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let (_, said) = stderr.trim_end().split_once(": cannot ask ").unwrap();
    said.split_once(": ").unwrap().1.to_owned()
}

#[test]
fn an_answer_that_does_not_fit_is_quoted_at_the_place() {
    let whole = "no lastbeatd answers here: its answer is none of lastbeatd's, or of another \
                 version, at ";
    for (body, found) in [
        ("[]", "\"[]\""),
        ("<html>\u{1b}[31m", "\"<html>\\x1b[31m\""),
        (
            "{\"services\": [], \"matching\": -1}",
            "\"[], \"matching\": -1}\"",
        ),
        ("{\"services\": 7}", "\"{\"services\": 7}\""),
    ] {
        let said = said(&asked("", answer("200 OK", "", body)));

        assert!(said.starts_with(whole), "{body}: {said}");
        let rest = said.strip_prefix(whole).unwrap();
        let advice = "; the address may be another program's; check --url";
        assert!(rest.ends_with(advice), "{body}: {said}");
        assert!(rest.contains(found.trim_matches('"')), "{body}: {said}");
        for words in ["expected", "line", "column", "EOF", "invalid", "struct"] {
            assert!(!said.contains(words), "{body}: {said}");
        }
    }
}

#[test]
fn an_answer_that_breaks_off_says_behind_what() {
    let cut = asked("", answer("200 OK", "", "{\"services\": [{\"name\": \"au"));
    let empty = asked("", answer("200 OK", "", ""));

    assert_eq!(
        said(&cut),
        "no lastbeatd answers here: its answer breaks off behind \"ices\": [{\"name\": \"au\"; check \
         --url"
    );
    assert_eq!(
        said(&empty),
        "no lastbeatd answers here: its answer is empty; check --url"
    );
}

#[test]
fn a_path_that_the_daemon_does_not_have_is_told_with_the_flag() {
    let problem = Problem::new(Slug::NotFound, "there is no such path here");
    let body = serde_json::to_string(&problem).unwrap();

    let lost = asked("/wrong", answer("404 Not Found", "", &body));
    let foreign = asked("/wrong", answer("404 Not Found", "", "<html>"));

    assert_eq!(
        said(&lost),
        "lastbeatd has nothing at /wrong/services; check the path in --url"
    );
    assert_eq!(
        said(&foreign),
        "no lastbeatd answers here: it answered HTTP 404 for /wrong/services; check --url"
    );
}

#[test]
fn a_redirect_is_named_and_not_followed() {
    let header = "location: http://other/\u{202e}path\r\n";
    let to = asked("", answer("301 Moved", header, ""));
    let nowhere = asked("/a", answer("302 Found", "", ""));

    assert_eq!(
        said(&to),
        "no lastbeatd answers here: it redirects /services to http://other/<U+202E>path (HTTP \
         301), and redirects are not followed; check --url"
    );
    assert_eq!(
        said(&nowhere),
        "no lastbeatd answers here: it redirects /a/services to a place that it does not name (HTTP 302), and \
         redirects are not followed; check --url"
    );
}
