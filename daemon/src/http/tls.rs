//! Certificate and key of the listeners: read from their files, checked, read again when told,
//! and the handshake made with them.
//!
//! How long a handshake may take is bounded here; what is below the encryption is left to
//! [`super::socket`], what is above it to [`super::connection`].

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastbeat_proto::Timestamp;
use parking_lot::RwLock;
use rustls::crypto::ring;
use rustls::{InconsistentKeys, ServerConfig};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::socket::{HEAD_TIME, Socket};
use super::validity;
use crate::config::TlsFiles;

/// Longest file that is read, in bytes: a chain of certificates has some 10 KiB.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// What every user of the machine may do with a file.
const OTHERS: u32 = 0o007;
/// The first byte of a TLS record that begins a handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;
/// What is spoken above TLS. `curl --http1.0` offers nothing but the second.
const PROTOCOLS: [&[u8]; 2] = [b"http/1.1", b"http/1.0"];

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "cannot read {}: {cause}; let the daemon's user read it, or name another file with --{flag}",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        flag: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file does not hold what it should.
    #[error("cannot use {}: {detail}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong and what is right.
        detail: String,
    },
    /// Every user of the machine can read the key, or change it.
    #[error(
        "cannot use {}: its mode {mode:03o} is open to every user of this machine; run chmod 640 \
         (or 600) on it",
        path.display()
    )]
    Exposed {
        /// The key.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The key is that of another certificate.
    #[error(
        "cannot use {}: it does not belong to the first certificate in {}; put the two together \
         that were made together",
        key.display(),
        cert.display()
    )]
    Mismatch {
        /// The key.
        key: PathBuf,
        /// The certificate.
        cert: PathBuf,
    },
}

/// What a new connection turned out to be.
pub(super) enum Opened {
    /// It speaks TLS.
    Tls(Box<TlsStream<Socket<TcpStream>>>),
    /// It speaks something else, most likely plain HTTP.
    Plain(Socket<TcpStream>),
    /// It ended, broke or took too long.
    Nothing,
}

/// Certificate and key in use.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    in_use: RwLock<InUse>,
}

/// What was read from the files.
#[derive(Debug)]
struct InUse {
    config: Arc<ServerConfig>,
    /// When the first of the chain's certificates to end does so, as far as that can be read.
    ends: Option<Timestamp>,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`TlsError`] names the file and what to do.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let in_use = RwLock::new(read(&files)?);
        Ok(Self { files, in_use })
    }

    /// Reads both files again, for handshakes from now on. Sessions of before cannot be resumed,
    /// so that everybody sees the new certificate.
    ///
    /// # Errors
    /// [`TlsError`]; then those of before stay in use.
    pub(super) fn reload(&self) -> Result<&Path, TlsError> {
        *self.in_use.write() = read(&self.files)?;
        Ok(&self.files.cert)
    }

    /// When clients will refuse the certificate in use, where that can be read.
    pub(super) fn ends(&self) -> Option<Timestamp> {
        self.in_use.read().ends
    }

    /// Begins the conversation on a new connection. From accept on it may take as long as a
    /// request's head, and the first head has that time again.
    pub(super) async fn open(&self, socket: Socket<TcpStream>) -> Opened {
        let opening = async {
            let mut first = [0];
            match socket.peek(&mut first).await? {
                0 => Ok(Opened::Nothing),
                _ if first != [HANDSHAKE] => Ok(Opened::Plain(socket)),
                _ => {
                    let config = Arc::clone(&self.in_use.read().config);
                    let mut stream = TlsAcceptor::from(config).accept(socket).await?;
                    stream.get_mut().0.expect_head();
                    Ok(Opened::Tls(Box::new(stream)))
                }
            }
        };
        let ended: io::Result<Opened> = match timeout(HEAD_TIME, opening).await {
            Ok(ended) => ended,
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        };
        ended.unwrap_or_else(|error| {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a TLS handshake came to nothing"
            );
            Opened::Nothing
        })
    }
}

fn read(files: &TlsFiles) -> Result<InUse, TlsError> {
    let chain = read_chain(&files.cert)?;
    let ends = chain.iter().filter_map(|der| validity::ends_at(der)).min();
    let key = read_key(&files.key)?;
    let unusable = |error: rustls::Error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
            key: files.key.clone(),
            cert: files.cert.clone(),
        },
        rustls::Error::InvalidCertificate(cause) => TlsError::Content {
            path: files.cert.clone(),
            detail: format!("its first certificate is damaged or of an unknown kind: {cause}"),
        },
        other => TlsError::Content {
            path: files.key.clone(),
            detail: format!(
                "the key in it is damaged or of an unknown kind ({other}); RSA of 2048 bits and \
                 more, ECDSA on P-256 and P-384 and Ed25519 are known"
            ),
        },
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(InUse {
        config: Arc::new(config),
        ends,
    })
}

/// The certificates in a file of `--tls-cert`, the daemon's own first.
///
/// # Errors
/// [`TlsError::Unreadable`] and [`TlsError::Content`].
pub fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let flag = "tls-cert";
    let unreadable = |cause| TlsError::Unreadable {
        path: path.to_owned(),
        flag,
        cause,
    };
    let text = read_file(File::open(path).map_err(unreadable)?).map_err(unreadable)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        other => Err(TlsError::Content {
            path: path.to_owned(),
            detail: format!(
                "{}; --{flag} wants the daemon's certificate and, behind it, those between it \
                 and its root, each from BEGIN CERTIFICATE to END CERTIFICATE",
                no_section("certificate", other.err().as_ref())
            ),
        }),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let flag = "tls-key";
    let unreadable = |cause| TlsError::Unreadable {
        path: path.to_owned(),
        flag,
        cause,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(TlsError::Exposed {
            path: path.to_owned(),
            mode: mode & 0o777,
        });
    }
    let text = read_file(file).map_err(unreadable)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| TlsError::Content {
        path: path.to_owned(),
        detail: format!(
            "{}; --{flag} wants a key without a password, between two lines that say PRIVATE KEY \
             (or RSA or EC PRIVATE KEY)",
            no_section("private key", Some(&error))
        ),
    })
}

/// In words why nothing of this kind was found. The cause's own text may quote the file, which
/// for a key must not reach a log.
fn no_section(kind: &str, error: Option<&pem::Error>) -> String {
    match error {
        None | Some(pem::Error::NoItemsFound) => format!("there is no PEM {kind} in it"),
        Some(_) => format!("the PEM {kind} in it is damaged"),
    }
}

fn read_file(file: File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
