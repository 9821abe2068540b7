//! The page of one service.

use lastbeat_proto::answer::{
    InstanceUptime, Seen, Uptime, UptimeAnswer, UptimePiece, UptimeWindow,
};

use super::*;

/// An uptime in which it was DOWN for an hour of the day.
fn past(events: EventsAnswer) -> Past {
    let piece = |seen, from_hours: i64, until_hours: i64| UptimePiece {
        seen,
        from: NOW.plus_micros(-from_hours * 3_600_000_000),
        until: NOW.plus_micros(-until_hours * 3_600_000_000),
    };
    let uptime = Uptime {
        windows: vec![UptimeWindow {
            hours: 24,
            up_s: Span::from_secs(22 * 3_600),
            down_s: Span::from_secs(3_600),
            unknown_s: Span::from_secs(3_600),
            absent_s: Span::default(),
            up_percent: Some(95.652),
        }],
        day: vec![
            piece(Seen::Unknown, 24, 23),
            piece(Seen::Up, 23, 4),
            piece(Seen::Down, 4, 3),
            piece(Seen::Up, 3, 0),
        ],
    };
    Past {
        events,
        uptime: UptimeAnswer {
            name: "search".to_owned(),
            service: uptime.clone(),
            instances: vec![InstanceUptime {
                id: 1,
                instance: "10.0.0.7".to_owned(),
                uptime,
            }],
            now: NOW,
        },
        missing: None,
    }
}

#[test]
fn the_page_of_a_service_tells_its_uptime_and_that_of_each_instance() {
    let head = request("/s/search");
    let asked = asked_by(&head, None, &ANYONE);
    let seen = overview(vec![row("search", "10.0.0.7"), row("search", "10.0.0.8")]);

    let shell = Shell::new(&asked, &seen.services, "", false);
    let page = ServicePage::new(shell, "search", seen.services, seen.gone, past(seen.events));
    let html = page.render().unwrap();

    let told = "95.652 % UP, DOWN for 1h, not watched for 1h";
    assert_eq!(html.matches(told).count(), 2, "{html}");
    assert_eq!(html.matches("<rect").count(), 4, "{html}");
    assert!(html.contains(r#"aria-label="the last 24 hours: DOWN once""#));
}

#[test]
fn the_page_of_a_service_quotes_for_html_and_for_the_shell() {
    let head = request("/s/x");
    let asked = asked_by(&head, None, &ANYONE);
    let seen = overview(vec![hostile()]);

    let shell = Shell::new(&asked, &seen.services, "", false);
    let html = ServicePage::new(shell, HOSTILE, seen.services, seen.gone, past(seen.events));
    let html = html.render().unwrap();

    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(html.contains("&#39;\\&#39;&#39;&#38;&#34;"), "{html}");
    assert!(html.contains("formaction=\"../refresh_all\""), "{html}");
}

#[test]
fn the_line_of_a_service_is_the_one_of_the_terminal() {
    let head = request("/s/search");
    let asked = asked_by(&head, None, &ANYONE);
    let steady = silent("search", Status::Down, 108_000, 12_000);
    for row in [steady.clone(), flapping(steady)] {
        let seen = overview(vec![row]);
        let line = explain::line(&seen.services.services[0], UP_MS_NOW, row::time);

        let shell = Shell::new(&asked, &seen.services, "", false);
        let page = ServicePage::new(shell, "search", seen.services, seen.gone, past(seen.events));
        let html = page.render().unwrap();

        assert_eq!(text_behind(&html, "<p class=\"line\">", "</p>"), line);
    }
}
