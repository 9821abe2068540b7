//! How long single parts of the daemon take: `cargo bench -p lastbeatd --bench parts`. Nothing here is asserted;
//! what counts from outside is measured by `cargo xtask bench`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot be prepared should end, and say where"
)]

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use divan::{Bencher, black_box};
use lastbeat_proto::register::Registration;
use lastbeat_proto::{Address, InstanceId, ServiceName, Span, Timestamp};
use lastbeatd::clock::{Moment, Mono, SystemClock};
use lastbeatd::config::{Config, Given, Limits, Rules};
use lastbeatd::state::record::Loaded;
use lastbeatd::state::{Cursor, Portion, State};
use tokio::net::TcpListener;

const RULES: Rules = Rules {
    ttl: Span::from_secs(60),
    remove_after: Span::from_secs(3_600),
    start_grace: Span::from_secs(60),
    gone_for: Span::from_secs(86_400),
    tombstones_for: Span::from_secs(7 * 86_400),
};
const LIMITS: Limits = Limits {
    instances: 1_000_000,
    tombstones: 1_000_000,
};
/// Registry of few, and of many.
const SIZES: [usize; 2] = [1_000, 100_000];
/// The same, and of more than one daemon is meant for.
const SWEPT: [usize; 3] = [1_000, 100_000, 1_000_000];
/// Neighbors in a row of heartbeats lie so far apart: a prime.
const STRIDE: usize = 7_919;
/// Rows and bytes of one piece of a list, as the daemon writes them.
const PIECE: Portion = Portion {
    rows: 1_024,
    bytes: 112 << 10,
};

fn main() {
    divan::main();
}

fn moment(time_us: i64) -> Moment {
    Moment {
        wall: Timestamp::from_micros(1_800_000_000_000_000 + time_us),
        mono: Mono::from_micros(time_us),
    }
}

fn caller() -> Address {
    Address::from(IpAddr::from([10, 0, 0, 1]))
}

fn name(number: usize) -> ServiceName {
    ServiceName::parse(&format!("service-{number:07}")).unwrap()
}

/// A registry in which so many have registered at the first moment.
fn state(count: usize) -> State {
    let mut state = State::load(Loaded::default(), RULES, LIMITS, moment(0));
    state.listen(moment(0));
    for number in 0..count {
        let registration = Registration::bare(name(number));
        state.register(&registration, &caller(), moment(0)).unwrap();
    }
    state
}

/// Beats for instances in turn, each call for the next one.
fn beats(count: usize) -> impl FnMut(&mut State, i64) {
    let names: Vec<ServiceName> = (0..count).map(name).collect();
    let (key, caller) = (InstanceId::of_address(&caller(), None), caller());
    let mut number = 0;
    move |state, time_us| {
        number = (number + STRIDE) % count;
        let heard = state.heartbeat(&names[number], Some(&key), &caller, moment(time_us));
        black_box(heard.unwrap());
    }
}

#[divan::bench]
fn parse_a_registration(bencher: Bencher<'_, '_>) {
    let body = br#"{"name": "auth-service", "ip": "192.168.1.100", "port": 8080, "ttl_s": 30, "tags": ["prod"]}"#;
    bencher.bench(|| Registration::parse(black_box(body)).unwrap());
}

#[divan::bench(args = SIZES)]
fn heartbeat_of_a_known_instance(bencher: Bencher<'_, '_>, count: usize) {
    let (mut state, mut beat, mut time_us) = (state(count), beats(count), 0);
    bencher.bench_local(|| {
        time_us += 1;
        beat(&mut state, time_us);
    });
}

/// All are due in one instant; in holds of the lock, as the daemon does it.
#[divan::bench(args = SWEPT, sample_count = 5, sample_size = 1)]
fn sweep_of_all_that_are_due(bencher: Bencher<'_, '_>, count: usize) {
    // Each step is shorter than what counts as a stall.
    let aged = || {
        let mut state = state(count);
        for second in 1..=60 {
            while state.sweep(moment(second * 1_000_000)) {}
        }
        state
    };
    bencher.with_inputs(aged).bench_local_values(|mut state| {
        while state.sweep(moment(60_000_001)) {}
        assert_eq!(state.summary().down, count);
        state
    });
}

#[divan::bench]
fn sweep_in_which_nothing_is_due(bencher: Bencher<'_, '_>) {
    let mut state = state(100_000);
    bencher.bench_local(|| state.sweep(moment(1)));
}

#[divan::bench]
fn list_of_10_000_rows(bencher: Bencher<'_, '_>) {
    let state = state(10_000);
    bencher.bench_local(|| {
        let mut behind = None;
        loop {
            let mut piece = Vec::with_capacity(PIECE.bytes);
            behind = state.write_rows(behind.as_ref(), PIECE, moment(1), &mut piece);
            black_box(piece);
            if behind.is_none() {
                return;
            }
        }
    });
}

#[divan::bench]
fn delta_at_100_000_rows_with_100_changed(bencher: Bencher<'_, '_>) {
    let (mut state, mut beat) = (state(100_000), beats(100_000));
    let cursor = Cursor::parse(&state.cursor().text()).unwrap();
    for _ in 0..100 {
        beat(&mut state, 1);
    }
    bencher.bench_local(|| {
        let (places, removed) = state.changed_since(&cursor);
        assert_eq!((places.len(), removed.len()), (100, 0));
        let mut rows = Vec::new();
        state.write_places(places.into_iter(), PIECE, moment(1), &mut rows);
        rows
    });
}

/// The dashboard's first page of 100 rows, with the way over loopback.
#[divan::bench]
fn page_of_100_rows_over_http(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().unwrap();
    let address = serve(dir.path());
    let mut stream = TcpStream::connect(address).unwrap();
    let mut answer = Vec::new();
    for number in 0..100 {
        let request = format!(
            "POST /register HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 27\r\n\r\n\
             {{\"name\": \"service-{number:07}\"}}"
        );
        ask(&mut stream, request.as_bytes(), &mut answer);
    }
    bencher.bench_local(|| {
        ask(
            &mut stream,
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            &mut answer,
        );
        answer.len()
    });
}

/// One request and the whole of its answer, which has a length.
fn ask(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) {
    stream.write_all(request).unwrap();
    answer.clear();
    let mut bytes = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut bytes).unwrap();
        assert!(0 < count, "the daemon closed the connection");
        answer.extend_from_slice(&bytes[..count]);
        if is_whole(answer) {
            assert!(answer.starts_with(b"HTTP/1.1 200 "));
            return;
        }
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let (_, rest) = head.split_once("content-length: ").unwrap();
    let length: usize = rest.lines().next().unwrap().parse().unwrap();
    end + 4 + length <= answer.len()
}

/// A daemon that serves until the program ends.
fn serve(dir: &std::path::Path) -> SocketAddr {
    let db = dir.join("monitoring.db").display().to_string();
    let given: Given = [("db", ("--db".to_owned(), vec![db]))].into();
    let config = Config::resolve(&[given], None).unwrap();
    let daemon = lastbeatd::Daemon::open(config, Arc::new(SystemClock::default())).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    std::thread::spawn(move || {
        runtime.unwrap().block_on(async {
            let listeners = vec![TcpListener::from_std(listener).unwrap()];
            daemon
                .serve(listeners, std::future::pending())
                .await
                .unwrap();
        });
    });
    address
}
