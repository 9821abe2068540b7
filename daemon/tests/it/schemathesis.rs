//! schemathesis, from Python's index, against the real daemon and its own document: every documented answer
//! and no other.
//!
//! It makes requests of its own from `/openapi.json`, right ones and wrong ones, follows what
//! they answer, and judges every answer by the document.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program::{Program, ask_for_text, until};

/// Pinned with its generator, so that a seed means the same requests.
const PACKAGES: [&str; 2] = ["schemathesis==4.32.5", "hypothesis==6.170.17"];
/// Debian's Python, which its package `python3-venv` belongs to.
const PYTHON: &str = "/usr/bin/python3";

/// Operations whose requests the document cannot describe wholly: what else a right request may be
/// answered with, and why. A table of `docs/api.md`.
const REFUSED: [(&str, u16, &str); 2] = [
    (
        "services",
        400,
        "beside `since` only `wait` may stand, and `wait` needs `since`",
    ),
    (
        "deregisterByPost",
        400,
        "`instance` in the query and in the body must not differ",
    ),
];

/// Checks that are not made, and why. A table of `docs/api.md`; all others are.
const LEFT_OUT: [(&str, &str); 1] = [(
    "use_after_free",
    "a deregistration of one instance leaves the others of its name",
)];

/// A folder with the program in it, made once for a tree.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGES.join("-"));
    let program = folder.join("bin/schemathesis");
    let done = folder.join("done");
    // Another test may be at it.
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !done.exists() {
        run(Command::new(PYTHON)
            .args(["-m", "venv", "--clear"])
            .arg(&folder));
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        run(Command::new(folder.join("bin/python"))
            .args(pip)
            .args(PACKAGES));
        std::fs::write(done, "").unwrap();
    }
    program
}

/// Runs what must succeed.
fn run(command: &mut Command) {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(
        status.success(),
        "cannot install schemathesis, {command:?} ended with {status}: {}; give pip a way to its index",
        String::from_utf8_lossy(&stderr)
    );
}

/// The settings of a run, with its texts for our formats beside them.
fn write_settings(dir: &Path) -> PathBuf {
    std::fs::write(dir.join("hooks.py"), include_str!("schemathesis/hooks.py")).unwrap();
    let mut text = include_str!("schemathesis/settings.toml").to_owned();
    for (check, _reason) in LEFT_OUT {
        writeln!(text, "[checks.{check}]\nenabled = false").unwrap();
    }
    for (operation, status, _reason) in REFUSED {
        writeln!(
            text,
            "[[operations]]\ninclude-operation-id = \"{operation}\"\n\
             [operations.checks.positive_data_acceptance]\n\
             expected-statuses = [\"2xx\", 401, 403, 404, {status}]"
        )
        .unwrap();
    }
    let settings = dir.join("schemathesis.toml");
    std::fs::write(&settings, text).unwrap();
    settings
}

/// Exit code and report of a run with these arguments behind the usual ones.
fn judge(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(installed())
        .arg("--config-file")
        .arg(write_settings(dir))
        .arg("run")
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// A daemon with instances that are UP, DOWN and GONE, several of one name among them.
fn daemon(dir: &Path) -> Program {
    let program = Program::start(dir, &["--remove-after", "1s"]);
    for body in [
        r#"{"name":"steady","ip":"192.0.2.1","port":80,"tags":["a"],"metadata":{"b":"c"}}"#,
        r#"{"name":"team/api","ip":"192.0.2.2","instance":"one","ttl_s":3600}"#,
        r#"{"name":"team/api","ip":"192.0.2.3","instance":"two","ttl_s":3600}"#,
        r#"{"name":"gone","ip":"192.0.2.4","ttl_s":2}"#,
    ] {
        program.register(body);
    }
    until("one is GONE", || program.row("gone").is_none());
    program
}

#[test]
#[ignore = "needs python3-venv"]
fn every_answer_to_schemathesis_is_a_documented_one() {
    let dir = tempfile::tempdir().unwrap();
    let program = daemon(dir.path());
    let url = format!("http://{}/openapi.json", program.addr);

    let (code, said) = judge(dir.path(), &[&url]);

    println!("{said}");
    assert_eq!(code, Some(0), "{said}");
    let metrics = ask_for_text(program.addr, "/metrics");
    let failed: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("lastbeat_http_requests_total"))
        .filter(|line| line.contains("status=\"5") || line.contains("status=\"other\""))
        .collect();
    assert_eq!(failed, Vec::<&str>::new());
    for endpoint in &lastbeat_proto::endpoint::ENDPOINTS {
        let (method, route) = (endpoint.method.word(), endpoint.path);
        // Without tokens, signing in and out only lead to the dashboard.
        let status = if route.starts_with("/sign-") {
            303
        } else {
            200
        };
        let fine =
            format!("requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}");
        assert!(
            metrics.contains(&fine),
            "{method} {route} was never answered with {status}"
        );
    }
}

#[test]
#[ignore = "needs python3-venv"]
fn schemathesis_finds_a_document_that_does_not_tell_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let program = daemon(dir.path());
    let url = format!("http://{}", program.addr);
    let document = ask_for_text(program.addr, "/openapi.json");
    let lies = [
        ("\"boolean\"", "\"number\"", "/services"),
        (
            "\"404\":{\"$ref\":",
            "\"410\":{\"$ref\":",
            "/refresh/{name}",
        ),
        ("\"text/plain\":{", "\"text/csv\":{", "/metrics"),
    ];
    for (truth, lie, path) in lies {
        assert!(document.contains(truth), "{truth} is not in {document}");
        let file = dir.path().join("lie.json");
        std::fs::write(&file, document.replace(truth, lie)).unwrap();

        let file = file.display().to_string();
        let arguments = [
            "--url",
            &url,
            "--phases",
            "coverage",
            "--include-path",
            path,
        ];
        let (code, said) = judge(dir.path(), &[&[file.as_str()], &arguments[..]].concat());

        assert_eq!(code, Some(1), "{lie}: {said}");
    }
}

#[test]
fn what_schemathesis_may_meet_stands_in_the_api_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let text = std::fs::read_to_string(path).unwrap();

    for (operation, status, reason) in REFUSED {
        let row = format!("| `{operation}` | {status} | {reason} |");
        assert!(text.contains(&row), "docs/api.md lacks {row}");
    }
    for (check, reason) in LEFT_OUT {
        let row = format!("| `{check}` | {reason} |");
        assert!(text.contains(&row), "docs/api.md lacks {row}");
    }
}
