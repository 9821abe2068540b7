//! Queries of lists and of the history: every value holds its limit, and the text made of a query
//! is read as the same query.

use lastbeat_proto::Span;
use lastbeat_proto::query::{HistoryQuery, ListQuery, keys_of, value_of};

/// Reads the bytes as a query.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match ListQuery::parse(&text) {
        Ok(query) => {
            assert_limits(&query);
            let written = query.text();
            let whole_seconds = |wait: Span| Span::from_secs(wait.as_micros() / 1_000_000);
            // A link has no page 1, and its wait is in seconds.
            let expected = ListQuery {
                page: query.page.filter(|page| *page != 1),
                wait: query.wait.map(whole_seconds),
                ..query
            };
            assert_eq!(ListQuery::parse(&written), Ok(expected), "{written}");
            let plain = |b: u8| b.is_ascii_graphic() && !b"<>\"'#".contains(&b);
            assert!(written.bytes().all(plain), "{written}");
        }
        Err(errors) => assert!(!errors.is_empty()),
    }
    match HistoryQuery::parse(&text) {
        Ok(query) => {
            assert!((1..=1_000).contains(&query.limit));
            assert!(
                query
                    .name
                    .is_none_or(|name| (1..=256).contains(&name.len()))
            );
        }
        Err(errors) => assert!(!errors.is_empty()),
    }
    for key in keys_of(&text).take(8) {
        assert!(
            value_of(&text, &key).is_some_and(|value| !value.is_empty()),
            "{key:?}"
        );
    }
}

fn assert_limits(query: &ListQuery) {
    for text in [&query.name, &query.tag, &query.q, &query.since]
        .into_iter()
        .flatten()
    {
        assert!((1..=256).contains(&text.len()), "{text:?}");
    }
    assert_ne!(query.page, Some(0));
    assert!(query.size.is_none_or(|size| (1..=1_000).contains(&size)));
    assert!(query.wait.is_none_or(|wait| wait <= Span::from_secs(60)));
    assert!(query.wait.is_none() || query.since.is_some());
    let is_filtered = query.name.is_some() || query.q.is_some() || query.page.is_some();
    assert!(query.since.is_none() || !is_filtered);
}
