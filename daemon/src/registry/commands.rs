//! Commands of clients: done in one hold, answered once they are stored.

use std::sync::Arc;

use lastbeat_proto::answer::DeregisterAnswer;
use lastbeat_proto::register::{Registration, Texts};
use lastbeat_proto::{Address, InstanceId, ServiceName, Status, Timestamp};

use super::heard::{By, HeardAnswer};
use super::pieces::{Listing, PIECE, Rows};
use super::{Registry, RegistryError};
use crate::clock::Moment;
use crate::state::{Deregistered, Heard, Place, Refusal, RowSnapshot, State};

impl Registry {
    /// Registers an instance, or hears it again. `caller` is where the request came from: the
    /// address of a registration without one.
    ///
    /// # Errors
    /// [`RegistryError::Full`] and [`RegistryError::NotStored`].
    pub async fn register(
        &self,
        registration: &Registration,
        caller: &Address,
    ) -> Result<HeardAnswer, RegistryError> {
        let heard = self.hold(|state, now| {
            let heard = state.register(registration, caller, now)?;
            row_of(state, heard, now)
        });
        let heard = heard.map_err(|refusal| self.refused(&registration.name, None, refusal))?;
        let by = By::Registration {
            is_created: heard.0.is_created,
            is_at_caller: registration.ip.is_none(),
        };
        let heard = answer_to(heard, by);
        self.until_stored(heard.urgent).await?;
        Ok(heard)
    }

    /// Hears a known instance again whose registration changes nothing; nobody where it would. The
    /// answer may be given when its [`urgent`](HeardAnswer::urgent) number is stored.
    pub fn hear_again(&self, registration: &Registration, caller: &Address) -> Option<HeardAnswer> {
        let heard = self.hold(|state, now| {
            let heard = state.hear_again(registration, caller, now)?;
            row_of(state, heard, now).ok()
        });
        heard.map(|heard| answer_to(heard, By::known(registration.ip.as_ref())))
    }

    /// Hears the instance that is known by these very texts; nobody where none is. As with
    /// [`Self::hear_again`], the answer may have to wait.
    pub fn hear_by_texts(&self, texts: &Texts<'_>, caller: &Address) -> Option<HeardAnswer> {
        let heard = self.hold(|state, now| {
            let heard = state.hear_by_texts(texts, caller, now)?;
            row_of(state, heard, now).ok()
        });
        heard.map(|heard| answer_to(heard, By::known(texts.ip)))
    }

    /// Hears an instance that is registered already. The answer may be given when its
    /// [`urgent`](HeardAnswer::urgent) number is stored.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] and [`RegistryError::Ambiguous`].
    pub fn heartbeat(
        &self,
        name: &ServiceName,
        instance: Option<&InstanceId>,
        caller: &Address,
    ) -> Result<HeardAnswer, RegistryError> {
        let heard = self.hold(|state, now| {
            let heard = state.heartbeat(name, instance, caller, now)?;
            row_of(state, heard, now)
        });
        let heard = heard.map_err(|refusal| self.refused(name, instance, refusal))?;
        Ok(answer_to(heard, By::Name))
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
        let mut removed = Vec::new();
        let mut urgent = None;
        let mut note = |state: &State, done: Deregistered| {
            urgent = urgent.max(Some(done.urgent));
            removed.extend(done.places.iter().filter_map(|place| state.removed(*place)));
        };
        if instance.is_some() {
            let done = self.hold(|state, now| {
                let done = state.deregister(name, instance, now)?;
                note(state, done);
                Ok(())
            });
            done.map_err(|refusal| self.refused(name, instance, refusal))?;
        } else {
            self.each_of_name(name, |state, places, now| {
                if !places.is_empty() {
                    let done = state.deregister_all(places, now);
                    note(state, done);
                }
            });
        }
        let urgent = urgent.ok_or_else(|| self.refused(name, instance, Refusal::Unknown))?;
        self.until_stored(urgent).await?;
        let message = match removed.len() {
            0 => format!("{name} was deregistered already"),
            1 => format!("{name} deregistered"),
            count => format!("{count} instances of {name} deregistered"),
        };
        Ok(DeregisterAnswer { message, removed })
    }

    /// Judges a service again now; never a heartbeat. The answer is a
    /// [`RefreshAnswer`](lastbeat_proto::answer::RefreshAnswer).
    ///
    /// # Errors
    /// [`RegistryError::Unknown`] when no instance of it is registered.
    pub fn refresh(self: &Arc<Self>, name: &ServiceName) -> Result<Listing, RegistryError> {
        #[derive(serde::Serialize)]
        struct Opening<'answer> {
            name: &'answer str,
            status: Status,
            last_heartbeat: Timestamp,
            now: Timestamp,
            up_ms: i64,
        }
        let mut all = Vec::new();
        let mut together: Option<Opening<'_>> = None;
        self.each_of_name(name, |state, places, now| {
            let judged = state.judged(places, now);
            let Some((status, last_heartbeat)) = state.together(&judged, now) else {
                return;
            };
            all.extend(judged);
            let before = together.take();
            let was_up = before
                .as_ref()
                .is_some_and(|before| before.status == Status::Up);
            together = Some(Opening {
                name: name.as_str(),
                status: if was_up { Status::Up } else { status },
                last_heartbeat: before.map_or(last_heartbeat, |before| {
                    before.last_heartbeat.max(last_heartbeat)
                }),
                now: now.wall,
                up_ms: state.up_ms(now),
            });
        });
        let opening = together.ok_or_else(|| self.refused(name, None, Refusal::Unknown))?;
        // Texts and numbers always serialize.
        let mut opening = serde_json::to_vec(&opening).unwrap_or_default();
        opening.pop();
        opening.extend_from_slice(b",\"instances\":[");
        Ok(Listing::new(self, opening, Rows::chosen(all)))
    }

    /// Does something with all rows of a name, living ones and tombstones, so many in each hold of
    /// the lock that nobody waits long for it.
    pub(super) fn each_of_name(
        &self,
        name: &ServiceName,
        mut act: impl FnMut(&mut State, &[Place], Moment),
    ) {
        let mut behind = None;
        loop {
            behind = self.hold(|state, now| {
                let (places, next) = state.portion_of_name(name, behind.as_ref(), PIECE.rows);
                act(state, &places, now);
                next
            });
            if behind.is_none() {
                return;
            }
        }
    }

    /// Whether everything up to this urgent number is stored.
    pub fn has_stored(&self, urgent: u64) -> bool {
        self.stored.has(urgent)
    }

    /// Waits until everything up to this urgent number is stored.
    ///
    /// # Errors
    /// [`RegistryError::NotStored`].
    pub async fn until_stored(&self, urgent: u64) -> Result<(), RegistryError> {
        if self.has_stored(urgent) {
            return Ok(());
        }
        let deadline = self.clock.now().mono.plus(self.storage_wait);
        tokio::select! {
            () = self.stored.until(urgent) => Ok(()),
            () = self.clock.sleep_until(deadline) => {
                Err(RegistryError::NotStored { waited: self.storage_wait })
            }
        }
    }

    fn refused(
        &self,
        name: &ServiceName,
        instance: Option<&InstanceId>,
        refusal: Refusal,
    ) -> RegistryError {
        let name = name.to_string();
        match refusal {
            Refusal::Unknown => RegistryError::Unknown {
                name,
                instance: instance.map(InstanceId::to_string),
            },
            Refusal::Full => RegistryError::Full {
                limit: self.max_instances,
            },
            Refusal::Ambiguous(instances) => {
                let instances = instances.iter().map(InstanceId::to_string).collect();
                RegistryError::Ambiguous { name, instances }
            }
        }
    }
}

/// The answer about a row that was heard, by a registration or by its name alone.
fn answer_to((heard, row): (Heard, RowSnapshot), by: By) -> HeardAnswer {
    HeardAnswer {
        urgent: heard.urgent,
        row,
        by,
    }
}

/// Who was heard, with its row.
fn row_of(state: &State, heard: Heard, now: Moment) -> Result<(Heard, RowSnapshot), Refusal> {
    let row = state.snapshot(heard.place, now);
    Ok((heard, row.ok_or(Refusal::Unknown)?))
}
