//! Texts that want to run or to hide, and what an HTML page is made of: shared by the tests that
//! look for the first in the second.

use serde::Deserialize;

/// The texts, which the terminal client's tests read too.
const PAYLOADS: &str = include_str!("../../checks/payloads.json");

#[path = "../../checks/src/hidden.rs"]
mod hidden;

pub(crate) use hidden::is_hidden;

/// A text and what it tries.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Payload {
    pub(crate) what: String,
    pub(crate) text: String,
}

impl Payload {
    /// The first character that could hide or act.
    pub(crate) fn hidden(&self) -> Option<char> {
        self.text.chars().find(|character| is_hidden(*character))
    }
}

/// All of them.
pub(crate) fn payloads() -> Vec<Payload> {
    serde_json::from_str(PAYLOADS).unwrap()
}

/// Panics where a text on the wire holds a character that could hide or act; lines may end.
pub(crate) fn assert_plain(what: &str, text: &str) {
    let found = text.chars().find(|c| is_hidden(*c) && *c != '\n');
    assert_eq!(found, None, "{what}: {text:?}");
}

/// The tags of a page with the names of their attributes, in their order. Whatever a text breaks
/// out of, this changes.
pub(crate) fn skeleton(html: &str) -> Vec<String> {
    tags(html)
        .into_iter()
        .map(|(name, attributes)| {
            let names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
            format!("{name} {}", names.join(" "))
        })
        .collect()
}

/// The values of attributes that lead somewhere.
pub(crate) fn links(html: &str) -> Vec<String> {
    let leads = |name: &str| ["href", "src", "action", "formaction", "data-poll"].contains(&name);
    tags(html)
        .into_iter()
        .flat_map(|(_, attributes)| attributes)
        .filter(|(name, _)| leads(name))
        .map(|(_, value)| unescaped(&value))
        .collect()
}

type Tag = (String, Vec<(String, String)>);

/// Reads tags as a browser's tokenizer does: a quote ends an attribute only where it began it.
fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = rest.split_at(at + 1).1;
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            found.push(("comment".to_owned(), Vec::new()));
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!') {
            continue;
        }
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || c == '>')
            .unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        rest = behind;
        let mut attributes = Vec::new();
        while let Some(next) = next_attribute(&mut rest) {
            attributes.push(next);
        }
        found.push((name.to_owned(), attributes));
    }
    found
}

/// The next attribute of a tag, if its end is not reached.
fn next_attribute(rest: &mut &str) -> Option<(String, String)> {
    *rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
    if rest.is_empty() || rest.starts_with('>') {
        return None;
    }
    let end = rest
        .find(|c: char| c.is_ascii_whitespace() || "=>".contains(c))
        .unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    let name = name.to_owned();
    *rest = behind;
    let Some(value) = rest.strip_prefix('=') else {
        return Some((name, String::new()));
    };
    let quote = value.chars().next().filter(|c| "\"'".contains(*c));
    let (value, behind) = match quote {
        Some(quote) => {
            let inner = value.split_at(1).1;
            inner.split_once(quote).unwrap_or((inner, ""))
        }
        None => value.split_at(value.find([' ', '>']).unwrap_or(value.len())),
    };
    *rest = behind;
    Some((name, value.to_owned()))
}

/// A text of a page as a reader sees it.
pub(crate) fn unescaped(html: &str) -> String {
    [
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(html.to_owned(), |text, (escape, character)| {
        text.replace(escape, character)
    })
}
