//! What the start found: told to the log and, where it matters to users, to the screens.

use lastbeat_proto::answer::NoticeLevel;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::registry::Registry;
use crate::store::Opening;

/// Tells how the database was found, and what of the settings is dangerous.
pub(crate) fn tell(registry: &Registry, opening: &Opening, config: &Config) {
    tell_database(registry, opening);
    tell_settings(registry, config);
}

fn tell_database(registry: &Registry, opening: &Opening) {
    match opening {
        Opening::Created | Opening::Existing => {}
        Opening::Migrated { copy } => {
            info!(
                "the database was brought up to date; as it was: {}",
                copy.display()
            );
        }
        Opening::Imported {
            copy,
            rows,
            merged,
            refused,
        } => {
            info!(
                "imported {rows} rows of the original database, {merged} merged, {refused} cannot be used; as it \
                 was: {}",
                copy.display()
            );
        }
        Opening::SetAside {
            moved_to,
            salvaged,
            why,
        } => {
            let text = format!(
                "the database could not be used ({why}); it was set aside as {} and {salvaged} \
                 instances were saved from it: look at the disk, and keep or delete that file; \
                 this stands until the next start",
                moved_to.display()
            );
            error!("{text}");
            registry.set_notice("set-aside", Some((NoticeLevel::Error, text)));
        }
    }
}

fn tell_settings(registry: &Registry, config: &Config) {
    if config.is_open {
        let text = "anyone who can connect may change the registry (--insecure-no-auth); listen \
                    on 127.0.0.1 unless the network is trusted";
        warn!("{text}");
        let said = (NoticeLevel::Warning, text.to_owned());
        registry.set_notice("no-auth", Some(said));
    }
    if let Some(address) = config.shows_tokens_on() {
        let text = format!(
            "tokens cross the network in clear text ({address} without TLS), and whoever listens \
             in can use them; give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a \
             proxy that speaks TLS"
        );
        warn!("{text}");
        registry.set_notice("tokens-in-clear", Some((NoticeLevel::Warning, text)));
    }
}
