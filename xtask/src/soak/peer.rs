//! A client that keeps its connection, as real ones do, and makes a new one when it broke.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::http::read_head;

/// Longer than any trouble of the script lasts, so that an answer after it is still an answer.
const PATIENCE: Duration = Duration::from_secs(45);

pub(super) struct Peer {
    address: SocketAddr,
    kept: Option<BufReader<TcpStream>>,
}

/// Status and body.
pub(super) struct Answer {
    pub(super) status: u16,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Peer {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            kept: None,
        }
    }

    /// One request. A kept connection may have been closed meanwhile; then it is sent again on a
    /// new one, which every request of a soak can bear.
    ///
    /// # Errors
    /// When nobody answers on a new connection.
    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        if let Some(kept) = self.kept.take()
            && let Ok(answer) = self.exchange(kept, method, path, body)
        {
            return Ok(answer);
        }
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        self.exchange(BufReader::new(stream), method, path, body)
    }

    fn exchange(
        &mut self,
        mut stream: BufReader<TcpStream>,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<Answer> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes())?;
        let (status, length) = read_head(&mut stream)?;
        let length = length.context("the answer has no Content-Length")?;
        let mut body = vec![0; usize::try_from(length)?];
        stream.read_exact(&mut body)?;
        self.kept = Some(stream);
        Ok(Answer { status, body })
    }
}
