//! The registry: one lock around the state, the clock that is read inside it, and the waiting
//! that happens outside.
//!
//! One hold of the lock per command, one reading of the clock per hold. Answers about a row wait
//! until the row's last change is stored (ADR 0003). Who calls: HTTP handlers, the sweep task and
//! the store thread. What a command means is left to [`crate::state`].

mod listing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastbeat_proto::answer::{
    DeregisterAnswer, EventsAnswer, GoneAnswer, HealthAnswer, HeartbeatAnswer, Notice, NoticeLevel,
    RefreshAnswer, RegisterAnswer, Row, ServicesAnswer, StoreHealth, Summary,
};
use lastbeat_proto::query::{HistoryQuery, ListQuery};
use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, EventKind, InstanceId, ServiceName, Span, Status};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tracing::info;

use crate::clock::{Clock, Moment, Mono};
use crate::state::record::EventRecord;
use crate::state::{Cursor, Heard, Place, Refusal, State};
use crate::store::History;

pub use self::listing::{Listing, ListingChunks};

/// The sweep looks at the clock at least this often, so that a stall of the machine is seen.
pub const MAX_SLEEP: Span = Span::from_micros(250_000);
/// Events of one hold that get a log line each; the rest of a storm is counted in one.
const MAX_LOGGED: usize = 20;
/// Events of the dashboard's pane.
const PAGE_EVENTS: usize = 20;
/// Tombstones of the dashboard's section.
const PAGE_GONE: usize = 200;

/// Why a command was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// The name, or the instance of it, is not registered.
    #[error("service {name} is not registered; register it first with POST /register")]
    Unknown {
        /// As it was asked for.
        name: String,
    },
    /// Several instances have the name and none was named.
    #[error("{} instances are registered as {name}: {}; name one with ?instance=", instances.len(), instances.join(", "))]
    Ambiguous {
        /// Name of the service.
        name: String,
        /// Their keys.
        instances: Vec<String>,
    },
    /// No room for another instance.
    #[error(
        "the registry holds {limit} instances, its limit; deregister some or raise --max-instances"
    )]
    Full {
        /// The limit.
        limit: usize,
    },
    /// Seen and shown, but not stored in time.
    #[error(
        "seen and shown, but not stored within {waited}; send it again until it is answered with 200"
    )]
    NotStored {
        /// How long the answer waited.
        waited: Span,
    },
    /// Older events cannot be read now.
    #[error("older events cannot be read from the store now; ask again in a few seconds")]
    HistoryUnavailable {
        /// What the store said; for the log only.
        cause: String,
    },
}

/// Everything the dashboard's page shows.
#[derive(Debug)]
pub struct Overview {
    /// The page of rows that the query asked for, with counts, notices and clocks.
    pub services: ServicesAnswer,
    /// Tombstones that are shown, newest first.
    pub gone: GoneAnswer,
    /// The last events.
    pub events: EventsAnswer,
}

/// Owner of the state.
#[derive(Debug)]
pub struct Registry {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    max_instances: usize,
    storage_wait: Span,
    history: History,
    /// The urgent number up to which everything is stored.
    stored: watch::Sender<u64>,
    /// The last change that wakes waiting readers.
    changed: watch::Sender<u64>,
    /// Tells the store that something wants to be written.
    nudge: Notify,
    is_serving: AtomicBool,
}

impl Registry {
    /// A registry around a loaded state.
    pub fn new(
        state: State,
        clock: Arc<dyn Clock>,
        history: History,
        max_instances: usize,
        storage_wait: Span,
    ) -> Self {
        Self {
            changed: watch::Sender::new(state.waking_change()),
            state: Mutex::new(state),
            clock,
            max_instances,
            storage_wait,
            history,
            stored: watch::Sender::new(0),
            nudge: Notify::new(),
            is_serving: AtomicBool::new(false),
        }
    }

    /// The clock that the registry reads.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// One command: the lock is taken, the clock is read, and what the command left behind is
    /// told to the store, to readers and to the log after unlocking.
    pub(crate) fn hold<T>(&self, command: impl FnOnce(&mut State, Moment) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.clock.now();
        let (revision, waking) = (state.revision(), state.waking_change());
        let result = command(&mut state, now);
        let wants_store = state.wants_store();
        let is_changed = waking != state.waking_change();
        let waking = state.waking_change();
        let recorded = state.revision() - revision;
        let events = if recorded == 0 {
            Vec::new()
        } else {
            state.recorded_since(revision, MAX_LOGGED)
        };
        drop(state);
        if wants_store {
            self.nudge.notify_one();
        }
        if is_changed {
            self.changed.send_replace(waking);
        }
        log(&events, recorded);
        result
    }

    /// Registers an instance, or hears it again. `caller` is where the request came from: the
    /// address of a registration without one.
    ///
    /// # Errors
    /// [`RegistryError::Full`] and [`RegistryError::NotStored`].
    pub async fn register(
        &self,
        registration: &Registration,
        caller: &Address,
    ) -> Result<RegisterAnswer, RegistryError> {
        let heard = self.hold(|state, now| {
            let heard = state.register(registration, caller, now)?;
            Ok((heard, state.row(heard.place, now).ok_or(Refusal::Unknown)?))
        });
        let (heard, service) =
            heard.map_err(|refusal| self.refused(&registration.name, refusal))?;
        self.until_stored(heard.urgent).await?;
        let done = if heard.is_created {
            "registered"
        } else {
            "heard"
        };
        let from = match registration.ip {
            Some(_) => String::new(),
            None => format!(" at {}, the address the request came from", service.ip),
        };
        let every = service.ttl_s.third();
        Ok(RegisterAnswer {
            message: format!(
                "{} {done}{from}; send this again every {every}",
                service.name
            ),
            created: heard.is_created,
            ttl_s: service.ttl_s,
            heartbeat_every_s: every,
            service,
        })
    }

    /// Hears an instance that is registered already.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], [`RegistryError::Ambiguous`] and [`RegistryError::NotStored`].
    pub async fn heartbeat(
        &self,
        name: &ServiceName,
        instance: Option<&InstanceId>,
        caller: &Address,
    ) -> Result<HeartbeatAnswer, RegistryError> {
        let heard = self.hold(|state, now| -> Result<(Heard, Row), Refusal> {
            let heard = state.heartbeat(name, instance, caller, now)?;
            Ok((heard, state.row(heard.place, now).ok_or(Refusal::Unknown)?))
        });
        let (heard, service) = heard.map_err(|refusal| self.refused(name, refusal))?;
        self.until_stored(heard.urgent).await?;
        let every = service.ttl_s.third();
        Ok(HeartbeatAnswer {
            message: format!("{} heard; send this again every {every}", service.name),
            ttl_s: service.ttl_s,
            heartbeat_every_s: every,
            service,
        })
    }

    /// Takes out all instances of a name, or one.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] and [`RegistryError::NotStored`].
    pub async fn deregister(
        &self,
        name: &ServiceName,
        instance: Option<&InstanceId>,
    ) -> Result<DeregisterAnswer, RegistryError> {
        let done = self.hold(|state, now| {
            let done = state.deregister(name, instance, now)?;
            let removed: Vec<_> = done
                .places
                .iter()
                .filter_map(|place| state.removed(*place))
                .collect();
            Ok((done.urgent, removed))
        });
        let (urgent, removed) = done.map_err(|refusal| self.refused(name, refusal))?;
        self.until_stored(urgent).await?;
        let message = match removed.len() {
            0 => format!("{name} was deregistered already"),
            1 => format!("{name} deregistered"),
            count => format!("{count} instances of {name} deregistered"),
        };
        Ok(DeregisterAnswer { message, removed })
    }

    /// Judges a service again now; never a heartbeat.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] when no instance of it is registered.
    pub fn refresh(&self, name: &ServiceName) -> Result<RefreshAnswer, RegistryError> {
        self.hold(|state, now| {
            let places = state.judged_of_name(name, now);
            let instances: Vec<Row> = places
                .iter()
                .filter_map(|place| state.row(*place, now))
                .collect();
            let last_heartbeat = instances
                .iter()
                .map(|row| row.last_heartbeat)
                .max()
                .ok_or_else(|| RegistryError::Unknown {
                    name: name.to_string(),
                })?;
            let is_up = instances.iter().any(|row| row.status == Status::Up);
            Ok(RefreshAnswer {
                name: name.to_string(),
                status: if is_up { Status::Up } else { Status::Down },
                last_heartbeat,
                instances,
                now: now.wall,
                up_ms: state.up_ms(now),
            })
        })
    }

    /// Judges everything again now; the answer is the whole list.
    pub fn refresh_all(self: &Arc<Self>) -> Listing {
        self.sweep();
        self.list_all()
    }

    /// What changed since `cursor`, which waits for up to `wait` for something worth telling.
    /// A cursor that cannot be used gets the whole list.
    pub async fn delta(self: &Arc<Self>, cursor: &str, wait: Option<Span>) -> Listing {
        let Some(cursor) = Cursor::parse(cursor) else {
            return self.list_all();
        };
        if let Some(wait) = wait {
            self.until_changed(&cursor, wait).await;
        }
        self.list_changes(&cursor)
    }

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
        let before = query.before.unwrap_or(u64::MAX);
        let (mut events, now, missing) = self.hold(|state, now| {
            let (events, may_be_older) = state.events(name, before, query.limit, now);
            let missing = may_be_older.then(|| before.min(state.oldest_event()));
            (events, now, missing)
        });
        if let Some(before) = missing {
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
            let notices = state.notices(now);
            let is_degraded = notices
                .iter()
                .any(|notice| notice.level == NoticeLevel::Error);
            let trouble = state.store().trouble.as_ref();
            HealthAnswer {
                status: if is_degraded { "degraded" } else { "ok" }.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                now: now.wall,
                up_ms: state.up_ms(now),
                store: StoreHealth {
                    writing: trouble.is_none(),
                    error: trouble.map(|(error, _)| error.clone()),
                    waiting: state.waiting_to_store(),
                },
                notices,
            }
        })
    }

    /// How many rows are how.
    pub fn summary(&self) -> Summary {
        self.hold(|state, _| state.summary())
    }

    /// Whether the daemon serves: false until everything is loaded and while it stops.
    pub fn is_ready(&self) -> bool {
        self.is_serving.load(Ordering::Acquire)
    }

    /// From now on the daemon serves.
    pub(crate) fn start_serving(&self) {
        self.hold(State::listen);
        self.is_serving.store(true, Ordering::Release);
    }

    /// The daemon stops: who waits for a change is answered.
    pub(crate) fn stop_serving(&self) {
        self.is_serving.store(false, Ordering::Release);
        self.changed.send_modify(|_| {});
    }

    /// Acts on every deadline that is due, in small holds; says when to look again.
    pub(crate) fn sweep(&self) -> Mono {
        while self.hold(State::sweep) {}
        let until_due = self.state.lock().until_due();
        let sleep = until_due.map_or(MAX_SLEEP, |span| span.min(MAX_SLEEP));
        self.clock.now().mono.plus(sleep)
    }

    /// Adds a notice that stands as long as the daemon runs.
    pub(crate) fn add_lasting_notice(&self, notice: Notice) {
        self.hold(|state, _| state.add_lasting_notice(notice));
    }

    /// Everything up to this urgent number is stored: who waits for it is answered.
    pub(crate) fn publish(&self, urgent: u64) {
        self.hold(|state, _| state.publish(urgent));
        self.stored.send_replace(urgent);
    }

    /// Ends when something wants to be written.
    pub(crate) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    async fn until_stored(&self, urgent: u64) -> Result<(), RegistryError> {
        if urgent <= *self.stored.borrow() {
            return Ok(());
        }
        let mut stored = self.stored.subscribe();
        let deadline = self.clock.now().mono.plus(self.storage_wait);
        tokio::select! {
            // The sender lives as long as the registry.
            _ = stored.wait_for(|stored| urgent <= *stored) => Ok(()),
            () = self.clock.sleep_until(deadline) => {
                Err(RegistryError::NotStored { waited: self.storage_wait })
            }
        }
    }

    async fn until_changed(&self, cursor: &Cursor, wait: Span) {
        let mut changed = self.changed.subscribe();
        let deadline = self.clock.now().mono.plus(wait);
        loop {
            let wakes = self.hold(|state, now| {
                state.look(now);
                state.wakes(cursor)
            });
            if wakes || !self.is_ready() {
                return;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = self.clock.sleep_until(deadline) => return,
            }
        }
    }

    fn refused(&self, name: &ServiceName, refusal: Refusal) -> RegistryError {
        let name = name.to_string();
        match refusal {
            Refusal::Unknown => RegistryError::Unknown { name },
            Refusal::Full => RegistryError::Full {
                limit: self.max_instances,
            },
            Refusal::Ambiguous(instances) => {
                let instances = instances.iter().map(InstanceId::to_string).collect();
                RegistryError::Ambiguous { name, instances }
            }
        }
    }

    /// Rows at these places, those that are still registered.
    fn rows(&self, places: &[Place]) -> Vec<Row> {
        self.hold(|state, now| {
            places
                .iter()
                .filter_map(|place| state.row(*place, now))
                .collect()
        })
    }
}

/// One line an event; a storm ends in one line that counts the rest.
fn log(newest_first: &[EventRecord], recorded: u64) {
    for event in newest_first.iter().rev() {
        let reason = event.reason.as_deref().unwrap_or_default();
        match &event.subject {
            None => info!(event.kind = event.kind.word(), "{reason}"),
            Some(subject) => {
                let (name, instance) = (&subject.name, &subject.instance);
                let became = match event.kind {
                    EventKind::Down => "DOWN",
                    EventKind::Gone => "GONE",
                    EventKind::Up => "UP again",
                    EventKind::Back => "back",
                    EventKind::Registered => "registered",
                    _ => "changed",
                };
                info!(
                    event.kind = event.kind.word(),
                    service.name = %name,
                    service.instance = %instance,
                    "service {name} ({instance}) is {became}: {reason}"
                );
            }
        }
    }
    let more = recorded.saturating_sub(newest_first.len() as u64);
    if 0 < more {
        info!(
            event.count = more,
            "and {more} more events in the same moment; see GET /events"
        );
    }
}
