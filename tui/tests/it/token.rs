//! Tokens: sent with each question and shown to nobody, and what stands on the screen without one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lastbeat_proto::Status;

use crate::daemon::{Daemon, row};
use crate::pty::Terminal;

const TOKEN: &str = "lb_s3cret";
const MISSING_SCOPE: &str = r#"{"type":"urn:lastbeat:problem:missing-scope","status":403,"detail":"this token may only read; use one with the scope register"}"#;

fn lastbeat(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A daemon that wants the token.
fn locked() -> Daemon {
    let daemon = Daemon::start(vec![row("auth", Status::Up, 5)]);
    daemon.state().token = Some(TOKEN.to_owned());
    daemon
}

struct File {
    dir: tempfile::TempDir,
}

impl File {
    fn new(token: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = Self { dir };
        file.write(token);
        file
    }

    /// Replaced as a whole, as whoever rotates tokens should.
    fn write(&self, token: &str) {
        let new = self.dir.path().join("new");
        std::fs::write(&new, format!("{token}\n")).unwrap();
        set_mode(&new, 0o600);
        std::fs::rename(new, self.path()).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("token")
    }

    fn text(&self) -> String {
        self.path().display().to_string()
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_token_is_sent_and_shown_nowhere() {
    let daemon = locked();
    let file = File::new(TOKEN);
    for format in ["table", "json", "tsv"] {
        let url = daemon.url();
        let arguments = [
            "--once",
            "--url",
            &url,
            "--token-file",
            &file.text(),
            "--format",
            format,
        ];

        let output = lastbeat(&arguments, &[]);

        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let shown = text(&output.stdout);
        assert!(
            shown.contains("auth") && !shown.contains("s3cret"),
            "{shown}"
        );
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn a_beat_sends_it_from_the_first_to_the_last() {
    let daemon = locked();
    let file = File::new(TOKEN);
    let variables = [
        ("LASTBEAT_TOKEN_FILE", file.text()),
        ("LASTBEAT_URL", daemon.url()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));

    let output = lastbeat(&["beat", "worker", "--", "true"], &variables);

    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("deregistered worker"), "{stderr}");
    let state = daemon.state();
    assert_eq!(state.asked.len(), 2);
    let wanted = format!("Bearer {TOKEN}");
    assert!(
        state
            .asked
            .iter()
            .all(|asked| asked.token.as_ref() == Some(&wanted))
    );
}

#[test]
fn without_a_token_a_list_is_4_and_says_what_to_do() {
    let daemon = locked();

    let output = lastbeat(&["--once", "--url", &daemon.url()], &[]);

    assert_eq!(output.status.code(), Some(4));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("HTTP 401"), "{stderr}");
    assert!(
        stderr.contains("give a token with --token-file"),
        "{stderr}"
    );
}

#[test]
fn a_token_that_is_not_known_is_tried_once_and_its_file_is_named() {
    let daemon = locked();
    let file = File::new("lb_0ther");
    let url = daemon.url();

    let output = lastbeat(
        &["--once", "--url", &url, "--token-file", &file.text()],
        &[],
    );

    assert_eq!(output.status.code(), Some(4));
    let stderr = text(&output.stderr);
    let sentence = format!("the token in {} is not known there", file.text());
    assert!(stderr.contains(&sentence), "{stderr}");
    assert!(!stderr.contains("0ther"), "{stderr}");
    assert_eq!(daemon.state().asked.len(), 1);
}

#[test]
fn a_token_that_may_not_is_told_by_the_daemon() {
    let daemon = locked();
    daemon.state().refusal = Some((403, MISSING_SCOPE.to_owned()));

    let output = lastbeat(&["--once", "--url", &daemon.url()], &[]);

    assert_eq!(output.status.code(), Some(4));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("this token may only read"), "{stderr}");
}

#[test]
fn a_beat_whose_token_may_not_register_is_2_and_says_what_is_needed() {
    let daemon = locked();
    daemon.state().refusal = Some((403, MISSING_SCOPE.to_owned()));
    let file = File::new(TOKEN);
    let (url, path) = (daemon.url(), file.text());

    let output = lastbeat(
        &["beat", "worker", "--url", &url, "--token-file", &path],
        &[],
    );

    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        format!(
            "lastbeat: cannot register worker: this token may only read; use one with the scope \
             register; write one that does into {path}\n"
        )
    );
    assert_eq!(daemon.state().asked.len(), 1);
}

#[test]
fn a_beat_for_a_command_takes_a_better_token_while_it_runs() {
    let daemon = locked();
    daemon.state().token_refusal = Some((403, MISSING_SCOPE.to_owned()));
    let file = File::new("lb_0nlyread");
    let (url, path) = (daemon.url(), file.text());
    let flags = [
        "beat",
        "worker",
        "--url",
        &url,
        "--token-file",
        &path,
        "--every",
        "250ms",
        "--",
        "cat",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(flags)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();

    daemon.wait_for_more(2, "POST /register");
    file.write(TOKEN);
    daemon.wait_for("with the better token", |asked| {
        let wanted = format!("Bearer {TOKEN}");
        asked
            .iter()
            .any(|asked| asked.token.as_ref() == Some(&wanted))
    });
    drop(child.stdin.take());

    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("use one with the scope register"),
        "{stderr}"
    );
    assert!(stderr.contains("deregistered worker"), "{stderr}");
}

#[test]
fn a_token_that_others_can_read_is_refused() {
    let daemon = locked();
    let file = File::new(TOKEN);
    set_mode(&file.path(), 0o644);
    let (url, path) = (daemon.url(), file.text());
    for command in [&["--once"][..], &["beat", "worker"]] {
        let arguments = [command, &["--url", &url, "--token-file", &path]].concat();

        let output = lastbeat(&arguments, &[]);

        assert_eq!(output.status.code(), Some(2));
        let stderr = text(&output.stderr);
        assert!(stderr.contains("run chmod 600 on it"), "{stderr}");
    }
    assert_eq!(daemon.state().asked.len(), 0);
}

#[test]
fn a_token_that_goes_in_clear_is_told_in_one_line() {
    let file = File::new(TOKEN);
    // An address of documentation (RFC 5737): nobody answers.
    let far = ["--url", "http://192.0.2.1:5001", "--timeout", "100ms"];
    for (token, lines) in [(&["--token-file", &file.text()][..], 1), (&[], 0)] {
        let output = lastbeat(&[&["--once"], &far[..], token].concat(), &[]);

        assert_eq!(output.status.code(), Some(3));
        let stderr = text(&output.stderr);
        let told = stderr
            .lines()
            .filter(|line| line.contains("the token is sent in clear to 192.0.2.1:5001"));
        assert_eq!(told.count(), lines, "{stderr}");
    }
}

#[test]
fn the_screen_is_unauthorized_until_the_file_holds_a_new_token() {
    let daemon = locked();
    let file = File::new(TOKEN);
    let url = daemon.url();
    let arguments = [
        "--url",
        &url,
        "--token-file",
        &file.text(),
        "--interval",
        "250ms",
    ];
    let terminal = Terminal::start((100, 24), &arguments, &[]);
    terminal.wait_text("LIVE");

    daemon.state().token = Some("lb_r0tated".to_owned());
    terminal.wait_text("UNAUTHORIZED: its token is not accepted");
    assert!(terminal.screen().contents().contains("auth"));
    file.write("lb_r0tated");
    terminal.wait_text("LIVE");

    let bytes = String::from_utf8_lossy(&terminal.bytes()).into_owned();
    assert!(!bytes.contains("lb_"), "the token was shown");
}

#[test]
fn what_a_token_may_not_is_a_toast_with_the_daemons_sentence() {
    let daemon = locked();
    daemon.state().change_refusal = Some((403, MISSING_SCOPE.to_owned()));
    let file = File::new(TOKEN);
    let url = daemon.url();
    let arguments = ["--url", &url, "--token-file", &file.text()];
    let mut terminal = Terminal::start((120, 24), &arguments, &[]);
    terminal.wait_text("LIVE");

    terminal.press("r");
    terminal.wait_text("cannot refresh auth: this token may only read; use one with the scope");

    terminal.wait_text("LIVE");
    let asked = daemon.state();
    let refreshes = asked
        .asked
        .iter()
        .filter(|asked| asked.line.starts_with("POST "));
    assert_eq!(refreshes.count(), 1);
}

#[test]
fn a_misspelt_variable_is_told_with_the_one_that_was_meant() {
    let daemon = Daemon::start(Vec::new());
    let url = daemon.url();

    let output = lastbeat(&["--once", "--url", &url], &[("LASTBEAT_TOKENFILE", "x")]);

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stderr),
        "lastbeat: the variable LASTBEAT_TOKENFILE is none of ours and changes nothing; the \
         nearest is LASTBEAT_TOKEN_FILE\n"
    );
}
