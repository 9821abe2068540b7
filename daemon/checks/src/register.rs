//! Bodies of `POST /register` and of a deregistration: what is accepted holds every limit and
//! means the same when it is written out again, as JSON and as a form.

use lastbeat_proto::register::{Patch, Registration, instance_of};
use serde_json::{Map, Value, json};

use crate::hidden::is_hidden;
use crate::name::broken_rule;
use crate::sentence::assert_plain;

/// Reads the bytes as both bodies.
pub fn check(bytes: &[u8]) {
    match Registration::parse(bytes) {
        Ok(registration) => {
            assert_limits(&registration);
            let json = as_json(&registration).to_string();
            assert_eq!(
                Registration::parse(json.as_bytes()).as_ref(),
                Ok(&registration),
                "{json}"
            );
            let framed = format!("\u{feff} {json}\r\n");
            assert_eq!(
                Registration::parse(framed.as_bytes()).as_ref(),
                Ok(&registration)
            );
            if let Some(form) = as_form(&registration) {
                assert_eq!(
                    Registration::parse(form.as_bytes()).as_ref(),
                    Ok(&registration),
                    "{form}"
                );
            }
        }
        Err(error) => {
            assert!(!error.detail.is_empty());
            assert_plain("a refusal", &error.detail);
            for field in &error.errors {
                assert_plain(
                    "a field's refusal",
                    &format!("{} {}", field.field, field.detail),
                );
            }
        }
    }
    if let Err(error) = instance_of(bytes) {
        assert_plain("a refused deregistration", &error.detail);
    }
}

fn assert_limits(registration: &Registration) {
    assert_eq!(broken_rule(registration.name.as_str()), None);
    if let Patch::Set(instance) = &registration.instance {
        assert_eq!(broken_rule(instance.as_str()), None);
    }
    assert_ne!(registration.port, Patch::Set(0));
    if let Patch::Set(ttl) = registration.ttl {
        assert!(
            (2_000_000..=2_592_000_000_000).contains(&ttl.as_micros()),
            "{ttl:?}"
        );
    }
    let is_line = |text: &String, limit| text.len() <= limit && !text.chars().any(is_hidden);
    if let Patch::Set(tags) = &registration.tags {
        assert!((1..=16).contains(&tags.len()));
        assert!(
            tags.iter().all(|tag| !tag.is_empty() && is_line(tag, 64)),
            "{tags:?}"
        );
    }
    if let Patch::Set(pairs) = &registration.metadata {
        assert!((1..=32).contains(&pairs.len()));
        let fits = |(key, value)| !String::is_empty(key) && is_line(key, 64) && is_line(value, 256);
        assert!(pairs.iter().all(fits), "{pairs:?}");
    }
}

/// A field that is left out, null, or a value.
fn put<T>(map: &mut Map<String, Value>, key: &str, patch: &Patch<T>, value: impl Fn(&T) -> Value) {
    let value = match patch {
        Patch::Keep => return,
        Patch::Clear => Value::Null,
        Patch::Set(set) => value(set),
    };
    map.insert(key.to_owned(), value);
}

fn as_json(registration: &Registration) -> Value {
    let mut map = Map::new();
    map.insert("name".to_owned(), registration.name.as_str().into());
    if let Some(ip) = &registration.ip {
        map.insert("ip".to_owned(), ip.address.with_port(ip.port).into());
    }
    put(&mut map, "port", &registration.port, |port| json!(port));
    put(&mut map, "instance", &registration.instance, |key| {
        json!(key.as_str())
    });
    put(&mut map, "ttl_s", &registration.ttl, |ttl| {
        json!(ttl.as_secs_f64())
    });
    put(&mut map, "tags", &registration.tags, |tags| json!(tags));
    put(&mut map, "metadata", &registration.metadata, |pairs| {
        json!(pairs)
    });
    Value::Object(map)
}

/// The same as a form, where a form can say it.
fn as_form(registration: &Registration) -> Option<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("name", registration.name.as_str());
    if let Some(ip) = &registration.ip {
        form.append_pair("ip", &ip.address.with_port(ip.port));
    }
    match &registration.port {
        Patch::Keep => {}
        Patch::Clear => return None,
        Patch::Set(port) => drop(form.append_pair("port", &port.to_string())),
    }
    match &registration.instance {
        Patch::Keep => {}
        Patch::Clear => return None,
        Patch::Set(key) => drop(form.append_pair("instance", key.as_str())),
    }
    match &registration.ttl {
        Patch::Keep => {}
        Patch::Clear => return None,
        Patch::Set(ttl) => drop(form.append_pair("ttl_s", &ttl.as_secs_f64().to_string())),
    }
    match &registration.tags {
        Patch::Keep => {}
        Patch::Set(tags) if tags.iter().all(|tag| !tag.contains(',')) => {
            form.append_pair("tags", &tags.join(","));
        }
        Patch::Clear | Patch::Set(_) => return None,
    }
    (registration.metadata == Patch::Keep).then(|| form.finish())
}
