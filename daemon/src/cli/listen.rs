//! The addresses of `--listen`: taken before anything is opened, so that a start whose port is busy
//! leaves nothing behind, and listened on when everything is loaded.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

use super::{CliError, PORT};

/// Connections that may wait to be accepted; Linux allows 4,096 unless it is told otherwise. With
/// fewer a burst of a thousand makes others wait a second until they are heard.
const BACKLOG: u32 = 4_096;

/// Sockets that have their addresses and hear nobody yet.
pub(super) struct Addresses {
    sockets: Vec<(SocketAddr, TcpSocket)>,
}

impl Addresses {
    /// Takes the given addresses; the default ones where none is given, IPv6 if it exists.
    ///
    /// # Errors
    /// [`CliError::Listen`], above all for one on which somebody else listens.
    pub(super) fn take(addresses: &[SocketAddr]) -> Result<Self, CliError> {
        let mut sockets = Vec::new();
        if addresses.is_empty() {
            let ipv4 = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
            let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, PORT));
            sockets.push((ipv4, refusable(ipv4, bound(ipv4))?));
            match bound(ipv6) {
                Err(cause) if has_no_ipv6(&cause) => {}
                other => sockets.push((ipv6, refusable(ipv6, other)?)),
            }
        }
        for &address in addresses {
            sockets.push((address, refusable(address, bound(address))?));
        }
        Ok(Self { sockets })
    }

    /// Hears who connects, from now on.
    ///
    /// # Errors
    /// [`CliError::Listen`].
    pub(super) fn listen(self) -> Result<Vec<TcpListener>, CliError> {
        let sockets = self.sockets.into_iter();
        sockets
            .map(|(address, socket)| refusable(address, socket.listen(BACKLOG)))
            .collect()
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart does not wait for the last connections of the run before. Who listens is in the
    // way all the same (man 7 socket, SO_REUSEADDR).
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn refusable<T>(address: SocketAddr, result: io::Result<T>) -> Result<T, CliError> {
    result.map_err(|cause| CliError::Listen { address, cause })
}

fn has_no_ipv6(cause: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = cause.raw_os_error();
    code == Some(Errno::AFNOSUPPORT.raw_os_error())
        || code == Some(Errno::ADDRNOTAVAIL.raw_os_error())
}
