//! A client that sends exactly the bytes it is given, and reads what comes back by the book.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for anything; a test that reaches it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) version: String,
    pub(crate) status: u16,
    /// Names in lower case, in the order sent.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The header's value, which must not stand twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert_eq!(found.next(), None, "{name} stands twice");
        value
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What bytes go over: a socket, or TLS above one.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection.
pub(crate) struct Raw {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

impl Raw {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap())
    }

    pub(crate) fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            unread: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Ends this side, as `nc -N` does.
    pub(crate) async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Reply {
        self.send(request).await;
        let is_head = request.starts_with(b"HEAD ");
        self.reply(is_head).await
    }

    /// The next answer; none of HEAD has a body.
    pub(crate) async fn reply(&mut self, is_head: bool) -> Reply {
        let mut reply = self.reply_head().await;
        if is_head || reply.status == 304 || reply.status < 200 {
            return reply;
        }
        reply.body = match (
            reply.header("content-length"),
            reply.header("transfer-encoding"),
        ) {
            (Some(length), None) => self.take(length.parse().unwrap()).await,
            (None, Some("chunked")) => self.chunks().await,
            (None, None) => self.rest().await,
            other => panic!("cannot tell how long the body is: {other:?}"),
        };
        reply
    }

    /// Whether the other side has closed, and sent nothing more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let has_more = !self.unread.is_empty() || self.fill().await;
        !has_more
    }

    /// Everything until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.unread)
    }

    /// Waits until the other side has ended the connection, in whatever way.
    pub(crate) async fn ends(&mut self) {
        let mut unread = Vec::new();
        while self
            .stream
            .read_buf(&mut unread)
            .await
            .is_ok_and(|count| 0 < count)
        {}
    }

    async fn reply_head(&mut self) -> Reply {
        let head = self.line_end(b"\r\n\r\n").await;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        let mut status = lines.next().unwrap().splitn(3, ' ');
        Reply {
            version: status.next().unwrap().to_owned(),
            status: status.next().unwrap().parse().unwrap(),
            headers: lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: Vec::new(),
        }
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = String::from_utf8(self.line_end(b"\r\n").await).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            body.extend(self.take(size).await);
            assert_eq!(self.take(2).await, b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    /// Everything up to and with `end`.
    async fn line_end(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self
                .unread
                .windows(end.len())
                .position(|found| found == end)
            {
                return self.take(at + end.len()).await;
            }
            let unread = String::from_utf8_lossy(&self.unread).into_owned();
            assert!(self.fill().await, "closed in the middle of {unread:?}");
        }
    }

    async fn take(&mut self, bytes: usize) -> Vec<u8> {
        while self.unread.len() < bytes {
            assert!(self.fill().await, "closed in the middle of a body");
        }
        let rest = self.unread.split_off(bytes);
        std::mem::replace(&mut self.unread, rest)
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.unread);
        let read = tokio::time::timeout(PATIENCE, read).await;
        match read.expect("an answer or the end within ten seconds") {
            Ok(count) => 0 < count,
            Err(error) => panic!("the connection was reset, not closed: {error}"),
        }
    }
}

/// A request of HTTP/1.1 with one Host and, where there is a body, its length.
pub(crate) fn request(method: &str, target: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(format!("{header}\r\n").as_bytes());
    }
    if !body.is_empty() {
        request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(body);
    request
}
