//! What is read: the page's parts, history, tombstones, health.

use std::sync::Arc;

use lastbeat_proto::ServiceName;
use lastbeat_proto::answer::{
    EventsAnswer, GoneAnswer, HealthAnswer, NoticeLevel, Row, StoreHealth, Summary, UptimeAnswer,
};
use lastbeat_proto::query::{self, HistoryQuery, ListQuery};

use super::{Overview, PAGE_EVENTS, PAGE_GONE, Past, Registry, RegistryError};
use crate::state::record::EventRecord;
use crate::state::{Figures, MASS_LOSS, Place, Watched};

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
        let before = query.before.unwrap_or(u64::MAX);
        let events = self.recorded(query.name.as_deref(), before, query.limit)?;
        Ok(self.shown(&events, query.limit))
    }

    /// How a service was in the last days. Blocks while it reads the store.
    ///
    /// # Errors
    /// [`RegistryError::HistoryUnavailable`], and [`RegistryError::Unknown`] for a name of which
    /// nothing is known.
    pub fn uptime(&self, name: &ServiceName) -> Result<UptimeAnswer, RegistryError> {
        let events = self.recorded(Some(name.as_str()), u64::MAX, query::MAX_LIMIT)?;
        let watched = self.watched(name);
        if events.is_empty() && watched.is_empty() {
            return Err(RegistryError::Unknown {
                name: name.to_string(),
                instance: None,
            });
        }
        Ok(watched.uptime(&events, query::MAX_LIMIT))
    }

    /// As of this moment: what is counted back from it must meet the times of the events.
    fn watched(&self, name: &ServiceName) -> Watched {
        let mut watched = Watched::new(name);
        self.each_of_name(name, |state, places, now| {
            state.look(now);
            watched.add(state, places, now);
        });
        watched
    }

    /// What the page of a service tells of its past. Blocks while it reads the store; where that
    /// fails, what is in memory must do, and the cause is told beside it.
    pub fn past(&self, name: &ServiceName) -> Past {
        let text = name.as_str();
        let (events, missing) = match self.recorded(Some(text), u64::MAX, query::MAX_LIMIT) {
            Ok(events) => (events, None),
            Err(error) => (
                self.hold(|state, _| state.recorded(Some(text), u64::MAX, query::LIMIT).0),
                Some(error),
            ),
        };
        let watched = self.watched(name);
        let newest = events.get(..query::LIMIT).unwrap_or(&events);
        Past {
            events: self.shown(newest, query::LIMIT),
            uptime: watched.uptime(&events, query::MAX_LIMIT),
            missing,
        }
    }

    /// `events` as they are shown; as many as `limit` may have older ones behind them.
    fn shown(&self, events: &[EventRecord], limit: usize) -> EventsAnswer {
        let before = events.last().map(|event| event.revision);
        let before = before.filter(|revision| events.len() == limit && 1 < *revision);
        self.hold(|state, now| EventsAnswer {
            events: events.iter().map(|event| state.event(event, now)).collect(),
            now: now.wall,
            before,
        })
    }

    /// At most `limit` events with a revision below `below`, newest first, from memory and then
    /// from the store.
    fn recorded(
        &self,
        name: Option<&str>,
        mut below: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, RegistryError> {
        let mut events = Vec::new();
        let missing = loop {
            let left = limit - events.len();
            let (found, goes_on, oldest) = self.hold(|state, _| {
                let (found, goes_on) = state.recorded(name, below, left);
                (found, goes_on, state.oldest_event())
            });
            events.extend(found);
            match goes_on {
                Some(next) if oldest < next => below = next,
                missing => break missing,
            }
        };
        if let Some(before) = missing {
            let busy = |_full| RegistryError::HistoryUnavailable {
                cause: "too many readers at a time".to_owned(),
            };
            let _turn = self.history_turns.try_acquire().map_err(busy)?;
            let older = self
                .history
                .older_events(name, before, limit - events.len())
                .map_err(|error| RegistryError::HistoryUnavailable {
                    cause: error.to_string(),
                })?;
            events.extend(older);
        }
        Ok(events)
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
