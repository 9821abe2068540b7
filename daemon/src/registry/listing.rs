//! Lists of rows: chosen and ordered outside the lock. How they are written is left to
//! [`super::pieces`].

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use lastbeat_proto::ServiceName;
use lastbeat_proto::answer::ServicesAnswer;
use lastbeat_proto::query::{ListQuery, PAGE_SIZE, Sort, SortKey, StatusFilter};

use super::Registry;
use super::pieces::{Listing, PIECE, Rows};
use crate::instance::Life;
use crate::state::{Candidate, Cursor, Detail, Head, Place, WorstFirst};

impl Registry {
    /// Every registered row, by name.
    pub fn list_all(self: &Arc<Self>) -> Listing {
        let head = self.look();
        let total = head.summary.total;
        self.listing(&head, (total, true), Vec::new(), Rows::all(total))
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
        self.listing(&head, (matching, false), Vec::new(), Rows::chosen(shown))
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
        self.listing(&head, (places.len(), false), removed, Rows::chosen(places))
    }

    /// One page of rows, worst first where the query does not say.
    pub fn page(self: &Arc<Self>, query: &ListQuery) -> ServicesAnswer {
        let worst = is_of_all_worst_first(query).then(|| self.choose_worst(query));
        let (head, shown, matching) = worst.flatten().unwrap_or_else(|| {
            let (head, places) = self.choose(query, SortKey::Status);
            let shown = page_of(&places, query).to_vec();
            (head, shown, places.len())
        });
        ServicesAnswer {
            services: self.rows(&shown),
            removed: Vec::new(),
            full: false,
            summary: head.summary,
            matching,
            now: head.now,
            up_ms: head.up_ms,
            revision: head.revision,
            cursor: head.cursor,
            notices: head.notices,
        }
    }

    fn look(&self) -> Head {
        self.hold(|state, now| {
            state.look(now);
            state.head(now)
        })
    }

    /// The page of a query that means all rows of a status, and how many these are. It is what is
    /// opened most, and by everybody who watches every second. None where a row changed its status
    /// between two holds so that it was in neither of its places.
    fn choose_worst(&self, query: &ListQuery) -> Option<(Head, Vec<Place>, usize)> {
        let head = self.look();
        let summary = &head.summary;
        let matching = match query.status {
            None => summary.total,
            Some(StatusFilter::Up) => summary.up,
            Some(StatusFilter::Late) => summary.late,
            Some(StatusFilter::Down) => summary.down,
        };
        let window = window_of(matching, query);
        let mut worst = WorstFirst::new(summary, query.status, window);
        let mut behind = None;
        loop {
            behind = self.hold(|state, _| state.find_worst(behind.as_ref(), &mut worst));
            if behind.is_none() {
                break;
            }
        }
        Some((head, worst.into_places()?, matching))
    }

    /// The rows that a query means, in its order, and what stands beside them.
    fn choose(&self, query: &ListQuery, default: SortKey) -> (Head, Vec<Place>) {
        let head = self.look();
        let filter = Filter::new(query);
        let mut chosen = self.candidates(query);
        chosen.retain(|candidate| filter.accepts(candidate));
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

    /// All registered rows that a query may mean, by name and instance.
    fn candidates(&self, query: &ListQuery) -> Vec<Candidate> {
        let mut all = Vec::new();
        if let Some(name) = &query.name {
            // What is no name is nobody's.
            if let Ok(name) = ServiceName::parse(name) {
                self.each_of_name(&name, |state, places, _| {
                    all.extend(places.iter().filter_map(|place| state.candidate(*place)));
                });
            }
            return all;
        }
        let mut behind = None;
        loop {
            let (some, next) = self.hold(|state, _| state.candidates(behind.as_ref(), PIECE.rows));
            all.extend(some);
            if next.is_none() {
                return all;
            }
            behind = next;
        }
    }

    fn listing(
        self: &Arc<Self>,
        head: &Head,
        (matching, full): (usize, bool),
        removed: Vec<Arc<Detail>>,
        rows: Rows,
    ) -> Listing {
        #[derive(serde::Serialize)]
        struct Opening<'answer> {
            #[serde(flatten)]
            head: &'answer Head,
            matching: usize,
            full: bool,
        }
        // Numbers, texts and lists of them always serialize.
        let mut opening = serde_json::to_vec(&Opening {
            head,
            matching,
            full,
        })
        .unwrap_or_default();
        opening.pop();
        opening.extend_from_slice(b",\"removed\":[");
        Listing::behind_removed(self, opening, removed, rows)
    }
}

/// What a query lets through, its name aside.
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
        let has_tag = self
            .query
            .tag
            .as_ref()
            .is_none_or(|tag| detail.tags().contains(tag));
        let has_status = match self.query.status {
            None => true,
            Some(StatusFilter::Up) => candidate.life == Life::Up,
            Some(StatusFilter::Late) => candidate.is_late,
            Some(StatusFilter::Down) => candidate.life == Life::Down,
        };
        has_tag && has_status && self.finds(candidate)
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
            || detail.tags().iter().any(|tag| has(tag))
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

/// Whether a query leaves out no row but by its status, and none of its order is asked for.
fn is_of_all_worst_first(query: &ListQuery) -> bool {
    let has_text = query.q.as_ref().is_some_and(|q| !q.trim().is_empty());
    query.name.is_none() && query.tag.is_none() && query.sort.is_none() && !has_text
}

/// The part of a list that a query's page shows; a page behind the end shows nothing.
fn page_of<'places>(places: &'places [Place], query: &ListQuery) -> &'places [Place] {
    let window = window_of(places.len(), query);
    places.get(window).unwrap_or_default()
}

/// Where that part lies in a list of so many rows.
fn window_of(rows: usize, query: &ListQuery) -> Range<usize> {
    let size = query.size.unwrap_or(PAGE_SIZE);
    let from = query
        .page
        .unwrap_or(1)
        .saturating_sub(1)
        .saturating_mul(size)
        .min(rows);
    from..from.saturating_add(size).min(rows)
}

#[cfg(test)]
mod tests;
