//! Style sheet, script and icons: compiled in, named by their content, asked for again only when
//! that changed.

use std::sync::OnceLock;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderValue};

use super::answer::Answer;
use super::router::RouteError;
use super::still::Still;

/// A file of the dashboard.
struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// Media type of style sheets.
pub(super) const CSS: &str = "text/css; charset=utf-8";

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

/// Each of them as it is sent, made when it is first asked for.
#[derive(Default)]
pub(super) struct Assets([OnceLock<Still>; ASSETS.len()]);

impl Assets {
    /// The file called `name`, or `304` to who has it.
    ///
    /// # Errors
    /// [`RouteError::NoPath`] when there is none.
    pub(super) fn answer(&self, name: &str, headers: &HeaderMap) -> Result<Answer, RouteError> {
        let mut all = self.0.iter().zip(&ASSETS);
        let found = all.find(|(_, asset)| asset.name == name);
        let (still, asset) = found.ok_or(RouteError::NoPath)?;
        let still = still.get_or_init(|| {
            let kind = HeaderValue::from_static(asset.kind);
            Still::new(kind, Bytes::from(as_sent(asset)))
        });
        Ok(revalidated(still, headers))
    }
}

/// An answer that is kept, and asked about again.
pub(super) fn revalidated(still: &Still, headers: &HeaderMap) -> Answer {
    let mut answer = still.answer(headers);
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

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use hyper::header::{ETAG, IF_NONE_MATCH};

    use super::*;

    #[test]
    fn an_asset_is_sent_once() {
        let assets = Assets::default();
        let first = assets.answer("app.css", &HeaderMap::new()).unwrap();
        let mut known = HeaderMap::new();
        let list = format!("\"other\", {}", first.headers()[ETAG].to_str().unwrap());
        known.insert(IF_NONE_MATCH, list.parse().unwrap());

        let again = assets.answer("app.css", &known).unwrap();
        let other = assets.answer("app.js", &known).unwrap();

        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()["content-type"], "text/css; charset=utf-8");
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn there_are_no_other_assets() {
        for name in ["", "app.csss", "../app.css", "part/row.html"] {
            let answer = Assets::default().answer(name, &HeaderMap::new());
            assert!(answer.is_err(), "{name}");
        }
    }

    #[test]
    fn the_script_makes_no_markup_of_texts_and_no_row() {
        let script = ASSETS.iter().find(|asset| asset.name == "app.js").unwrap();

        for banned in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "createContextualFragment",
            "document.write",
            "eval(",
            "Function(",
            "make(\"tr\"",
            "make(\"td\"",
            "://",
        ] {
            assert!(!as_sent(script).contains(banned), "{banned}");
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
