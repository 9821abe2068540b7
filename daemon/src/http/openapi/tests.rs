use std::collections::BTreeSet;

use lastbeat_proto::problem::SLUGS;
use lastbeat_proto::query::{self, ListQuery, MAX_WAIT, Sort, SortKey, StatusFilter};
use lastbeat_proto::register::{FIELDS, Registration};

use super::*;

/// Most bytes of the document: it is read over slow lines too.
const MAX_BYTES: usize = 50_000;

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.as_str(), path.as_str(), operation));
        }
    }
    all
}

/// The query parameters of what is got at `path`.
fn parameters<'document>(document: &'document Value, path: &str) -> Vec<&'document Value> {
    let parameters = document["paths"][path]["get"]["parameters"].as_array();
    let references = parameters.unwrap().iter();
    let pointers = references.map(|reference| reference["$ref"].as_str().unwrap());
    pointers
        .map(|pointer| {
            document
                .pointer(pointer.strip_prefix('#').unwrap())
                .unwrap()
        })
        .collect()
}

fn keys<'document>(document: &'document Value, path: &str) -> BTreeSet<&'document str> {
    let parameters = parameters(document, path).into_iter();
    parameters
        .map(|parameter| parameter["name"].as_str().unwrap())
        .collect()
}

#[test]
fn every_endpoint_is_an_operation_and_nothing_else_is() {
    let document = document();
    let described: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method.to_uppercase(), path.to_owned()))
        .collect();
    let endpoints: BTreeSet<(String, String)> = ENDPOINTS
        .iter()
        .map(|endpoint| {
            let path = endpoint.path.replace("<name>", "{name}");
            (endpoint.method.word().to_owned(), path)
        })
        .collect();

    assert_eq!(described, endpoints);
}

#[test]
fn every_operation_has_an_id_of_its_own_and_says_what_a_token_needs() {
    let document = document();
    let mut ids = BTreeSet::new();
    for endpoint in &ENDPOINTS {
        let path = endpoint.path.replace("<name>", "{name}");
        let operation = &document["paths"][path][endpoint.method.word().to_lowercase()];

        assert!(ids.insert(operation["operationId"].as_str().unwrap()));
        assert_eq!(operation["summary"], endpoint.summary);
        let needed = &operation["security"][1]["token"][0];
        match scope(endpoint.scope) {
            None => assert_eq!(operation.get("security"), None, "{}", endpoint.path),
            Some(scope) => assert_eq!(needed, scope, "{}", endpoint.path),
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_nothing_lies_unused() {
    let document = document();
    let mut used = BTreeSet::new();
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
            used.insert(pointer.to_owned());
        }
        match value {
            Value::Array(values) => waiting.extend(values),
            Value::Object(values) => waiting.extend(values.values()),
            _ => {}
        }
    }
    for kind in ["schemas", "responses", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let pointer = format!("/components/{kind}/{name}");
            // The method of a 405 is none of the operations.
            assert!(used.contains(&pointer) || name == "405", "{pointer}");
        }
    }
}

#[test]
fn every_problem_is_an_example_of_its_status() {
    let document = document();
    for (slug, text, status, title) in SLUGS {
        let response = &document["components"]["responses"][status.to_string()];
        let problem = &response["content"]["application/problem+json"]["examples"][text]["value"];

        assert_eq!(problem["title"], title, "{text}");
        assert_eq!(problem["status"], status, "{text}");
        assert_eq!(problem["type"], format!("urn:lastbeat:problem:{text}"));
        assert_eq!(slug.text(), text);
    }
}

#[test]
fn the_document_is_small() {
    let bytes = document().to_string().len();

    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}

#[test]
fn a_list_is_asked_with_the_keys_that_its_reader_knows() {
    let document = document();
    // Every field is named, so that a new one does not compile without a look here.
    let mut full = ListQuery {
        name: Some("a".to_owned()),
        status: Some(StatusFilter::Up),
        tag: Some("a".to_owned()),
        q: Some("a".to_owned()),
        sort: Some(Sort {
            key: SortKey::Name,
            is_reversed: false,
        }),
        page: Some(2),
        size: Some(2),
        since: None,
        wait: None,
    };
    let text = full.text();
    let mut known: BTreeSet<String> = query::keys_of(&text).map(Into::into).collect();
    let page = keys(&document, "/");
    assert_eq!(page, known.iter().map(String::as_str).collect());

    full.since = Some("a".to_owned());
    full.wait = Some(MAX_WAIT);
    let text = full.text();
    known.extend(query::keys_of(&text).map(String::from));
    let list = keys(&document, "/services");
    assert_eq!(list, known.iter().map(String::as_str).collect());
}

#[test]
fn a_limit_of_a_query_is_where_its_reader_says_no() {
    let document = document();
    let services = parameters(&document, "/services");
    let is_fine = |key: &str, value: &str| ListQuery::parse(&format!("{key}={value}")).is_ok();
    for parameter in &services {
        let (key, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
        assert_eq!(
            parameter["allowEmptyValue"] == true,
            is_fine(key, ""),
            "{key}"
        );
        if let Some(words) = schema["enum"].as_array() {
            for word in words {
                assert!(is_fine(key, word.as_str().unwrap()), "{key}={word}");
            }
        }
        for (bound, beyond) in [("minimum", -1), ("maximum", 1)] {
            if let Some(edge) = schema[bound].as_i64() {
                assert!(is_fine(key, &edge.to_string()), "{key}={edge}");
                assert!(!is_fine(key, &(edge + beyond).to_string()), "{key}");
            }
        }
        if let Some(most) = schema["maxLength"].as_u64() {
            let most = usize::try_from(most).unwrap();
            assert!(is_fine(key, &"a".repeat(most)), "{key}");
            assert!(!is_fine(key, &"a".repeat(most + 1)), "{key}");
        }
    }
    let waits = |text: &str| ListQuery::parse(&format!("since=a&wait={text}")).is_ok();
    assert!(waits("60s") && !waits("61s"));
    let wait = services.last().unwrap();
    assert_eq!(wait["schema"]["pattern"], "^([0-9]|[1-5][0-9]|60)s$");
}

/// Makes a value of so many bytes, tags or pairs.
type Make<'make> = &'make dyn Fn(usize) -> Value;

/// Whether a registration with this field is read.
fn registers(field: &str, value: &Value) -> bool {
    let mut body = json!({"name": "a", "ip": "192.0.2.1"});
    body[field] = value.clone();
    Registration::parse(body.to_string().as_bytes()).is_ok()
}

#[test]
fn a_registration_has_the_fields_that_its_reader_knows() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let properties = schemas["Registration"]["properties"].as_object().unwrap();
    let described: BTreeSet<&str> = properties.keys().map(String::as_str).collect();

    assert_eq!(described, FIELDS.into_iter().collect());
    for field in described {
        assert_eq!(registers(field, &Value::Null), field != "name", "{field}");
    }
}

#[test]
fn a_limit_of_a_registration_is_where_its_reader_says_no() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let fields = &schemas["Registration"]["properties"];
    let number = |field: &str, bound: &str| fields[field]["anyOf"][0][bound].as_f64().unwrap();
    // As text first, so that a whole number is sent as one.
    let reads = |field: &str, number: f64| {
        registers(field, &serde_json::from_str(&number.to_string()).unwrap())
    };
    for field in ["port", "ttl_s"] {
        let (least, most) = (number(field, "minimum"), number(field, "maximum"));
        assert!(reads(field, least) && reads(field, most), "{field}");
        assert!(
            !reads(field, least - 1.0) && !reads(field, most + 1.0),
            "{field}"
        );
    }
    let length = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let name = length(&schemas["Name"]["maxLength"]);
    let tag = length(&fields["tags"]["items"]["maxLength"]);
    let tags = length(&fields["tags"]["maxItems"]);
    let pairs = length(&fields["metadata"]["maxProperties"]);
    let key = length(&fields["metadata"]["propertyNames"]["maxLength"]);
    let value = length(&fields["metadata"]["additionalProperties"]["maxLength"]);
    let many = |count: usize| (0..count).map(|number| number.to_string());
    let cases: [(&str, usize, Make<'_>); 7] = [
        ("name", name, &|size| "a".repeat(size).into()),
        ("instance", name, &|size| "a".repeat(size).into()),
        ("tags", tag, &|size| json!(["a".repeat(size)])),
        ("tags", tags, &|size| many(size).collect()),
        ("metadata", pairs, &|size| {
            many(size).map(|key| (key, Value::from("a"))).collect()
        }),
        ("metadata", key, &|size| json!({"a".repeat(size): "a"})),
        ("metadata", value, &|size| json!({"a": "a".repeat(size)})),
    ];
    for (field, limit, make) in cases {
        assert!(registers(field, &make(limit)), "{field} of {limit}");
        assert!(
            !registers(field, &make(limit + 1)),
            "{field} of {limit} + 1"
        );
    }
}

#[test]
fn who_may_not_look_does_not_learn_here_which_version_runs() {
    let document = document();

    assert_eq!(document["info"]["version"], "1");
    assert!(!document.to_string().contains(env!("CARGO_PKG_VERSION")));
}
