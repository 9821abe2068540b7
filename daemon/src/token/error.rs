//! Why tokens cannot be read, made or taken back.

use std::io;
use std::path::{Path, PathBuf};

use super::MAX_FILE_BYTES;

/// Trouble with the file of tokens. No text of a token stands in it.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error(
        "cannot read the tokens in {path}: {cause}; {advice}",
        path = path.display(),
        advice = advice(path, cause)
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error(
        "cannot use the tokens in {path}: others than its owner may open it (mode {mode:o}, allowed \
         is 600); run: chmod 600 {path}",
        path = path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Another user owns it, and may write into it who is let in.
    #[error(
        "cannot use the tokens in {path}: it belongs to user {owner}, and the daemon runs as user \
         {us}; run: chown {us} {path}",
        path = path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it must be.
        us: u32,
    },
    /// It is longer than any file of tokens.
    #[error(
        "cannot use the tokens in {path}: the file needs more than {MAX_FILE_BYTES} bytes, the limit; \
         revoke or delete what is used no more",
        path = path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line is not what this program writes.
    #[error(
        "cannot use the tokens in {path}: line {line} {detail}; mend or delete it",
        path = path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// The file cannot be written.
    #[error(
        "cannot write the tokens to {path}: {cause}; its directory must exist and be writable",
        path = path.display()
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// No token has this id.
    #[error(
        "cannot revoke {id}: no token in {path} has this id; lastbeatd token list shows them",
        path = path.display()
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// As it was given.
        id: String,
    },
    /// A note that cannot stand in the file.
    #[error("cannot take the note: it {detail}; use up to 128 bytes in one line")]
    Note {
        /// What is wrong with it.
        detail: &'static str,
    },
    /// No random bytes.
    #[error("cannot make a token: the system gives no random bytes ({cause}); try again later")]
    Random {
        /// What the system said.
        cause: getrandom::Error,
    },
}

/// What to do about a file that cannot be read. A file that is there, made by root as its directory
/// may demand, needs another owner and not another token.
fn advice(path: &Path, cause: &io::Error) -> String {
    let path = path.display();
    if cause.kind() == io::ErrorKind::PermissionDenied {
        format!("give it to the user of the daemon with: chown lastbeat: {path}")
    } else {
        format!("make the file with: lastbeatd token add --scope admin --tokens {path}")
    }
}
