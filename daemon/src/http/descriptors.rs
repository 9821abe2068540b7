//! How many file descriptors the system lets this process have, and so how many connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept for everything but connections: the database and its journal, the
/// listeners, the log, the runtime.
const RESERVED: u64 = 64;

/// Raises the soft limit as far as `wanted` connections need and the hard limit allows; returns
/// how many connections fit under it.
pub(super) fn make_room(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = (wanted as u64).saturating_add(RESERVED);
    let raised = raised(limit, needed);
    let is_raised = raised != limit.current
        && setrlimit(
            Resource::Nofile,
            Rlimit {
                current: raised,
                ..limit
            },
        )
        .is_ok();
    let seats = seats(if is_raised { raised } else { limit.current }, wanted);
    if seats < wanted {
        tracing::warn!(
            "{wanted} connections are allowed but the system has room for {seats} only; raise \
             its limit on open files (LimitNOFILE, ulimit -n)"
        );
    }
    seats
}

/// The soft limit to ask for; absent means unlimited.
fn raised(limit: Rlimit, needed: u64) -> Option<u64> {
    let current = limit.current?;
    let most = limit.maximum.unwrap_or(u64::MAX);
    Some(current.max(needed.min(most)))
}

fn seats(limit: Option<u64>, wanted: usize) -> usize {
    let room = limit.map_or(u64::MAX, |limit| limit.saturating_sub(RESERVED));
    usize::try_from(room)
        .unwrap_or(usize::MAX)
        .min(wanted)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(current: u64, maximum: Option<u64>) -> Rlimit {
        Rlimit {
            current: Some(current),
            maximum,
        }
    }

    #[test]
    fn the_soft_limit_is_raised_as_far_as_needed_and_allowed_and_never_lowered() {
        assert_eq!(raised(limit(1_024, Some(4_096)), 2_000), Some(2_000));
        assert_eq!(raised(limit(1_024, Some(4_096)), 9_000), Some(4_096));
        assert_eq!(raised(limit(1_024, None), 9_000), Some(9_000));
        assert_eq!(raised(limit(20_000, Some(20_000)), 4_160), Some(20_000));
        let unlimited = Rlimit {
            current: None,
            maximum: None,
        };
        assert_eq!(raised(unlimited, 9_000), None);
    }

    #[test]
    fn connections_leave_room_for_the_rest() {
        assert_eq!(seats(Some(1_024), 4_096), 960);
        assert_eq!(seats(Some(20_000), 4_096), 4_096);
        assert_eq!(seats(None, 4_096), 4_096);
        assert_eq!(seats(Some(10), 4_096), 1);
    }
}
