//! Files that say who we are and whom we trust: read with their limits, and refused with what to do.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use hyper::header::HeaderValue;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Longest token file, in bytes.
const MAX_TOKEN_BYTES: u64 = 4_096;
/// Longest file of authorities, in bytes: a whole system's has 250 KiB.
const MAX_CA_BYTES: u64 = 4 * 1024 * 1024;
/// What anyone but the owner may do with a file.
const OTHERS: u32 = 0o077;

/// Why a file of `--ca-file` or `--token-file` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// It cannot be read.
    #[error("cannot read {}: {source}; name a readable file with --{flag}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        flag: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It does not hold what it should. Never quotes it.
    #[error("cannot use {}: {detail}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong and what is right.
        detail: &'static str,
    },
    /// Others can read the token.
    #[error(
        "cannot use {}: its mode {mode:03o} lets others read the token; run chmod 600 on it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// The token, as it is sent, and where it lies. Neither its `Debug` nor an error shows it.
#[derive(Debug)]
pub(super) struct Token {
    path: PathBuf,
    header: RwLock<HeaderValue>,
}

impl Token {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, CredentialError> {
        Ok(Self {
            path: path.to_owned(),
            header: RwLock::new(read_token(path)?),
        })
    }

    /// The value of `Authorization`.
    pub(super) fn header(&self) -> HeaderValue {
        let header = self.header.read().unwrap_or_else(PoisonError::into_inner);
        header.clone()
    }

    /// Reads the file again; whether another token than `refused` is at hand now.
    pub(super) fn renew(&self, refused: &HeaderValue) -> Result<bool, CredentialError> {
        let new = read_token(&self.path)?;
        let is_other = new != refused;
        *self.header.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(is_other)
    }

    /// The file, for people.
    pub(super) fn path(&self) -> String {
        self.path.display().to_string()
    }
}

fn read_token(path: &Path) -> Result<HeaderValue, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable {
        path: path.to_owned(),
        flag: "token-file",
        source,
    };
    let wrong = |detail| CredentialError::Content {
        path: path.to_owned(),
        detail,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(CredentialError::Exposed {
            path: path.to_owned(),
            mode: mode & 0o777,
        });
    }
    let bytes = read(file, MAX_TOKEN_BYTES).map_err(unreadable)?;
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err(wrong("it is empty; write one token into it"));
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(wrong(
            "it holds more than one token, or what is none; write one token into it, without \
             blanks",
        ));
    }
    let mut header = HeaderValue::from_bytes(&[b"Bearer ", token].concat())
        .map_err(|_unprintable| wrong("it holds what is no token; write one token into it"))?;
    header.set_sensitive(true);
    Ok(header)
}

/// The certificates of a file of `--ca-file`.
pub(super) fn read_authorities(
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable {
        path: path.to_owned(),
        flag: "ca-file",
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let text = read(file, MAX_CA_BYTES).map_err(unreadable)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found
        .ok()
        .filter(|found| !found.is_empty())
        .ok_or_else(|| CredentialError::Content {
            path: path.to_owned(),
            detail: "there is no whole PEM certificate in it; --ca-file wants those of the \
                     authorities, each from BEGIN CERTIFICATE to END CERTIFICATE",
        })
}

fn read(file: File, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};

    use super::*;

    /// A file with this mode and text, read as a token.
    fn token(mode: u32, text: &str) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path(), text).unwrap();
        set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let path = file.path().display().to_string();
        match Token::read(file.path()) {
            Ok(token) => {
                assert!(!format!("{token:?}").contains("secret"), "{token:?}");
                Ok(token.header().to_str().unwrap().to_owned())
            }
            Err(error) => Err(error.to_string().replace(&path, "FILE")),
        }
    }

    #[test]
    fn a_file_holds_one_token_and_what_is_around_it_is_trimmed() {
        for text in ["secret-1", "secret-1\n", "  secret-1 \r\n\n"] {
            assert_eq!(token(0o600, text).unwrap(), "Bearer secret-1");
        }
        assert_eq!(token(0o400, "secret-1").unwrap(), "Bearer secret-1");
    }

    #[test]
    fn what_is_no_single_token_is_refused_and_never_quoted() {
        for text in [
            "secret-1 secret-2",
            "secret-1\nsecret-2",
            "secr\u{e9}t",
            "a\0secret",
        ] {
            let said = token(0o600, text).unwrap_err();
            assert!(
                said.starts_with("cannot use FILE: it holds more than one token"),
                "{said}"
            );
            assert!(!said.contains("secr"), "{said}");
        }
        let said = token(0o600, "\n").unwrap_err();
        assert_eq!(
            said,
            "cannot use FILE: it is empty; write one token into it"
        );
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_cure() {
        for (mode, shown) in [(0o644, "644"), (0o640, "640"), (0o604, "604")] {
            assert_eq!(
                token(mode, "secret").unwrap_err(),
                format!(
                    "cannot use FILE: its mode {shown} lets others read the token; run chmod 600 \
                     on it"
                )
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_names_its_flag() {
        let path = Path::new("/nowhere/file");

        let token = Token::read(path).unwrap_err().to_string();
        let authorities = read_authorities(path).unwrap_err().to_string();

        assert!(
            token.contains("name a readable file with --token-file"),
            "{token}"
        );
        assert!(
            authorities.contains("name a readable file with --ca-file"),
            "{authorities}"
        );
    }

    #[test]
    fn authorities_are_certificates() {
        let file = tempfile::NamedTempFile::new().unwrap();

        let said = read_authorities(file.path()).unwrap_err().to_string();

        assert!(
            said.contains("there is no whole PEM certificate in it"),
            "{said}"
        );
    }
}
