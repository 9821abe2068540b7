//! Answers as the terminal client reads them: an answer that is accepted is written and read as
//! the same, and its list is printed with a line for each row and nothing that acts on a terminal.

use lastbeat::client::ClientError;
use lastbeat::client::seam::read;
use lastbeat::config::{Format, Settings, of_text};
use lastbeat::once::{self, Found};
use lastbeat::text::Charset;
use lastbeat_proto::answer::{
    DeregisterAnswer, EventsAnswer, GoneAnswer, RefreshAnswer, RegisterAnswer, ServicesAnswer,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hidden::is_hidden;

/// Lines of a printed list beside the rows and notices.
const FRAME: usize = 2;

/// Reads the bytes as every answer that the client asks for.
pub fn check(bytes: &[u8]) {
    if let Some(answer) = same_again::<ServicesAnswer>(bytes) {
        assert_prints_plainly(&answer);
    }
    same_again::<EventsAnswer>(bytes);
    same_again::<GoneAnswer>(bytes);
    same_again::<RefreshAnswer>(bytes);
    same_again::<RegisterAnswer>(bytes);
    same_again::<DeregisterAnswer>(bytes);
    for status in [400, 401, 403, 404, 503] {
        let refusal = read::<ServicesAnswer>(status, bytes).unwrap_err();
        assert!(!refusal.to_string().is_empty());
        assert_eq!(
            status == 401,
            matches!(refusal, ClientError::Unauthorized { status: 401, .. })
        );
    }
}

fn same_again<T>(bytes: &[u8]) -> Option<T>
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let answer: T = read(200, bytes).ok()?;
    let json = serde_json::to_string(&answer).unwrap();
    let again: T = read(200, json.as_bytes()).unwrap();
    // Lengths of time beyond what a JSON number holds exactly settle after one round.
    let settled = serde_json::to_string(&again).unwrap();
    let last: T = read(200, settled.as_bytes()).unwrap();
    assert_eq!(last, again, "{json}");
    Some(again)
}

fn assert_prints_plainly(answer: &ServicesAnswer) {
    let settings = of_text("").unwrap();
    for charset in [Charset::Utf8, Charset::Ascii] {
        let printed = |format| {
            let settings = Settings {
                charset,
                format,
                ..settings.clone()
            };
            let found = Found {
                answer: answer.clone(),
                gone: Vec::new(),
                gone_count: 0,
            };
            once::text(&found, &settings).unwrap()
        };
        let (table, tsv, json) = (
            printed(Format::Table),
            printed(Format::Tsv),
            printed(Format::Json),
        );
        let rows = answer.services.len();
        assert_eq!(
            table.lines().count(),
            rows + answer.notices.len() + FRAME,
            "{table:?}"
        );
        assert_eq!(tsv.lines().count(), rows + 1, "{tsv:?}");
        assert!(
            tsv.lines().all(|line| line.matches('\t').count() == 10),
            "{tsv:?}"
        );
        for text in [&table, &tsv, &json] {
            let found = text
                .chars()
                .find(|c| is_hidden(*c) && *c != '\n' && *c != '\t');
            assert_eq!(found, None, "{text:?}");
            assert_eq!(
                text.matches('\t').count(),
                if text == &tsv { 10 * (rows + 1) } else { 0 }
            );
        }
        assert!(charset == Charset::Utf8 || (table.is_ascii() && tsv.is_ascii()));
        assert_eq!(
            serde_json::from_str::<ServicesAnswer>(&json).unwrap(),
            *answer
        );
    }
}
