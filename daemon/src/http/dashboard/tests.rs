//! The pages with rows of every kind.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use hyper::Request;
use hyper::header::{ETAG, HOST, IF_NONE_MATCH};
use hyper::http::request::Parts;
use lastbeat_proto::answer::{Event, Notice, NoticeLevel, Row, Tombstone};
use lastbeat_proto::endpoint::Scope;
use lastbeat_proto::{EventKind, Span, Status, Timestamp, explain};

use super::*;
use crate::http::gate::{Caller, Shown};
use crate::http::sender::Sender;
use crate::http::stream::Scheme;

mod scenes;
mod service;

pub(super) use self::scenes::{event, overview};
use self::scenes::{flapping, hostile, mixed, silent, tombstone, unconfirmed, with_past};

/// 2026-11-24T14:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_795_528_800_000_000);
pub(super) const UP_MS_NOW: i64 = 500_000;
const HOSTILE: &str = "<script>alert(1)</script>\"'&";

pub(super) fn row(name: &str, address: &str) -> Row {
    Row {
        id: 1,
        name: name.to_owned(),
        instance: address.to_owned(),
        ip: address.to_owned(),
        port: None,
        status: Status::Up,
        late: false,
        confirmed: true,
        flapping: false,
        reason: None,
        since: NOW.plus_micros(-3_600_123_456),
        last_heartbeat: NOW.plus_micros(-5_123_456),
        first_seen: NOW.plus_micros(-7_200_000_000),
        ttl_s: Span::from_secs(60),
        tags: Vec::new(),
        metadata: BTreeMap::new(),
        heard_ms: UP_MS_NOW - 5_123,
        due_ms: UP_MS_NOW + 54_877,
    }
}

/// Who needs no token.
static ANYONE: Caller = Caller {
    scope: Scope::Admin,
    shown: Shown::Nothing,
};

fn asked_by<'a>(head: &'a Parts, machine: Option<&'a str>, caller: &'a Caller) -> Asked<'a> {
    static SENDER: Sender = Sender {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        is_known: true,
        scheme: Scheme::Http,
        prefix: String::new(),
    };
    Asked {
        head,
        theme: None,
        machine,
        sender: &SENDER,
        caller,
    }
}

fn request(target: &str) -> Parts {
    let request = Request::builder().uri(target).header(HOST, "reg:5001");
    request.body(()).unwrap().into_parts().0
}

pub(super) fn render(target: &str, seen: Overview, is_part: bool) -> String {
    let head = request(target);
    let asked = asked_by(&head, Some("reg"), &ANYONE);
    let query = ListQuery::parse(asked.query()).unwrap();
    Page::new(&asked, &query, seen, is_part).render().unwrap()
}

/// The text of the first element whose opening has `opening`, without tags.
fn text_behind(html: &str, opening: &str, end: &str) -> String {
    let (_, rest) = html.split_once(opening).unwrap();
    let (inner, _) = rest.split_once(end).unwrap();
    let mut text = String::new();
    let mut is_tag = false;
    for c in inner.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text
}

#[test]
fn the_live_part_of_every_kind_of_row() {
    insta::assert_snapshot!(render("/rows", with_past(), true));
}

#[test]
fn an_empty_registry_says_how_to_fill_it() {
    let page = render("/", overview(Vec::new()), false);

    assert!(page.contains("No service is registered"), "{page}");
    assert!(page.contains("http://reg:5001/</span>register"), "{page}");
}

#[test]
fn a_filter_without_a_match_is_not_an_empty_registry() {
    let mut seen = overview(mixed());
    seen.services.services.clear();

    let page = render("/?q=nobody&status=down", seen, false);

    assert!(page.contains("No service matches"), "{page}");
    assert!(page.contains("Show all 4"), "{page}");
}

#[test]
fn a_filter_that_no_field_shows_can_be_dropped() {
    let page = render("/?tag=core&status=down&name=a", overview(Vec::new()), false);

    let chip = |href: &str, text: &str| format!("<a class=\"tag\" href=\"{href}\">{text} <");
    assert!(
        page.contains(&chip("?name=a&#38;status=down", "tag core")),
        "{page}"
    );
    assert!(
        page.contains(&chip("?status=down&#38;tag=core", "name a")),
        "{page}"
    );
    assert!(!render("/?q=a&status=down", overview(Vec::new()), false).contains("class=\"tag\""));
}

#[test]
fn buttons_of_rows_with_one_name_are_told_apart() {
    let rows = vec![
        row("a", "10.0.0.1"),
        row("a", "10.0.0.2"),
        row("b", "10.0.0.3"),
    ];

    let page = render("/", overview(rows), false);

    for label in [
        "Refresh a 10.0.0.1<",
        "Deregister a 10.0.0.2<",
        "Refresh b<",
    ] {
        assert!(page.contains(label), "{label} {page}");
    }
}

#[test]
fn what_a_service_sends_stays_text() {
    let mut seen = overview(vec![hostile()]);
    seen.gone.gone = vec![tombstone(HOSTILE, HOSTILE, false)];
    seen.events.events = vec![Event {
        reason: Some(HOSTILE.to_owned()),
        ..event(1, EventKind::Down, Some(HOSTILE))
    }];

    let page = render("/?q=%3Cscript%3E%22%27", seen, false);

    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(!page.contains(HOSTILE), "{page}");
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;"));
}

#[test]
fn the_sentence_of_a_row_is_the_one_of_the_terminal() {
    let rows = [
        silent("a", Status::Down, 108_000, 12_000),
        silent("a", Status::Up, 48_000, 12_000),
        unconfirmed(),
        row("a", "10.0.0.1"),
        flapping(row("a", "10.0.0.1")),
        flapping(silent("a", Status::Down, 108_000, 12_000)),
    ];
    for row in rows {
        let note = explain::note(&row, UP_MS_NOW).unwrap_or_default();

        let html = render("/", overview(vec![row]), false);

        let cell = html.split("<td>").nth(5).unwrap();
        assert_eq!(text_behind(&format!("<td>{cell}"), "<td>", "</td>"), note);
    }
}

#[test]
fn nothing_in_the_live_part_moves_by_itself() {
    let mut later = with_past();
    later.services.up_ms += 7_000;
    later.services.now = NOW.plus_micros(7_000_000);

    let first = render("/rows", with_past(), true);

    assert_eq!(first, render("/rows", later, true));
}

#[test]
fn a_row_says_its_age_by_itself_where_its_time_does_not_tell_it() {
    let even = row("even", "10.0.0.1");
    let off = |ms: i64| {
        let last_heartbeat = even.last_heartbeat.plus_micros(ms * 1_000);
        let row = Row {
            last_heartbeat,
            ..even.clone()
        };
        render("/rows", overview(vec![row]), true).contains("data-h=\"494877\"")
    };

    assert!(!off(0) && !off(249) && !off(-249));
    assert!(off(252) && off(-252) && off(-3_600_000));
}

#[test]
fn who_has_the_live_part_gets_only_the_clocks() {
    let head = request("/rows");
    let query = ListQuery::default();
    let machine = None;
    let asked = asked_by(&head, machine, &ANYONE);
    let first = rows(&asked, &query, with_past()).unwrap();
    let mut known = request("/rows");
    known
        .headers
        .insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
    let asked = asked_by(&known, machine, &ANYONE);

    let again = rows(&asked, &query, with_past()).unwrap();

    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["x-up-ms"], "500000");
    assert_eq!(again.headers()["x-now-ms"], "1795528800000");
}

#[test]
fn links_of_rows_carry_nothing_that_means_nothing() {
    let page = render("/?status=down&x=junkjunk", overview(mixed()), false);

    assert!(page.contains("?status=down&#38;ask="), "{page}");
    // The way to refresh the page, and where its live part is, stand in it once each.
    assert!(page.matches("junkjunk").count() <= 2, "{page}");
}

#[test]
fn a_page_loads_itself_again_unless_told_not_to() {
    let on = render("/?q=a", overview(mixed()), false);
    let off = render("/?q=a&refresh=off", overview(mixed()), false);

    assert!(on.contains("http-equiv=\"refresh\"") && on.contains("?q=a&#38;refresh=off"));
    assert!(!off.contains("http-equiv=\"refresh\"") && off.contains("href=\"?q=a\""));
}

#[test]
fn the_title_counts_who_is_down() {
    let page = render("/", overview(mixed()), false);

    assert!(page.contains("<title>(1 down) lastbeat – reg</title>"));
    assert!(page.contains("assets/down.svg"));
}

#[test]
fn templates_hold_no_script_no_style_no_raw_text_and_no_absolute_address() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut seen = 0;
    for dir in [dir.clone(), dir.join("part")] {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|kind| kind != "html") {
                continue;
            }
            seen += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            for banned in [
                "|safe", "| safe", " style=", "://", "=\"/", "<style", "{% raw",
            ] {
                assert!(!text.contains(banned), "{banned} in {}", path.display());
            }
            let has_handler = text.split(" on").skip(1).any(|rest| {
                let word = rest.split(|c: char| !c.is_ascii_lowercase()).next();
                word.is_some_and(|word| rest.get(word.len()..).is_some_and(|r| r.starts_with('=')))
            });
            assert!(!has_handler, "an event handler in {}", path.display());
        }
    }
    assert!(10 <= seen, "{seen} templates");
}

#[test]
fn who_may_only_look_sees_no_button_that_changes_something() {
    let head = request("/");
    let reader = Caller {
        scope: Scope::Read,
        shown: Shown::Session("0a1b2c3d".to_owned()),
    };
    let query = ListQuery::default();
    let html = |caller: &Caller| {
        let asked = asked_by(&head, Some("reg"), caller);
        Page::new(&asked, &query, with_past(), false)
            .render()
            .unwrap()
    };

    let (all, some) = (html(&ANYONE), html(&reader));

    for button in ["refresh_all", "formaction", "Deregister ", "Dismiss"] {
        assert!(all.contains(button) && !some.contains(button), "{button}");
    }
    assert!(
        some.contains("sign-out") && !some.contains("0a1b2c3d"),
        "{some}"
    );
    assert!(!all.contains("sign-"), "{all}");
}
