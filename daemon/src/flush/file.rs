//! What becomes of the database file, its lock file and the link to it while they are in use:
//! looked at twice a second, mended from memory, and told.

use lastbeat_proto::Span;
use lastbeat_proto::answer::NoticeLevel;
use tracing::warn;

use super::Flush;
use crate::registry::Registry;
use crate::state::Rewritten;
use crate::state::dirty::MAX_COPIED;
use crate::state::record::Batch;
use crate::store::{LinkFate, Reopened, StoreError};

/// How often it is looked whether the file is still in its place.
pub(super) const CHECK: Span = Span::from_micros(500_000);

impl Flush {
    /// The next [`check_file`](Self::check_file) looks, whenever the one before was.
    pub(super) fn look_at_file_now(&mut self) {
        self.next_check = self.now();
    }

    /// A file that was deleted or replaced is written again, whole, from memory. After an error
    /// the next pass looks again before it writes anything.
    pub(super) fn check_file(&mut self) -> Result<(), StoreError> {
        if self.now() < self.next_check {
            return Ok(());
        }
        if self.store.keep_lock()? {
            self.tell_once(
                "lock-deleted",
                format!(
                    "the lock file of the database {} was deleted, and is there again; find out \
                     who did that: without it a second daemon could write to the same path",
                    self.store.path().display()
                ),
            );
        }
        if self.store.is_in_place() {
            self.check_link();
        } else {
            self.write_again()?;
        }
        self.next_check = self.now().plus(CHECK);
        Ok(())
    }

    fn write_again(&mut self) -> Result<(), StoreError> {
        let at = self.registry.clock().now().wall;
        // Whole from its first moment on: a kill right behind the new name must find every row
        // that was answered for, and repeated registrations go on being answered meanwhile.
        let mut memory = memory_of(&self.registry);
        let Reopened { why, moved_to } = self.store.reopen(at, &mut memory)?;
        let moved_to = moved_to.map(|path| path.display().to_string());
        let path = self.store.path().display();
        let kept = match &moved_to {
            Some(moved_to) => format!("what was there is kept as {moved_to}"),
            None => "nothing was there any more".to_owned(),
        };
        warn!(
            store.path = %path,
            store.moved_to = moved_to,
            "the database {path} {why}; it is written again from memory, and {kept}"
        );
        let rewritten = Rewritten { why, moved_to, at };
        self.registry
            .hold(|state, _| state.set_rewritten(rewritten));
        Ok(())
    }

    /// Whether the name that the database was given by still leads to it.
    fn check_link(&mut self) {
        let path = self.store.path().display().to_string();
        match self.store.keep_link() {
            LinkFate::Leads => {}
            LinkFate::MadeAgain(link) => self.tell_once(
                "link-changed",
                format!(
                    "{} was a symbolic link to the database {path}, was deleted, and is there \
                     again; to use another database, stop lastbeatd first",
                    link.display()
                ),
            ),
            LinkFate::Elsewhere(link) => self.tell_once(
                "link-changed",
                format!(
                    "{} does not lead to the database {path} any more, in which everything is \
                     stored; put the link back, or the next start takes what is there",
                    link.display()
                ),
            ),
        }
    }

    /// Tells the log and both screens, where no notice of this kind stands yet; it does until the
    /// next start.
    fn tell_once(&mut self, kind: &'static str, text: String) {
        if self.told.contains(&kind) {
            return;
        }
        self.told.push(kind);
        warn!("{text}");
        self.registry
            .set_notice(kind, Some((NoticeLevel::Warning, text)));
    }
}

/// All that is in memory, for a new file: each batch is copied in one hold of the lock, when it is
/// asked for. What changes behind it is marked as always and follows.
fn memory_of(registry: &Registry) -> impl Iterator<Item = Batch> {
    let past = std::iter::once_with(|| registry.hold(|state, _| state.copy_past()));
    let rows = (0..)
        .step_by(MAX_COPIED)
        .map_while(|first| registry.hold(|state, _| state.copy_slots(first)));
    past.chain(rows)
}
