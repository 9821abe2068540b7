//! The ledger finds what it is there to find.

use super::{Found, Identity, Ledger, LossKind};

const IDENTITY: Identity = Identity {
    id: 7,
    first_seen_us: 1_000,
};

fn row(stands: bool, version: u64) -> Found {
    Found {
        name: "a".to_owned(),
        stands,
        version: Some(version),
        id: 7,
        first_seen_us: Some(1_000),
    }
}

/// Registered, changed, deregistered: as much of it as `acknowledged` says, and the next step of
/// it in flight.
fn ledger(acknowledged: usize) -> Ledger {
    let mut ledger = Ledger::default();
    for (number, (stands, version)) in [(true, 1), (true, 2), (false, 2), (true, 3)]
        .into_iter()
        .enumerate()
        .take(acknowledged + 1)
    {
        ledger.begin("a", stands, version);
        if number < acknowledged {
            ledger.acknowledge("a", stands.then_some(IDENTITY));
        }
    }
    ledger
}

fn kinds(ledger: &Ledger, found: &[Found]) -> Vec<LossKind> {
    ledger.check(found).iter().map(|loss| loss.kind).collect()
}

#[test]
fn the_last_acknowledged_state_and_the_one_in_flight_are_no_loss() {
    assert_eq!(kinds(&ledger(0), &[]), []);
    assert_eq!(kinds(&ledger(0), &[row(true, 1)]), []);
    assert_eq!(kinds(&ledger(1), &[row(true, 1)]), []);
    assert_eq!(kinds(&ledger(1), &[row(true, 2)]), []);
    assert_eq!(kinds(&ledger(2), &[row(true, 2)]), []);
    assert_eq!(kinds(&ledger(2), &[row(false, 2)]), []);
    assert_eq!(kinds(&ledger(3), &[row(false, 2)]), []);
    assert_eq!(kinds(&ledger(3), &[row(true, 3)]), []);
}

#[test]
fn an_acknowledged_registration_that_is_missing_is_a_loss() {
    assert_eq!(kinds(&ledger(1), &[]), [LossKind::Missing]);
    assert_eq!(kinds(&ledger(1), &[row(false, 1)]), [LossKind::Missing]);
}

#[test]
fn an_old_version_is_a_loss() {
    assert_eq!(kinds(&ledger(2), &[row(true, 1)]), [LossKind::Old]);
}

#[test]
fn a_deregistration_undone_or_without_a_tombstone_is_a_loss() {
    assert_eq!(kinds(&ledger(3), &[row(true, 2)]), [LossKind::Undone]);
    assert_eq!(kinds(&ledger(3), &[]), [LossKind::Missing]);
}

#[test]
fn a_row_or_a_version_that_nobody_sent_is_a_loss() {
    let stranger = Found {
        name: "b".to_owned(),
        ..row(true, 1)
    };

    assert_eq!(
        kinds(&ledger(1), &[row(true, 1), stranger]),
        [LossKind::Stranger]
    );
    assert_eq!(kinds(&ledger(1), &[row(true, 9)]), [LossKind::Stranger]);
    assert_eq!(
        kinds(&ledger(1), &[row(true, 1), row(true, 1)]),
        [LossKind::Stranger]
    );
}

#[test]
fn another_id_or_first_seen_time_is_a_loss_but_a_new_life_has_a_new_time() {
    let other_id = Found {
        id: 8,
        ..row(true, 2)
    };
    let other_time = Found {
        first_seen_us: Some(2_000),
        ..row(true, 2)
    };
    let new_life = Found {
        first_seen_us: Some(2_000),
        ..row(true, 3)
    };

    assert_eq!(kinds(&ledger(2), &[other_id]), [LossKind::Identity]);
    assert_eq!(
        kinds(&ledger(2), std::slice::from_ref(&other_time)),
        [LossKind::Identity]
    );
    // In flight, but the same life as the one that was acknowledged.
    assert_eq!(kinds(&ledger(1), &[other_time]), [LossKind::Identity]);
    assert_eq!(kinds(&ledger(3), &[new_life]), []);
}

#[test]
fn what_was_found_once_must_be_found_again() {
    let mut ledger = ledger(1);

    ledger.settle(&[row(true, 2)]);

    assert_eq!(kinds(&ledger, &[row(true, 1)]), [LossKind::Old]);
}

#[test]
fn a_cut_of_a_recording_counts_the_answers_before_it() {
    let mut ledger = ledger(3);
    ledger.stamp("a", Some(1), 10);
    ledger.stamp("a", Some(2), 20);
    ledger.stamp("a", None, 30);
    // A heartbeat, and the same deregistration once more.
    ledger.stamp("a", Some(2), 25);
    ledger.stamp("a", None, 40);
    let kinds = |found: &[Found], cut| -> Vec<LossKind> {
        let losses = ledger.check_at(found, cut);
        losses.iter().map(|loss| loss.kind).collect()
    };

    assert_eq!(kinds(&[], 9), []);
    assert_eq!(kinds(&[], 10), [LossKind::Missing]);
    assert_eq!(kinds(&[row(true, 1)], 19), []);
    assert_eq!(kinds(&[row(true, 1)], 20), [LossKind::Old]);
    assert_eq!(kinds(&[row(true, 2)], 29), []);
    assert_eq!(kinds(&[row(true, 2)], 30), [LossKind::Undone]);
    assert_eq!(kinds(&[row(false, 2)], 41), []);
    // From the future: two answers further on.
    assert_eq!(kinds(&[row(false, 2)], 9), [LossKind::Stranger]);
}
