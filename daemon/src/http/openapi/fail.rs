//! What may go wrong: the table of problems as answers, and which of them an endpoint has.
//!
//! A slug without its lines here does not compile.

use std::collections::BTreeMap;

use lastbeat_proto::endpoint::{Endpoint, Method, Route, Scope};
use lastbeat_proto::problem::{CONTENT_TYPE, Problem, SLUGS, Slug};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// What hyper answers by itself to a head above its limits.
const TOO_LONG_A_HEAD: &str = "431";

/// Every answer that is a problem, by status.
pub(super) fn responses(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let schema = generator.subschema_for::<Problem>().to_value();
    let mut by_status: BTreeMap<u16, Vec<Slug>> = BTreeMap::new();
    for (slug, _, status, _) in &SLUGS {
        by_status.entry(*status).or_default().push(*slug);
    }
    let mut all = Map::new();
    for (status, slugs) in by_status {
        let titles: Vec<&str> = slugs.iter().map(|slug| slug.title()).collect();
        let examples: Map<String, Value> = slugs
            .iter()
            .map(|slug| {
                let problem = Problem::new(*slug, example(*slug));
                (slug.text().to_owned(), json!({"value": problem}))
            })
            .collect();
        let mut response = Map::new();
        let titles = format!("{}.", titles.join("; or: "));
        response.insert("description".to_owned(), titles.into());
        response.insert(
            "content".to_owned(),
            json!({
                CONTENT_TYPE: {"schema": schema, "examples": examples},
                "text/html": {"schema": {"type": "string"}},
            }),
        );
        if let Some(header) = header(status) {
            let always = json!({header: {"required": true, "schema": {"type": "string"}}});
            response.insert("headers".to_owned(), always);
        }
        all.insert(status.to_string(), response.into());
    }
    let bare = json!({"description": "The head is above its limits; no body, and the close."});
    all.insert(TOO_LONG_A_HEAD.to_owned(), bare);
    all
}

/// The header that answers of this status always have.
const fn header(status: u16) -> Option<&'static str> {
    match status {
        401 => Some("WWW-Authenticate"),
        405 => Some("Allow"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    }
}

/// The problems of one endpoint, as references to [`responses`].
pub(super) fn references(endpoint: &Endpoint) -> Map<String, Value> {
    let statuses = SLUGS
        .iter()
        .filter(|(slug, ..)| has(endpoint, *slug))
        .map(|(_, _, status, _)| status.to_string());
    statuses
        .chain([TOO_LONG_A_HEAD.to_owned()])
        .map(|status| {
            let reference = json!({"$ref": format!("#/components/responses/{status}")});
            (status, reference)
        })
        .collect()
}

/// Whether a request to this endpoint can be answered so.
fn has(endpoint: &Endpoint, slug: Slug) -> bool {
    let route = endpoint.route;
    match slug {
        Slug::InvalidHost | Slug::MisdirectedHost | Slug::Internal => true,
        Slug::Unauthorized => Scope::Public < endpoint.scope || route == Route::SignIn,
        Slug::MissingScope => Scope::Read < endpoint.scope,
        // Changes have a pace, and those who wait for one a bound; so has what nobody takes.
        Slug::TooManyRequests => matches!(
            route,
            Route::Register
                | Route::Deregister
                | Route::Services
                | Route::SignIn
                | Route::Events
                | Route::Gone
                | Route::Uptime
                | Route::Page
                | Route::Rows
                | Route::ServicePage
        ),
        // A body beside GET means nothing, and only the text of the document speaks of it.
        Slug::ForeignOrigin | Slug::InvalidBody | Slug::RequestTimeout | Slug::PayloadTooLarge => {
            endpoint.method != Method::Get
        }
        Slug::InvalidPath => endpoint.path.contains("<name>") && route != Route::Asset,
        Slug::InvalidQuery => matches!(
            route,
            Route::Heartbeat
                | Route::Deregister
                | Route::Services
                | Route::Events
                | Route::Gone
                | Route::Page
                | Route::Rows
        ),
        Slug::UnknownService => matches!(
            route,
            Route::Heartbeat
                | Route::Service
                | Route::Deregister
                | Route::Refresh
                | Route::Uptime
                | Route::ServicePage
        ),
        Slug::AmbiguousInstance => route == Route::Heartbeat,
        Slug::NotFound => route == Route::Asset,
        // Of paths, not of operations: the method is none of these.
        Slug::MethodNotAllowed => false,
        Slug::StorageUnavailable => matches!(
            route,
            Route::Register | Route::Heartbeat | Route::Deregister
        ),
        Slug::HistoryUnavailable => matches!(route, Route::Events | Route::Uptime),
        Slug::NotReady => route == Route::Ready,
        Slug::RegistryFull => route == Route::Register,
    }
}

/// A detail as it may stand in such an answer.
const fn example(slug: Slug) -> &'static str {
    match slug {
        Slug::InvalidBody => "port is not a whole number from 1 to 65535",
        Slug::InvalidQuery => "status is not one of up, late, down",
        Slug::InvalidPath => "the name in the path has 300 bytes; the limit is 128",
        Slug::InvalidHost => "the request names two hosts; send one Host",
        Slug::Unauthorized => "this daemon asks for a token: send Authorization: Bearer TOKEN",
        Slug::MissingScope => {
            "the token allows to look (scope read), this needs one that allows to register and \
             deregister instances (scope register)"
        }
        Slug::TooManyRequests => {
            "more than 200 registrations and changes a second came from this address; wait 1 s"
        }
        Slug::ForeignOrigin => "a page of another site may not do this",
        Slug::UnknownService => {
            "service a is not registered; register it first with POST /register"
        }
        Slug::NotFound => "there is no such path here",
        Slug::MethodNotAllowed => "the path answers to POST, not to this method",
        Slug::RequestTimeout => "the body did not come within 5 s; send the request again",
        Slug::AmbiguousInstance => "2 instances are registered as a; name one with ?instance=",
        Slug::PayloadTooLarge => "the body has more than 16384 bytes, the limit; send less",
        Slug::MisdirectedHost => "this daemon is not a.example; add --allowed-host a.example",
        Slug::Internal => "cannot build the answer; look for the request id in the log",
        Slug::StorageUnavailable => "done and shown, but not stored within 2s; send it again",
        Slug::HistoryUnavailable => "older events cannot be read from the store now",
        Slug::NotReady => "the daemon is starting or stopping; try again",
        Slug::RegistryFull => "the registry holds 100000 instances, its limit",
    }
}
