//! Requests that two readers could understand in two ways: one answer at most, then the close.
//!
//! Each table is read as: what is odd, the bytes, how they are answered. Behind the bytes a second
//! request follows at once, the smuggled one, which is answered only where the first was whole.

use crate::daemon::Daemon;

/// What follows a request in the same bytes.
const SMUGGLED: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// How a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// By hyper, with a status and no body, and the close.
    Bare(u16),
    /// By us, with a problem document, and the close.
    Problem(u16),
    /// By us, whatever the body, and the close.
    Last(u16),
    /// Not at all: the close.
    Silence,
    /// By us, and the connection goes on: the request behind it is a request.
    Next(u16),
}
use Outcome::{Bare, Last, Next, Problem, Silence};

type Case = (&'static str, Vec<u8>, Outcome);

/// A GET with these header lines.
fn get(target: &str, lines: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\n{lines}\r\n").into()
}

/// A POST with these header lines and this body.
fn post(lines: &str, body: &str) -> Vec<u8> {
    format!("POST /refresh_all HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n{body}").into()
}

/// A POST whose body comes in these chunks.
fn chunked(chunks: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", chunks)
}

/// Asks every case, and then something plain: the daemon goes on.
async fn answers(cases: Vec<Case>) {
    let daemon = Daemon::start();
    let mut wrong = Vec::new();
    for (what, bytes, expected) in &cases {
        let found = outcome(&daemon, bytes).await;
        if found != *expected {
            wrong.push(format!("{what}: {found:?}, not {expected:?}"));
        }
    }
    daemon.register("still-here", "192.0.2.10").await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How the daemon answers `bytes` with a smuggled request behind them; never by two answers unless
/// the second is that of the request behind.
async fn outcome(daemon: &Daemon, bytes: &[u8]) -> Outcome {
    let mut connection = daemon.connect().await;
    connection.send(&[bytes, SMUGGLED].concat()).await;
    if connection.is_closed().await {
        return Silence;
    }
    let mut reply = connection.reply(bytes.starts_with(b"HEAD")).await;
    if reply.status == 100 {
        reply = connection.reply(false).await;
    }
    let says_close = reply.header("connection") == Some("close");
    let is_problem = reply.header("content-type") == Some("application/problem+json");
    if connection.is_closed().await {
        return match (is_problem, reply.body.is_empty()) {
            (true, _) if says_close => Problem(reply.status),
            (false, true) => Bare(reply.status),
            _ => Last(reply.status),
        };
    }
    let second = connection.reply(false).await;
    assert_eq!(second.json()["status"], "ok", "not the request behind");
    assert!(!says_close, "said close and went on");
    Next(reply.status)
}

#[tokio::test]
async fn a_length_is_one_plain_number_or_the_close_follows() {
    let lengths = |lines: &str| post(lines, "abc");
    answers(vec![
        ("one", lengths("Content-Length: 3\r\n"), Next(200)),
        (
            "blanks around it",
            lengths("Content-Length:   3  \r\n"),
            Next(200),
        ),
        (
            "two different",
            lengths("Content-Length: 3\r\nContent-Length: 4\r\n"),
            Bare(400),
        ),
        (
            "two equal",
            lengths("Content-Length: 3\r\nContent-Length: 3\r\n"),
            Next(200),
        ),
        ("a list", lengths("Content-Length: 3, 3\r\n"), Bare(400)),
        ("signed", lengths("Content-Length: +3\r\n"), Bare(400)),
        ("negative", lengths("Content-Length: -3\r\n"), Bare(400)),
        ("hexadecimal", lengths("Content-Length: 0x3\r\n"), Bare(400)),
        ("a fraction", lengths("Content-Length: 3.0\r\n"), Bare(400)),
        ("an exponent", lengths("Content-Length: 3e0\r\n"), Bare(400)),
        (
            "a blank inside",
            lengths("Content-Length: 3 0\r\n"),
            Bare(400),
        ),
        ("nothing", lengths("Content-Length:\r\n"), Bare(400)),
        ("a letter", lengths("Content-Length: 3a\r\n"), Bare(400)),
        (
            "Arabic digits",
            lengths("Content-Length: \u{663}\r\n"),
            Bare(400),
        ),
        (
            "beyond 64 bits",
            lengths("Content-Length: 99999999999999999999999\r\n"),
            Bare(400),
        ),
        (
            "the largest",
            lengths("Content-Length: 18446744073709551615\r\n"),
            Bare(431),
        ),
        (
            "above the limit",
            lengths("Content-Length: 16385\r\n"),
            Problem(413),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_coding_is_chunked_alone_or_the_close_follows() {
    let coded = |lines: &str| post(lines, "0\r\n\r\n");
    let (length, chunks) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    answers(vec![
        ("chunked", coded(chunks), Next(200)),
        (
            "in any case",
            coded("transfer-encoding: CHUNKED\r\n"),
            Next(200),
        ),
        (
            "a length before it",
            coded(&[length, chunks].concat()),
            Last(200),
        ),
        (
            "a length behind it",
            coded(&[chunks, length].concat()),
            Last(200),
        ),
        (
            "chunked twice",
            coded("Transfer-Encoding: chunked, chunked\r\n"),
            Problem(400),
        ),
        (
            "another before it",
            coded("Transfer-Encoding: gzip, chunked\r\n"),
            Problem(400),
        ),
        ("two lines", coded(&chunks.repeat(2)), Problem(400)),
    ])
    .await;
}

#[tokio::test]
async fn a_coding_that_does_not_end_the_body_gets_a_bare_400_and_the_close() {
    let coded = |lines: &str| post(lines, "0\r\n\r\n");
    let old = b"POST /refresh_all HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    answers(vec![
        (
            "not chunked",
            coded("Transfer-Encoding: gzip\r\n"),
            Bare(400),
        ),
        (
            "identity",
            coded("Transfer-Encoding: identity\r\n"),
            Bare(400),
        ),
        (
            "a letter before",
            coded("Transfer-Encoding: xchunked\r\n"),
            Bare(400),
        ),
        (
            "a letter behind",
            coded("Transfer-Encoding: chunkedx\r\n"),
            Bare(400),
        ),
        (
            "quoted",
            coded("Transfer-Encoding: \"chunked\"\r\n"),
            Bare(400),
        ),
        (
            "a parameter",
            coded("Transfer-Encoding: chunked;q=1\r\n"),
            Bare(400),
        ),
        (
            "chunked not last",
            coded("Transfer-Encoding: chunked, gzip\r\n"),
            Bare(400),
        ),
        (
            "identity last",
            coded("Transfer-Encoding: chunked, identity\r\n"),
            Bare(400),
        ),
        (
            "a vertical tab before it",
            coded("Transfer-Encoding: \u{b}chunked\r\n"),
            Bare(400),
        ),
        ("empty", coded("Transfer-Encoding:\r\n"), Bare(400)),
        ("in HTTP/1.0", old.to_vec(), Bare(400)),
    ])
    .await;
}

#[tokio::test]
async fn chunks_are_whole_or_the_close_follows() {
    let long = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(20 * 1024));
    answers(vec![
        (
            "an extension",
            chunked("1;a=b\r\nx\r\n0\r\n\r\n"),
            Next(200),
        ),
        ("an endless extension", chunked(&long), Problem(400)),
        ("no size", chunked("\r\nx\r\n0\r\n\r\n"), Problem(400)),
        ("no number", chunked("z\r\nx\r\n0\r\n\r\n"), Problem(400)),
        ("a sign", chunked("+1\r\nx\r\n0\r\n\r\n"), Problem(400)),
        ("a prefix", chunked("0x1\r\nx\r\n0\r\n\r\n"), Problem(400)),
        (
            "a size beyond 64 bits",
            chunked("fffffffffffffffff\r\nx\r\n0\r\n\r\n"),
            Problem(400),
        ),
        (
            "the largest size",
            chunked("ffffffffffffffff\r\nx\r\n0\r\n\r\n"),
            Problem(408),
        ),
        (
            "a chunk longer than its size",
            chunked("1\r\nxy\r\n0\r\n\r\n"),
            Problem(400),
        ),
        (
            "a line feed alone behind the size",
            chunked("1\nx\r\n0\r\n\r\n"),
            Problem(400),
        ),
        (
            "a carriage return alone",
            chunked("1\rx\r\n0\r\n\r\n"),
            Problem(400),
        ),
        (
            "a line feed alone behind the chunk",
            chunked("1\r\nx\n0\r\n\r\n"),
            Problem(400),
        ),
        ("trailers", chunked("0\r\nX-A: b\r\n\r\n"), Next(200)),
        (
            "a Host in the trailers",
            chunked("0\r\nHost: evil.example\r\n\r\n"),
            Next(200),
        ),
        (
            "a token in the trailers",
            chunked("0\r\nAuthorization: Bearer x\r\n\r\n"),
            Next(200),
        ),
        (
            "a length in the trailers",
            chunked("0\r\nContent-Length: 50\r\n\r\n"),
            Next(200),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_head_that_is_no_head_gets_a_bare_400_and_the_close() {
    let line = |line: &str| get("/healthz", &format!("Host: 127.0.0.1\r\n{line}\r\n"));
    answers(vec![
        ("a folded line", line("X-A: b\r\n c"), Bare(400)),
        (
            "a first line that is folded",
            get("/healthz", " Host: 127.0.0.1\r\n"),
            Bare(400),
        ),
        ("a space before the colon", line("X-A : b"), Bare(400)),
        ("a tab before the colon", line("X-A\t: b"), Bare(400)),
        ("a space in a name", line("X A: b"), Bare(400)),
        ("no name", line(": b"), Bare(400)),
        ("no colon", line("nonsense"), Bare(400)),
        ("a NUL in a value", line("X-A: b\0c"), Bare(400)),
        ("a NUL in a name", line("X-A\0: b"), Bare(400)),
        ("an escape in a value", line("X-A: \x1b[2J"), Bare(400)),
        ("a carriage return in a value", line("X-A: b\rc"), Bare(400)),
        (
            "a carriage return for a line's end",
            line("X-A: b\rX-B: c"),
            Bare(400),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_first_line_that_is_none_gets_a_bare_400_and_the_close() {
    let first = |line: &str| format!("{line}\r\nHost: 127.0.0.1\r\n\r\n").into_bytes();
    answers(vec![
        (
            "a NUL in the path",
            get("/\0", "Host: 127.0.0.1\r\n"),
            Bare(400),
        ),
        (
            "a space in the path",
            get("/a b", "Host: 127.0.0.1\r\n"),
            Bare(400),
        ),
        ("two spaces", first("GET  /healthz HTTP/1.1"), Bare(400)),
        ("no path", first("GET HTTP/1.1"), Bare(400)),
        (
            "a tab for a space",
            first("GET\t/healthz HTTP/1.1"),
            Bare(400),
        ),
        (
            "a blank before it",
            first(" GET /healthz HTTP/1.1"),
            Bare(400),
        ),
        (
            "a method that is no word",
            first("G(T /healthz HTTP/1.1"),
            Bare(400),
        ),
        ("HTTP/0.9", b"GET /\r\n".to_vec(), Bare(400)),
        ("HTTP/1.2", first("GET /healthz HTTP/1.2"), Bare(400)),
        ("HTTP/1.10", first("GET /healthz HTTP/1.10"), Bare(400)),
        ("HTTP/2.0", first("GET /healthz HTTP/2.0"), Bare(400)),
        ("HTTP/3", first("GET / HTTP/3.0"), Bare(400)),
        (
            "http in small letters",
            first("GET /healthz http/1.1"),
            Bare(400),
        ),
        (
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
            Bare(400),
        ),
        (
            "the preface of HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            Silence,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_rfc_9112_lets_a_server_take_is_one_request() {
    let line = |line: &str| get("/healthz", &format!("Host: 127.0.0.1\r\n{line}\r\n"));
    answers(vec![
        // §2.2: a recipient may take a line feed alone for a line's end, and httparse does.
        (
            "line feeds alone",
            b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n".to_vec(),
            Next(200),
        ),
        (
            "an empty line before it",
            [b"\r\n".as_slice(), SMUGGLED].concat(),
            Next(200),
        ),
        (
            "bytes above ASCII in a value",
            line("X-A: \u{fc}"),
            Next(200),
        ),
        (
            "an offer of another protocol",
            line("Connection: Upgrade\r\nUpgrade: h2c"),
            Next(200),
        ),
        (
            "an offer of HTTP/2",
            line("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"),
            Next(200),
        ),
        (
            "an offer of a socket",
            line("Connection: Upgrade\r\nUpgrade: websocket"),
            Next(200),
        ),
        (
            "wants to be told to go on",
            post("Expect: 100-continue\r\nContent-Length: 3\r\n", "abc"),
            Next(200),
        ),
        (
            "the same in capitals",
            post("Expect: 100-CONTINUE\r\nContent-Length: 3\r\n", "abc"),
            Next(200),
        ),
        (
            "the same without a body",
            post("Expect: 100-continue\r\n", ""),
            Next(200),
        ),
        (
            "expects something else",
            post("Expect: 200-ok\r\nContent-Length: 3\r\n", "abc"),
            Next(200),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_head_above_the_limits_is_431() {
    let of = |lines: &str| get("/healthz", &format!("Host: 127.0.0.1\r\n{lines}"));
    let path = |bytes: usize| get(&format!("/{}", "a".repeat(bytes)), "Host: 127.0.0.1\r\n");
    answers(vec![
        ("64 headers", of(&"X-A: b\r\n".repeat(63)), Next(200)),
        ("65 headers", of(&"X-A: b\r\n".repeat(64)), Bare(431)),
        (
            "a long line",
            of(&format!("X-A: {}\r\n", "b".repeat(17 * 1024))),
            Bare(431),
        ),
        ("a long path", path(17 * 1024), Bare(431)),
        ("a path of 8 KiB", path(8 * 1024), Next(404)),
    ])
    .await;
}

#[tokio::test]
async fn the_host_is_one_of_ours_or_the_problem_says_so() {
    let old = |lines: &str| format!("GET /healthz HTTP/1.0\r\n{lines}\r\n").into_bytes();
    answers(vec![
        ("none", get("/healthz", ""), Problem(400)),
        (
            "two equal",
            get("/healthz", "Host: localhost\r\nHost: localhost\r\n"),
            Problem(400),
        ),
        (
            "two different",
            get("/healthz", "Host: localhost\r\nHost: evil.example\r\n"),
            Problem(400),
        ),
        (
            "two in HTTP/1.0",
            old("Host: localhost\r\nHost: evil.example\r\n"),
            Problem(400),
        ),
        ("none in HTTP/1.0", old(""), Last(200)),
        (
            "somebody else's",
            get("/healthz", "Host: evil.example\r\n"),
            Next(421),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_host_is_a_name_and_a_port_or_the_problem_says_so() {
    answers(vec![
        ("empty", get("/healthz", "Host:\r\n"), Problem(400)),
        (
            "a blank inside",
            get("/healthz", "Host: local host\r\n"),
            Problem(400),
        ),
        (
            "a list",
            get("/healthz", "Host: localhost, evil.example\r\n"),
            Problem(400),
        ),
        (
            "a user",
            get("/healthz", "Host: evil.example@localhost\r\n"),
            Problem(400),
        ),
        (
            "a path",
            get("/healthz", "Host: localhost/x\r\n"),
            Problem(400),
        ),
        (
            "a NUL",
            get("/healthz", "Host: localhost\0.evil.example\r\n"),
            Bare(400),
        ),
        (
            "no port",
            get("/healthz", "Host: localhost:\r\n"),
            Next(200),
        ),
        (
            "a port that is none",
            get("/healthz", "Host: localhost:x\r\n"),
            Problem(400),
        ),
        (
            "a port beyond 65535",
            get("/healthz", "Host: localhost:65536\r\n"),
            Problem(400),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_target_agrees_with_the_host_or_the_problem_says_so() {
    answers(vec![
        (
            "an agreeing target",
            get("http://localhost/healthz", "Host: localhost:5001\r\n"),
            Next(200),
        ),
        (
            "a disagreeing target",
            get("http://127.0.0.1/healthz", "Host: localhost\r\n"),
            Problem(400),
        ),
        (
            "a disagreeing port",
            get("http://localhost:1/healthz", "Host: localhost:2\r\n"),
            Problem(400),
        ),
        (
            "somebody else's target",
            get("http://evil.example/healthz", "Host: evil.example\r\n"),
            Next(421),
        ),
        (
            "a target without a Host",
            get("http://localhost/healthz", ""),
            Problem(400),
        ),
        (
            "a target with a user",
            get("http://a@localhost/healthz", "Host: localhost\r\n"),
            Problem(400),
        ),
        (
            "a target without a slash",
            get("healthz", "Host: localhost\r\n"),
            Problem(400),
        ),
    ])
    .await;
}

#[tokio::test]
async fn odd_targets_and_methods_are_none_of_ours() {
    let first =
        |line: &str| format!("{line} HTTP/1.1\r\nHost: localhost:5001\r\n\r\n").into_bytes();
    answers(vec![
        ("the whole server", first("OPTIONS *"), Next(404)),
        ("the whole server, to get", first("GET *"), Next(404)),
        ("a host and port", first("GET localhost:5001"), Next(404)),
        ("a tunnel", first("CONNECT localhost:5001"), Next(404)),
        (
            "a tunnel elsewhere",
            first("CONNECT evil.example:25"),
            Problem(400),
        ),
        ("an echo", first("TRACE /healthz"), Next(405)),
        ("small letters", first("get /healthz"), Next(405)),
        ("a method of its own", first("BREW /healthz"), Next(405)),
        (
            "a second question mark",
            first("GET /services?a=b?c"),
            Next(200),
        ),
        ("two slashes", first("GET //healthz"), Next(404)),
        ("a fragment", first("GET /healthz#x"), Next(200)),
    ])
    .await;
}
