//! What stands around every page's content: who this is, the way to the root, where the script
//! asks.

use hyper::header::HOST;
use hyper::http::request::Parts;
use lastbeat_proto::answer::ServicesAnswer;
use lastbeat_proto::endpoint::Scope;
use lastbeat_proto::query;
use lastbeat_proto::query::ListQuery;

use super::icon::{ICONS, Icon};
use super::{link, row};
use crate::http::gate::{Caller, Shown};
use crate::http::router::root_of;
use crate::http::sender::Sender;

/// What a page knows about the request it answers.
pub(in crate::http) struct Asked<'call> {
    /// Method, target, headers.
    pub(in crate::http) head: &'call Parts,
    /// The machine's own name, where it is known.
    pub(in crate::http) machine: Option<&'call str>,
    /// The operator's style sheet among the assets, where there is one.
    pub(in crate::http) theme: Option<&'static str>,
    /// Who sent it, and how.
    pub(in crate::http) sender: &'call Sender,
    /// What the sender may do.
    pub(in crate::http) caller: &'call Caller,
}

/// Who looks at a page.
pub(super) struct Reader {
    /// Whether this one may refresh and deregister.
    pub(super) may_change: bool,
    /// Whether this one signed in and can sign out.
    pub(super) is_signed_in: bool,
    /// What this one is let in for.
    pub(super) scope: &'static str,
}

/// What every page has around its content.
pub(super) struct Shell {
    /// The way to the root.
    pub(super) root: String,
    /// The same as a prefix.
    pub(super) base: String,
    /// The operator's style sheet among the assets, where there is one.
    pub(super) theme: Option<&'static str>,
    /// Who this is.
    pub(super) host: String,
    /// The root's absolute address as the request knows it; the script knows it better.
    pub(super) url: String,
    /// Of the daemon.
    pub(super) version: &'static str,
    /// The sprite.
    pub(super) icons: &'static [Icon],
    /// The page's own query, without what it asks.
    pub(super) query: String,
    /// Number of the row of which it asks whether it shall be deregistered.
    pub(super) asked: Option<i64>,
    /// Where the script asks for the live part, but for the page's query.
    pub(super) live: &'static str,
    /// The daemon's monotonic clock.
    pub(super) up_ms: i64,
    /// The daemon's wall clock.
    pub(super) now_ms: i64,
    /// The same as text.
    pub(super) now: String,
    /// Whether the page loads itself again without a script.
    pub(super) is_refreshing: bool,
    /// Who looks at it.
    pub(super) reader: Reader,
    /// Whether this is the live part only.
    pub(super) is_part: bool,
    /// The same page with that the other way round.
    pub(super) refresh_switch: String,
}

impl Reader {
    /// What decides which buttons the page has: when it changes, the script loads the page anew.
    /// Nothing where nobody need sign in.
    pub(super) const fn word(&self) -> Option<&'static str> {
        match (self.is_signed_in, self.may_change) {
            (false, true) => None,
            (false, false) => Some("guest"),
            (true, false) => Some("reader"),
            (true, true) => Some("editor"),
        }
    }
}

impl Asked<'_> {
    pub(super) fn query(&self) -> &str {
        self.head.uri.query().unwrap_or_default()
    }

    pub(super) fn value(&self, key: &str) -> Option<String> {
        query::value_of(self.query(), key)
    }

    /// The host that the browser asked for.
    fn host(&self) -> &str {
        let host = self.head.headers.get(HOST);
        host.and_then(|host| host.to_str().ok())
            .unwrap_or("localhost")
    }

    /// The query without some of its keys.
    fn query_without(&self, keys: &[&str]) -> String {
        let is_kept = |pair: &&str| {
            let key = pair.split('=').next().unwrap_or_default();
            !pair.is_empty() && !keys.contains(&key)
        };
        let kept: Vec<&str> = self.query().split('&').filter(is_kept).collect();
        kept.join("&")
    }

    /// The same page, refreshed or not.
    fn refresh_switch(&self, is_refreshing: bool) -> String {
        let query = self.query_without(&["refresh"]);
        let off = if is_refreshing { "&refresh=off" } else { "" };
        format!("?{query}{off}").replacen("?&", "?", 1)
    }
}

impl Shell {
    /// `live` is where the script asks, but for the query.
    pub(super) fn new(
        asked: &Asked<'_>,
        seen: &ServicesAnswer,
        live: &'static str,
        is_part: bool,
    ) -> Self {
        let root = root_of(asked.head.uri.path());
        let is_refreshing = asked.value("refresh").as_deref() != Some("off");
        Self {
            base: link::base(&root).to_owned(),
            root,
            theme: asked.theme,
            host: asked.machine.unwrap_or_else(|| asked.host()).to_owned(),
            url: format!(
                "{}://{}{}/",
                asked.sender.scheme.word(),
                asked.host(),
                asked.sender.prefix
            ),
            version: env!("CARGO_PKG_VERSION"),
            icons: &ICONS,
            live,
            // Every row's links carry it: only what means something, and that has limits.
            query: ListQuery::parse(asked.query())
                .map_or_else(|_| String::new(), |query| query.text()),
            asked: asked.value("ask").and_then(|id| id.parse().ok()),
            up_ms: seen.up_ms,
            now_ms: seen.now.as_micros() / 1_000,
            now: row::time_to_the_second(seen.now),
            is_refreshing,
            reader: Reader {
                may_change: asked.caller.may(Scope::Register),
                is_signed_in: matches!(asked.caller.shown, Shown::Session(_)),
                scope: asked.caller.scope.word(),
            },
            is_part,
            refresh_switch: asked.refresh_switch(is_refreshing),
        }
    }
}
