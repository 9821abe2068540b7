//! Programs that end with their test: the real daemon, and what else is started beside it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A program that ends with its test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Ends it at once.
    pub(crate) fn stop(&mut self) {
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
    pub(crate) fn db(&self) -> PathBuf {
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
pub(crate) async fn post(address: &str, path: &str, body: &str) -> String {
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

/// What stands behind `mark` in the first line that has it; the rest is read and dropped, so that
/// the program never waits for its reader.
pub(crate) async fn line_behind(
    output: impl std::io::Read + Send + 'static,
    mark: &'static str,
) -> String {
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
