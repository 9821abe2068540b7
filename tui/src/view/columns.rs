//! How the columns of the table share its width.

/// The cursor's mark and the shape stand before the first word.
pub(super) const STATE_X: u16 = 2;
/// Badge of three columns, word of four, one blank.
pub(super) const STATE: u16 = 9;
/// The age with its leading blank.
pub(super) const AGE: u16 = 8;
/// Narrowest useful name.
const MIN_NAME: u16 = 8;
/// Names get this before anything to the right of the age is shown.
const NAME: u16 = 24;
/// Widest name column.
const MAX_NAME: u16 = 48;
/// An IPv4 address and a port.
const ADDRESS: u16 = 22;
/// An IPv6 address and a port.
const MAX_ADDRESS: u16 = 45;
/// `13:58:05Z` or a date.
const SINCE: u16 = 18;
/// Narrowest useful note.
const MIN_NOTE: u16 = 12;
/// Width that a whole note likes to have before the column since is shown.
const NOTE: u16 = 36;

/// Width of each column; 0 where it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Columns {
    pub(super) name: u16,
    pub(super) address: u16,
    pub(super) age: u16,
    pub(super) since: u16,
    pub(super) note: u16,
}

impl Columns {
    /// NOTE goes first as the width shrinks, then SINCE, ADDRESS, AGE.
    pub(super) fn new(width: u16) -> Self {
        let rest = width.saturating_sub(STATE_X + STATE);
        let mut columns = Self {
            name: rest,
            ..Self::default()
        };
        if rest < MIN_NAME + AGE {
            return columns;
        }
        columns.age = AGE;
        columns.name = rest - AGE;
        if columns.name < 14 + ADDRESS {
            return columns;
        }
        columns.address = ADDRESS;
        columns.name = (columns.name - ADDRESS).min(NAME);
        let mut left = rest - AGE - ADDRESS - columns.name;
        if NOTE + SINCE <= left {
            columns.since = SINCE;
            left -= SINCE;
            let more = (left - NOTE).min(MAX_NAME - NAME);
            columns.name += more / 2;
            columns.address += (more / 2).min(MAX_ADDRESS - ADDRESS);
            left -= more / 2 + (more / 2).min(MAX_ADDRESS - ADDRESS);
        }
        if MIN_NOTE <= left {
            columns.note = left;
        } else {
            columns.name += left;
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_drop_from_the_right_and_fit() {
        for width in 0..300 {
            let c = Columns::new(width);
            let sum = STATE_X + STATE + c.name + c.address + c.age + c.since + c.note;
            assert!(sum <= width.max(STATE_X + STATE), "{width}: {c:?}");
            assert!(c.since == 0 || 0 < c.note, "{width}: {c:?}");
            assert!(c.note == 0 || 0 < c.address, "{width}: {c:?}");
            assert!(c.address == 0 || 0 < c.age, "{width}: {c:?}");
        }
    }
}
