//! The query of a list, the same words in the API, in the dashboard's URL and in the terminal.

use std::borrow::Cow;

use crate::name::ServiceName;
use crate::problem::FieldError;
use crate::span::Span;

/// Rows of a page where the query does not say.
pub const PAGE_SIZE: usize = 100;
/// Most rows of a page.
pub const MAX_PAGE_SIZE: usize = 1_000;
/// Longest search text, tag or name in a query, in bytes.
pub const MAX_TEXT_BYTES: usize = 256;
/// Longest `wait` of a delta.
pub const MAX_WAIT: Span = Span::from_secs(60);
/// Events or tombstones of one answer where the query does not say.
pub const LIMIT: usize = 100;
/// Most events or tombstones of one answer.
pub const MAX_LIMIT: usize = 1_000;

/// Which instances are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// UP, late or not.
    Up,
    /// UP and late.
    Late,
    /// DOWN.
    Down,
}

impl StatusFilter {
    /// The word in a query.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Late => "late",
            Self::Down => "down",
        }
    }
}

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// Worst first: DOWN, late, UP; then name.
    Status,
    /// Name, then instance.
    Name,
    /// Address.
    Address,
    /// Longest silence first.
    Heartbeat,
    /// Longest in its state first.
    Since,
}

impl SortKey {
    /// Every key.
    pub const ALL: [Self; 5] = [
        Self::Status,
        Self::Name,
        Self::Address,
        Self::Heartbeat,
        Self::Since,
    ];

    /// The word in a query.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Name => "name",
            Self::Address => "address",
            Self::Heartbeat => "heartbeat",
            Self::Since => "since",
        }
    }
}

/// An order: a key, reversed where the query wrote `-key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// What by.
    pub key: SortKey,
    /// Whether the other way round.
    pub is_reversed: bool,
}

impl Sort {
    /// Reads `name` or `-name`.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_reversed, word) = match text.strip_prefix('-') {
            Some(word) => (true, word),
            None => (false, text),
        };
        let key = SortKey::ALL.into_iter().find(|key| key.word() == word)?;
        Some(Self { key, is_reversed })
    }

    /// The text that [`parse`](Self::parse) reads.
    pub fn text(self) -> String {
        format!(
            "{}{}",
            if self.is_reversed { "-" } else { "" },
            self.key.word()
        )
    }
}

/// What `GET /services`, `/` and `/rows` were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListQuery {
    /// Only this service.
    pub name: Option<String>,
    /// Only these.
    pub status: Option<StatusFilter>,
    /// Only those with this tag.
    pub tag: Option<String>,
    /// Only those whose name, instance, address or a tag contains this, letter case ignored.
    pub q: Option<String>,
    /// The order; absent: by name in the API, worst first on screens.
    pub sort: Option<Sort>,
    /// The page, counted from 1; absent together with `size`: everything.
    pub page: Option<usize>,
    /// Rows of a page.
    pub size: Option<usize>,
    /// Only what changed since this cursor.
    pub since: Option<String>,
    /// How long to wait for a change.
    pub wait: Option<Span>,
}

/// What `GET /events` and `/gone` were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only this service.
    pub name: Option<String>,
    /// Only events with a lower revision.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: usize,
}

impl ListQuery {
    /// Reads the part of a URL behind `?`. Unknown keys are ignored, empty values count as left
    /// out, so that an HTML form can be sent as it is.
    ///
    /// # Errors
    /// One [`FieldError`] for every key whose value cannot be used.
    pub fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        let mut list = Self::default();
        let mut errors = Vec::new();
        for (key, value) in pairs(query) {
            let result = match key.as_ref() {
                "name" => name(&value).map(|v| list.name = Some(v)),
                "tag" => text(&value).map(|v| list.tag = Some(v)),
                "q" => text(&value).map(|v| list.q = Some(v)),
                "since" => text(&value).map(|v| list.since = Some(v)),
                "status" => status(&value).map(|v| list.status = Some(v)),
                "sort" => sort(&value).map(|v| list.sort = Some(v)),
                "page" => number(&value, 1, usize::MAX).map(|v| list.page = Some(v)),
                "size" => number(&value, 1, MAX_PAGE_SIZE).map(|v| list.size = Some(v)),
                "wait" => wait(&value).map(|v| list.wait = Some(v)),
                _ => Ok(()),
            };
            if let Err(detail) = result {
                errors.push(FieldError {
                    field: key.into_owned(),
                    detail,
                });
            }
        }
        list.check_since(&mut errors);
        if errors.is_empty() {
            Ok(list)
        } else {
            Err(errors)
        }
    }

    fn check_since(&self, errors: &mut Vec<FieldError>) {
        let filters = [
            ("name", self.name.is_some()),
            ("status", self.status.is_some()),
            ("tag", self.tag.is_some()),
            ("q", self.q.is_some()),
            ("sort", self.sort.is_some()),
            ("page", self.page.is_some()),
            ("size", self.size.is_some()),
        ];
        if self.since.is_some() {
            for (field, _) in filters.into_iter().filter(|(_, given)| *given) {
                let detail =
                    "cannot stand beside since; a delta is of the whole registry".to_owned();
                errors.push(FieldError {
                    field: field.to_owned(),
                    detail,
                });
            }
        } else if self.wait.is_some() {
            let detail = "needs since; ask once without both for a cursor".to_owned();
            errors.push(FieldError {
                field: "wait".to_owned(),
                detail,
            });
        }
    }

    /// The same query as text, without `page` when it is the first: what a link is made of.
    pub fn text(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                out.append_pair(key, &value);
            }
        };
        add("name", self.name.clone());
        add("q", self.q.clone());
        add("status", self.status.map(|status| status.word().to_owned()));
        add("tag", self.tag.clone());
        add("sort", self.sort.map(Sort::text));
        add(
            "page",
            self.page
                .filter(|page| 1 < *page)
                .map(|page| page.to_string()),
        );
        add("size", self.size.map(|size| size.to_string()));
        add("since", self.since.clone());
        add(
            "wait",
            self.wait
                .map(|wait| format!("{}s", wait.as_micros() / 1_000_000)),
        );
        out.finish()
    }
}

impl HistoryQuery {
    /// Reads the part of a URL behind `?`.
    ///
    /// # Errors
    /// One [`FieldError`] for every key whose value cannot be used.
    pub fn parse(query: &str) -> Result<Self, Vec<FieldError>> {
        let mut history = Self {
            name: None,
            before: None,
            limit: LIMIT,
        };
        let mut errors = Vec::new();
        for (key, value) in pairs(query) {
            let result = match key.as_ref() {
                "name" => name(&value).map(|v| history.name = Some(v)),
                "limit" => number(&value, 1, MAX_LIMIT).map(|v| history.limit = v),
                "before" => {
                    value
                        .parse()
                        .map(|v| history.before = Some(v))
                        .map_err(|_not_a_number| {
                            "is not a revision; take it from the answer before".to_owned()
                        })
                }
                _ => Ok(()),
            };
            if let Err(detail) = result {
                errors.push(FieldError {
                    field: key.into_owned(),
                    detail,
                });
            }
        }
        if errors.is_empty() {
            Ok(history)
        } else {
            Err(errors)
        }
    }
}

/// The one value of `key` in a query, decoded; empty counts as left out.
pub fn value_of(query: &str, key: &str) -> Option<String> {
    pairs(query)
        .find(|(found, _)| found == key)
        .map(|(_, value)| value.into_owned())
}

/// The one value of `key` in a query, decoded, also an empty one: for keys that say what is taken
/// away, where nothing must not mean everything.
pub fn given(query: &str, key: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(found, _)| found == key)
        .map(|(_, value)| value.into_owned())
}

/// The keys of a query, decoded.
pub fn keys_of(query: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pairs(query).map(|(key, _)| key)
}

fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.is_empty())
}

fn text(value: &str) -> Result<String, String> {
    if MAX_TEXT_BYTES < value.len() {
        return Err(format!(
            "has {} bytes; the limit is {MAX_TEXT_BYTES}",
            value.len()
        ));
    }
    Ok(value.to_owned())
}

/// A service's name as names are kept. What is no name is left as it came: it is nobody's.
fn name(value: &str) -> Result<String, String> {
    let text = text(value)?;
    Ok(ServiceName::parse(&text).map_or(text, |name| name.to_string()))
}

fn status(value: &str) -> Result<StatusFilter, String> {
    [StatusFilter::Up, StatusFilter::Late, StatusFilter::Down]
        .into_iter()
        .find(|status| status.word() == value)
        .ok_or_else(|| "is not one of up, late, down".to_owned())
}

fn sort(value: &str) -> Result<Sort, String> {
    Sort::parse(value).ok_or_else(|| {
        "is not one of status, name, address, heartbeat, since, each also with - in front"
            .to_owned()
    })
}

fn number(value: &str, first: usize, last: usize) -> Result<usize, String> {
    let fits = value
        .parse()
        .ok()
        .filter(|number| (first..=last).contains(number));
    fits.ok_or_else(|| {
        if last == usize::MAX {
            format!("is not a whole number from {first}")
        } else {
            format!("is not a whole number from {first} to {last}")
        }
    })
}

fn wait(value: &str) -> Result<Span, String> {
    let seconds = value.parse::<u64>().ok().map(Span::from_secs);
    seconds
        .or_else(|| Span::parse(value).ok())
        .filter(|wait| *wait <= MAX_WAIT)
        .ok_or_else(|| "is not a time of at most 60s, such as 30s".to_owned())
}

#[cfg(test)]
mod tests;
