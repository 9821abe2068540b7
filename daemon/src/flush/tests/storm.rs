//! The store beside a sweep that has much to do.

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use lastbeat_proto::query::ListQuery;

use super::*;
use crate::flush::rest::SWEEP_FIRST;
use crate::registry::READERS_FIRST;
use crate::state::MASS_LOSS;

/// Some more than two turns of the sweep touch.
const FALLEN: usize = 2_049;

/// A storm in the middle of its sweep, and a pass of the store that has begun.
struct Storm {
    clock: Arc<ManualClock>,
    registry: Arc<Registry>,
    sweep: Pin<Box<dyn Future<Output = Mono>>>,
    pass: JoinHandle<()>,
    _stop: watch::Sender<bool>,
    _dir: TempDir,
}

/// Nobody is DOWN yet, and all will be due in a microsecond.
fn before_a_storm() -> Stage {
    let mut stage = Stage::new();
    for number in 0..FALLEN {
        stage.register(&format!("svc-{number}"));
    }
    stage.flush.pass().unwrap();
    for _ in 0..60 {
        stage.clock.advance(Span::from_secs(1));
        while stage.registry.hold(State::sweep) {}
    }
    stage
}

impl Storm {
    fn new() -> Self {
        let stage = before_a_storm();
        stage.clock.advance(Span::from_micros(1));
        let Stage {
            dir,
            clock,
            registry,
            mut flush,
        } = stage;
        let swept = Arc::clone(&registry);
        let mut sweep: Pin<Box<dyn Future<Output = Mono>>> =
            Box::pin(async move { swept.sweep().await });
        let mut cx = Context::from_waker(Waker::noop());
        let is_done = sweep.as_mut().poll(&mut cx).is_ready();
        assert!(!is_done && registry.is_behind(), "one turn is not enough");
        let (stop, asked) = watch::channel(false);
        let pass = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().build().unwrap();
            flush.rest = Some(Rest {
                runtime: runtime.handle().clone(),
                stop: asked,
            });
            flush.pass().unwrap();
        });
        let storm = Self {
            clock,
            registry,
            sweep,
            pass,
            _stop: stop,
            _dir: dir,
        };
        storm.until(|storm| 0 < storm.clock.sleepers());
        storm
    }

    fn waiting(&self, list: List) -> usize {
        self.registry.hold(|state, _| state.waiting(list))
    }

    /// Sweeps until all have fallen and only their marks are left.
    fn sweep_all_who_fall(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        // The store sleeps already.
        while self.clock.sleepers() < 2 {
            assert!(self.sweep.as_mut().poll(&mut cx).is_pending());
        }
    }

    /// Sweeps to the end; the store goes to sleep again before.
    fn sweep_all(&mut self) {
        self.sweep_all_who_fall();
        self.clock.advance(READERS_FIRST);
        self.until(|storm| 0 < storm.clock.sleepers());
        let mut cx = Context::from_waker(Waker::noop());
        while self.sweep.as_mut().poll(&mut cx).is_pending() {}
    }

    fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            assert!(!self.pass.is_finished(), "the store did not rest");
            std::thread::yield_now();
        }
    }

    /// Lets time pass until the pass of the store has ended, and says how much.
    fn end(self) -> (Arc<Registry>, Span) {
        let began = self.clock.now().mono;
        while !self.pass.is_finished() {
            if 0 < self.clock.sleepers() {
                self.clock.advance(Span::from_micros(10_000));
            }
            std::thread::yield_now();
        }
        self.pass.join().unwrap();
        let took = self.clock.now().mono.micros_since(began);
        (self.registry, Span::from_signed_micros(took))
    }
}

#[test]
fn who_registers_meanwhile_is_stored_at_once() {
    let storm = Storm::new();
    let registration = Registration::bare(ServiceName::parse("new").unwrap());
    let caller = Address::from(std::net::IpAddr::from([10, 0, 0, 1]));
    let register = |state: &mut State, now| state.register(&registration, &caller, now);
    let heard = storm.registry.hold(register).unwrap();

    // The clock stands still.
    storm.until(|storm| storm.registry.has_stored(heard.urgent));
    storm.end();
}

#[test]
fn its_rows_are_stored_when_it_is_swept() {
    let mut storm = Storm::new();
    let fallen = storm.waiting(List::Lazy);
    assert!(0 < fallen);

    storm.sweep_all();

    assert_eq!(storm.waiting(List::Lazy), FALLEN, "none before");
    let (registry, took) = storm.end();
    assert!(took < SWEEP_FIRST, "{took}");
    assert_eq!(registry.hold(|state, _| state.waiting_to_store()), 0);
}

#[test]
fn its_rows_are_stored_all_the_same_where_the_sweep_never_comes_to_its_end() {
    let storm = Storm::new();

    let (registry, took) = storm.end();

    assert!(registry.is_behind());
    assert!(SWEEP_FIRST <= took, "{took}");
    assert_eq!(registry.hold(|state, _| state.waiting(List::Lazy)), 0);
}

#[test]
fn who_waits_for_changes_has_all_who_fell_before_their_marks_change_them_again() {
    let mut storm = Storm::new();
    // As pages tell, of which more are read than could make all marks.
    let said = |storm: &Storm| {
        let read = || storm.registry.page(&ListQuery::default());
        for _ in 0..FALLEN / 1_024 {
            read();
        }
        let page = read();
        let is_told = page.notices.iter().any(|notice| notice.kind == MASS_LOSS);
        (page.summary.down, is_told, page.cursor)
    };

    storm.sweep_all_who_fall();
    let (down, is_told, cursor) = said(&storm);
    assert_eq!((down, is_told), (FALLEN, false));

    storm.sweep_all();
    let (down, is_told, marked) = said(&storm);
    assert_eq!((down, is_told), (FALLEN, true));
    assert_ne!(cursor, marked, "they carry their marks");
    storm.end();
}

#[test]
fn beside_many_who_beat_the_sweep_rests_behind_each_hold() {
    for (heard, fallen) in [(499, 1_024), (500, 256)] {
        let stage = before_a_storm();
        stage.register("well");
        let registry = Arc::clone(&stage.registry);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(registry.sweep()).poll(&mut cx).is_ready());

        for _ in 0..heard {
            let name = ServiceName::parse("well").unwrap();
            let caller = Address::from(std::net::IpAddr::from([10, 0, 0, 1]));
            let hear = |state: &mut State, now| state.heartbeat(&name, None, &caller, now);
            registry.hold(hear).unwrap();
        }
        // In this time 500 are 20,000 a second.
        stage.clock.advance(Span::from_micros(25_000));
        let mut sweep = pin!(registry.sweep());
        assert!(sweep.as_mut().poll(&mut cx).is_pending());
        let down = || registry.hold(|state, _| state.summary().down);
        assert_eq!(down(), fallen, "{heard} were heard");

        stage.clock.advance(Span::from_micros(1_000));
        assert!(sweep.as_mut().poll(&mut cx).is_pending());
        assert_eq!(down(), 2 * fallen, "{heard} were heard");
    }
}
