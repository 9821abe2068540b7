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

/// Script and style sheet go without comments, indentation and the spaces that are there for those
/// who read them.
fn as_sent(asset: &Asset) -> String {
    let around = match asset.name {
        "app.js" => JS_SIGNS,
        "app.css" => CSS_SIGNS,
        _ => return asset.text.to_owned(),
    };
    let lines = asset.text.lines().map(str::trim_start);
    let is_code =
        |line: &&str| !line.is_empty() && !line.starts_with("//") && !line.starts_with("/*");
    let code: Vec<&str> = lines.filter(is_code).collect();
    squeeze(&code.join("\n"), around)
}

/// Signs with no need of a space before them, and behind them.
type Signs = (&'static str, &'static str);
const JS_SIGNS: Signs = ("=,{}()[];:?<>&|+-*/%!", "=,{}()[];:?<>&|+-*/%!");
/// A space before a colon is a descendant.
const CSS_SIGNS: Signs = ("{};", "{};,:");

/// `code` without single spaces at signs, but for those between quotes, and without ends of lines
/// behind what opens and before what closes: no statement ends there.
fn squeeze(code: &str, (before, behind): Signs) -> String {
    let mut sent = String::with_capacity(code.len());
    let mut quote = None;
    let mut signs = code.chars().peekable();
    while let Some(sign) = signs.next() {
        let next = signs.peek().copied();
        let lies = |open: &str, close: &str| {
            sent.ends_with(|last| open.contains(last))
                || next.is_some_and(|next| close.contains(next))
        };
        let is_needless = quote.is_none()
            && match sign {
                ' ' => lies(behind, before),
                '\n' => lies("{(,", "})"),
                _ => false,
            };
        if is_needless {
            continue;
        }
        sent.push(sign);
        if quote == Some(sign) {
            quote = None;
        } else if quote.is_none() && "\"'`".contains(sign) {
            quote = Some(sign);
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use hyper::header::{ETAG, IF_NONE_MATCH};

    use super::*;

    #[test]
    fn spaces_go_but_for_those_that_mean_something() {
        let js = r#"const a = b => {put(x, "a = { b }", 'it, s', `${c} : d`) ; return c in d}"#;
        let css = ".a :is(b, c) > d {\nmargin: 0 1px; content: \" , \";\n}\ne{}";

        assert_eq!(
            squeeze(js, JS_SIGNS),
            r#"const a=b=>{put(x,"a = { b }",'it, s',`${c} : d`);return c in d}"#
        );
        assert_eq!(
            squeeze(css, CSS_SIGNS),
            ".a :is(b,c) > d{margin:0 1px;content:\" , \";}\ne{}"
        );
    }

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
