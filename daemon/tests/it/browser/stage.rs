//! A daemon and a browser of one test's own, on ports that the system picks.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::authority::Authority;

/// The longest that anything on the page may take: a ttl, a period of the script, a slow machine.
const PATIENCE: Duration = Duration::from_secs(15);
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
];

/// A program that ends with its test.
struct Running(Child);

impl Running {
    fn stop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The real daemon.
pub(crate) struct Daemon {
    /// Where its dashboard is.
    pub(crate) url: String,
    dir: TempDir,
    program: Running,
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (program, url) = spawn(&dir, "127.0.0.1:0").await;
        Self { url, dir, program }
    }

    /// Its database.
    pub(crate) fn db(&self) -> std::path::PathBuf {
        self.dir.path().join("monitoring.db")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.program.stop();
    }

    /// At the same address with the same database.
    pub(crate) async fn start_again(&mut self) {
        let address = self.address().to_owned();
        (self.program, _) = spawn(&self.dir, &address).await;
    }

    /// Asks it as a service would; it must say yes.
    pub(crate) async fn post(&self, path: &str, body: &str) {
        let answer = post(self.address(), path, body).await;
        assert!(answer.contains(" 200 "), "{answer}");
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("http://").trim_end_matches('/')
    }
}

/// One request on a connection of its own; the whole answer.
async fn post(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // chromedriver keeps the connection open, whatever it is told: the JSON's end is the end.
    while 0 < stream.read_buf(&mut answer).await.unwrap() && !answer.ends_with(b"}") {}
    String::from_utf8(answer).unwrap()
}

async fn spawn(dir: &TempDir, listen: &str) -> (Running, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_lastbeatd"))
        .args(["--listen", listen, "--db"])
        .arg(dir.path().join("monitoring.db"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = program.stderr.take().unwrap();
    let program = Running(program);
    let url = line_behind(stderr, "listening on ").await;
    (program, format!("{url}/"))
}

/// A proxy that shows the daemon under a path of its own and nothing else.
pub(crate) struct Proxy {
    /// Where the dashboard is behind it.
    pub(crate) url: String,
    dir: TempDir,
    _program: Running,
}

impl Proxy {
    pub(crate) async fn start(daemon: &Daemon) -> Self {
        let headers = "proxy_set_header Host $http_host;";
        Self::before(&daemon.url, "http", "", headers).await
    }

    /// One that speaks TLS with the certificate of `authority`, as the operations guide sets it up.
    pub(crate) async fn start_with_tls(upstream: &str, authority: &Authority) -> Self {
        let (cert, key) = (authority.cert(), authority.key());
        let (cert, key) = (cert.display(), key.display());
        let tls = format!("ssl_certificate {cert}; ssl_certificate_key {key};");
        let headers = "proxy_set_header Host $host;\n\
             proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             proxy_set_header X-Forwarded-Proto $scheme;\n\
             proxy_set_header X-Forwarded-Prefix /registry;";
        Self::before(upstream, "https", &tls, headers).await
    }

    async fn before(upstream: &str, scheme: &str, server: &str, headers: &str) -> Self {
        let ssl = if scheme == "https" { " ssl" } else { "" };
        let dir = tempfile::tempdir().unwrap();
        // nginx cannot be given a bound socket, so it gets a port that was free a moment ago.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let home = dir.path().display();
        let text = format!(
            "daemon off; worker_processes 1; pid {home}/pid; error_log stderr notice;\n\
             events {{}}\n\
             http {{ access_log {home}/access.log; client_body_temp_path {home}/body;\n\
             proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f;\n\
             uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;\n\
             server {{ listen {address}{ssl}; {server}\n\
             location / {{ return 404; }}\n\
             location /registry/ {{ proxy_pass {upstream}; {headers} }}\n\
             }} }}\n"
        );
        let path = dir.path().join("nginx.conf");
        std::fs::write(&path, text).unwrap();
        let mut program = Command::new("nginx")
            .arg("-c")
            .arg(path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = program.stderr.take().unwrap();
        let program = Running(program);
        line_behind(stderr, "start worker process ").await;
        Self {
            url: format!("{scheme}://{address}/registry/"),
            dir,
            _program: program,
        }
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.dir.path().join("access.log")).unwrap();
        let path = |line: &str| line.split(' ').nth(6).unwrap_or_default().to_owned();
        log.lines().map(path).collect()
    }
}

/// What stands behind `mark` in the first line that has it; the rest is read and dropped, so that
/// the program never waits for its reader.
async fn line_behind(output: impl std::io::Read + Send + 'static, mark: &'static str) -> String {
    let (found, line) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(mark)
                && let Some(found) = found.take()
            {
                found.send(rest.to_owned()).unwrap();
            }
        }
    });
    line.await.unwrap()
}

/// A browser that looks at a page.
pub(crate) struct Stage {
    /// The browser.
    pub(crate) browser: Client,
    driver_address: String,
    _driver: Running,
    _profile: TempDir,
}

impl Stage {
    /// A new browser at `url`, with scripts or without.
    pub(crate) async fn open(url: &str, with_script: bool) -> Self {
        Self::open_with(url, with_script, &[]).await
    }

    /// The same with more flags for the browser.
    pub(crate) async fn open_with(url: &str, with_script: bool, flags: &[&str]) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = driver.stdout.take().unwrap();
        let driver = Running(driver);
        let port = line_behind(stdout, "successfully on port ").await;
        let driver_address = format!("127.0.0.1:{}", port.trim_end_matches('.'));
        let profile = tempfile::tempdir().unwrap();
        let browser = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile, with_script, flags))
            .connect(&format!("http://{driver_address}"))
            .await
            .unwrap();
        browser.goto(url).await.unwrap();
        Self {
            browser,
            driver_address,
            _driver: driver,
            _profile: profile,
        }
    }

    /// Waits until the page has such an element.
    pub(crate) async fn sees(&self, css: &str) -> Element {
        let wait = self.browser.wait().at_most(PATIENCE);
        let found = wait.for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// Waits until such an element says `text`. A page that is left in this moment takes its
    /// elements along, so they are looked for again.
    pub(crate) async fn sees_text(&self, css: &str, text: &str) {
        let mut said = String::new();
        let sees = async {
            while !said.contains(text) {
                if let Ok(found) = self.sees(css).await.text().await {
                    said = found;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, sees).await;
        assert!(in_time.is_ok(), "{css} never says {text:?}, but {said:?}");
    }

    /// Clicks such an element, on the page that is there to stay.
    pub(crate) async fn clicks(&self, css: &str) {
        let click = async { while self.sees(css).await.click().await.is_err() {} };
        let in_time = tokio::time::timeout(PATIENCE, click).await;
        assert!(in_time.is_ok(), "{css} cannot be clicked");
    }

    /// Nothing was refused by the page's policy, and no script failed.
    pub(crate) async fn ends_clean(self) {
        let session = self.browser.session_id().await.unwrap().unwrap();
        let path = format!("/session/{session}/se/log");
        let log = post(&self.driver_address, &path, r#"{"type":"browser"}"#).await;
        assert!(log.ends_with(r#"{"value":[]}"#), "{log}");
        self.browser.close().await.unwrap();
    }
}

fn capabilities(profile: &TempDir, with_script: bool, more: &[&str]) -> Capabilities {
    let flags = FLAGS.iter().chain(more);
    let mut flags: Vec<String> = flags.map(|&flag| flag.to_owned()).collect();
    flags.push(format!("--user-data-dir={}", profile.path().display()));
    let scripts = if with_script { 1 } else { 2 };
    let options = json!({
        "args": flags,
        "prefs": { "profile.managed_default_content_settings.javascript": scripts },
    });
    let mut capabilities = Capabilities::new();
    capabilities.insert("goog:chromeOptions".to_owned(), options);
    capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    capabilities
}
