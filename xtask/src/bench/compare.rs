//! The daemon beside a bare server and beside what one could run instead.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::bars::{self, Bar, Figure};
use super::duel::{Duel, Slice};
use super::load::{Load, Request, Until};
use super::rivals::{self, Flask, WORKERS};
use super::server::Server;
use super::wire::Wire;
use super::{Bench, fleet, requests};

/// Instances that beat, where nothing else is said.
const KNOWN: u64 = 1_000;
/// Connections of most comparisons, and of that of processor time.
const CONNECTIONS: usize = 64;
const MANY_CONNECTIONS: usize = 256;
/// Requests of a slice in which each opens a connection: not so many that ports run out.
const FRESH: u64 = 3_000;
/// Rows of the list, and heartbeats a second meanwhile.
const ROWS: usize = 10_000;
const BEATS_PER_SECOND: f64 = 5_000.0;

/// Requests as fast as they are answered, for one slice.
fn slice_of(bench: &Bench, server: &Server, connections: usize, request: Request) -> Load {
    let until = Until::Time(bench.scale.slice);
    Load::closed(server.address, connections, until, request)
}

/// Heartbeats of known instances beside the bare server, which is asked the same.
pub(super) fn heartbeats(bench: &mut Bench) -> Result<Vec<Figure>> {
    let (daemon, bare) = (bench.daemon()?, Bench::yardstick()?);
    fleet::register(bench, &daemon, KNOWN)?;
    let fight = |bench: &Bench, connections, request: Request| {
        let ours = slice_of(bench, &daemon, connections, request.clone());
        let theirs = slice_of(bench, &bare, connections, request);
        Duel::fight(bench, (&daemon, &ours), (&bare, &theirs))
    };
    let few = fight(bench, CONNECTIONS, requests::heartbeats(KNOWN))?;
    let many = fight(bench, MANY_CONNECTIONS, requests::heartbeats(KNOWN))?;
    let by_name = fight(bench, CONNECTIONS, requests::bare_heartbeats(KNOWN))?;
    let fresh = {
        let [ours, theirs] = [&daemon, &bare].map(|server| Load {
            is_fresh: true,
            until: Until::Count(FRESH),
            ..slice_of(bench, server, CONNECTIONS, requests::heartbeats(KNOWN))
        });
        Duel::fight(bench, (&daemon, &ours), (&bare, &theirs))?
    };
    bench.heartbeat_rate = Some(few.rates().ours);
    let beside = [
        (
            "heartbeats by `POST /heartbeat/<name>`, 64 connections",
            by_name.rates(),
        ),
        (
            "heartbeats, each over a connection of its own",
            fresh.rates(),
        ),
        ("heartbeats, 256 connections", many.rates()),
    ];
    bench.beside.extend(beside.map(|(what, rates)| {
        let note = rates.note("a second", "bare hyper", 0);
        format!("{what}: {:.2} of bare hyper ({note})", rates.ratio)
    }));
    let cpu = many.medians(|slice| slice.cpu_us);
    Ok(vec![
        Figure::new(
            &bars::HEARTBEATS,
            few.rates().ratio,
            few.rates().note("a second", "bare hyper", 0),
        ),
        Figure::new(
            &bars::HEARTBEAT_CPU,
            cpu.ratio,
            cpu.note("µs", "bare hyper", 1),
        ),
    ])
}

/// Heartbeats a second of 64 connections, where they were not measured already.
///
/// # Errors
/// When one is not answered well.
pub(super) fn maximum_rate(bench: &mut Bench) -> Result<f64> {
    let daemon = bench.daemon()?;
    fleet::register(bench, &daemon, KNOWN)?;
    let load = slice_of(bench, &daemon, CONNECTIONS, requests::heartbeats(KNOWN));
    Ok(Slice::of(bench, (&daemon, &load))?.rate)
}

/// New instances, each answered after its commit, in an empty registry each time.
pub(super) fn registrations(bench: &mut Bench) -> Result<Vec<Figure>> {
    let bare = Bench::yardstick()?;
    let mut duel = Duel::default();
    for _ in 0..bench.scale.rounds {
        let daemon = bench.daemon()?;
        let request = requests::registrations(0);
        let load = slice_of(bench, &daemon, MANY_CONNECTIONS, request.clone());
        let ours = Slice::of(bench, (&daemon, &load))?;
        ensure!(
            0 < fleet::summary(daemon.address, "total")?,
            "nothing was registered"
        );
        daemon.end()?;
        let load = slice_of(bench, &bare, MANY_CONNECTIONS, request);
        duel.0.push((ours, Slice::of(bench, (&bare, &load))?));
    }
    let rates = duel.rates();
    bench.registration_rate = Some(rates.ours);
    let cpu = duel.medians(|slice| slice.cpu_us);
    bench.beside.push(format!(
        "processor time of a registration, 256 connections: {}",
        cpu.note("µs", "a request to bare hyper", 1)
    ));
    let note = rates.note("a second", "bare hyper", 0);
    Ok(vec![Figure::new(&bars::REGISTRATIONS, rates.ratio, note)])
}

/// Heartbeats beside a server of others.
fn beside(
    bench: &mut Bench,
    bar: &'static Bar,
    (server, load): (&Server, &Load),
    them: &str,
) -> Result<Vec<Figure>> {
    let daemon = bench.daemon()?;
    fleet::register(bench, &daemon, KNOWN)?;
    let ours = slice_of(bench, &daemon, CONNECTIONS, requests::heartbeats(KNOWN));
    let rates = Duel::fight(bench, (&daemon, &ours), (server, load))?.rates();
    Ok(vec![Figure::new(
        bar,
        rates.ratio,
        rates.note("a second", them, 0),
    )])
}

/// The original, as its faster way to run.
pub(super) fn flask(bench: &mut Bench) -> Result<Vec<Figure>> {
    let flask = match Flask::install(&bench.root) {
        Ok(flask) => flask,
        Err(error) => return Ok(vec![Figure::none(&bars::FLASK, &format!("{error:#}"))]),
    };
    let known = usize::try_from(KNOWN)?;
    let mut fastest: Option<(f64, Server, Load, String)> = None;
    for workers in WORKERS {
        let server = flask.start(&bench.new_folder()?, known, workers)?;
        let mut load = slice_of(bench, &server, CONNECTIONS, requests::heartbeats(KNOWN));
        load.until = Until::Time(bench.scale.slice.max(Duration::from_secs(2)));
        let rate = Slice::of(bench, (&server, &load))?.rate;
        let them = format!("gunicorn {}", workers.join(" "));
        bench.beside.push(format!(
            "the Flask original under {them}: {rate:.0} heartbeats a second"
        ));
        if fastest.as_ref().is_none_or(|(fastest, ..)| *fastest < rate) {
            fastest = Some((rate, server, load, them));
        }
    }
    let (_, server, load, them) = fastest.context("there is a way to run it")?;
    beside(bench, &bars::FLASK, (&server, &load), &them)
}

/// etcd's gateway: a lease that is kept or a key that is put, the faster counts.
pub(super) fn etcd(bench: &mut Bench) -> Result<Vec<Figure>> {
    let Some(server) = rivals::etcd(&bench.new_folder()?)? else {
        return Ok(vec![Figure::none(
            &bars::ETCD,
            "etcd is not installed (etcd-server)",
        )]);
    };
    let grant = Load::closed(
        server.address,
        CONNECTIONS,
        Until::Count(KNOWN),
        requests::etcd_grant(),
    );
    bench.load(&grant)?;
    let mut fastest: Option<(f64, Load, &str)> = None;
    for (them, request) in [
        (
            "etcd (keepalive of a lease)",
            requests::etcd_keep_alive(KNOWN),
        ),
        ("etcd (put)", requests::etcd_put(KNOWN)),
    ] {
        let load = slice_of(bench, &server, CONNECTIONS, request);
        let rate = Slice::of(bench, (&server, &load))?.rate;
        bench.beside.push(format!("{them}: {rate:.0} a second"));
        if fastest.as_ref().is_none_or(|(fastest, ..)| *fastest < rate) {
            fastest = Some((rate, load, them));
        }
    }
    let (_, load, them) = fastest.context("there is a way to ask it")?;
    beside(bench, &bars::ETCD, (&server, &load), them)
}

/// Redis, which forgets by itself; the bar is for the one that writes nothing to the disk.
pub(super) fn redis(bench: &mut Bench) -> Result<Vec<Figure>> {
    let Some(server) = rivals::redis(&bench.new_folder()?, false)? else {
        return Ok(vec![Figure::none(
            &bars::REDIS,
            "Redis is not installed (redis-server)",
        )]);
    };
    let load = |bench: &Bench, server: &Server| Load {
        wire: Wire::Resp,
        ..slice_of(bench, server, CONNECTIONS, requests::redis_set(KNOWN))
    };
    if let Some(syncing) = rivals::redis(&bench.new_folder()?, true)? {
        let rate = Slice::of(bench, (&syncing, &load(bench, &syncing)))?.rate;
        bench
            .beside
            .push(format!("Redis with appendfsync always: {rate:.0} a second"));
    }
    let load = load(bench, &server);
    beside(bench, &bars::REDIS, (&server, &load), "Redis")
}

/// A list of everything while heartbeats come in, and the original's while nothing does.
pub(super) fn lists(bench: &mut Bench) -> Result<Vec<Figure>> {
    let flask = match Flask::install(&bench.root) {
        Ok(flask) => flask,
        Err(error) => return Ok(vec![Figure::none(&bars::LIST, &format!("{error:#}"))]),
    };
    let original = flask.start(&bench.new_folder()?, ROWS, WORKERS[1])?;
    let daemon = bench.daemon()?;
    let rows = u64::try_from(ROWS)?;
    fleet::register(bench, &daemon, rows)?;
    let list = requests::get("/services");
    // What no server on hyper can be faster than: these bytes, ready to be sent.
    let bytes = bench.answer(&daemon, &list)?.len();
    let bare = Bench::yardstick_of(Some(bytes))?;
    let of_list = |server| slice_of(bench, server, 1, list.clone());
    let (ours, theirs, constant) = (of_list(&daemon), of_list(&original), of_list(&bare));
    let beats =
        slice_of(bench, &daemon, CONNECTIONS, requests::heartbeats(rows)).open(BEATS_PER_SECOND);
    let (mut duel, mut floor) = (Duel::default(), Duel::default());
    for _ in 0..bench.scale.rounds {
        let beating = {
            let beats = beats.clone();
            bench.runtime.spawn(async move { beats.run().await })
        };
        let list = Slice::of(bench, (&daemon, &ours))?;
        bench.runtime.block_on(beating)??;
        let rival = Slice::of(bench, (&original, &theirs))?;
        duel.0.push((list, rival));
        floor.0.push((Slice::of(bench, (&bare, &constant))?, rival));
    }
    let times = duel.medians(|slice| slice.median_ms);
    let note = times.note("ms", "the original", 1);
    let floor = floor.medians(|slice| slice.median_ms);
    bench.beside.push(format!(
        "a constant as long as that list ({bytes} bytes) from bare hyper, nothing else going on: \
         {:.1} ms, {:.1} times faster than the original's list",
        floor.ours,
        1.0 / floor.ratio
    ));
    Ok(vec![Figure::new(&bars::LIST, 1.0 / times.ratio, note)])
}

/// Heartbeats of a registry of many beside one of few: the processor time of each.
///
/// # Errors
/// When a request is not answered well.
pub(super) fn growth(bench: &mut Bench, daemon: &Server, count: u64) -> Result<Figure> {
    let few = bench.daemon()?;
    fleet::register(bench, &few, KNOWN)?;
    let ours = slice_of(bench, daemon, CONNECTIONS, requests::heartbeats(count));
    let theirs = slice_of(bench, &few, CONNECTIONS, requests::heartbeats(KNOWN));
    let duel = Duel::fight(bench, (daemon, &ours), (&few, &theirs))?;
    let cpu = duel.medians(|slice| slice.cpu_us);
    Ok(Figure::new(
        &bars::GROWTH,
        cpu.ratio,
        cpu.note("µs", "at 1,000", 1),
    ))
}
