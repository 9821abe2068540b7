//! Why a command or a question is refused. Which status that is, [`crate::http`] says.

use lastbeat_proto::Span;

use crate::state::MAX_CHOICES;

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
    #[error(
        "{} instances are registered as {name}: {}; name one with ?instance=",
        count(instances),
        some_of(instances)
    )]
    Ambiguous {
        /// Name of the service.
        name: String,
        /// Their keys; of more than [`MAX_CHOICES`], not all.
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

fn whom(name: &str, instance: Option<&str>) -> String {
    match instance {
        None => format!("service {name}"),
        Some(instance) => format!("instance {instance} of service {name}"),
    }
}

fn count(instances: &[String]) -> String {
    if MAX_CHOICES < instances.len() {
        return format!("more than {MAX_CHOICES}");
    }
    instances.len().to_string()
}

fn some_of(instances: &[String]) -> String {
    match instances.get(..MAX_CHOICES) {
        Some(some) if some.len() < instances.len() => format!("{}, …", some.join(", ")),
        _ => instances.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_to_choose_from_twenty_are_named() {
        let said = |count: usize| {
            let instances = (0..count).map(|number| format!("i{number}")).collect();
            let name = "w".to_owned();
            RegistryError::Ambiguous { name, instances }.to_string()
        };

        let twenty = said(MAX_CHOICES);
        assert!(twenty.starts_with("20 instances are registered as w: i0, i1,"));
        assert!(twenty.ends_with("i18, i19; name one with ?instance="));
        let more = said(MAX_CHOICES + 1);
        assert!(more.starts_with("more than 20 instances are registered as w: i0, i1,"));
        assert!(more.ends_with("i18, i19, …; name one with ?instance="));
    }
}
