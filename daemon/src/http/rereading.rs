//! Reads files again while the daemon runs: all of them when it is told to, and that of the tokens
//! whenever it was changed, so that a revocation counts within a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastbeat_proto::Span;
use lastbeat_proto::answer::NoticeLevel;
use tokio::sync::{Notify, watch};

use super::site::Site;
use crate::token::{Stamp, TokenError, Tokens};

/// How often the file is looked at; twice of it is the longest that a revoked token lives on.
const LOOK_EVERY: Span = Span::from_micros(400_000);
/// Kind of the notice that the file cannot be used.
const NOTICE: &str = "tokens";

/// Reads all files again whenever `told`, until `stop`.
pub(super) async fn reread(site: Arc<Site>, told: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = told.notified() => {}
        }
        let rereading = Arc::clone(&site);
        if let Err(error) = tokio::task::spawn_blocking(move || rereading.reload()).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot read files again by a fault of ours; what they said before stays in use"
            );
        }
    }
}

/// Reads the file at `path` again whenever it was changed, until `stop`. A file that cannot be used
/// takes nothing away and gives nothing: the tokens of before stay live, and a notice says so
/// (ADR 0013).
pub(super) async fn keep_tokens(site: Arc<Site>, path: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut reading = Reading::default();
    loop {
        let found = Stamp::of(&path).ok();
        if reading.is_due(found) {
            read(&site, &path, found, &mut reading).await;
        }
        let clock = site.registry.clock();
        let now = clock.now().mono;
        site.strangers.tell_rest(now);
        let next = now.plus(LOOK_EVERY);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return site.strangers.tell_all(clock.now().mono),
            () = clock.sleep_until(next) => {}
            // Read again whatever its stamp; what was told of it is still to be taken back.
            () = site.reread.notified() => reading.read = None,
        }
    }
}

/// What is known of the file as it lies there.
#[derive(Debug, Default)]
struct Reading {
    /// Stamp of the file that was read last, usable or not.
    read: Option<Stamp>,
    /// The complaint that was told last, so that each is told once and not at every look.
    told: Option<String>,
}

impl Reading {
    /// Whether the file that has this stamp now is still to be read.
    fn is_due(&self, found: Option<Stamp>) -> bool {
        found.is_none() || self.read != found
    }

    /// The file was read whole: what it says will not change before its stamp does.
    fn read_whole(&mut self, found: Option<Stamp>) {
        self.read = found;
        self.told = None;
    }

    /// The file was not usable; the answer is what to tell of it, if that was not told before. One
    /// that the system did not let us read is tried again at the next look, since what stood in the
    /// way, such as too few descriptors, leaves no mark on the file.
    fn failed(&mut self, found: Option<Stamp>, error: &TokenError) -> Option<String> {
        if !matches!(error, TokenError::Unreadable { .. }) {
            self.read = found;
        }
        let text = format!("{error}; until then the tokens of before stay live");
        let is_new = self.told.as_ref() != Some(&text);
        self.told = Some(text.clone());
        is_new.then_some(text)
    }
}

/// Reads the file now and tells how it went.
async fn read(site: &Site, path: &Path, found: Option<Stamp>, reading: &mut Reading) {
    let from = path.to_path_buf();
    match tokio::task::spawn_blocking(move || Tokens::read_own(&from)).await {
        Ok(Ok(tokens)) => {
            let is_mended = reading.told.is_some();
            reading.read_whole(found);
            accept(site, &tokens, is_mended);
        }
        Ok(Err(error)) => {
            if let Some(text) = reading.failed(found, &error) {
                complain(site, text);
            }
        }
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "cannot read the tokens again by a fault of ours; the ones of before stay live"
        ),
    }
}

/// Takes `tokens` as the live ones and says so, where they are others or the file was unusable.
fn accept(site: &Site, tokens: &Tokens, is_mended: bool) {
    site.registry.set_notice(NOTICE, None);
    let is_changed = site.gate.replace(tokens.clone());
    let live = tokens.all().len();
    let are = if live == 1 { "token is" } else { "tokens are" };
    if is_mended {
        tracing::info!("the file of tokens can be used again");
    }
    if is_changed {
        tracing::info!(token.live = live, "{live} {are} live from now on");
    } else {
        tracing::debug!(token.live = live, "{live} {are} live, as before");
    }
}

fn complain(site: &Site, text: String) {
    tracing::warn!("{text}");
    site.registry
        .set_notice(NOTICE, Some((NoticeLevel::Error, text)));
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn unreadable(cause: &str) -> TokenError {
        TokenError::Unreadable {
            path: PathBuf::from("tokens"),
            cause: io::Error::other(cause.to_owned()),
        }
    }

    /// Stamps of two files that are there.
    fn stamps() -> [Option<Stamp>; 2] {
        let dir = tempfile::tempdir().unwrap();
        ["a", "ab"].map(|text| {
            let path = dir.path().join("tokens");
            std::fs::write(&path, text).unwrap();
            Some(Stamp::of(&path).unwrap())
        })
    }

    #[test]
    fn a_file_that_was_read_is_read_again_when_it_changes() {
        let [one, two] = stamps();
        let mut reading = Reading::default();
        assert!(reading.is_due(one));

        reading.read_whole(one);

        assert!(!reading.is_due(one));
        assert!(reading.is_due(two));
        assert!(reading.is_due(None), "it is gone");
    }

    #[test]
    fn a_file_that_could_not_be_read_for_a_moment_is_tried_until_it_can() {
        let [one, two] = stamps();
        let mut reading = Reading::default();
        reading.read_whole(one);

        let told = reading.failed(two, &unreadable("too many open files"));

        assert!(told.unwrap().contains("too many open files"));
        assert!(reading.is_due(two), "the same file once more");
        let again = reading.failed(two, &unreadable("too many open files"));
        assert_eq!(again, None, "told once");
        let other = reading.failed(two, &unreadable("no memory"));
        assert!(other.unwrap().contains("no memory"));
        reading.read_whole(two);
        assert!(!reading.is_due(two));
        let later = reading.failed(one, &unreadable("no memory"));
        assert!(later.is_some(), "it was well in between");
    }

    #[test]
    fn a_file_that_says_something_unusable_is_read_once() {
        let [one, two] = stamps();
        let mut reading = Reading::default();

        let told = reading.failed(
            one,
            &TokenError::Line {
                path: PathBuf::from("tokens"),
                line: 3,
                detail: "has no scope",
            },
        );

        assert!(told.unwrap().contains("line 3 has no scope"));
        assert!(!reading.is_due(one));
        assert!(reading.is_due(two));
    }
}
