//! `lastbeatd ping`: asks a running daemon whether it serves, for container health checks.
//!
//! Where the daemon speaks TLS, so does this, and what it must show is left to [`trust`].

mod trust;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::{CliError, PORT};
use crate::DaemonError;
use crate::config::Config;

/// How long each step of the question may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// As much of an answer as is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 4_096;

/// Asks the first address of `--listen`; an unspecified one is asked on loopback.
///
/// # Errors
/// [`CliError::NotServing`], and [`CliError::Daemon`] when the certificate cannot be read.
pub(super) fn run(config: &Config) -> Result<(), CliError> {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let mut address = config.listen.first().copied().unwrap_or(default);
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let not_serving = |detail: String| CliError::NotServing { address, detail };
    let cert = config.tls.as_ref().map(|files| files.cert.as_path());
    let client = cert.map(|cert| session(cert, address)).transpose()?;
    let is_tls = client.is_some();
    let answer = ask(address, client).map_err(|error| not_serving(sentence(&error)))?;
    let status = answer.lines().next().unwrap_or_default();
    if status.contains(" 200 ") {
        Ok(())
    } else if !is_tls && speaks_tls(&answer) {
        Err(not_serving(
            "it speaks TLS, and --tls-cert is not set here; give ping the settings that the \
             daemon has"
                .to_owned(),
        ))
    } else {
        Err(not_serving(format!("it answers {status:?}")))
    }
}

/// Whether this is what plain HTTP is answered where TLS is spoken: our own sentence, or an alert
/// (RFC 8446 §5.1).
fn speaks_tls(answer: &str) -> bool {
    answer.contains("this port speaks TLS") || answer.starts_with("\u{15}\u{3}")
}

/// The client's half of TLS, which trusts the certificate in `cert` and no other.
fn session(cert: &Path, address: SocketAddr) -> Result<ClientConnection, CliError> {
    let chain = crate::http::read_chain(cert).map_err(DaemonError::from)?;
    let config = trust::config(cert, chain);
    let name = ServerName::IpAddress(address.ip().into());
    config
        .and_then(|config| ClientConnection::new(Arc::new(config), name))
        .map_err(|error| CliError::NotServing {
            address,
            detail: error.to_string(),
        })
}

/// The beginning of the answer to `GET /readyz`.
fn ask(address: SocketAddr, client: Option<ClientConnection>) -> std::io::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    match client {
        None => exchange(stream),
        Some(client) => exchange(StreamOwned::new(client, stream)),
    }
}

fn sentence(error: &std::io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidMessage(_)) => {
            "it answers without TLS, although --tls-cert is set here".to_owned()
        }
        Some(rustls::Error::General(said)) => said.clone(),
        _ => error.to_string(),
    }
}

fn exchange(mut stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
