//! What is read: the page's parts, history, tombstones, health.

use std::sync::Arc;

use lastbeat_proto::answer::{
    EventsAnswer, GoneAnswer, HealthAnswer, NoticeLevel, Row, StoreHealth, Summary,
};
use lastbeat_proto::query::{HistoryQuery, ListQuery};

use super::{Overview, PAGE_EVENTS, PAGE_GONE, Registry, RegistryError};
use crate::state::{Figures, MASS_LOSS, Place};

impl Registry {
    /// Everything the dashboard's page shows.
    pub fn overview(self: &Arc<Self>, query: &ListQuery) -> Overview {
        let services = self.page(query);
        let (gone, events, now) = self.hold(|state, now| {
            let (events, _) = state.events(None, u64::MAX, PAGE_EVENTS, now);
            (state.gone(None, PAGE_GONE, now), events, now.wall)
        });
        Overview {
            services,
            gone: GoneAnswer { gone, now },
            events: EventsAnswer {
                events,
                now,
                before: None,
            },
        }
    }

    /// What happened, newest first. Blocks while it reads the store, for events that are not in
    /// memory any more.
    ///
    /// # Errors
    /// [`RegistryError::HistoryUnavailable`].
    pub fn events(&self, query: &HistoryQuery) -> Result<EventsAnswer, RegistryError> {
        let name = query.name.as_deref();
        let mut events = Vec::new();
        let mut below = query.before.unwrap_or(u64::MAX);
        let (now, missing) = loop {
            let (found, goes_on, oldest, now) = self.hold(|state, now| {
                let left = query.limit - events.len();
                let (found, goes_on) = state.events(name, below, left, now);
                (found, goes_on, state.oldest_event(), now)
            });
            events.extend(found);
            match goes_on {
                Some(next) if oldest < next => below = next,
                missing => break (now, missing),
            }
        };
        if let Some(before) = missing {
            let busy = |_full| RegistryError::HistoryUnavailable {
                cause: "too many readers at a time".to_owned(),
            };
            let _turn = self.history_turns.try_acquire().map_err(busy)?;
            let older = self
                .history
                .older_events(name, before, query.limit - events.len())
                .map_err(|error| RegistryError::HistoryUnavailable {
                    cause: error.to_string(),
                })?;
            self.hold(|state, now| {
                events.extend(older.iter().map(|event| state.event(event, now)));
            });
        }
        let before = events.last().map(|event| event.revision);
        let before = before.filter(|revision| events.len() == query.limit && 1 < *revision);
        Ok(EventsAnswer {
            events,
            now: now.wall,
            before,
        })
    }

    /// Tombstones that are shown, newest first.
    pub fn gone(&self, query: &HistoryQuery) -> GoneAnswer {
        self.hold(|state, now| {
            state.look(now);
            let gone = state.gone(query.name.as_deref(), query.limit, now);
            GoneAnswer {
                gone,
                now: now.wall,
            }
        })
    }

    /// How the daemon itself is. Never touches the disk.
    pub fn health(&self) -> HealthAnswer {
        self.hold(|state, now| {
            state.look(now);
            let notices = state.notices();
            let trouble = state.store_trouble();
            // The services' trouble is not the daemon's own.
            let is_degraded = notices
                .iter()
                .any(|notice| notice.level == NoticeLevel::Error && notice.kind != MASS_LOSS);
            HealthAnswer {
                status: if is_degraded { "degraded" } else { "ok" }.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                now: now.wall,
                up_ms: state.up_ms(now),
                store: StoreHealth {
                    writing: trouble.is_none(),
                    error: trouble.map(|trouble| trouble.cause.clone()),
                    waiting: state.waiting_to_store(),
                },
                notices,
            }
        })
    }

    /// What the daemon counts about itself. Never touches the disk.
    pub fn figures(&self) -> Figures {
        self.hold(|state, now| {
            state.look(now);
            state.figures(now)
        })
    }

    /// How many rows are how.
    pub fn summary(&self) -> Summary {
        self.hold(|state, _| state.summary())
    }

    /// Rows at these places, those that are still registered.
    pub(super) fn rows(&self, places: &[Place]) -> Vec<Row> {
        self.hold(|state, now| {
            places
                .iter()
                .filter_map(|place| state.row(*place, now))
                .collect()
        })
    }
}
