//! What users and the log are told of a store that cannot write.

use tracing::{info, warn};

use super::Flush;
use crate::state::StoreTrouble;
use crate::store::StoreError;

impl Flush {
    /// Tells users and the log how the store is: one line when trouble begins, one when it ends.
    pub(super) fn note(&mut self, result: Result<(), StoreError>) -> Result<(), StoreError> {
        let cause = match result {
            Ok(()) => None,
            Err(StoreError::Trouble { cause }) => Some(cause),
            Err(defect) => return Err(defect),
        };
        match (cause, self.trouble) {
            (None, None) => {}
            (None, Some(_)) => {
                self.trouble = None;
                self.registry.hold(|state, _| state.set_store_trouble(None));
                info!("changes are stored again");
            }
            (Some(cause), since) => {
                let advice = cause.advice();
                if since.is_none() {
                    warn!(error = %cause, "changes are not stored ({cause}): {advice}");
                }
                let since = since.unwrap_or_else(|| self.registry.clock().now().wall);
                self.trouble = Some(since);
                let cause = cause.to_string();
                let trouble = StoreTrouble {
                    cause,
                    advice,
                    since,
                };
                self.registry
                    .hold(|state, _| state.set_store_trouble(Some(trouble)));
            }
        }
        Ok(())
    }
}
