//! Who asks, and whether that is enough: tokens, sessions, and what those without either may do.
//!
//! What a route asks for stands in the table of `proto`; an error's status is left to
//! [`super::problem`]. The file of tokens is read by [`super::rereading`].

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap};
use lastbeat_proto::endpoint::Scope;
use parking_lot::RwLock;

use super::session::Sessions;
use crate::clock::Mono;
use crate::token::{Token, TokenError, Tokens};

/// What stands before the token in `Authorization` (RFC 6750 §2.1).
const SCHEME: &str = "bearer ";

/// Most tokens that are remembered when they are revoked, so that the log can say so.
const MAX_REVOKED: usize = 10_000;

/// Why a caller is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum GateError {
    /// Nothing was shown.
    #[error(
        "this daemon asks for a token: send the header Authorization: Bearer TOKEN, or sign in on \
         the dashboard"
    )]
    NoToken,
    /// What was shown is no live token.
    #[error(
        "the token that was sent is not known here, or was revoked; ask the operator for a new one"
    )]
    UnknownToken,
    /// A header that holds no token at all, or two.
    #[error(
        "the Authorization header holds no bearer token; send it once, as Authorization: Bearer \
         TOKEN"
    )]
    NoBearer,
    /// A live token that is not for this.
    #[error("the token allows to {has}, this needs one that allows to {needs}", has = allows(*has), needs = allows(*needs))]
    MissingScope {
        /// What it is for.
        has: Scope,
        /// What is needed.
        needs: Scope,
    },
}

impl GateError {
    /// Whether something was shown that is no live token: what who guesses meets.
    pub(super) const fn is_wrong(&self) -> bool {
        matches!(self, Self::UnknownToken | Self::NoBearer)
    }
}

/// What a scope lets its bearer do, behind "allows to".
const fn allows(scope: Scope) -> &'static str {
    match scope {
        Scope::Public => "ask for nothing (scope public)",
        Scope::Read => "look (scope read)",
        Scope::Register => "register and deregister instances (scope register)",
        Scope::Admin => "do everything (scope admin)",
    }
}

/// How a caller is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing that we know was shown.
    Nothing,
    /// A live token, of this id.
    Token(String),
    /// The cookie of a session that such a token began.
    Session(String),
    /// A token that is not live.
    Unknown,
    /// A header that holds none.
    NoBearer,
}

/// What is wrong with a token that does not let in, as the log says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// A header that holds none.
    #[error("its Authorization header holds no bearer token")]
    NoBearer,
    /// One that was live since this daemon was started.
    #[error("its token was revoked")]
    Revoked,
    /// One that never was, as far as we know.
    #[error("its token is not known here")]
    Unknown,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// What this caller may do.
    pub(super) scope: Scope,
    /// By what.
    pub(super) shown: Shown,
}

impl Caller {
    /// Whether a token was shown that no web page can make a browser send.
    pub(super) const fn has_token(&self) -> bool {
        matches!(self.shown, Shown::Token(_))
    }

    /// Lets the caller pass who may do what `needs` says.
    ///
    /// # Errors
    /// [`GateError`].
    pub(super) fn must(&self, needs: Scope) -> Result<(), GateError> {
        let is_wrong = matches!(self.shown, Shown::Unknown | Shown::NoBearer);
        if needs == Scope::Public || (needs <= self.scope && !is_wrong) {
            return Ok(());
        }
        Err(match self.shown {
            Shown::Nothing => GateError::NoToken,
            Shown::Unknown => GateError::UnknownToken,
            Shown::NoBearer => GateError::NoBearer,
            Shown::Token(_) | Shown::Session(_) => GateError::MissingScope {
                has: self.scope,
                needs,
            },
        })
    }

    /// Whether [`Self::must`] would let pass.
    pub(super) fn may(&self, needs: Scope) -> bool {
        self.must(needs).is_ok()
    }
}

/// The gate of one daemon.
#[derive(Debug)]
pub(super) struct Gate {
    /// Absent: nobody is asked.
    tokens: Option<RwLock<Arc<Tokens>>>,
    /// Those that were live since the start and are no more, as many as are remembered.
    revoked: RwLock<Tokens>,
    /// What those may do who show nothing.
    anonymous: Scope,
    pub(super) sessions: Sessions,
}

impl Gate {
    /// A gate that asks for one of `tokens`, where there are some.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn new(tokens: Option<Tokens>, anonymous_read: bool) -> Result<Self, TokenError> {
        let anonymous = match (&tokens, anonymous_read) {
            (None, _) => Scope::Admin,
            (Some(_), true) => Scope::Read,
            (Some(_), false) => Scope::Public,
        };
        Ok(Self {
            tokens: tokens.map(|tokens| RwLock::new(Arc::new(tokens))),
            revoked: RwLock::default(),
            anonymous,
            sessions: Sessions::new()?,
        })
    }

    /// Whether anybody is asked for a token.
    pub(super) const fn asks(&self) -> bool {
        self.tokens.is_some()
    }

    /// From now on these are the live ones; says whether they were others before.
    pub(super) fn replace(&self, tokens: Tokens) -> bool {
        let Some(live) = &self.tokens else {
            return false;
        };
        let before = Arc::clone(&live.read());
        let is_changed = *before != tokens;
        let is_ended = |token: &&Token| !tokens.by_id(&token.id).is_some_and(|t| t.is_same(token));
        let mut revoked = self.revoked.write();
        for token in before.all().iter().filter(is_ended) {
            if revoked.all().len() < MAX_REVOKED {
                revoked.push(token.clone());
            }
        }
        drop(revoked);
        *live.write() = Arc::new(tokens);
        is_changed
    }

    /// The live token of this text.
    pub(super) fn token(&self, text: &str) -> Option<Token> {
        let live = self.live()?;
        live.find(text).cloned()
    }

    /// What is wrong with a token of this text that is not live.
    pub(super) fn wrong(&self, text: &str) -> Wrong {
        match self.revoked.read().find(text) {
            Some(_) => Wrong::Revoked,
            None => Wrong::Unknown,
        }
    }

    /// The same for the token in these headers.
    pub(super) fn wrong_in(&self, headers: &HeaderMap) -> Wrong {
        bearer(headers).map_or(Wrong::NoBearer, |text| self.wrong(text))
    }

    /// Who sent these headers.
    pub(super) fn caller(&self, headers: &HeaderMap, now: Mono) -> Caller {
        let nobody = Caller {
            scope: self.anonymous,
            shown: Shown::Nothing,
        };
        let Some(live) = self.live() else {
            return nobody;
        };
        if headers.contains_key(AUTHORIZATION) {
            let (scope, shown) = match bearer(headers).map(|text| live.find(text)) {
                Some(Some(token)) => (token.scope, Shown::Token(token.id.clone())),
                Some(None) => (Scope::Public, Shown::Unknown),
                None => (Scope::Public, Shown::NoBearer),
            };
            return Caller { scope, shown };
        }
        // A session ends with the token that began it.
        let session = self.sessions.find(headers, now);
        let token = session.and_then(|token| live.by_id(&token.id).filter(|t| t.is_same(&token)));
        token.map_or(nobody, |token| Caller {
            scope: token.scope,
            shown: Shown::Session(token.id.clone()),
        })
    }

    fn live(&self) -> Option<Arc<Tokens>> {
        let tokens = self.tokens.as_ref()?;
        Some(Arc::clone(&tokens.read()))
    }
}

/// The token of the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim())
}

#[cfg(test)]
mod tests;
