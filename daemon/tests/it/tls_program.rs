//! The real program with TLS: files it refuses, SIGHUP, `ping`, and what other programs make of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use crate::authority::{Authority, write_secret};
use crate::program::{Program, command, end, until};

/// What is said, and what was done to the files before.
type Case = (&'static str, fn(&Authority));

fn start(dir: &Path, authority: &Authority) -> Program {
    let arguments = authority.arguments();
    Program::start(dir, &arguments.each_ref().map(String::as_str))
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Exit code and sentence of a start with these arguments.
fn refusal(dir: &Path, arguments: &[String]) -> (i32, String) {
    let mut command = command(dir, &["--listen", "127.0.0.1:0"]);
    command.args(arguments);
    end(command)
}

#[test]
fn what_cannot_be_used_is_refused_with_the_file_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let cases: [Case; 9] = [
        (
            "cert.pem: No such file or directory (os error 2); let the daemon's user read it, or \
             name another file with --tls-cert",
            |a| std::fs::remove_file(a.cert()).unwrap(),
        ),
        (
            "key.pem: No such file or directory (os error 2); let the daemon's user read it, or \
             name another file with --tls-key",
            |a| std::fs::remove_file(a.key()).unwrap(),
        ),
        ("cert.pem: there is no PEM certificate in it", |a| {
            std::fs::copy(a.key(), a.cert()).unwrap();
        }),
        ("cert.pem: the PEM certificate in it is damaged", |a| {
            let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
            std::fs::write(a.cert(), broken).unwrap();
        }),
        (
            "cert.pem: its first certificate is damaged or of an unknown kind",
            |a| {
                let empty = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
                std::fs::write(a.cert(), empty).unwrap();
            },
        ),
        ("key.pem: there is no PEM private key in it", |a| {
            write_secret(&a.key(), &std::fs::read_to_string(a.cert()).unwrap());
        }),
        (
            "key.pem: the key in it is damaged or of an unknown kind",
            |a| {
                let label = "PRIVATE KEY";
                let empty = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
                write_secret(&a.key(), &empty);
            },
        ),
        (
            "key.pem: it does not belong to the first certificate in",
            |a| {
                std::fs::copy(Authority::new().key(), a.key()).unwrap();
            },
        ),
        (
            "key.pem: its mode 644 is open to every user of this machine; run chmod 640 (or 600)",
            |a| set_mode(&a.key(), 0o644),
        ),
    ];
    for (sentence, spoil) in cases {
        let authority = Authority::new();
        spoil(&authority);

        let (code, said) = refusal(dir.path(), &authority.arguments());

        assert_eq!(code, 2, "{said}");
        assert!(said.starts_with("lastbeatd: cannot "), "{said}");
        assert!(said.contains(sentence), "{sentence}\n{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    // Refused before anything was made or touched.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_key_that_its_group_can_read_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    set_mode(&authority.key(), 0o640);

    assert_eq!(start(dir.path(), &authority).stop(), Some(0));
}

#[test]
fn one_of_the_two_settings_alone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let [cert_flag, cert, key_flag, key] = Authority::new().arguments();

    for (flag, value, absent) in [(cert_flag, cert, "tls-key"), (key_flag, key, "tls-cert")] {
        let (code, said) = refusal(dir.path(), &[flag.clone(), value.clone()]);

        assert_eq!(code, 2);
        let sentence = format!(
            "lastbeatd: cannot use {flag} {value}: it needs --{absent} beside it; give both or \
             neither\n"
        );
        assert_eq!(said, sentence);
    }
}

#[test]
fn sighup_reads_the_files_again_and_ping_knows_which_certificate_to_expect() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let program = start(dir.path(), &authority);
    let until_said = |sentence: &str| {
        until(sentence, || {
            program.lines().iter().any(|line| line.contains(sentence))
        });
    };
    let ping = || {
        let mut ping = command(dir.path(), &["ping", "--listen", &program.addr.to_string()]);
        ping.args(authority.arguments());
        end(ping)
    };
    assert_eq!(ping(), (0, String::new()));

    authority.issue();
    let (code, said) = ping();
    assert_eq!(code, 1);
    assert!(
        said.contains("it shows another certificate than the one in"),
        "{said}"
    );
    assert!(said.contains("send the daemon SIGHUP"), "{said}");
    program.signal(Signal::HUP);
    until_said("new connections get the certificate that is now in");
    assert_eq!(ping(), (0, String::new()));

    set_mode(&authority.key(), 0o644);
    program.signal(Signal::HUP);
    until_said("of before stays in use");
    assert_eq!(ping(), (0, String::new()));
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn a_ping_of_a_daemon_without_tls_says_what_it_found() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(dir.path(), &[]);
    let authority = Authority::new();
    let mut ping = command(dir.path(), &["ping", "--listen", &program.addr.to_string()]);
    ping.args(authority.arguments());

    let (code, said) = end(ping);

    assert_eq!(code, 1);
    assert!(said.contains("no daemon serves at"), "{said}");
    assert!(said.contains("without TLS"), "{said}");
}

fn curl(arguments: &[&str]) -> Output {
    let mut curl = Command::new("/usr/bin/curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "20"]);
    curl.args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
#[ignore = "needs curl"]
fn curl_registers_and_lists_over_https() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let program = start(dir.path(), &authority);
    let url = format!("https://localhost:{}", program.addr.port());
    let ca = authority.ca().display().to_string();
    let trusted = |more: &[&str]| curl(&[&["--cacert", &ca], more].concat());

    let body = r#"{"name": "a", "ip": "192.0.2.10"}"#;
    let registered = trusted(&["--json", body, &format!("{url}/register")]);
    assert!(registered.status.success(), "{registered:?}");
    for more in [
        &[][..],
        &["--http1.0"],
        &["--tls-max", "1.2"],
        &["--tlsv1.3"],
        &["--head"],
    ] {
        let list = trusted(&[more, &[&format!("{url}/services")]].concat());
        assert!(list.status.success(), "{more:?} {list:?}");
    }
    // Without the authority's certificate it goes no further (60: "peer certificate cannot be
    // authenticated").
    assert_eq!(curl(&[&url]).status.code(), Some(60));
}

/// The lines of `docs/operations.md` that make a certificate.
fn recipe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks = text.split("```sh\n").skip(1);
    let block = blocks.find(|block| block.starts_with("openssl ")).unwrap();
    block.split("```").next().unwrap().to_owned()
}

fn sh(dir: &Path, script: &str) {
    let mut sh = Command::new("sh");
    let ended = sh.args(["-ec", script]).current_dir(dir).output().unwrap();
    assert!(ended.status.success(), "{script}\n{ended:?}");
}

#[test]
#[ignore = "needs openssl"]
fn a_certificate_made_as_the_document_says_serves() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe().replace("registry.lan", "localhost");
    assert!(recipe.lines().count() <= 3, "{recipe}");
    sh(dir.path(), &recipe);

    let program = Program::start(
        dir.path(),
        &["--tls-cert", "cert.pem", "--tls-key", "key.pem"],
    );

    let asked = format!(
        "echo | openssl s_client -connect {} -CAfile ca.pem -verify_hostname localhost \
         -verify_return_error",
        program.addr
    );
    sh(dir.path(), &asked);
}

#[test]
#[ignore = "needs openssl"]
fn keys_of_every_form_are_read() {
    for make in [
        "openssl genrsa -traditional -out key.pem 2048",
        "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
        "openssl ecparam -name prime256v1 -genkey -out key.pem",
        "openssl ecparam -name secp384r1 -genkey -noout -out key.pem",
        "openssl genpkey -algorithm ED25519 -out key.pem",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let sign = "openssl req -x509 -new -key key.pem -subj /CN=a -days 2 -out cert.pem";
        sh(dir.path(), &format!("umask 077; {make}; {sign}"));
        let arguments = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];

        let program = Program::start(dir.path(), &arguments);

        let mut ping = command(dir.path(), &["ping", "--listen", &program.addr.to_string()]);
        ping.args(arguments);
        assert_eq!(end(ping), (0, String::new()), "{make}");
    }
}

#[test]
fn a_ping_without_tls_is_told_that_tls_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let program = start(dir.path(), &Authority::new());
    let listen = program.addr.to_string();

    let (code, said) = end(command(dir.path(), &["ping", "--listen", &listen]));

    assert_eq!(code, 1);
    assert!(
        said.contains("it speaks TLS, and --tls-cert is not set here; give ping the settings"),
        "{said}"
    );
    assert_eq!(program.stop(), Some(0));
}
