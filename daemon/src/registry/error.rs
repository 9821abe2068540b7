//! Why a command or a question is refused. Which status that is, [`crate::http`] says.

use lastbeat_proto::Span;

/// Why a command was refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// The name, or the instance of it, is not registered.
    #[error("{} is not registered; register it first with POST /register", whom(name, instance.as_deref()))]
    Unknown {
        /// As it was asked for.
        name: String,
        /// The instance, if one was asked for.
        instance: Option<String>,
    },
    /// Several instances have the name and none was named.
    #[error("{} instances are registered as {name}: {}; name one with ?instance=", instances.len(), some_of(instances))]
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
    /// A registration or deregistration that is done and shown, but not stored in time.
    #[error(
        "done and shown, but not stored within {waited}; send it again until it is answered with 200"
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

/// Keys that an error text names of many.
const MAX_NAMED: usize = 20;

fn whom(name: &str, instance: Option<&str>) -> String {
    match instance {
        None => format!("service {name}"),
        Some(instance) => format!("instance {instance} of service {name}"),
    }
}

fn some_of(instances: &[String]) -> String {
    let named = instances.get(..MAX_NAMED).unwrap_or(instances).join(", ");
    match instances.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
