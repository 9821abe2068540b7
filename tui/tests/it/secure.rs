//! TLS from end to end: the real `lastbeatd` with certificates of every kind, and what is said of
//! them.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};

/// An authority, and the folder of everything.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: tempfile::TempDir,
}

impl Authority {
    /// With a name of its own.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("authority {}", dir.path().display());
        Self::named(&name, &PKCS_ECDSA_P256_SHA256)
    }

    fn named(name: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate_for(algorithm).unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, dir }
    }

    fn ca(&self) -> String {
        self.dir.path().join("ca.pem").display().to_string()
    }

    /// A daemon that shows a certificate for these names, changed as wanted.
    fn daemon(&self, names: &[&str], change: impl Fn(&mut CertificateParams)) -> Lastbeatd {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.dir.path().join("cert.pem"), cert.pem()).unwrap();
        let path = self.dir.path().join("key.pem");
        std::fs::write(&path, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Lastbeatd::start(
            self.dir.path(),
            &["--tls-cert", "cert.pem", "--tls-key", "key.pem"],
        )
    }
}

/// The real program; it is killed when it is dropped.
struct Lastbeatd {
    child: Child,
    url: String,
}

impl Lastbeatd {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let program: PathBuf =
            Path::new(env!("CARGO_BIN_EXE_lastbeat")).with_file_name("lastbeatd");
        let mut child = Command::new(&program)
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; run cargo build --workspace first",
                    program.display()
                )
            });
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .find_map(|line| Some(line.unwrap().strip_prefix("listening on ")?.to_owned()))
            .unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }
}

impl Drop for Lastbeatd {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn lastbeat(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lastbeat"))
        .args(arguments)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// What a list that does not come says, and its code.
fn refusal(url: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = lastbeat(&[&["--once", "--url", url], more].concat());
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr)
}

/// The names in a certificate, what is changed about it, and what is said.
type Case<'a> = (&'a [&'a str], fn(&mut CertificateParams), &'a str);

fn unchanged(_params: &mut CertificateParams) {}

#[test]
fn a_beat_and_a_list_go_over_tls() {
    let authority = Authority::new();
    let daemon = authority.daemon(&["localhost", "127.0.0.1"], unchanged);
    let ca = authority.ca();
    let by_name = daemon.url.replace("127.0.0.1", "localhost");

    let list = format!(
        "exec {} --once --url {by_name} --ca-file {ca}",
        env!("CARGO_BIN_EXE_lastbeat")
    );
    let arguments = ["beat", "worker", "--url", &daemon.url, "--ca-file", &ca];
    let output = lastbeat(&[&arguments[..], &["--", "sh", "-c", &list]].concat());

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("deregistered worker"), "{stderr}");
}

#[test]
fn who_cannot_be_trusted_is_told_in_plain_words() {
    let authority = Authority::new();
    let ca = authority.ca();
    let trusting = ["--ca-file", ca.as_str()];
    let stranger = Authority::new();
    let ours = ["127.0.0.1"];

    let daemon = authority.daemon(&ours, unchanged);
    for more in [&["--ca-file", &stranger.ca()][..], &[]] {
        let (code, said) = refusal(&daemon.url, more);
        assert_eq!(code, Some(3));
        assert!(
            said.contains("an authority that is not trusted here"),
            "{said}"
        );
        assert!(said.contains("with --ca-file"), "{said}");
    }
    drop(daemon);

    let cases: [Case<'_>; 5] = [
        (
            &["other.lan"],
            unchanged,
            "its certificate is not for 127.0.0.1 but for other.lan; use that in --url",
        ),
        (
            &ours,
            |params| params.not_after = date_time_ymd(2020, 1, 1),
            "its certificate has expired",
        ),
        (
            &ours,
            |params| params.not_before = date_time_ymd(2200, 1, 1),
            "its certificate is not valid yet; set the clock",
        ),
        (
            &ours,
            |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
            "its certificate is that of an authority, which no server may show",
        ),
        (
            &ours,
            |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            "its certificate is not one for servers",
        ),
    ];
    for (names, change, sentence) in cases {
        let daemon = authority.daemon(names, change);
        let (code, said) = refusal(&daemon.url, &trusting);

        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(sentence), "{sentence}\n{said}");
    }
}

#[test]
fn an_authority_that_was_made_again_under_its_name_is_told() {
    let before = Authority::named("home", &PKCS_ECDSA_P256_SHA256);
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let again = Authority::named("home", algorithm);
        let daemon = again.daemon(&["127.0.0.1"], unchanged);

        let (code, said) = refusal(&daemon.url, &["--ca-file", &before.ca()]);

        assert_eq!(code, Some(3), "{said}");
        assert!(
            said.contains("with another key than that of the authority"),
            "{said}"
        );
        assert!(
            said.contains("name that authority's newer certificate with --ca-file"),
            "{said}"
        );
    }
}

#[test]
fn http_and_https_taken_for_each_other_are_told() {
    let authority = Authority::new();
    let secure = authority.daemon(&["127.0.0.1"], unchanged);
    let other = tempfile::tempdir().unwrap();
    let plain = Lastbeatd::start(other.path(), &[]);

    let (code, said) = refusal(
        &plain.url.replace("http", "https"),
        &["--ca-file", &authority.ca()],
    );
    assert_eq!(code, Some(3));
    assert!(
        said.contains("it does not speak TLS; write http:// in --url"),
        "{said}"
    );

    let (code, said) = refusal(&secure.url.replace("https", "http"), &[]);
    assert_eq!(code, Some(3));
    assert!(
        said.contains("it speaks TLS; write https:// in --url"),
        "{said}"
    );
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_2() {
    for (path, sentence) in [
        ("/nowhere/ca.pem", "name a readable file with --ca-file"),
        ("/dev/null", "there is no whole PEM certificate in it"),
    ] {
        let (code, said) = refusal("https://127.0.0.1:1", &["--ca-file", path]);

        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(sentence), "{said}");
    }
}
