//! The examples of the documents, run against the real daemon as a reader would run them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::debian::PYTHON;
use crate::http;
use crate::running::Running;

/// Where the examples think the daemon is.
const WRITTEN: &str = "localhost:5001";

/// A daemon of its own for one test, with its database.
struct Daemon {
    address: SocketAddr,
    _running: Running,
    _folder: tempfile::TempDir,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(binary("lastbeatd"));
        command
            .args(["--listen", "127.0.0.1:0", "--db"])
            .arg(folder.path().join("monitoring.db"))
            .stderr(Stdio::piped());
        let (running, address) = Running::start(
            &mut command,
            |child| child.stderr.take(),
            Running::address_in,
        )
        .unwrap();
        Self {
            address,
            _running: running,
            _folder: folder,
        }
    }

    /// Registers what the examples speak of; gives back where a delta reader then stands.
    fn prepare(&self) -> String {
        let body = json!({"name": "auth-service", "ip": "192.168.1.100", "port": 8080});
        http::ask(self.address, "POST", "/register", &body).unwrap();
        let list = http::ask(self.address, "GET", "/services", &Value::Null).unwrap();
        list["cursor"].as_str().unwrap().to_owned()
    }

    /// What a program says on its standard output, which must be all it has to say.
    fn said(&self, program: &str, option: &str, text: &str) -> String {
        let text = text.replace(WRITTEN, &self.address.to_string());
        let output = Command::new(program)
            .args([option, &text])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}\n{errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A program of the workspace, built beside this test.
fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join(name);
    assert!(path.exists(), "{} is not built", path.display());
    path
}

/// The code blocks of a document in this language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(document);
    let text = std::fs::read_to_string(path).unwrap();
    let opening = format!("```{language}\n");
    let blocks = text.split(&opening).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// The calls of curl in shell blocks, as scripts that end at the first error.
fn curl_scripts(document: &str) -> Vec<String> {
    let blocks = blocks(document, "sh").into_iter();
    let curls = blocks.filter(|block| block.contains("curl "));
    curls
        .map(|block| {
            // The other commands of the block start programs.
            let (block, _) = block.split_once("\n\ncargo ").unwrap_or((&block, ""));
            format!("set -e\n{}", block.replace("curl ", "curl -fsS "))
        })
        .collect()
}

#[test]
#[ignore = "needs curl"]
fn every_curl_example_of_the_documents_works() {
    for document in ["README.md", "docs/api.md"] {
        let scripts = curl_scripts(document);
        assert!(!scripts.is_empty(), "{document} has no examples");
        let daemon = Daemon::start();
        for script in scripts {
            let cursor = daemon.prepare();
            let script = script
                .replace("CURSOR", &cursor)
                .replace("wait=30s", "wait=1s");

            let said = daemon.said("/bin/sh", "-c", &script);

            assert!(said.starts_with('{'), "{script}\n{said}");
        }
    }
}

#[test]
#[ignore = "needs python3-requests"]
fn the_originals_python_examples_work_unchanged() {
    let daemon = Daemon::start();
    let examples = blocks("README.md", "python");
    assert_eq!(examples.len(), 2);

    let registered = daemon.said(PYTHON, "-c", &examples[0]);
    let listed = daemon.said(PYTHON, "-c", &examples[1]);

    assert!(registered.contains("payment-service"), "{registered}");
    assert_eq!(listed, "Service: payment-service, Status: UP\n");
}
