//! The filter: words that all must match, each perhaps negated.

use lastbeat_proto::answer::{Row, Tombstone};
use lastbeat_proto::query::StatusFilter;
use lastbeat_proto::{Status, filter};

/// Longest filter that can be typed, in characters: the same as a search text of the API.
pub const MAX_CHARS: usize = 256;

/// A filter as typed and as understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    is_negated: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Status(StatusFilter),
    Gone,
    Tag(String),
    Contains(String),
}

impl Filter {
    /// Reads words separated by blanks: `status:up|late|down|gone`, `tag:x`, any other text, each with
    /// `!` in front for the opposite. Whatever is not understood is searched for as text.
    pub fn parse(text: &str) -> Self {
        let text: String = text.chars().take(MAX_CHARS).collect();
        let terms = text.split_whitespace().filter_map(term).collect();
        Self { text, terms }
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with a word of it.
    pub fn fault(&self) -> Option<String> {
        filter::fault(&self.text)
    }

    /// Whether a word asks for what is GONE.
    pub fn asks_gone(&self) -> bool {
        let is_asked = |term: &Term| term.test == Test::Gone && !term.is_negated;
        self.terms.iter().any(is_asked)
    }

    /// Whether everything matches.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether `row` matches; `search` is its [`search_text`].
    pub fn matches(&self, row: &Row, search: &str) -> bool {
        self.terms.iter().all(|term| {
            let found = match &term.test {
                Test::Status(StatusFilter::Up) => row.status == Status::Up,
                Test::Status(StatusFilter::Late) => row.status == Status::Up && row.late,
                Test::Status(StatusFilter::Down) => row.status == Status::Down,
                Test::Tag(tag) => row.tags.iter().any(|of_row| of_row.to_lowercase() == *tag),
                Test::Gone => false,
                Test::Contains(text) => search.contains(text.as_str()),
            };
            found != term.is_negated
        })
    }

    /// Whether what left matches; it has no tags any more.
    pub fn matches_gone(&self, tombstone: &Tombstone) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let search = lower_case(joined([
            tombstone.name.as_str(),
            &tombstone.instance,
            &tombstone.ip,
        ]));
        self.terms.iter().all(|term| {
            let found = match &term.test {
                Test::Status(_) | Test::Tag(_) => false,
                Test::Gone => true,
                Test::Contains(text) => search.contains(text.as_str()),
            };
            found != term.is_negated
        })
    }
}

/// What a plain word is searched in: name, instance, address and tags in lower case.
pub fn search_text(row: &Row) -> String {
    let parts = [row.name.as_str(), &row.instance, &row.ip];
    let mut text = joined(parts.into_iter().chain(row.tags.iter().map(String::as_str)));
    if let Some(port) = row.port {
        let port = port.to_string();
        text.extend(["\n", &row.ip, ":", &port]);
    }
    lower_case(text)
}

/// Texts in which nothing is found across a boundary.
fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::with_capacity(64);
    for part in parts {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(part);
    }
    text
}

fn lower_case(mut text: String) -> String {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        text
    } else {
        text.to_lowercase()
    }
}

fn term(word: &str) -> Option<Term> {
    let (is_negated, word) = match word.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    if word.is_empty() {
        return None;
    }
    let word = word.to_lowercase();
    let by_status = word.strip_prefix("status:").and_then(|status| {
        [StatusFilter::Up, StatusFilter::Late, StatusFilter::Down]
            .into_iter()
            .find(|filter| filter.word() == status)
    });
    let test = match (by_status, word.strip_prefix("tag:")) {
        (Some(status), _) => Test::Status(status),
        (None, None) if word == "status:gone" => Test::Gone,
        (None, Some(tag)) if !tag.is_empty() => Test::Tag(tag.to_owned()),
        _ => Test::Contains(word),
    };
    Some(Term { is_negated, test })
}
