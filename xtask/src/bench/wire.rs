//! One connection to a server that is measured: bytes out, one whole answer in. It costs as little
//! as it can, since it shares the processors with the server.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Most header lines of an answer.
const MAX_HEADERS: usize = 32;

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// HTTP/1.1; a fine answer has a status of 200.
    Http,
    /// The protocol of Redis; a fine answer is a simple string.
    Resp,
}

/// Where a body lies in what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whole {
    body_from: usize,
    is_chunked: bool,
    stays_open: bool,
}

/// A connection that is opened when it is needed, and again when the server closed it.
#[derive(Debug)]
pub(super) struct Connection {
    address: SocketAddr,
    wire: Wire,
    stream: Option<TcpStream>,
    came: Vec<u8>,
    body_from: usize,
    is_chunked: bool,
}

impl Connection {
    /// A connection that is not open yet.
    pub(super) fn new(address: SocketAddr, wire: Wire) -> Self {
        Self {
            address,
            wire,
            stream: None,
            came: Vec::new(),
            body_from: 0,
            is_chunked: false,
        }
    }

    /// Sends a request and waits for the whole of its answer, which must be a fine one.
    ///
    /// # Errors
    /// When the server does not answer, or with another status.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<()> {
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            stream
        };
        stream.write_all(request).await?;
        self.came.clear();
        loop {
            let whole = match self.wire {
                Wire::Http => whole_of_http(&self.came)?,
                Wire::Resp => whole_of_resp(&self.came)?,
            };
            if let Some(whole) = whole {
                (self.body_from, self.is_chunked) = (whole.body_from, whole.is_chunked);
                if whole.stays_open {
                    self.stream = Some(stream);
                }
                return Ok(());
            }
            // Of a long answer much is taken at a time.
            self.came.reserve(self.came.len().clamp(4 << 10, 1 << 20));
            ensure!(
                0 < stream.read_buf(&mut self.came).await?,
                "the server closed the connection before its answer was whole"
            );
        }
    }

    /// Closes it, so that the next request opens a new one.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// The body of the last answer.
    ///
    /// # Errors
    /// When its chunks cannot be read.
    pub(super) fn body(&self) -> Result<Vec<u8>> {
        let body = self.came.get(self.body_from..).unwrap_or_default();
        if !self.is_chunked {
            return Ok(body.to_vec());
        }
        let (mut rest, mut joined) = (body, Vec::with_capacity(body.len()));
        while let Some((bytes, behind)) = first_chunk(rest)? {
            if bytes.is_empty() {
                return Ok(joined);
            }
            joined.extend_from_slice(bytes);
            rest = behind;
        }
        bail!("the chunks of an answer end early")
    }
}

/// The first chunk and what is behind it, once it is all there.
fn first_chunk(bytes: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
        return Ok(None);
    };
    let (line, rest) = bytes.split_at(end);
    let length = std::str::from_utf8(line)?.split(';').next();
    let length = usize::from_str_radix(length.unwrap_or_default().trim(), 16)
        .context("the length of a chunk cannot be read")?;
    let from = "\r\n".len();
    let Some(chunk) = rest.get(from..from + length) else {
        return Ok(None);
    };
    let behind = rest.get(from + length + "\r\n".len()..);
    Ok(behind.map(|behind| (chunk, behind)))
}

/// An answer of HTTP that is all there; none as long as more must come.
fn whole_of_http(came: &[u8]) -> Result<Option<Whole>> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(body_from) = head.parse(came)? else {
        return Ok(None);
    };
    let (mut length, mut is_chunked, mut stays_open) = (None, false, true);
    for line in head.headers {
        let value = line.value;
        if line.name.eq_ignore_ascii_case("content-length") {
            length = Some(std::str::from_utf8(value)?.parse::<usize>()?);
        } else if line.name.eq_ignore_ascii_case("transfer-encoding") {
            is_chunked = value.eq_ignore_ascii_case(b"chunked");
        } else if line.name.eq_ignore_ascii_case("connection") {
            stays_open = !value.eq_ignore_ascii_case(b"close");
        }
    }
    let is_whole = match length {
        Some(length) => body_from + length <= came.len(),
        // What we ask for has no trailers.
        None => is_chunked && came.ends_with(b"\r\n0\r\n\r\n"),
    };
    ensure!(
        length.is_some() || is_chunked,
        "an answer has neither length nor chunks"
    );
    ensure!(
        !is_whole || head.code == Some(200),
        "answered with status {}: {}",
        head.code.unwrap_or(0),
        String::from_utf8_lossy(came.get(body_from..).unwrap_or_default())
    );
    Ok(is_whole.then_some(Whole {
        body_from,
        is_chunked,
        stays_open,
    }))
}

/// A simple string of Redis that is all there.
fn whole_of_resp(came: &[u8]) -> Result<Option<Whole>> {
    if !came.ends_with(b"\r\n") {
        return Ok(None);
    }
    ensure!(
        came.starts_with(b"+"),
        "answered with {}",
        String::from_utf8_lossy(came).trim_end()
    );
    Ok(Some(Whole {
        body_from: 1,
        is_chunked: false,
        stays_open: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_last_byte_is_there() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

        for end in 0..answer.len() {
            assert_eq!(whole_of_http(&answer[..end]).unwrap(), None, "{end}");
        }
        let whole = whole_of_http(answer).unwrap().unwrap();
        assert_eq!((whole.body_from, whole.stays_open), (38, true));
    }

    #[test]
    fn an_answer_that_closes_and_one_that_is_an_error_are_told_apart() {
        let closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert!(!whole_of_http(closing).unwrap().unwrap().stays_open);

        let refused = b"HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nfull";
        let error = whole_of_http(refused).unwrap_err();
        assert_eq!(error.to_string(), "answered with status 503: full");
    }

    #[test]
    fn chunks_are_joined() {
        let mut connection = Connection::new(([127, 0, 0, 1], 1).into(), Wire::Http);
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        connection.came = format!("{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").into_bytes();
        let whole = whole_of_http(&connection.came).unwrap().unwrap();
        (connection.body_from, connection.is_chunked) = (whole.body_from, whole.is_chunked);

        assert_eq!(connection.body().unwrap(), b"abcde");
        let early = connection.came.len() - 1;
        assert_eq!(whole_of_http(&connection.came[..early]).unwrap(), None);
    }

    #[test]
    fn an_error_of_redis_is_one() {
        assert!(whole_of_resp(b"+OK\r\n").unwrap().is_some());
        assert_eq!(whole_of_resp(b"+OK").unwrap(), None);
        assert!(whole_of_resp(b"-ERR wrong\r\n").is_err());
    }
}
