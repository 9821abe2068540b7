//! One connection: opened, used for one question at a time, closed when dropped.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::LOCATION;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::ClientError;
use super::answer::Answer;
use super::tls::Tls;
use crate::config::BaseUrl;

/// Largest answer in bytes: 100,000 rows of 600 bytes, twice.
const MAX_ANSWER_BYTES: usize = 128 * 1024 * 1024;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    is_plain: bool,
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Connects, with TLS where that is given; a host name's addresses are tried in turn.
    pub(super) async fn open(url: &BaseUrl, tls: Option<&Tls>) -> Result<Self, ClientError> {
        let stream = TcpStream::connect((url.host(), url.port()))
            .await
            .map_err(|error| unreachable(&error))?;
        stream
            .set_nodelay(true)
            .map_err(|error| unreachable(&error))?;
        match tls {
            None => Self::over(stream, true).await,
            Some(tls) => Self::over(tls.shake(stream).await?, false).await,
        }
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        is_plain: bool,
    ) -> Result<Self, ClientError> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error, is_plain))?;
        let driver = tokio::spawn(async move {
            // What breaks a connection is seen, and told, by whoever waits for an answer on it.
            let _seen_by_the_sender: Result<(), hyper::Error> = connection.await;
        });
        Ok(Self {
            is_plain,
            sender,
            driver,
        })
    }

    /// Sends a question and reads the whole answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Answer, ClientError> {
        let is_plain = self.is_plain;
        let path = request.uri().path().to_owned();
        let broken = |error: hyper::Error| broken(&error, is_plain);
        self.sender.ready().await.map_err(broken)?;
        let response = self.sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let target = response.headers().get(LOCATION);
        let target = target.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => broken(*error),
            Err(_too_long) => {
                ClientError::NotOurs(format!("the answer has more than {MAX_ANSWER_BYTES} bytes"))
            }
        })?;
        Ok(Answer {
            status,
            body: body.to_bytes(),
            path,
            target,
            token: None,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn unreachable(error: &std::io::Error) -> ClientError {
    use std::io::ErrorKind;
    let cause = match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset => "connection reset".to_owned(),
        ErrorKind::HostUnreachable => "no route to host".to_owned(),
        ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => {
            let text = error.to_string();
            let known = "failed to lookup address information: ";
            text.strip_prefix(known).map_or_else(
                || text.clone(),
                |why| format!("unknown host ({})", why.to_lowercase()),
            )
        }
    };
    ClientError::Unreachable { cause }
}

fn broken(error: &hyper::Error, is_plain: bool) -> ClientError {
    if error.is_parse() {
        let or_tls = if is_plain {
            ", or speaks TLS: then write https:// in --url"
        } else {
            ""
        };
        return ClientError::NotOurs(format!("it does not speak HTTP{or_tls}"));
    }
    let cause = "the connection was closed before the answer".to_owned();
    ClientError::Unreachable { cause }
}
