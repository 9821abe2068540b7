//! The operator's style sheet: read at the start and when told, sent behind our own.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderValue};
use parking_lot::RwLock;

use super::answer::Answer;
use super::assets;
use super::still::Still;

/// Its name among the assets.
pub(super) const NAME: &str = "theme.css";
/// Longest style sheet that is read, in bytes: Bootstrap whole has a quarter of it.
const MAX_BYTES: u64 = 1 << 20;

/// Why a style sheet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// It cannot be read.
    #[error(
        "cannot read {}: {cause}; let the daemon's user read it, or name another style sheet with \
         --theme-css",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It is longer than any style sheet.
    #[error(
        "cannot use {}: it has more than {MAX_BYTES} bytes, the limit of --theme-css; name a \
         smaller style sheet",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is no text.
    #[error("cannot use {}: it is not UTF-8 text; name a style sheet with --theme-css", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
    },
}

/// The style sheet in use.
#[derive(Debug)]
pub struct Theme {
    file: PathBuf,
    css: RwLock<Arc<Still>>,
}

impl Theme {
    /// Reads the style sheet.
    ///
    /// # Errors
    /// [`ThemeError`].
    pub fn load(file: PathBuf) -> Result<Self, ThemeError> {
        let css = RwLock::new(Arc::new(read(&file)?));
        Ok(Self { file, css })
    }

    /// Reads it again.
    ///
    /// # Errors
    /// [`ThemeError`]; then that of before stays in use.
    pub(super) fn reload(&self) -> Result<&Path, ThemeError> {
        *self.css.write() = Arc::new(read(&self.file)?);
        Ok(&self.file)
    }

    /// The answer to a request with these `headers`, or `304` to who has it.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Answer {
        let css = Arc::clone(&self.css.read());
        assets::revalidated(&css, headers)
    }
}

fn read(path: &Path) -> Result<Still, ThemeError> {
    let unreadable = |cause| ThemeError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let mut css = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut css))
        .map_err(unreadable)?;
    if MAX_BYTES < css.len() as u64 {
        return Err(ThemeError::TooLarge {
            path: path.to_owned(),
        });
    }
    if std::str::from_utf8(&css).is_err() {
        return Err(ThemeError::NoText {
            path: path.to_owned(),
        });
    }
    Ok(Still::new(
        HeaderValue::from_static(assets::CSS),
        css.into(),
    ))
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    fn load(css: &[u8]) -> Result<Theme, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("my.css");
        std::fs::write(&file, css).unwrap();
        let place = dir.path().display().to_string();
        Theme::load(file).map_err(|error| error.to_string().replace(&place, "DIR"))
    }

    #[test]
    fn a_style_sheet_may_have_exactly_the_limit() {
        let most = usize::try_from(MAX_BYTES).unwrap();

        let answer = load(&vec![b' '; most]).unwrap().answer(&HeaderMap::new());
        assert_eq!(answer.body().size_hint().exact(), Some(MAX_BYTES));
        assert_eq!(
            load(&vec![b' '; most + 1]).unwrap_err(),
            "cannot use DIR/my.css: it has more than 1048576 bytes, the limit of --theme-css; name \
             a smaller style sheet"
        );
    }

    #[test]
    fn what_is_no_text_is_no_style_sheet() {
        assert_eq!(
            load(b"\xff\xfe{").unwrap_err(),
            "cannot use DIR/my.css: it is not UTF-8 text; name a style sheet with --theme-css"
        );
    }
}
