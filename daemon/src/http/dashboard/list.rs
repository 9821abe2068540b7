//! What stands around the rows of the page: counts, filter, headings, pager.

use lastbeat_proto::answer::{ServicesAnswer, Summary};
use lastbeat_proto::query::{ListQuery, Sort, StatusFilter};

use super::link::{self, Column};
use super::row::Tag;

/// A number that leads to the rows it counts.
pub(super) struct Count {
    /// Color.
    pub(super) tone: &'static str,
    /// How many.
    pub(super) number: usize,
    /// Of what.
    pub(super) text: &'static str,
    /// The rows.
    pub(super) href: String,
    /// Whether the page shows exactly these.
    pub(super) is_current: bool,
}

/// A choice of the filter.
pub(super) struct Choice {
    /// In the query.
    pub(super) word: &'static str,
    /// On the screen.
    pub(super) text: &'static str,
    /// Whether the page has it.
    pub(super) is_chosen: bool,
}

/// Everything around the rows.
pub(super) struct ListView {
    /// Counts over the whole registry.
    pub(super) counts: Vec<Count>,
    /// Registered instances.
    pub(super) total: usize,
    /// The search text.
    pub(super) q: String,
    /// The status filter.
    pub(super) statuses: Vec<Choice>,
    /// What else the rows are chosen by, each with the way to drop it.
    pub(super) chips: Vec<Tag>,
    /// What the filter form carries on.
    pub(super) kept: Vec<(&'static str, String)>,
    /// Whether rows are left out on purpose.
    pub(super) is_filtered: bool,
    /// The filter in words.
    pub(super) filter: String,
    /// Caption of the table.
    pub(super) caption: String,
    /// Headings.
    pub(super) columns: Vec<Column>,
    /// Rows that the filter lets through.
    pub(super) matching: usize,
    /// This page.
    pub(super) page: usize,
    /// How many there are.
    pub(super) pages: usize,
    /// The page before.
    pub(super) previous: Option<String>,
    /// The page behind.
    pub(super) next: Option<String>,
}

impl ListView {
    /// What stands around the rows of `answer` to `query`, in a page whose way to the root is
    /// `root`.
    pub(super) fn new(root: &str, query: &ListQuery, answer: &ServicesAnswer) -> Self {
        let page = query.page.unwrap_or(1);
        let pages = link::pages(query, answer.matching);
        Self {
            counts: counts(root, query, answer.summary),
            total: answer.summary.total,
            q: query.q.clone().unwrap_or_default(),
            statuses: statuses(query.status),
            chips: chips(root, query),
            kept: kept(query),
            is_filtered: is_filtered(query),
            filter: filter(query),
            caption: format!(
                "Registered services, {}",
                query
                    .sort
                    .map_or_else(|| "worst first".to_owned(), in_words)
            ),
            columns: link::columns(root, query),
            matching: answer.matching,
            page,
            pages,
            previous: (1 < page).then(|| link::to_page(root, query, (page - 1).min(pages))),
            next: (page < pages).then(|| link::to_page(root, query, page + 1)),
        }
    }
}

fn counts(root: &str, query: &ListQuery, summary: Summary) -> Vec<Count> {
    let count = |tone, number, text, status: Option<StatusFilter>| Count {
        tone,
        number,
        text,
        href: link::to_status(root, query, status),
        is_current: query.status == status && (status.is_some() || !is_filtered(query)),
    };
    let gone = Count {
        tone: "gone",
        number: summary.gone,
        text: "gone",
        href: "#gone".to_owned(),
        is_current: false,
    };
    vec![
        count("down", summary.down, "down", Some(StatusFilter::Down)),
        count("late", summary.late, "late", Some(StatusFilter::Late)),
        count(
            "up",
            summary.up,
            "up, late included",
            Some(StatusFilter::Up),
        ),
        gone,
        count("all", summary.total, "registered", None),
    ]
}

fn statuses(chosen: Option<StatusFilter>) -> Vec<Choice> {
    [
        ("", "Any status", None),
        ("down", "Down", Some(StatusFilter::Down)),
        ("late", "Late", Some(StatusFilter::Late)),
        ("up", "Up", Some(StatusFilter::Up)),
    ]
    .into_iter()
    .map(|(word, text, status)| Choice {
        word,
        text,
        is_chosen: status == chosen,
    })
    .collect()
}

/// What the form's fields do not show.
fn chips(root: &str, query: &ListQuery) -> Vec<Tag> {
    let without_tag = ListQuery {
        tag: None,
        page: None,
        ..query.clone()
    };
    let without_name = ListQuery {
        name: None,
        page: None,
        ..query.clone()
    };
    let chip = |kind, value: &Option<String>, without| {
        let text = format!("{kind} {}", value.as_ref()?);
        let href = link::to(root, &without);
        Some(Tag { text, href })
    };
    let tag = chip("tag", &query.tag, without_tag);
    let name = chip("name", &query.name, without_name);
    tag.into_iter().chain(name).collect()
}

fn kept(query: &ListQuery) -> Vec<(&'static str, String)> {
    let kept = [
        ("name", query.name.clone()),
        ("tag", query.tag.clone()),
        ("sort", query.sort.map(Sort::text)),
        ("size", query.size.map(|size| size.to_string())),
    ];
    kept.into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

const fn is_filtered(query: &ListQuery) -> bool {
    query.name.is_some() || query.q.is_some() || query.status.is_some() || query.tag.is_some()
}

fn filter(query: &ListQuery) -> String {
    let parts = [
        query.q.as_ref().map(|q| format!("text “{q}”")),
        query
            .status
            .map(|status| format!("status {}", status.word())),
        query.tag.as_ref().map(|tag| format!("tag “{tag}”")),
        query.name.as_ref().map(|name| format!("name “{name}”")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("Looked for {}", parts.join(" and "))
}

fn in_words(sort: Sort) -> String {
    let order = if sort.is_reversed { ", reversed" } else { "" };
    format!("by {}{order}", sort.key.word())
}
