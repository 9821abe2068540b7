//! What may stand in the path and behind the `?` of a request, with the limits of its readers.
//!
//! Bodies are left to [`super::send`].

use lastbeat_proto::Span;
use lastbeat_proto::endpoint::{Endpoint, Route};
use lastbeat_proto::query::{
    LIMIT, MAX_LIMIT, MAX_PAGE_SIZE, MAX_TEXT_BYTES, MAX_WAIT, PAGE_SIZE, SortKey, StatusFilter,
};
use serde_json::{Map, Value, json};

use super::super::assets;
use super::send::reference;

/// What stands in the path and behind the `?` of an endpoint; the latter as references to
/// [`queries`].
pub(super) fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let mut all = Vec::new();
    if endpoint.path.contains("<name>") {
        let schema = match endpoint.route {
            Route::Asset => json!({"enum": assets::names()}),
            _ => reference("Name"),
        };
        all.push(json!({"name": "name", "in": "path", "required": true, "schema": schema}));
    }
    let keys = keys(endpoint.route).iter();
    all.extend(keys.map(|key| json!({"$ref": format!("#/components/parameters/{key}")})));
    all
}

/// The keys that a query to this route may have.
const fn keys(route: Route) -> &'static [&'static str] {
    match route {
        Route::Heartbeat | Route::Deregister => &["instance"],
        Route::Services => &[
            "name", "status", "tag", "q", "sort", "page", "size", "since", "wait",
        ],
        Route::Page | Route::Rows => &["name", "status", "tag", "q", "sort", "page", "size"],
        Route::Events => &["name", "before", "limit"],
        // It ignores `before`, which the same reader knows.
        Route::Gone => &["name", "limit"],
        Route::Register
        | Route::Service
        | Route::Uptime
        | Route::Refresh
        | Route::RefreshAll
        | Route::Health
        | Route::Ready
        | Route::Metrics
        | Route::OpenApi
        | Route::ServicePage
        | Route::SignInPage
        | Route::SignIn
        | Route::SignOut
        | Route::Asset => &[],
    }
}

/// Every key of a query by its name.
pub(super) fn queries() -> Map<String, Value> {
    let all = filters().into_iter().chain(pages()).chain(rest());
    let described = all.map(|(key, text, schema)| {
        let parameter = json!({"name": key, "in": "query", "description": text, "schema": schema});
        (key.to_owned(), may_be_empty(key, parameter))
    });
    described.collect()
}

/// A form sends what was left empty too; of what takes away, nothing must not mean everything.
fn may_be_empty(key: &str, mut parameter: Value) -> Value {
    if key != "instance"
        && let Some(parts) = parameter.as_object_mut()
    {
        parts.insert("allowEmptyValue".to_owned(), true.into());
    }
    parameter
}

/// A key of a query, what it means and what it may be.
type Key = (&'static str, &'static str, Value);

/// Which rows are meant, and in which order.
fn filters() -> [Key; 5] {
    let text = json!({"type": "string", "maxLength": MAX_TEXT_BYTES, "format": "lastbeat-query"});
    let statuses = [StatusFilter::Up, StatusFilter::Late, StatusFilter::Down];
    let statuses = statuses.map(StatusFilter::word);
    let orders = SortKey::ALL.map(SortKey::word);
    let sorts: Vec<String> = ["", "-"]
        .iter()
        .flat_map(|sign| orders.map(|key| format!("{sign}{key}")))
        .collect();
    [
        ("name", "Only this service.", text.clone()),
        (
            "status",
            "Only these; `up` has the late ones too.",
            json!({"enum": statuses}),
        ),
        ("tag", "Only with this tag.", text.clone()),
        (
            "q",
            "Name, instance, address or a tag contains this; case is ignored.",
            text,
        ),
        (
            "sort",
            "The order; `-` in front reverses.",
            json!({"enum": sorts}),
        ),
    ]
}

/// Which part of a list is meant.
fn pages() -> [Key; 4] {
    let upto = |most, default| json!({"type": "integer", "minimum": 1, "maximum": most, "default": default});
    [
        (
            "page",
            "The page from 1; without `page` and `size` everything.",
            json!({"type": "integer", "minimum": 1, "maximum": usize::MAX}),
        ),
        ("size", "Rows of a page.", upto(MAX_PAGE_SIZE, PAGE_SIZE)),
        ("limit", "At most so many.", upto(MAX_LIMIT, LIMIT)),
        (
            "before",
            "Only events with a lower revision: `before` of the answer before.",
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}),
        ),
    ]
}

fn rest() -> [Key; 3] {
    [
        (
            "instance",
            "One of the instances of this name.",
            reference("Name"),
        ),
        (
            "since",
            "The `cursor` of the answer before: only what changed since. Only `wait` may stand \
             beside it.",
            json!({"type": "string", "maxLength": MAX_TEXT_BYTES, "format": "lastbeat-query"}),
        ),
        (
            "wait",
            "How long to wait for a change, up to 60s; needs `since`.",
            json!({"type": "string", "pattern": seconds_up_to(MAX_WAIT)}),
        ),
    ]
}

/// `0s` to `60s`; other units are read too.
fn seconds_up_to(limit: Span) -> String {
    let tens = limit.as_micros() / 10_000_000;
    format!("^([0-9]|[1-{}][0-9]|{tens}0)s$", tens - 1)
}
