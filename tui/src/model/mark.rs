//! How an instance or a service is, for whoever looks.

use lastbeat_proto::Status;
use lastbeat_proto::answer::Row;

use super::group::Group;

/// How it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Heard.
    Up,
    /// Not heard for a while.
    Late,
    /// Silent for too long.
    Down,
    /// Left.
    Gone,
}

impl Mark {
    /// Of a row.
    pub const fn of(row: &Row) -> Self {
        match row.status {
            Status::Up if row.late => Self::Late,
            Status::Up => Self::Up,
            Status::Down => Self::Down,
            Status::Gone => Self::Gone,
        }
    }

    /// Of a service: its worst instance's.
    pub const fn of_group(group: &Group) -> Self {
        match (group.down, group.late) {
            (0, 0) => Self::Up,
            (0, _) => Self::Late,
            _ => Self::Down,
        }
    }

    /// The word beside the shape.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "UP",
            Self::Late => "LATE",
            Self::Down => "DOWN",
            Self::Gone => "GONE",
        }
    }
}
