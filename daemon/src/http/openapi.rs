//! `GET /openapi.json`: the whole API as an `OpenAPI` 3.1 document, made from the tables and types
//! that the daemon itself works with.
//!
//! Paths, methods and scopes come from the table of endpoints, answers from the types of proto,
//! errors from the table of problems, limits from their constants. What is asked stands
//! in [`ask`] and [`send`], what each endpoint answers in [`tell`], what may go wrong in [`fail`].

mod ask;
mod fail;
mod send;
mod tell;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use hyper::header::HeaderMap;
use lastbeat_proto::endpoint::{ENDPOINTS, Endpoint, Method, Route, Scope};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use self::tell::Told;
use super::answer::{Answer, JSON};
use super::still::Still;

/// Where schemas of types stand in the document.
const SCHEMAS: &str = "/components/schemas";

/// The version of the API and not of the program: that is told to those who may look, by `/healthz`
/// and `/metrics`, and this document is for everybody.
const VERSION: &str = "1";

/// What a reader should know before the list of paths.
const ABOUT: &str = "A service registry and heartbeat monitor: services register, keep beating, and are UP or DOWN.\n\n\
    `HEAD` works wherever `GET` does; another method is 405 with `Allow`. \
    Requests may be looser than their schemas: the Content-Type is not looked at, unknown fields \
    are ignored, an empty query value counts as left out. \
    A name in a path is decoded once and may have slashes, raw or as `%2F`: `/refresh/team/api` \
    and `/refresh/team%2Fapi` are the same. \
    A body beside `GET` is read and dropped, with the limits of any other (400, 408, 413). \
    What is no HTTP, or too long a head, gets a bare 400 or 431 without a body, and the close.";

/// The document, made when it is first asked for.
#[derive(Default)]
pub(super) struct Document(OnceLock<Still>);

impl Document {
    /// The answer, or `304` to who has it.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Answer {
        let made = || Still::new(JSON, document().to_string().into());
        self.0.get_or_init(made).answer(headers)
    }
}

/// The whole document.
fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            SCHEMAS.clone_into(settings.definitions_path.to_mut());
            settings.meta_schema = None;
            settings
                .transforms
                .push(Box::new(RecursiveTransform(strip)));
        })
        .for_serialize()
        .into_generator();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for endpoint in &ENDPOINTS {
        let path = endpoint.path.replace('<', "{").replace('>', "}");
        let method = endpoint.method.word().to_lowercase();
        let operation = operation(endpoint, &mut generator);
        paths
            .entry(path)
            .or_default()
            .insert(method, operation.into());
    }
    let mut responses = fail::responses(&mut generator);
    responses.extend(tell::responses());
    let mut schemas = generator.take_definitions(true);
    schemas.extend(send::schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lastbeat",
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
            "version": VERSION,
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": ask::queries(),
            "responses": responses,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed only where the daemon has tokens; the role beside it \
                                    is the scope that a token must have.",
                },
            },
        },
    })
}

/// Takes out what says nothing to a reader of answers: nothing in them is left out for a default,
/// and how many bits a number has here, or that a count is none below zero, is no news.
fn strip(schema: &mut Schema) {
    schema.remove("default");
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| format.contains("int")) {
        schema.remove("format");
        schema.remove("minimum");
    }
}

/// One method of one path.
fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let Told { answers, text } = tell::of(endpoint, generator);
    let mut responses = answers;
    responses.extend(fail::references(endpoint));
    let parameters = ask::parameters(endpoint);
    let security = scope(endpoint.scope).map(|scope| json!([{}, {"token": [scope]}]));
    let parts = [
        ("operationId", Some(id(endpoint).into())),
        ("summary", Some(endpoint.summary.into())),
        ("description", (!text.is_empty()).then(|| text.into())),
        (
            "parameters",
            (!parameters.is_empty()).then(|| parameters.into()),
        ),
        ("requestBody", send::body(endpoint)),
        ("security", security),
        ("responses", Some(responses.into())),
    ];
    let told = |(key, part): (&str, Option<Value>)| Some((key.to_owned(), part?));
    parts.into_iter().filter_map(told).collect()
}

/// The word for what a token must allow; none where nobody needs one.
const fn scope(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::Public => None,
        Scope::Read => Some("read"),
        Scope::Register => Some("register"),
        Scope::Admin => Some("admin"),
    }
}

/// The name that a generated client gives to the call.
const fn id(endpoint: &Endpoint) -> &'static str {
    match (endpoint.route, endpoint.method) {
        (Route::Register, _) => "register",
        (Route::Heartbeat, _) => "heartbeat",
        (Route::Services, _) => "services",
        (Route::Service, _) => "service",
        (Route::Deregister, Method::Post) => "deregisterByPost",
        (Route::Deregister, _) => "deregister",
        (Route::Refresh, _) => "refresh",
        (Route::RefreshAll, _) => "refreshAll",
        (Route::Events, _) => "events",
        (Route::Gone, _) => "gone",
        (Route::Uptime, _) => "uptime",
        (Route::Health, _) => "health",
        (Route::Ready, _) => "ready",
        (Route::Metrics, _) => "metrics",
        (Route::OpenApi, _) => "openapi",
        (Route::Page, _) => "page",
        (Route::Rows, _) => "rows",
        (Route::ServicePage, _) => "servicePage",
        (Route::SignInPage, _) => "signInPage",
        (Route::SignIn, _) => "signIn",
        (Route::SignOut, _) => "signOut",
        (Route::Asset, _) => "asset",
    }
}

#[cfg(test)]
mod tests;
