//! Signing in to the dashboard and out of it.

use hyper::StatusCode;
use hyper::header::SET_COOKIE;
use lastbeat_proto::query;

use super::answer::{self, Answer};
use super::api::Call;
use super::dashboard;
use super::gate::GateError;
use super::problem::{Failure, Refusal};

/// The field of the form.
const FIELD: &str = "token";

impl Call<'_> {
    /// The form that asks for a token; where nobody is asked, the dashboard.
    pub(super) fn sign_in_page(&self) -> Result<Answer, Refusal> {
        if !self.site.gate.asks() {
            return Ok(answer::see_other(&self.root()));
        }
        let page = dashboard::sign_in(self.head.uri.path(), None, self.site.theme());
        let page = page.map_err(Failure::from)?;
        Ok(answer::html(StatusCode::OK, page))
    }

    /// Begins a session for who sends the text of a token.
    pub(super) fn sign_in(&self) -> Result<Answer, Refusal> {
        if !self.site.gate.asks() {
            return Ok(answer::see_other(&self.root()));
        }
        let now = self.site.registry.clock().now().mono;
        self.site.pace.charge(self.sender.ip, now)?;
        let body = std::str::from_utf8(&self.body).unwrap_or_default();
        let text = query::value_of(body, FIELD).unwrap_or_default();
        let token = self.site.gate.token(text.trim()).ok_or_else(|| {
            let wrong = self.site.gate.wrong(text.trim());
            let (ip, endpoint) = (self.sender.ip, self.destination.index);
            self.site.strangers.note(ip, now, endpoint, wrong);
            GateError::UnknownToken
        })?;
        let begun = self
            .site
            .gate
            .sessions
            .begin(&token, self.sender.scheme, now);
        let cookie = begun.map_err(Failure::from)?;
        tracing::info!(
            token.id,
            peer.ip = %self.sender.ip,
            "signed in to the dashboard with token {}",
            token.id
        );
        let mut answer = answer::see_other(&self.root());
        answer.headers_mut().insert(SET_COOKIE, cookie);
        Ok(answer)
    }

    /// Ends the caller's session, if there is one.
    pub(super) fn sign_out(&self) -> Answer {
        let sessions = &self.site.gate.sessions;
        let cookie = sessions.end(&self.head.headers, self.sender.scheme);
        let mut answer = answer::see_other(&self.root());
        answer.headers_mut().insert(SET_COOKIE, cookie);
        answer
    }
}
