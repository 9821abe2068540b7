//! Links that change one thing of the page's query and keep the rest.

use lastbeat_proto::query::{ListQuery, PAGE_SIZE, Sort, SortKey, StatusFilter};

/// A column of the table.
pub(super) struct Column {
    /// Heading.
    pub(super) text: &'static str,
    /// Sorts by it; the other way round where it is sorted by it already.
    pub(super) href: Option<String>,
    /// `aria-sort`.
    pub(super) order: Option<&'static str>,
}

/// Headings and what they sort by.
const COLUMNS: [(&str, Option<SortKey>); 7] = [
    ("Status", Some(SortKey::Status)),
    ("Name", Some(SortKey::Name)),
    ("Address", Some(SortKey::Address)),
    ("Last heartbeat", Some(SortKey::Heartbeat)),
    ("In state since", Some(SortKey::Since)),
    ("Explanation", None),
    ("Actions", None),
];

/// The page that `query` asks for, seen from a page whose way to the root is `root`.
pub(super) fn to(root: &str, query: &ListQuery) -> String {
    let text = query.text();
    let base = base(root);
    if text.is_empty() {
        root.to_owned()
    } else {
        format!("{base}?{text}")
    }
}

/// All services with this tag.
pub(super) fn to_tag(root: &str, tag: &str) -> String {
    let query = ListQuery {
        tag: Some(tag.to_owned()),
        ..ListQuery::default()
    };
    to(root, &query)
}

/// All instances of this name.
pub(super) fn to_name(root: &str, name: &str) -> String {
    let query = ListQuery {
        name: Some(name.to_owned()),
        ..ListQuery::default()
    };
    to(root, &query)
}

/// A text as one part of an element's id: letters, digits and hyphens stay, every other byte
/// becomes `_` and two digits, so that no two texts have one id.
pub(super) fn id_part(text: &str) -> String {
    let mut id = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            id.push(char::from(byte));
        } else {
            id.push('_');
            id.extend(
                [byte >> 4, byte & 15]
                    .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
            );
        }
    }
    id
}

/// What stands before a relative path: nothing where the page is at the root.
pub(super) fn base(root: &str) -> &str {
    if root == "./" { "" } else { root }
}

/// The same query about another status, from its first page.
pub(super) fn to_status(root: &str, query: &ListQuery, status: Option<StatusFilter>) -> String {
    let query = ListQuery {
        status,
        page: None,
        ..query.clone()
    };
    to(root, &query)
}

/// The same query's other page.
pub(super) fn to_page(root: &str, query: &ListQuery, page: usize) -> String {
    let query = ListQuery {
        page: Some(page),
        ..query.clone()
    };
    to(root, &query)
}

/// How many pages `matching` rows make.
pub(super) fn pages(query: &ListQuery, matching: usize) -> usize {
    matching.div_ceil(query.size.unwrap_or(PAGE_SIZE).max(1))
}

/// The headings, with the query's order marked.
pub(super) fn columns(root: &str, query: &ListQuery) -> Vec<Column> {
    let sort = query.sort.unwrap_or(Sort {
        key: SortKey::Status,
        is_reversed: false,
    });
    COLUMNS
        .into_iter()
        .map(|(text, key)| {
            let is_sorted = key == Some(sort.key);
            let sorted = |key| ListQuery {
                sort: Some(Sort {
                    key,
                    is_reversed: is_sorted && !sort.is_reversed,
                }),
                page: None,
                ..query.clone()
            };
            Column {
                text,
                href: key.map(|key| to(root, &sorted(key))),
                order: is_sorted.then_some(if sort.is_reversed {
                    "descending"
                } else {
                    "ascending"
                }),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_thing_and_keeps_the_rest() {
        let query = ListQuery::parse("q=a%26b&tag=x&sort=-name&page=3").unwrap();

        let down = to_status("./", &query, Some(StatusFilter::Down));
        let next = to_page("./", &query, 4);

        assert_eq!(down, "?q=a%26b&status=down&tag=x&sort=-name");
        assert_eq!(next, "?q=a%26b&tag=x&sort=-name&page=4");
        assert_eq!(to("../", &ListQuery::default()), "../");
        assert_eq!(to_tag("../", "a b"), "../?tag=a+b");
    }

    #[test]
    fn two_names_never_have_one_id() {
        assert_eq!(id_part("a/b.c-1"), "a_2fb_2ec-1");
        assert_ne!(id_part("a/b"), id_part("a_2fb"));
    }

    #[test]
    fn a_heading_turns_the_order_that_it_gives() {
        let query = ListQuery::parse("sort=name").unwrap();

        let columns = columns("./", &query);

        assert_eq!(columns[0].href.as_deref(), Some("?sort=status"));
        assert_eq!(columns[1].href.as_deref(), Some("?sort=-name"));
        assert_eq!(columns[1].order, Some("ascending"));
        assert_eq!(columns[5].href, None);
    }

    #[test]
    fn a_last_page_may_be_short() {
        let query = ListQuery::default();

        assert_eq!(pages(&query, 0), 0);
        assert_eq!(pages(&query, 100), 1);
        assert_eq!(pages(&query, 101), 2);
    }
}
