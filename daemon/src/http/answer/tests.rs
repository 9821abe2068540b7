//! Answers: what every one has, and how long ones are sent.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use hyper::header::ACCEPT_ENCODING;
use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, ServiceName, Span, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::config::{Limits, Rules};
use crate::registry::Registry;
use crate::state::State;
use crate::state::record::Loaded;
use crate::store::History;

#[test]
fn every_answer_is_guarded_and_none_is_cached_unless_it_says_so() {
    let mut plain = html(StatusCode::OK, String::new());
    let mut cached = html(StatusCode::OK, String::new());
    let hour = HeaderValue::from_static("max-age=3600");
    cached.headers_mut().insert(CACHE_CONTROL, hour.clone());

    let mut usual = usual(Vec::new());

    finish(&mut plain, &usual_headers());
    finish(&mut cached, &usual_headers());
    finish(&mut usual, &usual_headers());

    for (name, value) in SECURITY {
        assert_eq!(plain.headers().get(&name), Some(&value));
        assert_eq!(usual.headers().get(&name), Some(&value));
    }
    assert_eq!(plain.headers().get(CACHE_CONTROL).unwrap(), "no-store");
    assert_eq!(usual.headers().get(CACHE_CONTROL).unwrap(), "no-store");
    assert_eq!(usual.headers().get(CONTENT_TYPE), Some(&JSON));
    assert_eq!(cached.headers().get(CACHE_CONTROL), Some(&hour));
}

#[test]
fn a_form_leads_back_to_the_page() {
    let answer = see_other("../");

    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers().get(LOCATION).unwrap(), "../");
}

#[tokio::test]
async fn what_is_small_goes_as_it_is_and_says_that_it_might_not() {
    let text = |bytes| html(StatusCode::OK, "a".repeat(bytes));
    let mut headers = HeaderMap::new();
    let gzip = HeaderValue::from_static("gzip, br");
    headers.insert(ACCEPT_ENCODING, gzip);

    let small = coded(text(LEAST_BYTES - 1), &headers).await;
    let large = coded(text(LEAST_BYTES), &headers).await;
    let unasked = coded(text(LEAST_BYTES), &HeaderMap::new()).await;

    for (answer, is_coded) in [(&small, false), (&large, true), (&unasked, false)] {
        assert_eq!(answer.headers()[VARY], "accept-encoding");
        assert_eq!(answer.headers().contains_key(CONTENT_ENCODING), is_coded);
    }
    assert!(matches!(large.body(), AnswerBody::Whole(body) if body.len() < 100));
}

/// A list that has to be written in some ten pieces.
fn long_list() -> Answer {
    const ROWS: usize = 3_000;
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(
        1_800_000_000_000_000,
    )));
    let day = Span::from_secs(86_400);
    let rules = Rules {
        ttl: day,
        remove_after: day,
        start_grace: day,
        gone_for: day,
        tombstones_for: day,
    };
    let limits = Limits {
        instances: ROWS,
        tombstones: ROWS,
    };
    let registry = Arc::new(Registry::new(
        State::load(Loaded::default(), rules, limits, clock.now()),
        clock,
        History::new(PathBuf::new()),
        ROWS,
        day,
    ));
    let caller = Address::from(IpAddr::from([10, 0, 0, 1]));
    for number in 0..ROWS {
        let name = ServiceName::parse(&format!("s{number}")).unwrap();
        registry.hold(|state, now| {
            let registration = Registration::bare(name);
            state.register(&registration, &caller, now).unwrap();
        });
    }
    in_pieces(registry.list_all(), None, Version::HTTP_11)
}

#[tokio::test]
async fn who_takes_a_long_list_keeps_a_worker_from_nobody_who_sends_meanwhile() {
    let mut list = long_list();
    let (mut here, mut there) = tokio::net::UnixStream::pair().unwrap();
    let pieces = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pieces);
    let reader = tokio::spawn(async move {
        while let Some(piece) = list.frame().await {
            piece.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let other = tokio::spawn(async move {
        here.read_u8().await.unwrap();
        pieces.load(Ordering::Relaxed)
    });
    there.write_u8(0).await.unwrap();

    let pieces_before_it_was_heard = other.await.unwrap();
    reader.await.unwrap();

    assert!(
        pieces_before_it_was_heard <= 2,
        "{pieces_before_it_was_heard}"
    );
}
