//! What the body of a request may be, with the limits that the readers of proto enforce.
//!
//! JSON Schema counts characters and we count bytes, and no schema knows Unicode's classes. So
//! texts have formats of our own beside their length; a reader that does not know one ignores it.

use lastbeat_proto::endpoint::{Endpoint, Method, Route};
use lastbeat_proto::name;
use lastbeat_proto::register::{
    MAX_KEY_BYTES, MAX_METADATA, MAX_TAG_BYTES, MAX_TAGS, MAX_TTL, MAX_VALUE_BYTES, MIN_TTL,
};
use serde_json::{Map, Value, json};

/// Schemas that requests share.
pub(super) fn schemas() -> Map<String, Value> {
    let text = "one line without control, format, private-use, unassigned or blank characters";
    let schemas = [
        (
            "Name",
            json!({
                "type": "string",
                "minLength": 1,
                "maxLength": name::MAX_BYTES,
                "format": "lastbeat-name",
                "description": format!(
                    "1 to {} bytes of UTF-8 in NFC: {text}, no space but U+0020, and that not at \
                     an end, U+FE0F only behind a symbol; `/` only between segments that are not \
                     empty, `.` or `..`. Case matters.",
                    name::MAX_BYTES
                ),
            }),
        ),
        (
            "Address",
            json!({
                "type": "string",
                "minLength": 1,
                "format": "lastbeat-address",
                "description": "IPv4, IPv6 or a host name after RFC 1123 (`_` allowed), also \
                                with a port: `1.2.3.4:80`, `[::1]:80`, `db.internal:5432`.",
            }),
        ),
        (
            "Text",
            json!({
                "type": "string",
                "format": "lastbeat-text",
                "description": format!("{text}; its longest length counts bytes of UTF-8."),
            }),
        ),
        ("Registration", registration()),
        ("RegistrationForm", form()),
    ];
    let named = schemas.map(|(name, schema)| (name.to_owned(), schema));
    named.into_iter().collect()
}

/// Where the schema of this name stands.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn text(least: usize, most: usize) -> Value {
    json!({"$ref": "#/components/schemas/Text", "minLength": least, "maxLength": most})
}

fn or_null(schema: &Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// The fields of both kinds of registration.
fn fields() -> [(&'static str, Value); 5] {
    [
        ("name", reference("Name")),
        ("ip", reference("Address")),
        (
            "port",
            json!({"type": "integer", "minimum": 1, "maximum": u16::MAX}),
        ),
        ("instance", reference("Name")),
        (
            "ttl_s",
            json!({
                "type": "number",
                "minimum": MIN_TTL.as_secs_f64(),
                "maximum": MAX_TTL.as_secs_f64(),
            }),
        ),
    ]
}

/// The JSON body of `POST /register`. A field left out stays as it is, `null` clears it.
fn registration() -> Value {
    let mut properties = Map::new();
    for (field, schema) in fields() {
        let is_needed = field == "name";
        let schema = if is_needed { schema } else { or_null(&schema) };
        properties.insert(field.to_owned(), schema);
    }
    properties.insert(
        "tags".to_owned(),
        json!({"type": ["array", "null"], "maxItems": MAX_TAGS, "items": text(1, MAX_TAG_BYTES), "description": "None begins or ends with a space."}),
    );
    properties.insert(
        "metadata".to_owned(),
        json!({
            "type": ["object", "null"],
            "maxProperties": MAX_METADATA,
            "propertyNames": text(1, MAX_KEY_BYTES),
            "additionalProperties": text(0, MAX_VALUE_BYTES),
        }),
    );
    json!({
        "type": "object",
        "required": ["name"],
        "properties": properties,
        "description": "A field left out stays as it is, `null` clears it. Without `ip` the \
                        address of the connection counts, without `instance` address and port \
                        together are the key. A port in `ip` must not differ from `port`; beside \
                        an address of more than 120 bytes an `instance` is needed.",
        "examples": [{"name": "auth-service", "ip": "192.168.1.100"}],
    })
}

/// The same as an HTML form, which has no lists and no pairs.
fn form() -> Value {
    let fields = fields().map(|(field, schema)| (field.to_owned(), schema));
    let mut properties: Map<String, Value> = fields.into_iter().collect();
    let tags = json!({
        "type": "string",
        "minLength": 1,
        "format": "lastbeat-tags",
        "description": "Separated by commas.",
    });
    properties.insert("tags".to_owned(), tags);
    json!({"type": "object", "required": ["name"], "properties": properties})
}

/// The body of a request; none where none is read.
pub(super) fn body(endpoint: &Endpoint) -> Option<Value> {
    match (endpoint.route, endpoint.method) {
        (Route::Register, _) => Some(json!({
            "required": true,
            "content": {
                "application/json": {"schema": reference("Registration")},
                "application/x-www-form-urlencoded": {"schema": reference("RegistrationForm")},
            },
        })),
        (Route::SignIn, _) => {
            let form = json!({
                "type": "object",
                "properties": {"token": {"type": "string"}},
            });
            let kind = "application/x-www-form-urlencoded";
            Some(json!({"content": {kind: {"schema": form}}}))
        }
        (Route::Deregister, Method::Post) => {
            // Neither a misspelt key nor an empty value may mean the whole service.
            let named = json!({"schema": {
                "type": "object",
                "properties": {"instance": reference("Name")},
                "additionalProperties": false,
            }});
            Some(json!({
                "content": {
                    "application/json": named,
                    "application/x-www-form-urlencoded": named,
                },
            }))
        }
        _ => None,
    }
}
