//! The heartbeats: at least as often as the daemon asks for, also after errors.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use lastbeat_proto::Span;
use lastbeat_proto::problem::Slug;
use tokio::sync::watch;

use crate::client::{Client, ClientError, RegisterBody};
use crate::clock::Mono;
use crate::text::{Charset, SafeText};

/// How often to beat before the daemon said: a third of its default ttl.
const FIRST_GUESS: Span = Span::from_secs(20);
/// First pause after an error, in ms; it doubles up to the interval.
const FIRST_PAUSE_MS: i64 = 500;

/// What became of the registration.
#[derive(Debug)]
pub(super) enum Registered {
    /// Never got through.
    Never,
    /// Under this instance key.
    As(String),
    /// The daemon will never take it, for this reason.
    Refused(String),
}

impl Registered {
    /// Why it was refused.
    pub(super) fn refusal(self) -> Option<String> {
        match self {
            Self::Refused(cause) => Some(cause),
            Self::Never | Self::As(_) => None,
        }
    }
}

/// What runs beside the heartbeats, and goes on without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// A command: a better token may come while it runs.
    Command,
    /// Nothing: who started us waits for nothing else.
    Nothing,
}

/// One line for whoever started the program.
pub(super) fn tell(text: &str) {
    let text = SafeText::new(text, Charset::Utf8);
    // A closed stderr is no reason to stop beating.
    let _written: std::io::Result<()> = writeln!(std::io::stderr(), "lastbeat: {text}");
}

/// Beats for one instance.
pub(super) struct Pulse {
    client: Arc<Client>,
    body: RegisterBody,
    /// What the user asked for.
    wanted: Option<Span>,
    every: Span,
    timeout: Span,
    beside: Beside,
    failures: u32,
    registered: Registered,
}

impl Pulse {
    pub(super) fn new(
        client: Arc<Client>,
        body: RegisterBody,
        wanted: Option<Span>,
        timeout: Span,
        beside: Beside,
    ) -> Self {
        let guess = body.ttl_s.map_or(FIRST_GUESS, Span::third);
        let every = wanted.unwrap_or(guess);
        Self {
            client,
            body,
            wanted,
            every,
            timeout,
            beside,
            failures: 0,
            registered: Registered::Never,
        }
    }

    /// Beats until told to stop or refused for good.
    pub(super) async fn beat(mut self, mut stopping: watch::Receiver<bool>) -> Registered {
        loop {
            let began = Mono::now();
            // An attempt never outlives the interval, so that one is made in each.
            let limit_span = self.timeout.min(self.every);
            let limit = Duration::from(limit_span);
            let attempt = tokio::time::timeout(limit, self.client.register(&self.body)).await;
            let result = attempt.unwrap_or(Err(ClientError::Timeout(limit_span)));
            match result {
                Ok(answer) => {
                    self.every = self.wanted.unwrap_or(answer.heartbeat_every_s);
                    self.heard(answer.service.instance, answer.created);
                }
                Err(error) => {
                    if self.is_final(&error) {
                        return Registered::Refused(error.to_string());
                    }
                    self.missed(&error);
                }
            }
            let next = began.plus_ms(self.pause_ms());
            let pause = tokio::time::sleep(next.wait_from(Mono::now()));
            tokio::select! {
                () = pause => {}
                _ = stopping.changed() => return self.registered,
            }
            if *stopping.borrow() {
                return self.registered;
            }
        }
    }

    fn heard(&mut self, instance: String, is_new: bool) {
        let name = &self.body.name;
        if is_new || matches!(self.registered, Registered::Never) {
            tell(&format!(
                "registered {name} ({instance}), a heartbeat every {}",
                self.every
            ));
        } else if 0 < self.failures {
            tell(&format!("heartbeats of {name} get through again"));
        }
        self.failures = 0;
        self.registered = Registered::As(instance);
    }

    fn missed(&mut self, error: &ClientError) {
        if self.failures == 0 {
            tell(&format!(
                "no heartbeat of {} gets through: {error}; trying on",
                self.body.name
            ));
        }
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether asking again is of no use: the registration itself is wrong, or its token was never
    /// one to register with and nothing runs that is worth the wait for another.
    fn is_final(&self, error: &ClientError) -> bool {
        let ClientError::Refused(problem) = error else {
            return false;
        };
        let slug = problem.slug();
        let is_first = matches!(self.registered, Registered::Never);
        slug == Slug::InvalidBody.text()
            || (slug == Slug::MissingScope.text() && is_first && self.beside == Beside::Nothing)
    }

    /// From the beginning of one attempt to the next: the interval, after errors less.
    fn pause_ms(&self) -> i64 {
        let every_ms = (self.every.as_signed_micros() / 1_000).max(1);
        match self.failures {
            0 => every_ms,
            failures => every_ms.min(FIRST_PAUSE_MS << (failures - 1).min(16)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BaseUrl;

    fn pulse(wanted: Option<Span>, ttl: Option<Span>) -> Pulse {
        let url = BaseUrl::parse("127.0.0.1:1").unwrap();
        let client = Arc::new(Client::new(url, Span::from_secs(5)));
        let body = RegisterBody {
            name: "a".to_owned(),
            ttl_s: ttl,
            ..RegisterBody::default()
        };
        Pulse::new(client, body, wanted, Span::from_secs(5), Beside::Nothing)
    }

    #[test]
    fn after_errors_it_tries_sooner_never_later() {
        let mut pulse = pulse(Some(Span::from_secs(3)), None);

        let pauses: Vec<i64> = (0..6)
            .map(|failures| {
                pulse.failures = failures;
                pulse.pause_ms()
            })
            .collect();

        assert_eq!(pauses, [3_000, 500, 1_000, 2_000, 3_000, 3_000]);
    }

    #[test]
    fn before_the_daemon_said_a_third_of_the_ttl_is_a_good_guess() {
        assert_eq!(
            pulse(None, Some(Span::from_secs(6))).every,
            Span::from_secs(2)
        );
        assert_eq!(pulse(None, None).every, Span::from_secs(20));
        assert_eq!(
            pulse(Some(Span::from_secs(7)), Some(Span::from_secs(6))).every,
            Span::from_secs(7)
        );
    }
}
