use super::*;

#[test]
fn every_key_is_read_and_written_back() {
    let text = "name=a&q=x+y&status=down&tag=prod&sort=-heartbeat&page=2&size=50";

    let query = ListQuery::parse(text).unwrap();

    assert_eq!(query.q.as_deref(), Some("x y"));
    assert_eq!(query.status, Some(StatusFilter::Down));
    assert_eq!(query.text(), text);
}

#[test]
fn an_empty_form_asks_for_everything() {
    assert_eq!(
        ListQuery::parse("q=&status=&tag=&utm=1").unwrap(),
        ListQuery::default()
    );
}

#[test]
fn what_cannot_be_used_is_named() {
    let cases = [
        ("status=gone", "status", "up, late, down"),
        ("sort=age", "sort", "status, name"),
        ("page=0", "page", "from 1"),
        ("size=1001", "size", "1 to 1000"),
        ("size=-1", "size", "1 to 1000"),
        ("wait=5s", "wait", "needs since"),
        ("since=x&wait=61s", "wait", "60s"),
        ("since=x&q=a", "q", "beside since"),
    ];
    for (text, field, said) in cases {
        let errors = ListQuery::parse(text).unwrap_err();
        assert!(
            errors
                .iter()
                .any(|e| e.field == field && e.detail.contains(said)),
            "{text}: {errors:?}"
        );
    }
    assert!(HistoryQuery::parse("limit=0").is_err());
    assert!(HistoryQuery::parse("before=x").is_err());
    assert_eq!(
        HistoryQuery::parse("before=7&limit=5").unwrap().before,
        Some(7)
    );
}
