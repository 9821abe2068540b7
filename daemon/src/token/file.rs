//! The file of tokens: read whole, replaced whole, open to its owner alone.
//!
//! Several programs may change it at once: each takes the lock of the file first. A reader needs
//! no lock, since a change is a new file under the old name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use lastbeat_proto::Timestamp;
use lastbeat_proto::endpoint::Scope;

use super::{MAX_FILE_BYTES, PREFIX, Token, TokenError, Tokens, line};

/// First line of a new file.
const HEADING: &str = "# Tokens of lastbeatd: id, scope, SHA-256, made, note. \
                       A line that is deleted is a token that is revoked.";
/// The only permissions that others do not have.
const MODE: u32 = 0o600;
/// Ending of the file while it is written.
const WRITING: &str = ".writing";

/// What tells that a file was changed or replaced, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    bytes: u64,
    mode: u32,
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of the file that has this name now.
    ///
    /// # Errors
    /// What the system says when there is none.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = fs::metadata(path)?;
        Ok(Self {
            inode: found.ino(),
            bytes: found.len(),
            mode: found.mode(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

impl Tokens {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`TokenError::Unreadable`], [`TokenError::Exposed`] when others may open it,
    /// [`TokenError::TooLarge`] and [`TokenError::Line`].
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
        Self::read_from(&file, path, None)
    }

    /// The same for a daemon, whose own the file must be: whoever owns it may add tokens.
    ///
    /// # Errors
    /// Those of [`Tokens::read`], and [`TokenError::Foreign`].
    pub fn read_own(path: &Path) -> Result<Self, TokenError> {
        Self::read_of(path, rustix::process::geteuid().as_raw())
    }

    /// Reads a file that must be the one of the user `owner`.
    pub(super) fn read_of(path: &Path, owner: u32) -> Result<Self, TokenError> {
        let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
        Self::read_from(&file, path, Some(owner))
    }

    fn read_from(mut file: &File, path: &Path, owner: Option<u32>) -> Result<Self, TokenError> {
        let found = file.metadata().map_err(|cause| unreadable(path, cause))?;
        if let Some(us) = owner.filter(|us| *us != found.uid()) {
            return Err(TokenError::Foreign {
                path: path.to_path_buf(),
                owner: found.uid(),
                us,
            });
        }
        let mode = found.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed {
                path: path.to_path_buf(),
                mode,
            });
        }
        let mut text = String::new();
        Read::take(&mut file, MAX_FILE_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|cause| unreadable(path, cause))?;
        bounded(&text, path)?;
        Self::parse(&text).map_err(|(line, detail)| TokenError::Line {
            path: path.to_path_buf(),
            line,
            detail,
        })
    }

    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut tokens = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let token = line::parse(line).map_err(|detail| (index + 1, detail))?;
            if !tokens.push(token) {
                return Err((index + 1, "has the id of another line"));
            }
        }
        Ok(tokens)
    }

    fn text(&self) -> String {
        let lines = self.tokens.iter().map(line::write);
        let mut text: String = [HEADING.to_owned()]
            .into_iter()
            .chain(lines)
            .collect::<Vec<_>>()
            .join("\n");
        text.push('\n');
        text
    }
}

/// Makes a token, adds it to the file at `path`, which is made where there is none, and gives it
/// back with its text: the only time that this exists.
///
/// # Errors
/// [`TokenError`].
pub fn add(
    path: &Path,
    scope: Scope,
    note: &str,
    now: Timestamp,
) -> Result<(Token, String), TokenError> {
    line::check_note(note).map_err(|detail| TokenError::Note { detail })?;
    change(path, true, |tokens| {
        loop {
            let (token, text) = Token::new(scope, note, now)?;
            if tokens.push(token.clone()) {
                return Ok((token, text));
            }
        }
    })
}

/// Takes the token of this id out of the file; a whole token is taken for its id.
///
/// # Errors
/// [`TokenError`].
pub fn revoke(path: &Path, id: &str) -> Result<Token, TokenError> {
    let whole = id
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix('_'));
    let id = whole.map_or(id, |rest| rest.split('_').next().unwrap_or(rest));
    change(path, false, |tokens| {
        tokens.remove(id).ok_or_else(|| TokenError::Unknown {
            path: path.to_path_buf(),
            id: id.to_owned(),
        })
    })
}

/// Reads the file under its lock, lets `act` change what was read, and replaces the file.
fn change<T>(
    path: &Path,
    may_create: bool,
    act: impl FnOnce(&mut Tokens) -> Result<T, TokenError>,
) -> Result<T, TokenError> {
    // Through a link the file itself is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_not_there| path.to_path_buf());
    let file = locked(&path, may_create)?;
    let mut tokens = Tokens::read_from(&file, &path, None)?;
    let result = act(&mut tokens)?;
    let text = tokens.text();
    bounded(&text, &path)?;
    replace(&path, &file, &text).map_err(|cause| TokenError::Unwritable {
        path: path.clone(),
        cause,
    })?;
    Ok(result)
}

/// The file with its lock: the one that has this name while the lock is held.
fn locked(path: &Path, may_create: bool) -> Result<File, TokenError> {
    let cannot = |cause| {
        if may_create {
            TokenError::Unwritable {
                path: path.to_path_buf(),
                cause,
            }
        } else {
            unreadable(path, cause)
        }
    };
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(may_create)
            .truncate(false)
            .mode(MODE)
            .open(path)
            .map_err(cannot)?;
        file.lock().map_err(cannot)?;
        // Whoever held the lock before may have put another file in its place.
        let ours = file.metadata().map_err(cannot)?;
        match fs::metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => return Ok(file),
            Ok(_) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cannot(cause)),
        }
    }
}

/// Puts `text` in the place of `old`, with its owner, durably.
fn replace(path: &Path, old: &File, text: &str) -> io::Result<()> {
    let mut writing = path.as_os_str().to_owned();
    writing.push(WRITING);
    let writing = PathBuf::from(writing);
    match fs::remove_file(&writing) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&writing)?;
    let (before, ours) = (old.metadata()?, file.metadata()?);
    if (before.uid(), before.gid()) != (ours.uid(), ours.gid()) {
        chown(&writing, Some(before.uid()), Some(before.gid()))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&writing, path)?;
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether this is a file that can be read again; a cut one would lose tokens at its next change.
fn bounded(text: &str, path: &Path) -> Result<(), TokenError> {
    if MAX_FILE_BYTES < text.len() as u64 {
        return Err(TokenError::TooLarge {
            path: path.to_path_buf(),
        });
    }
    Ok(())
}

fn unreadable(path: &Path, cause: io::Error) -> TokenError {
    TokenError::Unreadable {
        path: path.to_path_buf(),
        cause,
    }
}
