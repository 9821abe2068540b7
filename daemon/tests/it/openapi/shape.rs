//! Whether a JSON value is as a schema of the document says: the part of JSON Schema that the
//! document uses, and stricter in one thing: a field that the schema does not name is a fault.

use serde_json::Value;

/// What is wrong with `value`, each with its place; nothing when it fits.
pub(crate) fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(document, schema, ("", value), &mut found);
    found
}

fn look(document: &Value, schema: &Value, at: (&str, &Value), found: &mut Vec<String>) {
    let (place, value) = at;
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        let target = document.pointer(pointer);
        let target = target.unwrap_or_else(|| panic!("{reference} leads nowhere"));
        look(document, target, at, found);
    }
    for kind in ["anyOf", "oneOf"] {
        let Some(choices) = schema[kind].as_array() else {
            continue;
        };
        let fits = |choice: &&Value| faults(document, choice, value).is_empty();
        if !choices.iter().any(|choice| fits(&choice)) {
            found.push(format!("{place}: {value} is none of {choices:?}"));
        }
    }
    let is_one_of = |key: &str| match &schema[key] {
        Value::Null => true,
        Value::Array(values) => values.contains(value),
        one => one == value,
    };
    if !is_one_of("enum") || !is_one_of("const") {
        found.push(format!("{place}: {value} is not among {schema}"));
    }
    let is_type = match &schema["type"] {
        Value::Null => true,
        Value::Array(types) => types.iter().any(|kind| is_of(kind, value)),
        kind => is_of(kind, value),
    };
    if !is_type {
        found.push(format!("{place}: {value} is no {}", schema["type"]));
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            let place = format!("{place}/{index}");
            look(document, &schema["items"], (&place, item), found);
        }
    }
    fields(document, schema, at, found);
}

fn fields(document: &Value, schema: &Value, at: (&str, &Value), found: &mut Vec<String>) {
    let (place, value) = at;
    let (Some(object), Some("object")) = (value.as_object(), schema["type"].as_str()) else {
        return;
    };
    for field in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(field.as_str().unwrap()) {
            found.push(format!("{place}: {field} is missing"));
        }
    }
    for (field, value) in object {
        let place = format!("{place}/{field}");
        let known = schema["properties"].get(field);
        match known.or_else(|| schema.get("additionalProperties")) {
            Some(schema) => look(document, schema, (&place, value), found),
            None => found.push(format!("{place} is not in the document")),
        }
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the document has the type {other}, which this test does not know"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let document = serde_json::json!({"schemas": {"A": {
        "type": "object", "required": ["a"],
        "properties": {"a": {"type": ["integer", "null"]}, "b": {"enum": ["x"]},
            "c": {"type": "array", "items": {"type": "string"}}}}}});
    let schema = serde_json::json!({"$ref": "#/schemas/A"});
    let found = |value: Value| faults(&document, &schema, &value).len();

    let fine = serde_json::json!({"a": null, "b": "x", "c": ["d"]});
    assert_eq!(faults(&document, &schema, &fine), Vec::<String>::new());
    assert_eq!(found(serde_json::json!({"b": "x"})), 1);
    assert_eq!(found(serde_json::json!({"a": 1.5})), 1);
    assert_eq!(found(serde_json::json!({"a": 1, "b": "y"})), 1);
    assert_eq!(found(serde_json::json!({"a": 1, "c": [2]})), 1);
    assert_eq!(found(serde_json::json!({"a": 1, "d": 2})), 1);
    assert_eq!(found(serde_json::json!([])), 1);
}
