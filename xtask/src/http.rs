//! One HTTP request with JSON both ways over a socket of its own: enough for the daemon and for
//! a `WebDriver`, and no dependency.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Longest wait for an answer; a browser may need a while to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a request and gives back the body of its answer.
///
/// # Errors
/// When nobody answers, or not with a status of 2xx and JSON.
pub(crate) fn ask(peer: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value> {
    exchange(peer, method, path, body)
        .with_context(|| format!("cannot get an answer to {method} http://{peer}{path}"))
}

fn exchange(peer: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut stream = TcpStream::connect(peer)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {peer}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut reader = BufReader::new(stream);
    let (status, length) = read_head(&mut reader)?;
    let mut answer = Vec::new();
    match length {
        Some(length) => reader.take(length).read_to_end(&mut answer)?,
        None => reader.read_to_end(&mut answer)?,
    };
    ensure!(
        (200..300).contains(&status),
        "status {status}: {}",
        String::from_utf8_lossy(&answer)
    );
    serde_json::from_slice(&answer).context("the answer is not JSON")
}

/// Status and Content-Length.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Result<(u16, Option<u64>)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).context("no status line")?.parse()?;
    let mut length = None;
    loop {
        line.clear();
        ensure!(0 < reader.read_line(&mut line)?, "the answer ends early");
        if line.trim().is_empty() {
            return Ok((status, length));
        }
        if let Some((key, value)) = line.split_once(':')
            && key.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse()?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_an_answer_is_read() {
        let mut head = &b"HTTP/1.1 200 OK\r\nA: b\r\ncontent-length: 7\r\n\r\n{}"[..];

        assert_eq!(read_head(&mut head).unwrap(), (200, Some(7)));
        assert_eq!(head, b"{}");
    }

    #[test]
    fn an_answer_that_ends_early_is_an_error() {
        assert!(read_head(&mut &b"HTTP/1.1 200 OK\r\nA: b\r\n"[..]).is_err());
        assert!(read_head(&mut &b""[..]).is_err());
    }
}
