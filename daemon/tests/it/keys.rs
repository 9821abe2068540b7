//! A file with one token of each scope, and one that was taken back.

use std::path::PathBuf;

use lastbeat_proto::Timestamp;
use lastbeat_proto::endpoint::Scope;
use lastbeatd::token::{self, Token};
use tempfile::TempDir;

use crate::daemon::Daemon;

/// The file and the texts of its tokens.
pub(crate) struct Keys {
    pub(crate) path: PathBuf,
    pub(crate) read: String,
    pub(crate) register: String,
    pub(crate) admin: String,
    pub(crate) revoked: String,
    _dir: TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens");
        let add = |scope| add(&path, scope);
        let (_, read) = add(Scope::Read);
        let (_, register) = add(Scope::Register);
        let (_, admin) = add(Scope::Admin);
        let (token, revoked) = add(Scope::Admin);
        token::revoke(&path, &token.id).unwrap();
        Self {
            path,
            read,
            register,
            admin,
            revoked,
            _dir: dir,
        }
    }

    /// A daemon that asks for them.
    pub(crate) fn daemon(&self, settings: &[(&'static str, &str)]) -> Daemon {
        let path = self.path.display().to_string();
        let mut all = settings.to_vec();
        all.push(("tokens", &path));
        Daemon::start_with(&all)
    }
}

/// Another token of this file.
pub(crate) fn add(path: &std::path::Path, scope: Scope) -> (Token, String) {
    token::add(path, scope, "", Timestamp::from_micros(0)).unwrap()
}

/// The header that shows a token.
pub(crate) fn bearer(text: &str) -> String {
    format!("Authorization: Bearer {text}")
}
