//! TLS to the daemon: whom to trust, and in plain words why a handshake fails.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::crypto::ring;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ClientError;

/// Makes handshakes with one daemon.
#[derive(Debug)]
pub(super) struct Tls {
    host: String,
    /// Those of `--ca-file`; absent: the system's.
    authorities: Option<Vec<CertificateDer<'static>>>,
    /// Made for the first handshake, since the system's authorities are many files.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    /// For the daemon on `host`.
    pub(super) fn new(host: &str, authorities: Option<Vec<CertificateDer<'static>>>) -> Self {
        Self {
            host: host.to_owned(),
            authorities,
            config: OnceLock::new(),
        }
    }

    /// Shakes hands.
    pub(super) async fn shake(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ClientError> {
        let name = ServerName::try_from(self.host.clone()).map_err(|_no_name| {
            let host = &self.host;
            ClientError::Untrusted(format!(
                "no certificate can be for {host}; use another name of it"
            ))
        })?;
        let connector = TlsConnector::from(self.config()?);
        let shaken = connector.connect(name, stream).await;
        shaken.map_err(|error| failure(&error, &self.host))
    }

    fn config(&self) -> Result<Arc<ClientConfig>, ClientError> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError::Untrusted(error.to_string()))?;
        let mut config = builder
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::clone(self.config.get_or_init(|| Arc::new(config))))
    }

    fn roots(&self) -> Result<RootCertStore, ClientError> {
        let mut roots = RootCertStore::empty();
        let (usable, _) = match &self.authorities {
            Some(ours) => roots.add_parsable_certificates(ours.iter().cloned()),
            // What cannot be read of the system's is not trusted; the rest still is.
            None => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        };
        if usable == 0 {
            let whose = match &self.authorities {
                Some(_) => "no certificate in --ca-file can be used",
                None => {
                    "this system trusts nobody; install ca-certificates or name an authority with --ca-file"
                }
            };
            return Err(ClientError::Untrusted(whose.to_owned()));
        }
        Ok(roots)
    }
}

/// Why a handshake failed.
fn failure(error: &io::Error, host: &str) -> ClientError {
    let Some(cause) = error.get_ref().and_then(|cause| cause.downcast_ref()) else {
        let cause = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the connection was closed in the TLS handshake".to_owned()
            }
            _ => error.to_string(),
        };
        return ClientError::Unreachable { cause };
    };
    let text = match cause {
        Error::InvalidMessage(_) => {
            return ClientError::OtherUrl(
                "it does not speak TLS; write http:// in --url".to_owned(),
            );
        }
        Error::InvalidCertificate(cause) => fault(cause, host),
        Error::AlertReceived(alert) => format!("it refuses the TLS handshake ({alert:?})"),
        other => format!("the TLS handshake fails: {other}"),
    };
    ClientError::Untrusted(text)
}

/// What is wrong with a certificate.
fn fault(cause: &CertificateError, host: &str) -> String {
    match cause {
        CertificateError::UnknownIssuer => {
            "its certificate is of an authority that is not trusted here; name that authority's \
             certificate with --ca-file"
                .to_owned()
        }
        CertificateError::NotValidForName => format!("its certificate is not for {host}"),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| inner(name)).collect();
            format!(
                "its certificate is not for {host} but for {}; use that in --url",
                names.join(", ")
            )
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; renew it, or set the clock of this machine".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; set the clock of this machine".to_owned()
        }
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is that of an authority, which no server may show; issue one with \
             basicConstraints=CA:FALSE"
                .to_owned()
        }
        CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate was signed with another key than that of the authority of this name \
             that is trusted here; name that authority's newer certificate with --ca-file"
                .to_owned()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. } => {
            "its certificate is signed in a way that is not used any more; issue one with SHA-256 \
             and RSA, ECDSA or Ed25519"
                .to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not one for servers; issue one with extendedKeyUsage=serverAuth, or \
             without extendedKeyUsage"
                .to_owned()
        }
        other => format!("its certificate cannot be used: {other}"),
    }
}

/// The name in what rustls writes as `DnsName("a")`.
fn inner(name: &str) -> &str {
    let name = name.split_once('(').map_or(name, |(_, rest)| rest);
    name.trim_matches(['(', ')', '"'])
}
