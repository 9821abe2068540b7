//! Keeps the gate at what the file of tokens says: a revocation counts within a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastbeat_proto::Span;
use lastbeat_proto::answer::NoticeLevel;
use tokio::sync::watch;

use super::site::Site;
use crate::token::{Stamp, TokenError, Tokens};

/// How often the file is looked at; twice of it is the longest that a revoked token lives on.
const LOOK_EVERY: Span = Span::from_micros(400_000);
/// Kind of the notice that the file cannot be used.
const NOTICE: &str = "tokens";

/// Reads the file at `path` again whenever it was changed, until `stop`. A file that cannot be used
/// takes nothing away and gives nothing: the tokens of before stay live, and a notice says so
/// (ADR 0013).
pub(super) async fn keep_tokens(site: Arc<Site>, path: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut known = None;
    loop {
        let found = Stamp::of(&path).ok();
        if known != Some(found) {
            known = Some(found);
            read(&site, &path).await;
        }
        let clock = site.registry.clock();
        let next = clock.now().mono.plus(LOOK_EVERY);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = clock.sleep_until(next) => {}
            () = site.reread.notified() => known = None,
        }
    }
}

/// Reads the file now and tells how it went.
async fn read(site: &Site, path: &Path) {
    let from = path.to_path_buf();
    match tokio::task::spawn_blocking(move || Tokens::read(&from)).await {
        Ok(Ok(tokens)) => accept(site, &tokens),
        Ok(Err(error)) => complain(site, &error),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "cannot read the tokens again by a fault of ours; the ones of before stay live"
        ),
    }
}

fn accept(site: &Site, tokens: &Tokens) {
    site.registry.set_notice(NOTICE, None);
    let is_changed = site.gate.replace(tokens.clone());
    let live = tokens.all().len();
    if is_changed {
        tracing::info!(token.live = live, "{live} tokens are live from now on");
    } else {
        tracing::debug!(
            token.live = live,
            "the same {live} tokens are live as before"
        );
    }
}

fn complain(site: &Site, error: &TokenError) {
    let text = format!("{error}; until then the tokens of before stay live");
    tracing::warn!("{text}");
    site.registry
        .set_notice(NOTICE, Some((NoticeLevel::Error, text)));
}
