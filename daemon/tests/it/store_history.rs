//! Old events are read from the file, and bounded by age and by count.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use lastbeat_proto::Span;
use lastbeatd::clock::Listened;
use lastbeatd::state::record::{Batch, EventRecord};
use lastbeatd::store::{History, Keep, Store};

use crate::sample::{TTL, event, events, now};

/// A store with events 1 to `count`, every third of nobody, the others of `a` and `b` in turn.
fn filled(path: &Path, count: u64) -> (Store, Vec<EventRecord>) {
    let (mut store, _, _) = Store::open(path, now(), TTL).unwrap();
    let all: Vec<_> = (1..=count)
        .map(|revision| {
            let name = [None, Some("a"), Some("b")][usize::try_from(revision % 3).unwrap()];
            event(revision, name)
        })
        .collect();
    store.write(&events(all.clone())).unwrap();
    (store, all)
}

/// So many events, whatever their age, deleted in such steps.
fn keep(events: usize, step: usize) -> Keep {
    Keep {
        events,
        events_for: Span::default(),
        step,
    }
}

fn revisions(events: &[EventRecord]) -> Vec<u64> {
    events.iter().map(|event| event.revision).collect()
}

#[test]
fn older_events_come_newest_first_and_end_where_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (store, all) = filled(&dir.path().join("monitoring.db"), 20);
    let history = History::new(store.path().to_path_buf());

    let any = history.older_events(None, 11, 3).unwrap();
    let of_a = history.older_events(Some("a"), 11, 3).unwrap();

    assert_eq!(any, [all[9].clone(), all[8].clone(), all[7].clone()]);
    assert_eq!(revisions(&of_a), [10, 7, 4]);
    assert_eq!(history.older_events(Some("nobody"), 11, 3).unwrap(), []);
    assert_eq!(history.older_events(None, 1, 3).unwrap(), []);
    assert_eq!(
        history
            .older_events(None, u64::MAX, usize::MAX)
            .unwrap()
            .len(),
        20
    );
}

#[test]
fn history_of_a_missing_file_is_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let history = History::new(dir.path().join("monitoring.db"));

    let error = history.older_events(None, 10, 10).unwrap_err();

    assert!(error.is_trouble(), "{error:?}");
}

#[test]
fn the_newest_thousand_events_are_loaded_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (store, all) = filled(&path, 1_001);
    store.close();

    let (_store, loaded, _) = Store::open(&path, now(), TTL).unwrap();

    assert_eq!(loaded.events, all[1..]);
    assert_eq!(loaded.revision, 1_001);
}

#[test]
fn events_beyond_the_count_go_oldest_first_and_some_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = filled(&dir.path().join("monitoring.db"), 20);
    let history = History::new(store.path().to_path_buf());
    let never = Listened::from_micros(i64::MIN);

    assert!(store.tidy(&keep(10, 4), never).unwrap());
    assert_eq!(
        history
            .older_events(None, 99, 99)
            .unwrap()
            .last()
            .unwrap()
            .revision,
        5
    );
    assert!(store.tidy(&keep(10, 4), never).unwrap());
    assert!(!store.tidy(&keep(10, 2), never).unwrap());

    assert_eq!(
        history
            .older_events(None, 99, 99)
            .unwrap()
            .last()
            .unwrap()
            .revision,
        11
    );
    assert!(!store.tidy(&keep(10, 2), never).unwrap());
}

#[test]
fn events_beyond_the_age_go_but_never_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (mut store, _) = filled(&path, 20);
    let history = History::new(store.path().to_path_buf());
    // Event n was at n microseconds of listening time.
    let seventh = Listened::from_micros(7);

    assert!(!store.tidy(&keep(100, 100), seventh).unwrap());
    assert_eq!(
        history
            .older_events(None, 99, 99)
            .unwrap()
            .last()
            .unwrap()
            .revision,
        7
    );
    assert!(
        !store
            .tidy(&keep(100, 100), Listened::from_micros(i64::MAX))
            .unwrap()
    );
    assert!(
        !store
            .tidy(&keep(0, 100), Listened::from_micros(i64::MAX))
            .unwrap()
    );

    store.close();
    let (_store, loaded, _) = Store::open(&path, now(), TTL).unwrap();
    assert_eq!(revisions(&loaded.events), [20]);
    assert_eq!(loaded.revision, 20);
}

#[test]
fn nothing_is_pruned_from_an_empty_history() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _, _) = Store::open(&dir.path().join("monitoring.db"), now(), TTL).unwrap();

    assert!(
        !store
            .tidy(&keep(0, 100), Listened::from_micros(i64::MAX))
            .unwrap()
    );
    store.write(&Batch::default()).unwrap();
}

/// What is logged, in one text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_history_that_cannot_be_read_is_told_when_that_begins_and_when_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("monitoring.db");
    let (store, _) = filled(&path, 9);
    let history = History::new(path.clone());
    let elsewhere = dir.path().join("away.db");
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();

    tracing::subscriber::with_default(subscriber, || {
        assert!(history.older_events(None, 5, 3).is_ok());
        std::fs::rename(&path, &elsewhere).unwrap();
        for _ in 0..5 {
            assert!(history.older_events(None, 5, 3).is_err());
        }
        std::fs::rename(&elsewhere, &path).unwrap();
        for _ in 0..5 {
            assert!(history.clone().older_events(None, 5, 3).is_ok());
        }
    });

    drop(store);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(
        text.matches("older events cannot be read").count(),
        1,
        "{text}"
    );
    assert_eq!(
        text.matches("older events can be read again").count(),
        1,
        "{text}"
    );
}
