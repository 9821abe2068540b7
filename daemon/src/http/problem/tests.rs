//! Every refusal as it goes over the wire.

use hyper::{Method, Request};
use lastbeat_proto::Span;
use lastbeat_proto::endpoint::Scope;
use lastbeat_proto::name::NameError;
use lastbeat_proto::register::Registration;

use super::*;
use crate::clock::Mono;
use crate::http::pace::Pace;
use crate::http::router;

fn head(accept: &str) -> Parts {
    let request = Request::builder().uri("/refresh/a").header(ACCEPT, accept);
    request.body(()).unwrap().into_parts().0
}

fn refusals() -> Vec<Refusal> {
    let name = "a".to_owned();
    let host = "evil.example".to_owned();
    let site = "cross-site".to_owned();
    vec![
        GuardError::NoHost.into(),
        GuardError::SeveralHosts { count: 2 }.into(),
        GuardError::BrokenHost.into(),
        GuardError::Disagreeing {
            target: "a".to_owned(),
            host: "b".to_owned(),
        }
        .into(),
        GuardError::Misdirected { host }.into(),
        GuardError::Foreign { site }.into(),
        RouteError::NoPath.into(),
        router::route(&Method::PUT, "/services/a")
            .unwrap_err()
            .into(),
        ReadError::TooLarge.into(),
        ReadError::TooSlow.into(),
        ReadError::Broken.into(),
        Registration::parse(br#"{"name":5,"port":0}"#)
            .unwrap_err()
            .into(),
        PathError::Name(NameError::Segment).into(),
        lastbeat_proto::query::ListQuery::parse("size=0&sort=age")
            .unwrap_err()
            .into(),
        RegistryError::Unknown {
            name: name.clone(),
            instance: None,
        }
        .into(),
        RegistryError::Ambiguous {
            name,
            instances: vec!["10.0.0.1".to_owned(), "10.0.0.2:80".to_owned()],
        }
        .into(),
        RegistryError::Full { limit: 100_000 }.into(),
        RegistryError::NotStored {
            waited: Span::from_secs(2),
        }
        .into(),
        RegistryError::HistoryUnavailable {
            cause: "disk I/O error".to_owned(),
        }
        .into(),
        Refusal::NotReady,
        GateError::NoToken.into(),
        GateError::UnknownToken.into(),
        GateError::MissingScope {
            has: Scope::Read,
            needs: Scope::Register,
        }
        .into(),
        too_fast().into(),
        TooManyWaiting::InAll { limit: 2_048 }.into(),
        TooManyWaiting::OfOneSender { limit: 1_024 }.into(),
        ShelfFull.into(),
    ]
}

/// What the third of two allowed changes meets.
fn too_fast() -> TooFast {
    let pace = Pace::new(1);
    let from = "192.0.2.7".parse().unwrap();
    let charge = || pace.charge(from, Mono::default());
    std::iter::repeat_with(charge)
        .find_map(Result::err)
        .unwrap()
}

#[test]
fn every_refusal_says_what_is_wrong_and_what_to_do() {
    let documents: Vec<String> = refusals()
        .into_iter()
        .map(|refusal| serde_json::to_string_pretty(&refusal.problem(RequestId::SAMPLE)).unwrap())
        .collect();

    insta::assert_snapshot!(documents.join("\n"));
}

#[test]
fn a_fault_of_ours_has_a_request_id_and_keeps_its_cause_to_itself() {
    let cause = serde_json::from_str::<u8>("secret").unwrap_err();

    let problem = Refusal::from(Failure::from(cause)).problem(RequestId::SAMPLE);

    assert_eq!(problem.status, 500);
    assert_eq!(
        problem.detail,
        "cannot build the answer; look for the request id in the log"
    );
    assert_eq!(problem.request_id.unwrap(), "0a1b2c3d-1f");
}

#[test]
fn a_wrong_method_is_answered_with_the_right_ones() {
    let refusal = router::route(&Method::PUT, "/services/a").unwrap_err();

    let answer = refuse(refusal.into(), &head("*/*"), None, RequestId::SAMPLE);

    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()[ALLOW], "GET, HEAD, DELETE");
}

#[test]
fn who_may_try_again_is_told_when() {
    for refusal in refusals() {
        let expected = matches!(refusal.slug().status(), 429 | 503);
        let said = format!("{refusal}");

        let answer = refuse(refusal, &head("*/*"), None, RequestId::SAMPLE);

        assert_eq!(
            answer.headers().contains_key(RETRY_AFTER),
            expected,
            "{said}"
        );
    }
}

#[test]
fn what_is_refused_is_answered_with_less_than_was_asked() {
    let query = "sort=1&".repeat(2_000);
    let wrong = lastbeat_proto::query::ListQuery::parse(&query).unwrap_err();
    let path = "/".repeat(16_000);
    let request = Request::builder().uri(&path).header(ACCEPT, "text/html");
    let far = request.body(()).unwrap().into_parts().0;

    let errors = Refusal::from(wrong).problem(RequestId::SAMPLE).errors;
    let answer = refuse(RouteError::NoPath.into(), &far, None, RequestId::SAMPLE);

    assert_eq!(errors.len(), MAX_ERRORS);
    assert_eq!(answer.headers()[hyper::header::CONTENT_TYPE], CONTENT_TYPE);
}

#[test]
fn a_page_is_only_for_who_names_html() {
    for (accept, html) in [
        ("text/html,application/xhtml+xml,*/*;q=0.8", true),
        ("application/json, Text/HTML;q=0.5", true),
        ("*/*", false),
        ("text/*", false),
        ("application/json", false),
        ("", false),
    ] {
        let kind = if html {
            "text/html; charset=utf-8"
        } else {
            CONTENT_TYPE
        };

        let answer = refuse(Refusal::NotReady, &head(accept), None, RequestId::SAMPLE);

        assert_eq!(answer.headers()["content-type"], kind, "{accept}");
    }
}

#[test]
fn a_page_about_a_problem_is_escaped() {
    let problem = Problem::new(Slug::UnknownService, "<script>\"&");

    let page = dashboard::problem(&problem, "/refresh/a", None).unwrap();

    assert!(page.contains("&#60;script&#62;&#34;&#38;"), "{page}");
    assert!(page.contains("href=\"../\""), "{page}");
}
