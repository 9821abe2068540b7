//! Prometheus itself, from Debian: its linter on the page, and its server as the reader.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::{Program, ask, ask_for_text, until};

/// A Prometheus that scrapes one daemon each second; killed when it is dropped.
struct Prometheus {
    child: Child,
    addr: SocketAddr,
}

impl Prometheus {
    fn start(dir: &Path, target: SocketAddr) -> Self {
        let config = dir.join("prometheus.yml");
        let text = format!(
            "scrape_configs:\n  - job_name: lastbeat\n    scrape_interval: 1s\n    \
             static_configs:\n      - targets: ['{target}']\n"
        );
        std::fs::write(&config, text).unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("tsdb").display()
            ))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let addr = said.find_map(|line| {
            let line = line.unwrap();
            let at = line.split_once("msg=\"Listening on\" address=")?.1;
            at.trim().parse().ok()
        });
        // Its log goes on, and a full pipe would stop it.
        std::thread::spawn(|| said.for_each(drop));
        Self {
            addr: addr.expect("it ended before it listened"),
            child,
        }
    }

    /// The values of an instant query.
    fn query(&self, query: &str) -> Vec<String> {
        let (status, answer) = ask(
            self.addr,
            "GET",
            &format!("/api/v1/query?query={query}"),
            "",
        );
        // It answers 503 until it has read its own files.
        if status != 200 {
            return Vec::new();
        }
        let results = answer["data"]["result"].as_array().unwrap().iter();
        let values = results.map(|result| result["value"][1].as_str().unwrap().to_owned());
        values.collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or(());
        self.child.wait().unwrap();
    }
}

/// A daemon that has something to tell in every metric with labels.
fn daemon(dir: &Path) -> Program {
    let program = Program::start(dir, &["--ttl", "2s"]);
    program.register(r#"{"name":"a","ip":"192.0.2.1","ttl_s":3600}"#);
    program.register(r#"{"name":"b","ip":"192.0.2.2","ttl_s":3600}"#);
    program.register(r#"{"name":"c","ip":"192.0.2.3"}"#);
    program.ask("POST", "/heartbeat/nobody", "");
    program.ask("GET", "/nowhere", "");
    until("c is DOWN", || {
        program.row("c").unwrap()["status"] == "DOWN"
    });
    program
}

#[test]
#[ignore = "needs prometheus"]
fn the_linter_of_prometheus_finds_nothing_in_the_metrics() {
    let dir = tempfile::tempdir().unwrap();
    let program = daemon(dir.path());
    let page = ask_for_text(program.addr, "/metrics");

    let (code, said) = lint(&page);
    let (bad_code, bad_said) = lint(&page.replace("_heartbeats_total", "_heartbeats"));

    assert_eq!((code, said.as_str()), (Some(0), ""), "in\n{page}");
    assert_ne!(bad_code, Some(0), "the linter finds nothing at all");
    assert!(bad_said.contains("lastbeat_heartbeats"), "{bad_said}");
}

/// Exit code and findings of `promtool check metrics`.
fn lint(page: &str) -> (Option<i32>, String) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(page.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
#[ignore = "needs prometheus"]
fn a_real_prometheus_scrapes_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let program = daemon(dir.path());

    let prometheus = Prometheus::start(dir.path(), program.addr);

    until("its targets are up", || prometheus.query("up") == ["1"]);
    until("it knows the instances", || {
        let mut by_status = prometheus.query("lastbeat_instances");
        by_status.sort();
        by_status == ["1", "2"]
    });
    program.register(r#"{"name":"d","ip":"192.0.2.4","ttl_s":3600}"#);
    until("it sees a change", || {
        prometheus.query("sum(lastbeat_instances)") == ["4"]
    });
    until("it can build quantiles", || {
        !prometheus
            .query(
                "histogram_quantile(0.99,sum(lastbeat_http_request_duration_seconds_bucket)by(le))",
            )
            .is_empty()
    });
}
