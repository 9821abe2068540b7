//! `lastbeatd ping`: asks a running daemon whether it serves, for container health checks.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{CliError, PORT};
use crate::config::Config;

/// How long each step of the question may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the first address of `--listen`; an unspecified one is asked on loopback.
///
/// # Errors
/// [`CliError::NotServing`].
pub(super) fn run(config: &Config) -> Result<(), CliError> {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
    let mut address = config.listen.first().copied().unwrap_or(default);
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let not_serving = |detail: String| CliError::NotServing { address, detail };
    let status = ask(address).map_err(|error| not_serving(error.to_string()))?;
    if status.contains(" 200 ") {
        Ok(())
    } else {
        Err(not_serving(format!("it answers {status:?}")))
    }
}

/// The status line of `GET /readyz`.
fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
