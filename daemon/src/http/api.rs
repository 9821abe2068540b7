//! What each endpoint does: typed request in, registry asked, answer out.
//!
//! Rules of liveness are the registry's, status codes [`super::problem`]'s. Pages are in [`page`],
//! what a request says beside its route in [`argument`], what a service says by itself in [`hear`].

mod argument;
mod hear;
mod page;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use hyper::http::request::Parts;
use lastbeat_proto::Address;
use lastbeat_proto::answer::LivenessAnswer;
use lastbeat_proto::endpoint::{Route, Scope};
use lastbeat_proto::problem::FieldError;
use lastbeat_proto::query::{HistoryQuery, ListQuery};
use tokio::sync::SemaphorePermit;

use super::answer::{self, Answer};
use super::gate::Caller;
use super::metrics::{self, Seen};
use super::problem::{Failure, Refusal, wants_html};
use super::router::{Destination, root_of};
use super::sender::{Peer, Sender};
use super::site::Site;
use crate::registry::{Listing, Registry};

/// A request that passed the door, read whole.
pub(super) struct Call<'call> {
    /// What all requests share.
    pub(super) site: &'call Site,
    /// The other end of its connection.
    pub(super) peer: &'call Peer,
    /// Who sent it, and how.
    pub(super) sender: &'call Sender,
    /// What the sender may do.
    pub(super) caller: Caller,
    /// Method, target, headers.
    pub(super) head: &'call Parts,
    /// Where it goes.
    pub(super) destination: Destination<'call>,
    /// The body.
    pub(super) body: Bytes,
}

/// An answer, or why there is none.
pub(super) type Outcome = Result<Answer, Refusal>;

/// What comes of a call. A heartbeat is answered at once: whatever waits is apart, so that no
/// heartbeat has to carry what the largest page needs.
pub(super) enum Told<'call> {
    /// Nothing has to be waited for.
    Now(Outcome),
    /// The answer takes time.
    Later(Pin<Box<dyn Future<Output = Outcome> + Send + 'call>>),
}

impl<'call> Told<'call> {
    fn later(outcome: impl Future<Output = Outcome> + Send + 'call) -> Self {
        Self::Later(Box::pin(outcome))
    }
}

/// Answers `call`, or says why it cannot be used or what the registry has against it.
pub(super) fn answer<'call>(call: &'call mut Call<'_>) -> Told<'call> {
    match call.destination.route {
        Route::Register => call.register(),
        Route::Heartbeat => call.heartbeat(),
        Route::Services => Told::later(call.services()),
        Route::Service => Told::Now(call.service()),
        Route::Deregister => Told::later(call.deregister()),
        Route::Refresh => Told::Now(call.refresh()),
        Route::RefreshAll => Told::later(async { Ok(call.refresh_all().await) }),
        Route::Events => Told::later(call.events()),
        Route::Gone => Told::later(call.gone()),
        Route::Uptime => Told::later(call.uptime()),
        Route::Health => Told::Now(call.health()),
        Route::Ready => Told::Now(call.ready()),
        Route::Metrics => Told::later(async { Ok(call.metrics().await) }),
        Route::OpenApi => Told::Now(Ok(call.site.document.answer(&call.head.headers))),
        Route::Page => Told::later(call.page()),
        Route::Rows => Told::later(call.rows()),
        Route::ServicePage => Told::later(call.service_page()),
        Route::SignInPage => Told::Now(call.sign_in_page()),
        Route::SignIn => Told::Now(call.sign_in()),
        Route::SignOut => Told::Now(Ok(call.sign_out())),
        Route::Asset => Told::Now(call.asset()),
    }
}

impl Call<'_> {
    async fn services(&self) -> Outcome {
        let query = ListQuery::parse(self.query())?;
        let listing = match &query.since {
            Some(cursor) => {
                // Held until the answer: it is what bounds those who wait.
                let place = || self.site.waiting.place(self.sender.ip);
                let _place = query.wait.map(|_| place()).transpose()?;
                let listing = self.site.registry.delta(cursor, query.wait).await;
                if query.wait.is_some() {
                    self.site.still(self.head, &self.destination)?;
                }
                listing
            }
            None if query == ListQuery::default() => self.site.registry.list_all(),
            None => {
                let _turn = self.turn_to_render().await;
                self.site.registry.list(&query)
            }
        };
        Ok(self.listing(listing))
    }

    fn service(&self) -> Outcome {
        Ok(self.listing(self.site.registry.refresh(&self.name()?)?))
    }

    async fn deregister(&self) -> Outcome {
        self.refuse_unknown_keys(&["instance"])?;
        let name = self.name()?;
        let instance = match (self.instance()?, self.instance_in_body()?) {
            (Some(asked), Some(sent)) if asked != sent => {
                let detail = format!("is {asked} in the query and {sent} in the body; name one");
                return Err(Refusal::from(vec![FieldError {
                    field: "instance".to_owned(),
                    detail,
                }]));
            }
            (asked, sent) => asked.or(sent),
        };
        if instance.is_none() {
            // A device that may say goodbye for itself may not end a whole service.
            self.caller.must(Scope::Admin)?;
        }
        self.charge()?;
        let answer = self
            .site
            .registry
            .deregister(&name, instance.as_ref())
            .await?;
        self.json_or_page(&answer)
    }

    fn refresh(&self) -> Outcome {
        let listing = self.site.registry.refresh(&self.name()?)?;
        Ok(self.listing_or_page(listing))
    }

    async fn refresh_all(&self) -> Answer {
        self.listing_or_page(self.site.registry.refresh_all().await)
    }

    async fn events(&self) -> Outcome {
        let query = HistoryQuery::parse(self.query())?;
        let _turn = self.turn_to_render().await;
        let events = self.read(move |registry| registry.events(&query)).await??;
        self.kept(json(&events)?).await
    }

    async fn gone(&self) -> Outcome {
        let query = HistoryQuery::parse(self.query())?;
        let _turn = self.turn_to_render().await;
        self.kept(json(&self.site.registry.gone(&query))?).await
    }

    async fn uptime(&self) -> Outcome {
        let name = self.name()?;
        let _turn = self.turn_to_render().await;
        let uptime = self.read(move |registry| registry.uptime(&name)).await??;
        self.kept(json(&uptime)?).await
    }

    /// Who may not look learns that it lives and nothing more.
    fn health(&self) -> Outcome {
        let health = self.site.registry.health();
        if self.caller.may(Scope::Read) {
            json(&health)
        } else {
            json(&LivenessAnswer {
                status: health.status,
            })
        }
    }

    fn ready(&self) -> Outcome {
        if self.site.registry.is_ready() {
            self.health()
        } else {
            Err(Refusal::NotReady)
        }
    }

    async fn metrics(&self) -> Answer {
        let metrics = metrics::answer(&Seen {
            figures: &self.site.registry.figures(),
            traffic: &self.site.traffic,
            census: self.site.crowd.census(),
        });
        answer::coded(metrics, &self.head.headers).await
    }

    fn asset(&self) -> Outcome {
        let (name, headers) = (self.destination.name, &self.head.headers);
        Ok(self.site.asset(name, headers)?)
    }

    /// Asks what may have to read the disk.
    async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Registry) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let registry = Arc::clone(&self.site.registry);
        let read = tokio::task::spawn_blocking(move || ask(&registry));
        Ok(read.await.map_err(Failure::from)?)
    }

    /// A place among those whose page or history is rendered.
    async fn turn_to_render(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it: there is always a turn, sooner or later.
        self.site.renders.acquire().await.ok()
    }

    fn address(&self) -> Address {
        self.peer.address_of(self.sender)
    }

    /// Counts a change against the sender's pace.
    fn charge(&self) -> Result<(), Refusal> {
        let now = self.site.registry.clock().now().mono;
        Ok(self.site.pace.charge(self.sender.ip, now)?)
    }

    /// Whether a browser sent it from a form and wants to see the page again.
    fn is_form(&self) -> bool {
        self.head.method == hyper::Method::POST && wants_html(&self.head.headers)
    }

    pub(super) fn root(&self) -> String {
        root_of(self.head.uri.path())
    }

    fn listing(&self, listing: Listing) -> Answer {
        let coder = self.site.coders.take(&self.head.headers);
        answer::listing(listing, coder, self.head.version, &self.site.shelf)
    }

    fn listing_or_page(&self, listing: Listing) -> Answer {
        if self.is_form() {
            return answer::see_other(&self.root());
        }
        self.listing(listing)
    }

    /// An answer that may be large and has to be written whole.
    async fn kept(&self, answer: Answer) -> Outcome {
        let answer = answer::coded(answer, &self.head.headers).await;
        Ok(answer::kept(answer, &self.site.shelf)?)
    }

    fn json_or_page<T: serde::Serialize>(&self, value: &T) -> Outcome {
        if self.is_form() {
            return Ok(answer::see_other(&self.root()));
        }
        json(value)
    }
}

fn json<T: serde::Serialize>(value: &T) -> Outcome {
    Ok(answer::json(value).map_err(Failure::from)?)
}
