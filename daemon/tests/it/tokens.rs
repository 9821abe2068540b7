//! Tokens from the command line to the answer: made, shown, revoked, reloaded.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use lastbeat_proto::Span;
use lastbeat_proto::endpoint::Scope;
use lastbeatd::token;

use crate::keys::{self, Keys, bearer};
use crate::program::{self, Program, within};
use crate::raw::{Raw, request};

/// What a revocation may take.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);

fn run(dir: &Path, arguments: &[&str]) -> Output {
    program::command(dir, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The exit code and standard error of a command that fails.
fn fails(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = run(dir, arguments);
    assert!(output.stdout.is_empty(), "{output:?}");
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The status of `GET /services` with these headers.
fn status(program: &Program, headers: &[&str]) -> u16 {
    let asked = request("GET", "/services", headers, b"");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { Raw::open(program.addr).await.ask(&asked).await.status })
}

#[test]
fn a_token_lets_in_until_it_is_revoked_and_a_running_daemon_knows_within_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let file = ["--tokens", "keys"];
    let made = stdout(&run(
        dir.path(),
        &[
            "token",
            "add",
            "--scope",
            "read",
            "--note",
            "the wall display",
            file[0],
            file[1],
        ],
    ));
    let token = made.trim_end();
    let program = Program::start(dir.path(), &file);
    let header = bearer(token);

    assert_eq!(status(&program, &[]), 401);
    assert_eq!(status(&program, &[&header]), 200);
    let listed = stdout(&run(dir.path(), &["token", "list", file[0], file[1]]));
    let line = listed.lines().nth(1).unwrap();
    let id = line.split(' ').next().unwrap();
    assert!(token.contains(id), "the id stands in the token: {line}");
    assert!(
        line.contains("read") && line.ends_with("the wall display"),
        "{line}"
    );
    let secret = token.rsplit('_').next().unwrap();
    assert!(!listed.contains(secret));

    let second = stdout(&run(
        dir.path(),
        &["--tokens", "keys", "token", "add", "--scope", "admin"],
    ));
    let second = bearer(second.trim_end());
    within(REVOKED_WITHIN, "the new one is live", || {
        status(&program, &[&second]) == 200
    });
    assert_eq!(status(&program, &[&header]), 200, "and so is the old one");

    stdout(&run(dir.path(), &["token", "revoke", id, file[0], file[1]]));
    within(REVOKED_WITHIN, "it is not live any more", || {
        status(&program, &[&header]) == 401
    });
    assert_eq!(status(&program, &[&second]), 200);
    let whole = second.rsplit(' ').next().unwrap();
    let revoked = run(dir.path(), &["token", "revoke", whole, file[0], file[1]]);
    assert!(stdout(&revoked).starts_with("revoked "), "its id is in it");
    within(REVOKED_WITHIN, "nor is the other one", || {
        status(&program, &[&second]) == 401
    });
    assert_eq!(program.stop(), Some(0));
}

/// Asks until the answer is 401.
async fn until_refused(line: &mut Raw, asked: &[u8]) {
    let refused = async { while line.ask(asked).await.status != 401 {} };
    let in_time = tokio::time::timeout(Duration::from_secs(20), refused).await;
    assert!(in_time.is_ok(), "the token stays live");
}

#[tokio::test]
async fn who_waits_for_a_change_is_told_nothing_once_the_token_is_revoked() {
    let keys = Keys::new();
    let (token, text) = keys::add(&keys.path, Scope::Read);
    let daemon = keys.daemon(&[]);
    let ask = |method: &str, target: &str, token: &str, body: &str| {
        request(method, target, &[&bearer(token)], body.as_bytes())
    };
    let mut line = daemon.connect().await;
    let list = line.ask(&ask("GET", "/services", &text, "")).await.json();
    let cursor = list["cursor"].as_str().unwrap();
    daemon.until_sleepers(3).await;
    let mut waiting = daemon.connect().await;
    let wait = format!("/services?since={cursor}&wait=60s");
    waiting.send(&ask("GET", &wait, &text, "")).await;
    daemon.until_sleepers(4).await;

    token::revoke(&keys.path, &token.id).unwrap();
    daemon.advance(Span::from_secs(1));
    until_refused(&mut line, &ask("GET", "/services", &text, "")).await;
    let body = r#"{"name": "a", "ip": "192.0.2.10"}"#;
    let registered = line.ask(&ask("POST", "/register", &keys.admin, body)).await;
    let reply = waiting.reply(false).await;

    assert_eq!(registered.status, 200, "{}", registered.text());
    assert_eq!(reply.status, 401, "{}", reply.text());
}

#[tokio::test]
async fn a_body_that_comes_after_its_token_was_revoked_changes_nothing() {
    let keys = Keys::new();
    let (token, text) = keys::add(&keys.path, Scope::Register);
    let daemon = keys.daemon(&[]);
    let body = r#"{"name": "a", "ip": "192.0.2.10"}"#;
    let whole = request("POST", "/register", &[&bearer(&text)], body.as_bytes());
    let (head, rest) = whole.split_at(whole.len() - body.len());
    let mut slow = daemon.connect().await;
    slow.send(head).await;
    let mut line = daemon.connect().await;
    let ask = request("GET", "/services", &[&bearer(&text)], b"");
    assert_eq!(line.ask(&ask).await.status, 200);

    token::revoke(&keys.path, &token.id).unwrap();
    daemon.advance(Span::from_secs(1));
    until_refused(&mut line, &ask).await;
    slow.send(rest).await;
    let reply = slow.reply(false).await;

    assert_eq!(reply.status, 401, "{}", reply.text());
}

#[test]
fn a_file_that_breaks_while_it_is_used_takes_nothing_away_and_says_so() {
    let keys = Keys::new();
    let dir = tempfile::tempdir().unwrap();
    let path = keys.path.display().to_string();
    let program = Program::start(dir.path(), &["--tokens", &path]);
    let header = bearer(&keys.admin);
    let text = fs::read_to_string(&keys.path).unwrap();
    // The lines that say where everything is come before the first about the file.
    let told = |words: &str| {
        let mut said = Vec::new();
        within(REVOKED_WITHIN, words, || {
            said.extend(program.lines());
            said.iter().any(|line| line.contains(words))
        });
        let about_it = said.iter().filter(|line| line.contains("tokens")).count();
        assert_eq!(about_it, 1, "one line for one change: {said:?}");
    };

    fs::set_permissions(&keys.path, Permissions::from_mode(0o644)).unwrap();
    told("mode 644");
    assert_eq!(status(&program, &[&header]), 200);
    fs::set_permissions(&keys.path, Permissions::from_mode(0o600)).unwrap();
    fs::write(&keys.path, "nonsense\n").unwrap();
    told("line 1 does not begin with an id");
    assert_eq!(status(&program, &[&header]), 200);
    fs::remove_file(&keys.path).unwrap();
    told("cannot read the tokens");
    assert_eq!(status(&program, &[&header]), 200);
    let asked = request("GET", "/services", &[&header], b"");
    let list = runtime().block_on(async { Raw::open(program.addr).await.ask(&asked).await.json() });
    let notice = &list["notices"][0];
    assert_eq!(notice["kind"], "tokens", "{list}");
    let said = notice["text"].as_str().unwrap();
    assert!(said.contains("the tokens of before stay live"), "{said}");

    // A file without a single token is no mistake: everybody is locked out.
    let heading = text.lines().next().unwrap();
    fs::write(&keys.path, heading).unwrap();
    fs::set_permissions(&keys.path, Permissions::from_mode(0o600)).unwrap();
    within(REVOKED_WITHIN, "nobody is let in", || {
        status(&program, &[&header]) == 401
    });
    assert_eq!(program.stop(), Some(0));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn no_daemon_starts_on_tokens_that_others_may_read_or_that_are_not_there() {
    let keys = Keys::new();
    let dir = tempfile::tempdir().unwrap();
    let path = keys.path.display().to_string();
    let start = ["--listen", "127.0.0.1:0", "--tokens"];
    fs::set_permissions(&keys.path, Permissions::from_mode(0o640)).unwrap();

    let (code, said) = fails(dir.path(), &[&start[..], &[&path]].concat());
    assert_eq!(code, 2);
    assert!(said.contains("chmod 600"), "{said}");
    let (code, said) = fails(dir.path(), &[&start[..], &["nowhere"]].concat());
    assert_eq!(code, 2);
    assert!(said.contains("lastbeatd token add"), "{said}");
    assert!(!dir.path().join("monitoring.db").exists());
}

#[test]
fn the_commands_say_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, code, words) in [
        (&["token"][..], 2, "add"),
        (&["token", "add", "--scope", "read"], 2, "--tokens FILE"),
        (&["token", "add", "--tokens", "k"], 2, "--scope"),
        (
            &["token", "add", "--tokens", "k", "--scope", "all"],
            2,
            "read, register, admin",
        ),
        (
            &["token", "add", "--tokens", "no/k", "--scope", "read"],
            2,
            "its directory must exist",
        ),
        (
            &["token", "list", "--tokens", "k"],
            2,
            "cannot read the tokens in k",
        ),
        (
            &["token", "revoke", "--tokens", "k", "01234567"],
            2,
            "cannot read the tokens in k",
        ),
        (
            &[
                "token", "add", "--tokens", "k", "--scope", "read", "--note", "a\u{1b}b",
            ],
            2,
            "does not show itself",
        ),
    ] {
        let (exit, said) = fails(dir.path(), arguments);

        assert_eq!(exit, code, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert!(!dir.path().join("k").exists());
}

#[test]
fn no_log_line_holds_a_token_however_much_is_logged() {
    let keys = Keys::new();
    let dir = tempfile::tempdir().unwrap();
    let path = keys.path.display().to_string();
    let arguments = ["--tokens", &path, "--log-level", "trace"];
    let program = Program::start(dir.path(), &arguments);
    let (_, extra) = keys::add(&keys.path, Scope::Read);
    let form = format!("token={}", keys.admin);
    let form_header = "Content-Type: application/x-www-form-urlencoded";
    // None of these is asked for; people send them all the same.
    let in_query = format!("/services?token={}", keys.admin);
    let in_path = format!("/refresh/{}", keys.admin);

    let mut answers = String::new();
    for (method, target, headers, body) in [
        ("GET", "/services", vec![bearer(&keys.admin)], ""),
        ("GET", "/services", vec![bearer(&keys.revoked)], ""),
        ("GET", "/nowhere", vec![bearer(&keys.admin)], ""),
        ("GET", &in_query, vec![], ""),
        ("POST", &in_path, vec![], ""),
        (
            "POST",
            "/sign-in",
            vec![form_header.to_owned()],
            form.as_str(),
        ),
        (
            "POST",
            "/sign-in",
            vec![form_header.to_owned()],
            "token=lastbeat_wrong_0",
        ),
        ("POST", "/register", vec![bearer(&keys.admin)], "{"),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let asked = request(method, target, &headers, body.as_bytes());
        let reply = runtime().block_on(async { Raw::open(program.addr).await.ask(&asked).await });
        answers += &reply.text();
    }

    program.terminate();
    let mut said = program.lines().join("\n");
    within(Duration::from_secs(5), "it stops", || {
        said += &program.lines().join("\n");
        said.contains("stopped")
    });
    assert!(said.contains("signed in to the dashboard"), "{said}");
    for text in [&keys.admin, &keys.revoked, &extra] {
        let secret = text.rsplit('_').next().unwrap();
        assert!(!said.contains(secret), "{said}");
        assert!(!answers.contains(secret), "{answers}");
    }
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn who_shows_a_wrong_token_is_told_once_and_without_the_token() {
    let keys = Keys::new();
    let dir = tempfile::tempdir().unwrap();
    let path = keys.path.display().to_string();
    let program = Program::start(dir.path(), &["--tokens", &path]);
    let wrong = keys.admin.replace(|c: char| c.is_ascii_digit(), "0");
    let mut said = Vec::new();

    for _ in 0..20 {
        assert_eq!(status(&program, &[&bearer(&wrong)]), 401);
    }
    assert_eq!(
        status(&program, &[]),
        401,
        "who shows nothing guesses nothing"
    );

    program.terminate();
    within(Duration::from_secs(5), "it stops", || {
        said.extend(program.lines());
        said.iter().any(|line| line.contains("stopped"))
    });
    let told: Vec<_> = said
        .iter()
        .filter(|line| line.contains("refused"))
        .collect();
    let [told] = told[..] else {
        panic!("{said:?}");
    };
    assert!(
        told.contains(" WARN 127.0.0.1 was refused at GET /services: its token is not known here"),
        "{told}"
    );
    let rest = "127.0.0.1 had 19 more refusals, the last at GET /services: its token is not known";
    let told = said.iter().filter(|line| line.contains(rest)).count();
    assert_eq!(told, 1, "at the stop: {said:?}");
    let secret = wrong.rsplit('_').next().unwrap();
    assert!(!said.iter().any(|line| line.contains(secret)), "{said:?}");
    assert_eq!(program.wait(), Some(0));
}
