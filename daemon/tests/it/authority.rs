//! An authority for tests: issues certificates for this machine into files, and makes clients that
//! trust it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::daemon::Daemon;
use crate::raw::Raw;

/// Who issues certificates; its files go with it.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let dir = tempfile::tempdir().unwrap();
        // A name of its own, as authorities have.
        let name = format!("authority {}", dir.path().display());
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        let authority = Self { issuer, dir };
        authority.issue();
        authority
    }

    /// Its own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The certificate that it issued last.
    pub(crate) fn cert(&self) -> PathBuf {
        self.dir.path().join("cert.pem")
    }

    /// The key of that certificate, which only its owner can read.
    pub(crate) fn key(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    /// Puts a new certificate and key in the place of those of before.
    pub(crate) fn issue(&self) {
        // The last year that fits.
        self.issue_until(9999, 12, 31);
    }

    /// The same with a certificate that ends as this day begins.
    pub(crate) fn issue_until(&self, year: i32, month: u8, day: u8) {
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1"].map(str::to_owned).to_vec();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(year, month, day);
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.cert(), cert.pem()).unwrap();
        write_secret(&self.key(), &key.serialize_pem());
    }

    /// A daemon that has this certificate, and these settings.
    pub(crate) fn daemon(&self, settings: &[(&'static str, &str)]) -> Daemon {
        let (cert, key) = (text(&self.cert()), text(&self.key()));
        let tls = [("tls-cert", cert.as_str()), ("tls-key", key.as_str())];
        Daemon::start_with(&[&tls, settings].concat())
    }

    /// The arguments of a program that has this certificate.
    pub(crate) fn arguments(&self) -> [String; 4] {
        let (cert, key) = (text(&self.cert()), text(&self.key()));
        ["--tls-cert".to_owned(), cert, "--tls-key".to_owned(), key]
    }

    /// A client that trusts this authority alone.
    pub(crate) fn client(&self) -> Client {
        self.client_of(rustls::ALL_VERSIONS)
    }

    /// The same that speaks `versions` of TLS only.
    fn client_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Client(TlsConnector::from(Arc::new(config)))
    }

    /// Shakes hands as a client that trusts this authority alone and speaks `versions` of TLS.
    pub(crate) async fn shake(
        &self,
        addr: SocketAddr,
        versions: &[&'static SupportedProtocolVersion],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(addr).await.unwrap();
        self.client_of(versions).shake(stream).await
    }

    /// A connection that has shaken hands.
    pub(crate) async fn stream(&self, addr: SocketAddr) -> TlsStream<TcpStream> {
        self.shake(addr, rustls::ALL_VERSIONS).await.unwrap()
    }

    /// The same, to send requests on.
    pub(crate) async fn connect(&self, addr: SocketAddr) -> Raw {
        Raw::over(self.stream(addr).await)
    }
}

/// Shakes hands on connections that others have opened.
#[derive(Clone)]
pub(crate) struct Client(TlsConnector);

impl Client {
    pub(crate) async fn shake(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let name = stream.peer_addr()?.ip().into();
        self.0.connect(name, stream).await
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
