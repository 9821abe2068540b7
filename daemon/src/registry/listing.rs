//! Lists of rows: chosen and ordered outside the lock, written in small holds.

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;
use lastbeat_proto::answer::{Removed, ServicesAnswer};
use lastbeat_proto::query::{ListQuery, PAGE_SIZE, Sort, SortKey, StatusFilter};
use lastbeat_proto::{InstanceId, ServiceName};

use super::Registry;
use crate::instance::Life;
use crate::state::{Candidate, Cursor, Head, Place};

/// Rows that one hold of the lock looks at or writes.
const ROWS_A_HOLD: usize = 1_024;
/// Longer lists are not built whole in memory.
const MAX_WHOLE: usize = 10_000;

/// A list of rows as a JSON answer.
#[derive(Debug)]
pub enum Listing {
    /// The whole body.
    Whole(Bytes),
    /// More than 10,000 rows: chunks that are built as the reader takes them.
    Chunks(ListingChunks),
}

/// The body of a long list, chunk by chunk; each takes the lock for a moment only.
#[derive(Debug)]
pub struct ListingChunks {
    registry: Arc<Registry>,
    rows: Rows,
    /// What stands before the first row.
    opening: Option<Vec<u8>>,
    is_first_row: bool,
    is_closed: bool,
}

#[derive(Debug)]
enum Rows {
    /// Every registered row behind the given one, by name.
    All(Option<(ServiceName, InstanceId)>),
    /// These.
    Chosen(std::vec::IntoIter<Place>),
    /// No more.
    Done,
}

impl Iterator for ListingChunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.is_closed {
            return None;
        }
        let mut chunk = self.opening.take().unwrap_or_default();
        let before = chunk.len();
        if !self.is_first_row {
            chunk.push(b',');
        }
        let rows_from = chunk.len();
        self.write_rows(&mut chunk);
        if rows_from < chunk.len() {
            chunk.pop(); // The comma behind the last row: the next chunk brings its own.
            self.is_first_row = false;
        } else {
            chunk.truncate(before);
        }
        if matches!(self.rows, Rows::Done) {
            chunk.extend_from_slice(b"]}");
            self.is_closed = true;
        }
        Some(Bytes::from(chunk))
    }
}

impl ListingChunks {
    fn write_rows(&mut self, chunk: &mut Vec<u8>) {
        self.rows = match std::mem::replace(&mut self.rows, Rows::Done) {
            Rows::Done => Rows::Done,
            Rows::All(behind) => {
                let next = self
                    .registry
                    .hold(|state, now| state.write_rows(behind.as_ref(), ROWS_A_HOLD, now, chunk));
                next.map_or(Rows::Done, |last| Rows::All(Some(last)))
            }
            Rows::Chosen(mut places) => {
                self.registry.hold(|state, now| {
                    for place in places.by_ref().take(ROWS_A_HOLD) {
                        if state.write_row(place, now, chunk) {
                            chunk.push(b',');
                        }
                    }
                });
                if places.as_slice().is_empty() {
                    Rows::Done
                } else {
                    Rows::Chosen(places)
                }
            }
        };
    }
}

impl Registry {
    /// Every registered row, by name.
    pub fn list_all(self: &Arc<Self>) -> Listing {
        let head = self.hold(|state, now| {
            state.look(now);
            state.head(now)
        });
        let total = head.summary.total;
        self.listing(&head, total, true, &[], (Rows::All(None), total))
    }

    /// A filtered, sorted or paged list.
    pub fn list(self: &Arc<Self>, query: &ListQuery) -> Listing {
        let (head, places) = self.choose(query, SortKey::Name);
        let matching = places.len();
        let is_paged = query.page.is_some() || query.size.is_some();
        let shown = if is_paged {
            page_of(&places, query).to_vec()
        } else {
            places
        };
        let count = shown.len();
        let rows = (Rows::Chosen(shown.into_iter()), count);
        self.listing(&head, matching, false, &[], rows)
    }

    /// What changed since `cursor`, or everything where that cannot be told.
    pub(super) fn list_changes(self: &Arc<Self>, cursor: &Cursor) -> Listing {
        let changes = self.hold(|state, now| {
            state.look(now);
            state.can_tell_since(cursor).then(|| {
                let (places, removed) = state.changed_since(cursor);
                (state.head(now), places, removed)
            })
        });
        let Some((head, places, removed)) = changes else {
            return self.list_all();
        };
        let count = places.len();
        self.listing(
            &head,
            count,
            false,
            &removed,
            (Rows::Chosen(places.into_iter()), count),
        )
    }

    /// One page of rows, worst first where the query does not say.
    pub(super) fn page(self: &Arc<Self>, query: &ListQuery) -> ServicesAnswer {
        let (head, places) = self.choose(query, SortKey::Status);
        ServicesAnswer {
            services: self.rows(page_of(&places, query)),
            removed: Vec::new(),
            full: false,
            summary: head.summary,
            matching: places.len(),
            now: head.now,
            up_ms: head.up_ms,
            revision: head.revision,
            cursor: head.cursor,
            notices: head.notices,
        }
    }

    /// The rows that a query means, in its order, and what stands beside them.
    fn choose(&self, query: &ListQuery, default: SortKey) -> (Head, Vec<Place>) {
        let head = self.hold(|state, now| {
            state.look(now);
            state.head(now)
        });
        let filter = Filter::new(query);
        let mut chosen: Vec<Candidate> = Vec::new();
        let mut behind = None;
        loop {
            let (candidates, next) =
                self.hold(|state, _| state.candidates(behind.as_ref(), ROWS_A_HOLD));
            chosen.extend(
                candidates
                    .into_iter()
                    .filter(|candidate| filter.accepts(candidate)),
            );
            if next.is_none() {
                break;
            }
            behind = next;
        }
        sort(
            &mut chosen,
            query.sort.unwrap_or(Sort {
                key: default,
                is_reversed: false,
            }),
        );
        (
            head,
            chosen
                .into_iter()
                .map(|candidate| candidate.place)
                .collect(),
        )
    }

    fn listing(
        self: &Arc<Self>,
        head: &Head,
        matching: usize,
        full: bool,
        removed: &[Removed],
        (rows, count): (Rows, usize),
    ) -> Listing {
        #[derive(serde::Serialize)]
        struct Opening<'answer> {
            #[serde(flatten)]
            head: &'answer Head,
            matching: usize,
            full: bool,
            removed: &'answer [Removed],
        }
        // Numbers, texts and lists of them always serialize.
        let mut opening = serde_json::to_vec(&Opening {
            head,
            matching,
            full,
            removed,
        })
        .unwrap_or_default();
        opening.pop();
        opening.extend_from_slice(b",\"services\":[");
        let chunks = ListingChunks {
            registry: Arc::clone(self),
            rows,
            opening: Some(opening),
            is_first_row: true,
            is_closed: false,
        };
        if MAX_WHOLE < count {
            return Listing::Chunks(chunks);
        }
        let parts: Vec<Bytes> = chunks.collect();
        Listing::Whole(Bytes::from(parts.concat()))
    }
}

/// What a query lets through.
struct Filter<'query> {
    query: &'query ListQuery,
    /// The search text in lower case.
    needle: Option<String>,
}

impl<'query> Filter<'query> {
    fn new(query: &'query ListQuery) -> Self {
        let needle = query.q.as_ref().map(|q| q.trim().to_lowercase());
        Self {
            query,
            needle: needle.filter(|needle| !needle.is_empty()),
        }
    }

    fn accepts(&self, candidate: &Candidate) -> bool {
        let detail = &candidate.detail;
        let has_name = self
            .query
            .name
            .as_ref()
            .is_none_or(|name| detail.name.as_str() == name);
        let has_tag = self
            .query
            .tag
            .as_ref()
            .is_none_or(|tag| detail.tags.contains(tag));
        let has_status = match self.query.status {
            None => true,
            Some(StatusFilter::Up) => candidate.life == Life::Up,
            Some(StatusFilter::Late) => candidate.is_late,
            Some(StatusFilter::Down) => candidate.life == Life::Down,
        };
        has_name && has_tag && has_status && self.finds(candidate)
    }

    fn finds(&self, candidate: &Candidate) -> bool {
        let Some(needle) = &self.needle else {
            return true;
        };
        let detail = &candidate.detail;
        let has = |text: &str| text.to_lowercase().contains(needle);
        has(detail.name.as_str())
            || has(detail.instance.as_str())
            || has(&detail.address.with_port(detail.port))
            || detail.tags.iter().any(|tag| has(tag))
    }
}

/// Orders candidates that come by name and instance; equal ones keep that order.
fn sort(candidates: &mut [Candidate], sort: Sort) {
    match sort.key {
        SortKey::Name => {}
        SortKey::Status => candidates.sort_by_key(|c| (c.life == Life::Up, Reverse(c.is_late))),
        SortKey::Address => {
            candidates.sort_by_cached_key(|c| c.detail.address.with_port(c.detail.port));
        }
        SortKey::Heartbeat => candidates.sort_by_key(|c| c.heard),
        SortKey::Since => candidates.sort_by_key(|c| c.since),
    }
    if sort.is_reversed {
        candidates.reverse();
    }
}

/// The part of a list that a query's page shows; a page behind the end shows nothing.
fn page_of<'places>(places: &'places [Place], query: &ListQuery) -> &'places [Place] {
    let size = query.size.unwrap_or(PAGE_SIZE);
    let from = query
        .page
        .unwrap_or(1)
        .saturating_sub(1)
        .saturating_mul(size)
        .min(places.len());
    let to = from.saturating_add(size).min(places.len());
    places.get(from..to).unwrap_or_default()
}
