//! A heartbeat for anything that can be started: registers, beats while a command runs or until
//! it is stopped, and deregisters at the end.
//!
//! The command comes first: no trouble with the daemon delays it, ends it or changes its exit code.

mod command;
mod pulse;

use std::ffi::OsString;
use std::io;
use std::sync::Arc;

use lastbeat_proto::Span;
use tokio::sync::watch;

use crate::client::{Client, RegisterBody};
use crate::config::Settings;

use command::Ending;
use pulse::{Beside, Pulse, Registered, tell};

/// What to beat for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The registration, repeated as the heartbeat.
    pub body: RegisterBody,
    /// How often to beat; absent: as the daemon says.
    pub every: Option<Span>,
    /// What to run meanwhile; empty: nothing, until a signal comes.
    pub command: Vec<OsString>,
}

/// How beating ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeatEnd {
    /// A signal stopped it, and there was no command.
    Stopped,
    /// The command ended with this code, 128 + n for signal n.
    Command(u8),
}

/// Why beating is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BeatError {
    /// The daemon will never take this registration.
    #[error("cannot register {name}: {cause}")]
    Refused {
        /// Name of the service.
        name: String,
        /// Why.
        cause: String,
    },
    /// The command cannot be started.
    #[error("cannot start {command}: {source}; check the words behind --")]
    Start {
        /// The command's first word.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// The operating system refuses what every program needs.
    #[error("cannot beat: {0}; the system is short of descriptors")]
    System(#[from] io::Error),
}

/// Beats as planned.
///
/// # Errors
/// When the command cannot be started, or, without a command, when the daemon will never take the
/// registration.
pub fn beat(settings: &Settings, client: Client, plan: Plan) -> Result<BeatEnd, BeatError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(settings, Arc::new(client), plan))
}

async fn run(settings: &Settings, client: Arc<Client>, plan: Plan) -> Result<BeatEnd, BeatError> {
    let has_command = !plan.command.is_empty();
    let ending = Ending::start(&plan.command)?;
    let name = plan.body.name.clone();
    let (stop, stopping) = watch::channel(false);
    let beside = if has_command {
        Beside::Command
    } else {
        Beside::Nothing
    };
    let (client_of_pulse, timeout) = (Arc::clone(&client), settings.timeout);
    let pulse = Pulse::new(client_of_pulse, plan.body, plan.every, timeout, beside);
    let mut beating = tokio::spawn(pulse.beat(stopping));
    let mut ending = std::pin::pin!(ending.wait());
    let end = tokio::select! {
        end = &mut ending => end?,
        // Without a stop the pulse ends only when the daemon refuses for good.
        refused = &mut beating => {
            let cause = refused.ok().and_then(Registered::refusal).unwrap_or_default();
            if !has_command {
                return Err(BeatError::Refused { name, cause });
            }
            tell(&format!("cannot register {name}: {cause}; the command runs on without heartbeats"));
            return ending.await;
        }
    };
    // Whoever listens has ended already when this cannot be sent.
    let _ended: Result<(), watch::error::SendError<bool>> = stop.send(true);
    if let Ok(Registered::As(instance)) = beating.await {
        match client.deregister(&name, &instance).await {
            Ok(_) => tell(&format!("deregistered {name} ({instance})")),
            Err(error) => {
                tell(&format!(
                    "cannot deregister {name} ({instance}): {error}; it will go DOWN"
                ));
            }
        }
    }
    Ok(end)
}
