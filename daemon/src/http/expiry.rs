//! Tells in time that the certificate in use ends, or has ended.

use std::sync::Arc;

use lastbeat_proto::Span;
use lastbeat_proto::answer::NoticeLevel;
use tokio::sync::watch;

use super::site::Site;
use super::tls::Tls;
use super::validity;

/// How often it is looked at, beside each time it is read.
const LOOK_EVERY: Span = Span::from_secs(3_600);
/// Kind of the notice.
const NOTICE: &str = "certificate-expires";

/// Looks at the certificate in use now, every hour and whenever it was read again, until `stop`.
/// The log hears of it when it gets worse or better, not each time.
pub(super) async fn watch(site: Arc<Site>, mut stop: watch::Receiver<bool>) {
    let mut told = None;
    loop {
        let clock = site.registry.clock();
        let now = clock.now();
        let ends = site.tls.as_ref().and_then(Tls::ends);
        let notice = ends.and_then(|ends| validity::notice(ends, now.wall));
        let level = notice.as_ref().map(|(level, _)| *level);
        if level != told {
            match &notice {
                Some((NoticeLevel::Error, text)) => tracing::error!("{text}"),
                Some((_, text)) => tracing::warn!("{text}"),
                None => tracing::info!("the certificate that is now in use does not end soon"),
            }
            told = level;
        }
        site.registry.set_notice(NOTICE, notice);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = clock.sleep_until(now.mono.plus(LOOK_EVERY)) => {}
            () = site.certificate_read.notified() => {}
        }
    }
}
