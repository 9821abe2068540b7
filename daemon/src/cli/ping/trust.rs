//! What `ping` trusts: the one certificate that the daemon was told to show.
//!
//! The usual check asks for a root and for the name in the certificate. Neither is of use here: the
//! file may hold no root, and the address that is asked is most often 127.0.0.1, which no
//! certificate names. The very certificate is the stronger proof, since only who has its key can
//! show it.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// A client that takes the first certificate of `chain`, which stands in the file `path`.
///
/// # Errors
/// When the provider of the algorithms knows no version of TLS.
pub(super) fn config(
    path: &Path,
    chain: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(TheOne {
        cert: chain.into_iter().next(),
        path: path.display().to_string(),
        provider: Arc::clone(&provider),
    });
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(builder.with_no_client_auth())
}

/// Takes one certificate, whatever it says of itself.
#[derive(Debug)]
struct TheOne {
    cert: Option<CertificateDer<'static>>,
    path: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for TheOne {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.cert.as_ref() == Some(shown) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General(format!(
            "it shows another certificate than the one in {}; if that one is new, send the daemon \
             SIGHUP",
            self.path
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
