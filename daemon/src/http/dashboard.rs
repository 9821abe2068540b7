//! The dashboard: complete pages that need no script, and the live part that the script asks for.
//!
//! Both are rendered by the same templates. The live part holds nothing that moves by itself, so
//! that a quiet registry's stays equal and is answered with `304`; the script writes ages.

#[cfg(test)]
mod budget;
mod escape;
mod icon;
mod link;
mod list;
mod past;
mod row;
mod shell;
#[cfg(test)]
mod tests;
mod uptime;

use askama::Template;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use lastbeat_proto::answer::{EventsAnswer, GoneAnswer, ServicesAnswer, Summary, UptimeAnswer};
use lastbeat_proto::problem::Problem;
use lastbeat_proto::query::ListQuery;
use lastbeat_proto::{explain, path};
use serde_json::json;

use self::list::ListView;
use self::past::{EventView, Group, NoticeView};
use self::row::{Context, RowView, Why};
pub(super) use self::shell::Asked;
use self::shell::Shell;
use self::uptime::UptimeView;
use super::answer::{self, Answer, HTML};
use super::router::root_of;
use super::still;
use crate::registry::{Overview, Past};

/// On every answer with a live part, also on `304`: the daemon's monotonic clock, for ages.
const UP_MS: HeaderName = HeaderName::from_static("x-up-ms");
/// The same for its wall clock: the time of the last data.
const NOW_MS: HeaderName = HeaderName::from_static("x-now-ms");

/// What the live part of both pages shows.
struct Live {
    title: String,
    /// Icon of the browser's tab.
    worst: &'static str,
    /// The registry in a sentence, for those who listen.
    say: String,
    rows: Vec<RowView>,
    notices: Vec<NoticeView>,
    gone: Vec<Group>,
    events: Vec<EventView>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    shell: Shell,
    live: Live,
    list: ListView,
}

#[derive(Template)]
#[template(path = "service.html")]
struct ServicePage {
    shell: Shell,
    live: Live,
    name: String,
    path: String,
    /// Instances that the page leaves to the list.
    more: usize,
    /// The list of all of them.
    all: String,
    uptime: UptimeView,
    /// Body of a registration, fit for single quotes in a shell.
    register_body: String,
    /// Whose that is, where there are several.
    of_many: Option<String>,
    /// The option of curl that shows a token, where one is asked for.
    token: &'static str,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'problem> {
    problem: &'problem Problem,
    root: String,
    base: String,
    theme: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'problem> {
    problem: Option<&'problem Problem>,
    base: String,
    theme: Option<&'static str>,
}

/// The whole page.
///
/// # Errors
/// When the template cannot be rendered.
pub(super) fn page(asked: &Asked<'_>, query: &ListQuery, seen: Overview) -> askama::Result<Answer> {
    let page = Page::new(asked, query, seen, false);
    Ok(answer::html(StatusCode::OK, page.render()?))
}

/// Its live part.
///
/// # Errors
/// When the template cannot be rendered.
pub(super) fn rows(asked: &Asked<'_>, query: &ListQuery, seen: Overview) -> askama::Result<Answer> {
    let page = Page::new(asked, query, seen, true);
    Ok(part(page.render()?, &page.shell, asked))
}

/// The page of one service, or with `?part=live` its live part. `seen` has its rows, `gone` and
/// `past` what is known of it beside them.
///
/// # Errors
/// When the template cannot be rendered.
pub(super) fn service(
    asked: &Asked<'_>,
    name: &str,
    seen: ServicesAnswer,
    gone: GoneAnswer,
    past: Past,
) -> askama::Result<Answer> {
    let is_part = asked.value("part").as_deref() == Some("live");
    let shell = Shell::new(asked, &seen, "?part=live&", is_part);
    let page = ServicePage::new(shell, name, seen, gone, past);
    let html = page.render()?;
    Ok(if is_part {
        part(html, &page.shell, asked)
    } else {
        answer::html(StatusCode::OK, html)
    })
}

/// A problem for people: what went wrong and the way back.
///
/// # Errors
/// When the template cannot be rendered.
pub(super) fn problem(
    problem: &Problem,
    path: &str,
    theme: Option<&'static str>,
) -> askama::Result<String> {
    let root = root_of(path);
    let base = link::base(&root).to_owned();
    ProblemPage {
        problem,
        root,
        base,
        theme,
    }
    .render()
}

/// The form that asks for a token; `problem` is why.
///
/// # Errors
/// When the template cannot be rendered.
pub(super) fn sign_in(
    path: &str,
    problem: Option<&Problem>,
    theme: Option<&'static str>,
) -> askama::Result<String> {
    let root = root_of(path);
    let base = link::base(&root).to_owned();
    SignInPage {
        problem,
        base,
        theme,
    }
    .render()
}

/// What registers an instance of this key and address again, as JSON.
fn registration(name: &str, known: Option<(&str, &str)>) -> String {
    let body = match known {
        None => json!({ "name": name }),
        Some((instance, address)) if instance == address => json!({ "name": name, "ip": address }),
        Some((instance, address)) => json!({ "name": name, "ip": address, "instance": instance }),
    };
    body.to_string()
}

/// A live part with its tag and the clocks it was rendered at.
fn part(html: String, shell: &Shell, asked: &Asked<'_>) -> Answer {
    let mut answer = still::unless_known(HTML, Bytes::from(html), &asked.head.headers);
    let headers = answer.headers_mut();
    headers.insert(UP_MS, HeaderValue::from(shell.up_ms));
    headers.insert(NOW_MS, HeaderValue::from(shell.now_ms));
    answer
}

impl Page {
    fn new(asked: &Asked<'_>, query: &ListQuery, seen: Overview, is_part: bool) -> Self {
        let (services, gone, events) = (seen.services, seen.gone, seen.events);
        let shell = Shell::new(asked, &services, "rows?", is_part);
        Self {
            list: ListView::new(&shell.root, query, &services),
            live: Live::new(&shell, None, services, gone, events),
            shell,
        }
    }
}

impl ServicePage {
    fn new(shell: Shell, name: &str, seen: ServicesAnswer, gone: GoneAnswer, past: Past) -> Self {
        // The first that is there, else the one that left last.
        let known = seen.services.first().map_or_else(
            || {
                gone.gone
                    .first()
                    .map(|one| (&one.instance, &one.ip, one.port))
            },
            |row| Some((&row.instance, &row.ip, row.port)),
        );
        let known = known.map(|(instance, ip, port)| (instance, row::with_port(ip, port)));
        let known = known.as_ref();
        let body = registration(
            name,
            known.map(|(instance, at)| (instance.as_str(), at.as_str())),
        );
        let of_many = known
            .filter(|_| 1 < seen.matching)
            .map(|(_, address)| address.clone());
        let more = seen.matching.saturating_sub(seen.services.len());
        let uptime = past.uptime;
        let mut live = Live::new(&shell, Some(name), seen, gone, past.events);
        live.add_uptime(&uptime);
        Self {
            more,
            all: link::to_name(&shell.root, name),
            uptime: UptimeView::new(&uptime.service, uptime.now),
            live,
            name: name.to_owned(),
            path: path::encode(name),
            register_body: body.replace('\'', "'\\''"),
            of_many,
            token: match shell.reader.word() {
                None => "",
                Some(_) => "-H 'Authorization: Bearer TOKEN' ",
            },
            shell,
        }
    }
}

impl Live {
    /// Tells each row how it was in the last 24 hours.
    fn add_uptime(&mut self, answer: &UptimeAnswer) {
        let told = |row: &RowView| {
            let found = answer
                .instances
                .iter()
                .find(|one| one.instance == row.instance)?;
            found.uptime.windows.first().map(explain::window)
        };
        for row in &mut self.rows {
            row.uptime = told(row);
        }
    }

    fn new(
        shell: &Shell,
        name: Option<&str>,
        seen: ServicesAnswer,
        gone: GoneAnswer,
        events: EventsAnswer,
    ) -> Self {
        let context = Context {
            root: &shell.root,
            query: &shell.query,
            asked: shell.asked,
            seen_ms: (!shell.is_part).then_some(seen.up_ms),
            offset_ms: seen.up_ms - seen.now.as_micros().div_euclid(1_000),
            shared: row::shared_names(&seen.services),
        };
        let Summary { up, late, down, .. } = seen.summary;
        let title = match (name, down) {
            (Some(name), _) => format!("{name} – lastbeat – {}", shell.host),
            (None, 0) => format!("lastbeat – {}", shell.host),
            (None, _) => format!("({down} down) lastbeat – {}", shell.host),
        };
        Self {
            title,
            worst: match (down, late) {
                (0, 0) => "up",
                (0, _) => "late",
                _ => "down",
            },
            say: format!("{down} down, {late} late, {up} up"),
            rows: seen
                .services
                .into_iter()
                .map(|row| RowView::new(row, &context))
                .collect(),
            notices: seen.notices.into_iter().map(NoticeView::from).collect(),
            gone: past::group(gone.gone),
            events: events.events.into_iter().map(EventView::from).collect(),
        }
    }
}
