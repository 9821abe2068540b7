//! What is asked of all rows together, in columns beside them: to look at the rows themselves takes
//! twenty times as long.

use super::Grade;

/// The last change of each slot, and what was in it then.
#[derive(Debug, Default)]
pub(super) struct Columns {
    changes: Vec<u64>,
    grades: Vec<Grade>,
}

impl Columns {
    /// Columns with room for so many slots.
    pub(super) fn with_room_for(slots: usize) -> Self {
        Self {
            changes: Vec::with_capacity(slots),
            grades: Vec::with_capacity(slots),
        }
    }

    /// One more slot, with nothing in it.
    pub(super) fn push(&mut self) {
        self.changes.push(0);
        self.grades.push(Grade::Gone);
    }

    pub(super) fn change_of(&self, slot: u32) -> u64 {
        self.changes.get(slot as usize).copied().unwrap_or(0)
    }

    pub(super) fn grade_of(&self, slot: u32) -> Grade {
        let grade = self.grades.get(slot as usize).copied();
        grade.unwrap_or(Grade::Gone)
    }

    pub(super) fn set_change(&mut self, slot: u32, change: u64) {
        if let Some(number) = self.changes.get_mut(slot as usize) {
            *number = change;
        }
    }

    pub(super) fn set_grade(&mut self, slot: u32, grade: Grade) {
        if let Some(was) = self.grades.get_mut(slot as usize) {
            *was = grade;
        }
    }

    /// Slots whose change number is above `change`, in no order.
    pub(super) fn changed_since(&self, change: u64) -> impl Iterator<Item = u32> {
        (0_u32..)
            .zip(&self.changes)
            .filter(move |(_, number)| change < **number)
            .map(|(slot, _)| slot)
    }
}
