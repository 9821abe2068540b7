//! A registered instance as the pages show it: finished texts, nothing left to decide.

use std::collections::HashSet;

use lastbeat_proto::answer::Row;
use lastbeat_proto::{Status, Timestamp, explain, path};

use super::link;

/// So far the two clocks may be apart, in ms, before a row says its age by itself: less than what an
/// age shows, more than what is lost where both are read and rounded.
const EVEN_MS: i64 = 250;

/// Which sentence explains a row; its words are in `part/why.html`, the same as
/// [`explain::note`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Healthy.
    Nothing,
    /// Silent for too long.
    Down,
    /// Silent for long.
    Late,
    /// UP because the daemon was away.
    Unconfirmed,
}

/// What all rows of a page have in common.
pub(super) struct Context<'page> {
    /// The way to the root.
    pub(super) root: &'page str,
    /// The page's own query, without what it asks.
    pub(super) query: &'page str,
    /// Number of the row of which the page asks whether it shall be deregistered.
    pub(super) asked: Option<i64>,
    /// The moment for which ages are written; nobody: the script writes them.
    pub(super) seen_ms: Option<i64>,
    /// The scale of `up_ms` less the wall clock, now.
    pub(super) offset_ms: i64,
    /// Names that more than one row of the page has.
    pub(super) shared: HashSet<String>,
}

/// Names that more than one of `rows` has.
pub(super) fn shared_names(rows: &[Row]) -> HashSet<String> {
    let mut seen = HashSet::new();
    let again = rows.iter().filter(|row| !seen.insert(&row.name));
    again.map(|row| row.name.clone()).collect()
}

/// A text and where it leads.
#[derive(Debug)]
pub(super) struct Tag {
    /// The tag.
    pub(super) text: String,
    /// The list of all that have it.
    pub(super) href: String,
}

/// One row.
#[derive(Debug)]
pub(super) struct RowView {
    /// Its number in the registry.
    pub(super) number: i64,
    /// Name of the service.
    pub(super) name: String,
    /// What its buttons are called by: the name, and the address where others have that name, too.
    pub(super) label: String,
    /// The name in a path.
    pub(super) path: String,
    /// The instance key.
    pub(super) instance: String,
    /// The instance key in a query.
    pub(super) instance_path: String,
    /// The instance key where it says more than the address.
    pub(super) key: Option<String>,
    /// Address with port.
    pub(super) address: String,
    /// Color.
    pub(super) tone: &'static str,
    /// Shape.
    pub(super) icon: &'static str,
    /// Word.
    pub(super) word: &'static str,
    /// Which sentence explains it.
    pub(super) why: Why,
    /// Whether its status changes all the time.
    pub(super) is_flapping: bool,
    /// Whether the page asks if it shall be deregistered.
    pub(super) is_asked: bool,
    /// The page that asks that.
    pub(super) ask: String,
    /// The page that does not.
    pub(super) keep: String,
    /// Labels.
    pub(super) tags: Vec<Tag>,
    /// Last heartbeat on the scale of `up_ms`.
    pub(super) heard_ms: i64,
    /// Whether that cannot be told from the time that the row shows.
    pub(super) is_stepped: bool,
    /// Coming change on the scale of `up_ms`.
    pub(super) due_ms: i64,
    /// Silence; empty where the script writes it.
    pub(super) age: String,
    /// Time left; empty where the script writes it.
    pub(super) due: String,
    /// Last heartbeat, with microseconds.
    pub(super) heard: String,
    /// Start of this state, to the second.
    pub(super) since: String,
    /// The same with microseconds.
    pub(super) since_us: String,
    /// First registration.
    pub(super) first_seen: String,
    /// How long a heartbeat counts.
    pub(super) ttl: String,
    /// What comes if it stays silent.
    pub(super) what_next: &'static str,
    /// How it was in the last 24 hours, where that is told.
    pub(super) uptime: Option<String>,
    /// Its metadata.
    pub(super) metadata: Vec<(String, String)>,
}

impl RowView {
    /// `row` as `context` shows it.
    pub(super) fn new(row: Row, context: &Context<'_>) -> Self {
        let written = |span: &dyn Fn(i64) -> String| context.seen_ms.map(span).unwrap_or_default();
        let (tone, icon, why) = looks(&row);
        let address = with_port(&row.ip, row.port);
        Self {
            number: row.id,
            path: path::encode(&row.name),
            instance_path: path::encode(&row.instance),
            label: if context.shared.contains(&row.name) {
                format!("{} {address}", row.name)
            } else {
                row.name.clone()
            },
            key: (row.instance != address && row.instance != row.ip).then(|| row.instance.clone()),
            address,
            tone,
            icon,
            word: explain::state_word(&row),
            why,
            is_flapping: row.flapping,
            heard_ms: row.heard_ms,
            is_stepped: is_stepped(&row, context.offset_ms),
            due_ms: row.due_ms,
            age: written(&|up_ms| explain::age(&row, up_ms).to_string()),
            due: written(&|up_ms| explain::due_in(&row, up_ms).to_string()),
            heard: time(row.last_heartbeat),
            since: time_to_the_second(row.since),
            since_us: time(row.since),
            first_seen: time(row.first_seen),
            ttl: row.ttl_s.to_string(),
            what_next: match row.status {
                Status::Down => "leaves the registry",
                _ => "DOWN",
            },
            is_asked: context.asked == Some(row.id),
            ask: if context.query.is_empty() {
                format!("?ask={}", row.id)
            } else {
                format!("?{}&ask={}", context.query, row.id)
            },
            keep: format!("?{}", context.query),
            tags: row
                .tags
                .into_iter()
                .map(|tag| Tag::new(tag, context.root))
                .collect(),
            uptime: None,
            metadata: row.metadata.into_iter().collect(),
            name: row.name,
            instance: row.instance,
        }
    }
}

impl Tag {
    fn new(text: String, root: &str) -> Self {
        let href = link::to_tag(root, &text);
        Self { text, href }
    }
}

/// Color, shape and sentence of a row.
fn looks(row: &Row) -> (&'static str, &'static str, Why) {
    match row.status {
        Status::Down | Status::Gone => ("down", "d", Why::Down),
        Status::Up if row.late => ("late", "l", Why::Late),
        Status::Up if !row.confirmed => ("unsure", "l", Why::Unconfirmed),
        Status::Up => ("up", "u", Why::Nothing),
    }
}

/// Whether the wall clock was set, or the daemon was away, between the last heartbeat and now: then
/// its age is not the difference of two times.
fn is_stepped(row: &Row, offset_ms: i64) -> bool {
    let told_ms = row.last_heartbeat.as_micros().div_euclid(1_000) + offset_ms;
    EVEN_MS < (told_ms - row.heard_ms).abs()
}

/// An address as people write it: IPv6 in brackets before a port.
pub(super) fn with_port(ip: &str, port: Option<u16>) -> String {
    match port {
        None => ip.to_owned(),
        Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
        Some(port) => format!("{ip}:{port}"),
    }
}

/// A time that is at once its own machine-readable form (HTML, "valid global date and time
/// string"): `2026-11-24 13:58:07.812334Z`.
pub(super) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text.trim_end_matches("+00:00").replacen('T', " ", 1))
}

/// The same without its fraction.
pub(super) fn time_to_the_second(at: Timestamp) -> String {
    let whole = time(at);
    let seconds = whole.split('.').next().unwrap_or_default();
    format!("{seconds}Z")
}
