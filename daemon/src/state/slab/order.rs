//! The order of rows: their slots alone, in short runs, so that no name is held a second time.
//!
//! Who stands before whom is looked up in the rows themselves, by whoever asks.

/// Slots of one run: 2 KiB, which move when a row comes between two others.
const RUN: usize = 512;

/// Slots in the order of their rows.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// None is empty; together they are sorted.
    runs: Vec<Vec<u32>>,
}

impl Order {
    /// Puts a row behind those that are before it.
    pub(super) fn insert(&mut self, slot: u32, is_before: impl Fn(u32) -> bool) {
        let (run, at) = self.find(&is_before);
        let Some(found) = self.runs.get_mut(run) else {
            // Names that rise fill their runs to the end.
            match self.runs.last_mut() {
                Some(last) if last.len() < RUN => last.push(slot),
                _ => self.runs.push(vec![slot]),
            }
            return;
        };
        if found.len() < RUN {
            found.insert(at, slot);
            return;
        }
        let mut behind = found.split_off(RUN / 2);
        match at.checked_sub(RUN / 2) {
            Some(at) => behind.insert(at, slot),
            None => found.insert(at, slot),
        }
        self.runs.insert(run + 1, behind);
    }

    /// Takes a row out, before which those and no others are.
    pub(super) fn remove(&mut self, slot: u32, is_before: impl Fn(u32) -> bool) {
        let (run, at) = self.find(&is_before);
        let Some(found) = self.runs.get_mut(run) else {
            return;
        };
        if found.get(at) != Some(&slot) {
            return;
        }
        found.remove(at);
        if found.is_empty() {
            self.runs.remove(run);
            return;
        }
        self.join(run);
        self.join(run.saturating_sub(1));
    }

    /// Short neighbors become one, or who comes and goes would leave a run for each who stays.
    fn join(&mut self, run: usize) {
        let next = run + 1;
        if let (Some(one), Some(other)) = (self.runs.get(run), self.runs.get(next))
            && one.len() + other.len() <= RUN / 2
        {
            let other = self.runs.remove(next);
            if let Some(one) = self.runs.get_mut(run) {
                one.extend(other);
            }
        }
    }

    /// All from the first on that is not before.
    pub(super) fn behind<F: Fn(u32) -> bool>(
        &self,
        is_before: F,
    ) -> impl Iterator<Item = u32> + Clone + use<'_, F> {
        let (run, at) = self.find(&is_before);
        let runs = self.runs.get(run..).unwrap_or_default();
        runs.iter().flatten().skip(at).copied()
    }

    /// The first that is not before: its run, and its place there.
    fn find(&self, is_before: &impl Fn(u32) -> bool) -> (usize, usize) {
        let ends_before = |run: &Vec<u32>| run.last().is_some_and(|last| is_before(*last));
        // What is stored, and what one fleet registers, mostly comes nearly in its order.
        if self.runs.last().is_none_or(ends_before) {
            return (self.runs.len(), 0);
        }
        let run = match self.runs.as_slice() {
            [.., next, _] if ends_before(next) => self.runs.len() - 1,
            _ => self.runs.partition_point(ends_before),
        };
        let slots = self.runs.get(run).map_or(&[][..], Vec::as_slice);
        (run, slots.partition_point(|slot| is_before(*slot)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order_of(slots: impl IntoIterator<Item = u32>) -> Order {
        let mut order = Order::default();
        for slot in slots {
            order.insert(slot, |other| other < slot);
        }
        order
    }

    #[test]
    fn rows_that_come_in_their_order_fill_their_runs() {
        let order = order_of(0..10 * 512);

        assert_eq!(order.runs.len(), 10);
        assert!(order.behind(|_| false).eq(0..10 * 512));
    }

    #[test]
    fn who_stays_when_most_left_shares_a_run() {
        let mut order = order_of((0..10 * 512).rev());
        for slot in (0..10 * 512).filter(|slot| slot % 512 != 7) {
            order.remove(slot, |other| other < slot);
        }

        assert_eq!(order.runs.len(), 1);
        assert!(
            order
                .behind(|other| other < 8)
                .eq((1..10).map(|n| n * 512 + 7))
        );
    }

    proptest! {
        #[test]
        fn it_is_as_a_set_is(
            steps in prop::collection::vec((0_u32..2_000, prop::bool::weighted(0.7)), 0..4_000),
            from in 0_u32..2_000,
        ) {
            let (mut order, mut set) = (Order::default(), std::collections::BTreeSet::new());
            for (slot, is_coming) in steps {
                if is_coming && set.insert(slot) {
                    order.insert(slot, |other| other < slot);
                } else if !is_coming {
                    set.remove(&slot);
                    order.remove(slot, |other| other < slot);
                }
            }

            prop_assert!(order.runs.iter().all(|run| !run.is_empty() && run.len() <= RUN));
            prop_assert!(order.behind(|other| other < from).eq(set.range(from..).copied()));
        }
    }
}
