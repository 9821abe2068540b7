//! Sessions of the dashboard: a browser that showed a token once and is known by a cookie then.
//!
//! Kept in memory only: a restart ends them all. What a cookie holds says nothing about the token.

use std::collections::HashMap;

use hyper::header::{COOKIE, HeaderMap, HeaderValue};
use lastbeat_proto::Span;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::stream::Scheme;
use crate::clock::Mono;
use crate::token::{Token, TokenError, hex, random};

/// How long a session lasts, whatever its browser does: a working day.
pub(super) const SESSION_TIME: Span = Span::from_secs(12 * 3_600);
/// Most sessions at a time; a new one ends the one that would end first.
const MAX_SESSIONS: usize = 1_000;
/// Most sessions of one token; a new one ends the one of the same token that would end first. So who
/// has a token, of whatever scope, signs nobody else out before 20 tokens are spent on it.
const MAX_SESSIONS_A_TOKEN: usize = 50;
/// Most values of our cookie that are looked at in one request: a browser sends one for each path
/// of the host under which it signed in, and each costs a hash.
const MAX_VALUES: usize = 4;
/// Random bytes of a cookie.
const COOKIE_BYTES: usize = 32;

/// All sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Name of the cookie. Cookies know no ports, so each daemon of a machine has its own name.
    name: String,
    /// By the hash of the cookie's value, so that no search tells how much of a guess was right.
    live: Mutex<HashMap<[u8; 32], Session>>,
}

#[derive(Debug)]
struct Session {
    token: Token,
    ends: Mono,
}

impl Sessions {
    /// No session yet.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn new() -> Result<Self, TokenError> {
        Ok(Self {
            name: format!("lastbeat-{}", hex(&random::<4>()?)),
            live: Mutex::default(),
        })
    }

    /// Begins a session with `token`; the answer is what `Set-Cookie` says.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn begin(
        &self,
        token: &Token,
        scheme: Scheme,
        now: Mono,
    ) -> Result<HeaderValue, TokenError> {
        let value = hex(&random::<COOKIE_BYTES>()?);
        let session = Session {
            token: token.clone(),
            ends: now.plus(SESSION_TIME),
        };
        let mut live = self.live.lock();
        live.retain(|_, session| now < session.ends);
        let is_mine = |session: &Session| session.token.id == token.id;
        if MAX_SESSIONS_A_TOKEN <= live.values().filter(|session| is_mine(session)).count() {
            end_first(&mut live, is_mine);
        } else if MAX_SESSIONS <= live.len() {
            end_first(&mut live, |_| true);
        }
        live.insert(key(&value), session);
        let seconds = SESSION_TIME.as_micros() / 1_000_000;
        Ok(self.cookie(&value, seconds, scheme))
    }

    /// The token of the session whose cookie is sent.
    pub(super) fn find(&self, headers: &HeaderMap, now: Mono) -> Option<Token> {
        let keys = self.keys(headers);
        if keys.is_empty() {
            return None;
        }
        let live = self.live.lock();
        keys.iter()
            .filter_map(|key| live.get(key))
            .find(|session| now < session.ends)
            .map(|session| session.token.clone())
    }

    /// Ends the session whose cookie is sent; the answer is what takes the cookie away.
    pub(super) fn end(&self, headers: &HeaderMap, scheme: Scheme) -> HeaderValue {
        let keys = self.keys(headers);
        let mut live = self.live.lock();
        for key in &keys {
            live.remove(key);
        }
        drop(live);
        self.cookie("", 0, scheme)
    }

    /// Under which keys the session of these headers may lie; made before the lock is taken, which
    /// every request without an `Authorization` needs.
    fn keys(&self, headers: &HeaderMap) -> Vec<[u8; 32]> {
        let values = self.values(headers).take(MAX_VALUES);
        values.map(key).collect()
    }

    /// The values of our cookie; a browser may send several for paths of one host.
    fn values<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name)
            .map(|(_, value)| value)
    }

    /// Without a `Path` the browser takes the folder of the sign-in form, and so the cookie stays
    /// under the sub-path of a proxy that strips it.
    fn cookie(&self, value: &str, seconds: u64, scheme: Scheme) -> HeaderValue {
        let secure = match scheme {
            Scheme::Http => "",
            Scheme::Https => "; Secure",
        };
        let name = &self.name;
        let text = format!("{name}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        #[expect(
            clippy::expect_used,
            reason = "made of letters, digits and these signs"
        )]
        HeaderValue::try_from(text).expect("plain text")
    }
}

/// Ends the one of these sessions that would end first.
fn end_first(live: &mut HashMap<[u8; 32], Session>, is_one: impl Fn(&Session) -> bool) {
    let all = live.iter().filter(|(_, session)| is_one(session));
    if let Some((&first, _)) = all.min_by_key(|(_, session)| session.ends) {
        live.remove(&first);
    }
}

fn key(value: &str) -> [u8; 32] {
    Sha256::digest(value).into()
}

#[cfg(test)]
mod tests {
    use lastbeat_proto::Timestamp;
    use lastbeat_proto::endpoint::Scope;

    use super::*;
    use crate::token;

    fn token() -> Token {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_micros(0);
        token::add(&dir.path().join("tokens"), Scope::Read, "", now)
            .unwrap()
            .0
    }

    /// What a browser sends back.
    fn sent(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        let both = format!("other=1; {pair}; lastbeat=2");
        headers.insert(COOKIE, both.parse().unwrap());
        headers
    }

    #[test]
    fn a_session_lasts_twelve_hours_and_no_longer() {
        let sessions = Sessions::new().unwrap();
        let begun = Mono::from_micros(5);
        let token = token();

        let headers = sent(&sessions.begin(&token, Scheme::Http, begun).unwrap());

        let last = Mono::from_micros(5 + 12 * 3_600 * 1_000_000 - 1);
        assert_eq!(sessions.find(&headers, last), Some(token));
        assert_eq!(sessions.find(&headers, begun.plus(SESSION_TIME)), None);
    }

    #[test]
    fn the_cookie_is_for_no_script_and_no_other_site() {
        let sessions = Sessions::new().unwrap();

        let clear = sessions
            .begin(&token(), Scheme::Http, Mono::default())
            .unwrap();
        let tls = sessions
            .begin(&token(), Scheme::Https, Mono::default())
            .unwrap();

        let clear = clear.to_str().unwrap();
        assert!(
            clear.ends_with("; Max-Age=43200; HttpOnly; SameSite=Strict"),
            "{clear}"
        );
        assert!(tls.to_str().unwrap().ends_with("; SameSite=Strict; Secure"));
        assert!(!clear.contains("Path") && !clear.contains("Domain"));
    }

    #[test]
    fn signing_out_ends_the_session_and_takes_the_cookie_away() {
        let sessions = Sessions::new().unwrap();
        let now = Mono::default();
        let mine = sent(&sessions.begin(&token(), Scheme::Http, now).unwrap());
        let other = sent(&sessions.begin(&token(), Scheme::Http, now).unwrap());

        let taken = sessions.end(&mine, Scheme::Http);

        assert!(taken.to_str().unwrap().contains("=; Max-Age=0;"));
        assert_eq!(sessions.find(&mine, now), None);
        assert!(sessions.find(&other, now).is_some());
    }

    #[test]
    fn a_cookie_that_was_not_given_out_is_nobody() {
        let sessions = Sessions::new().unwrap();
        let now = Mono::default();
        sessions.begin(&token(), Scheme::Http, now).unwrap();
        for value in [String::new(), "0".repeat(64), "x".to_owned()] {
            let set = sessions.cookie(&value, 1, Scheme::Http);

            assert_eq!(sessions.find(&sent(&set), now), None);
        }
    }

    #[test]
    fn four_cookies_of_our_name_are_looked_at_and_no_fifth() {
        let sessions = Sessions::new().unwrap();
        let now = Mono::default();
        let set = sessions.begin(&token(), Scheme::Http, now).unwrap();
        let mine = set.to_str().unwrap().split(';').next().unwrap();
        let after = |others: usize| {
            let other = format!("{}=x; ", sessions.name);
            let mut headers = HeaderMap::new();
            let text = other.repeat(others) + mine;
            headers.insert(COOKIE, text.parse().unwrap());
            headers
        };

        assert!(sessions.find(&after(3), now).is_some());
        assert_eq!(sessions.find(&after(4), now), None);
        assert_eq!(sessions.keys(&after(800)).len(), 4);
    }

    #[test]
    fn a_token_has_fifty_sessions_and_its_own_oldest_goes_first() {
        let sessions = Sessions::new().unwrap();
        let (display, operator) = (token(), token());
        let begin = |token: &Token, second: i64| {
            let now = Mono::from_micros(second * 1_000_000);
            sent(&sessions.begin(token, Scheme::Http, now).unwrap())
        };
        let oldest = begin(&operator, 0);
        let first = begin(&display, 1);
        let second = begin(&display, 2);
        for at in 3..=50 {
            begin(&display, at);
        }
        let now = Mono::from_micros(50_000_000);
        assert!(sessions.find(&first, now).is_some(), "the fiftieth");

        begin(&display, 51);

        assert_eq!(sessions.find(&first, now), None);
        assert_eq!(sessions.find(&second, now), Some(display));
        assert_eq!(sessions.find(&oldest, now), Some(operator));
        assert_eq!(sessions.live.lock().len(), 51);
    }

    #[test]
    fn there_are_never_more_than_a_thousand() {
        let sessions = Sessions::new().unwrap();
        let tokens: Vec<Token> = (0..21).map(|_| token()).collect();
        let begin = |token: &Token, second: i64| {
            let now = Mono::from_micros(second * 1_000_000);
            sent(&sessions.begin(token, Scheme::Http, now).unwrap())
        };
        let first = begin(&tokens[0], 0);
        for place in 1..1_000_usize {
            begin(&tokens[place / 50], i64::try_from(place).unwrap());
        }
        let now = Mono::from_micros(1_000_000_000);
        assert!(sessions.find(&first, now).is_some(), "the thousandth");

        begin(&tokens[20], 1_000);

        assert_eq!(sessions.live.lock().len(), MAX_SESSIONS);
        assert_eq!(sessions.find(&first, now), None);
    }
}
