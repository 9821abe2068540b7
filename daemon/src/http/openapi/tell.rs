//! What each endpoint answers when all is well, and what its reader should know.
//!
//! A route without its lines here does not compile.

use lastbeat_proto::answer::{
    DeregisterAnswer, EventsAnswer, GoneAnswer, HealthAnswer, HeartbeatAnswer, LivenessAnswer,
    RefreshAnswer, RegisterAnswer, ServicesAnswer, UptimeAnswer,
};
use lastbeat_proto::endpoint::{Endpoint, Method, Route};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// What is told about an endpoint.
pub(super) struct Told {
    /// Answers that are no problems, by status.
    pub(super) answers: Map<String, Value>,
    /// What its one line in the table does not say; may be empty.
    pub(super) text: &'static str,
}

/// What is told about `endpoint`.
pub(super) fn of(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Told {
    let text = text(endpoint.route);
    let (kind, schema, what) = match endpoint.route {
        Route::Register => json_of::<RegisterAnswer>(generator),
        Route::Heartbeat => json_of::<HeartbeatAnswer>(generator),
        Route::Services | Route::RefreshAll => json_of::<ServicesAnswer>(generator),
        Route::Service | Route::Refresh => json_of::<RefreshAnswer>(generator),
        Route::Deregister => json_of::<DeregisterAnswer>(generator),
        Route::Events => json_of::<EventsAnswer>(generator),
        Route::Gone => json_of::<GoneAnswer>(generator),
        Route::Uptime => json_of::<UptimeAnswer>(generator),
        Route::Health | Route::Ready => {
            let all = generator.subschema_for::<HealthAnswer>().to_value();
            let little = generator.subschema_for::<LivenessAnswer>().to_value();
            let either = json!({"anyOf": [all, little]});
            (
                "application/json",
                either,
                "To who may look all of it, else that it lives.",
            )
        }
        // Both only lead back to the dashboard.
        Route::SignIn | Route::SignOut => {
            let mut answers = Map::new();
            answers.insert(
                "303".to_owned(),
                json!({"$ref": "#/components/responses/303"}),
            );
            return Told { answers, text };
        }
        Route::OpenApi => (
            "application/json",
            json!({"type": "object", "additionalProperties": true}),
            "This document.",
        ),
        Route::Metrics => (
            "text/plain",
            json!({"type": "string"}),
            "The text format of Prometheus, version 0.0.4.",
        ),
        Route::Page | Route::Rows | Route::ServicePage | Route::SignInPage => {
            ("text/html", json!({"type": "string"}), "HTML.")
        }
        Route::Asset => ("*/*", json!({}), "The file."),
    };
    let mut fine = Map::new();
    fine.insert("description".to_owned(), what.into());
    fine.insert("content".to_owned(), json!({kind: {"schema": schema}}));
    if endpoint.route == Route::Register {
        fine.insert("links".to_owned(), links());
    }
    let mut answers = Map::new();
    answers.insert("200".to_owned(), fine.into());
    let others = [
        ("303", may_redirect(endpoint)),
        ("304", has_tag(endpoint.route)),
    ];
    for (status, _) in others.into_iter().filter(|(_, has)| *has) {
        let reference = json!({"$ref": format!("#/components/responses/{status}")});
        answers.insert(status.to_owned(), reference);
    }
    Told { answers, text }
}

/// Answers without a body that several endpoints have.
pub(super) fn responses() -> [(String, Value); 2] {
    let back = json!({
        "description": "Back to the page, after a form of a browser (`Accept: text/html`) or a sign-in.",
        "headers": {"Location": {"required": true, "schema": {"type": "string"}}},
    });
    let known = json!({"description": "`If-None-Match` has its `ETag`: nothing new."});
    [("303".to_owned(), back), ("304".to_owned(), known)]
}

fn json_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> (&'static str, Value, &'static str) {
    let schema = generator.subschema_for::<T>().to_value();
    ("application/json", schema, "As asked.")
}

/// What a client may do next with what it was told.
fn links() -> Value {
    let name = "$response.body#/service/name";
    let of_name = |id: &str| json!({"operationId": id, "parameters": {"path.name": name}});
    let of_instance = |id: &str| {
        let instance = "$response.body#/service/instance";
        let parameters = json!({"path.name": name, "query.instance": instance});
        json!({"operationId": id, "parameters": parameters})
    };
    json!({
        "beat": of_instance("heartbeat"),
        "look": of_name("service"),
        "judge": of_name("refresh"),
        "leave": of_instance("deregister"),
    })
}

/// Whether browsers post to it from a form of ours.
fn may_redirect(endpoint: &Endpoint) -> bool {
    let has_form = matches!(
        endpoint.route,
        Route::Register | Route::Deregister | Route::Refresh | Route::RefreshAll
    );
    // Without tokens the form that asks for one leads to the dashboard.
    endpoint.route == Route::SignInPage || has_form && endpoint.method == Method::Post
}

/// Whether its answer has an `ETag`.
const fn has_tag(route: Route) -> bool {
    matches!(route, Route::Asset | Route::OpenApi | Route::Rows)
}

const fn text(route: Route) -> &'static str {
    match route {
        Route::Register => {
            "200 for new instances too. A success for something new or changed is on the disk. \
             Sent again, the same request is a heartbeat: send it every `heartbeat_every_s`."
        }
        Route::Heartbeat => {
            "Where a name has several instances and none is given, the one with the caller's \
             address is meant, else 409 lists them. 404 means: register first."
        }
        Route::Services => {
            "Rows in the order of names unless sorted. With `since` only what changed; \
             `full` then says that it is the whole registry, because the cursor was of no use."
        }
        Route::Deregister => {
            "Without `instance` all instances of the name leave; another key in the query is \
             400, so that a misspelt one takes nothing away. What left already is 200 with \
             nothing removed; one that timed out is dismissed from the list of GONE."
        }
        Route::Events => "`before` in the answer leads to the next page.",
        Route::Uptime => {
            "Time in which the registry did not listen, or of which no event is kept, counts \
             neither as UP nor as DOWN."
        }
        Route::Health => "200 while the daemon answers at all; trouble stands in the body.",
        Route::SignIn => {
            "A form with the field `token`. What it sets is a cookie that counts as that token for \
             twelve hours at most."
        }
        Route::Metrics => "No name of a service, no path and no peer stands in it.",
        Route::Service
        | Route::Refresh
        | Route::RefreshAll
        | Route::Gone
        | Route::Ready
        | Route::OpenApi
        | Route::Page
        | Route::Rows
        | Route::ServicePage
        | Route::SignInPage
        | Route::SignOut
        | Route::Asset => "",
    }
}
