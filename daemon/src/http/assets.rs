//! Style sheet, script and icons: compiled in, named by their content, asked for again only when
//! that changed.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};

use super::answer::{self, Answer};
use super::router::RouteError;

/// A file of the dashboard.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// Media type of style sheets.
const CSS: &str = "text/css; charset=utf-8";

macro_rules! asset {
    ($name:literal, $kind:expr) => {
        Asset {
            name: $name,
            kind: $kind,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $name)),
        }
    };
}

/// All of them.
const ASSETS: [Asset; 5] = [
    asset!("app.css", CSS),
    asset!("app.js", "text/javascript; charset=utf-8"),
    asset!("up.svg", "image/svg+xml"),
    asset!("late.svg", "image/svg+xml"),
    asset!("down.svg", "image/svg+xml"),
];

/// Their names.
pub(super) fn names() -> [&'static str; ASSETS.len()] {
    ASSETS.map(|asset| asset.name)
}

/// The file called `name`, or `304` to who has it.
///
/// # Errors
/// [`RouteError::NoPath`] when there is none.
pub(super) fn asset(name: &str, headers: &HeaderMap) -> Result<Answer, RouteError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or(RouteError::NoPath)?;
    let body = Bytes::from(as_sent(asset));
    Ok(file(asset.kind, body, headers))
}

/// A style sheet, or `304` to who has it.
pub(super) fn style(css: Bytes, headers: &HeaderMap) -> Answer {
    file(CSS, css, headers)
}

fn file(kind: &'static str, body: Bytes, headers: &HeaderMap) -> Answer {
    let mut answer = unless_known(HeaderValue::from_static(kind), body, headers);
    let revalidate = HeaderValue::from_static("no-cache");
    answer.headers_mut().insert(CACHE_CONTROL, revalidate);
    answer
}

/// The script goes without its comments and indentation.
fn as_sent(asset: &Asset) -> String {
    if asset.name != "app.js" {
        return asset.text.to_owned();
    }
    let lines = asset.text.lines().map(str::trim_start);
    let code: Vec<&str> = lines.filter(|line| !line.starts_with("//")).collect();
    code.join("\n")
}

/// `body` with its tag, or `304` when the request's `If-None-Match` has it (RFC 9110 §13.1.2).
pub(super) fn unless_known(kind: HeaderValue, body: Bytes, headers: &HeaderMap) -> Answer {
    let tag = tag(&body);
    let is_known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag);
    let mut answer = if is_known {
        let mut answer = answer::whole(StatusCode::NOT_MODIFIED, kind, Bytes::new());
        answer.headers_mut().remove(hyper::header::CONTENT_TYPE);
        answer
    } else {
        answer::whole(StatusCode::OK, kind, body)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

fn tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_sent_once() {
        let first = asset("app.css", &HeaderMap::new()).unwrap();
        let mut known = HeaderMap::new();
        let list = format!("\"other\", W/{}", first.headers()[ETAG].to_str().unwrap());
        known.insert(IF_NONE_MATCH, list.parse().unwrap());

        let again = asset("app.css", &known).unwrap();
        let other = asset("app.js", &known).unwrap();

        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()["content-type"], "text/css; charset=utf-8");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn there_are_no_other_assets() {
        for name in ["", "app.csss", "../app.css", "part/row.html"] {
            assert!(asset(name, &HeaderMap::new()).is_err(), "{name}");
        }
    }

    #[test]
    fn style_and_script_stay_small() {
        for (name, limit_bytes) in [("app.css", 12_000), ("app.js", 8_000)] {
            let asset = ASSETS.iter().find(|asset| asset.name == name).unwrap();

            let sent_bytes = as_sent(asset).len();

            assert!(sent_bytes <= limit_bytes, "{name} {sent_bytes}");
        }
    }
}
