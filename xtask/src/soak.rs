//! `cargo xtask soak`: everyday life and trouble of the real programs for as long as asked, and a
//! verdict over everything that was promised.
//!
//! The first half has every trouble but a restart, so that memory can be measured; in the second
//! half the daemon is killed and stopped, too.

mod beats;
mod chaos;
mod churn;
mod daemon;
mod events;
mod gauge;
mod peer;
mod scene;
mod silent;
mod verdict;
mod viewers;

use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use self::beats::Beats;
use self::churn::Churn;
use self::daemon::Daemon;
use self::events::Events;
use self::gauge::Gauge;
use self::scene::{Scene, Stage};
use self::silent::Silent;
use self::verdict::Verdict;
use self::viewers::Views;
use crate::USAGE;
use crate::runner::call;
use crate::scratch::Scratch;
use crate::terminal::Terminal;
use crate::test::root;

/// Minutes of a long run.
const LONG_RUN: u64 = 60;
/// Minutes of the step in `cargo xtask test`.
const EVERY_RUN: u64 = 2;
/// Terminal clients.
const TERMINALS: usize = 5;

/// Which programs are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    Debug,
    Release,
}

/// Runs as many minutes as asked with the release build; `--debug` takes the debug build.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (profile, minutes) = match arguments.split_first() {
        Some((first, rest)) if first == "--debug" => (Profile::Debug, rest),
        _ => (Profile::Release, arguments),
    };
    let minutes = match minutes {
        [] => LONG_RUN,
        [one] if one.parse().is_ok_and(|minutes: u64| EVERY_RUN <= minutes) => one.parse()?,
        _ => {
            eprintln!("xtask soak: give a number of minutes, {EVERY_RUN} at least");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let root = root()?;
    let mut build = vec!["build", "-p", "lastbeatd", "-p", "lastbeat"];
    if profile == Profile::Release {
        build.push("--release");
    }
    let status = call(&build).status()?;
    ensure!(status.success(), "the build ended with {status}");
    soak(&root, profile, minutes)?;
    Ok(ExitCode::SUCCESS)
}

/// The short run with the release build that is there already: a step of `cargo xtask test`, the
/// one that looks at the programs as users have them.
pub(crate) fn step(root: &Path) -> Result<()> {
    soak(root, Profile::Release, EVERY_RUN)
}

/// Everything that the threads of a run have seen.
struct Seen {
    beats: Beats,
    churn: Churn,
    silent: Silent,
    views: Views,
    events: Events,
    gauge: Gauge,
    chaos: Result<()>,
}

fn soak(root: &Path, profile: Profile, minutes: u64) -> Result<()> {
    let programs = root.join(match profile {
        Profile::Debug => "target/debug",
        Profile::Release => "target/release",
    });
    let folder = Scratch::new(root, "soak")?;
    let mut daemon = Daemon::start(&programs.join("lastbeatd"), folder.path())?;
    let scene = Scene::new(
        daemon.address(),
        daemon.db(),
        Duration::from_secs(60 * minutes),
    );
    println!(
        "{minutes} min with {} at {}",
        programs.display(),
        daemon.address()
    );
    let at_start = gauge::descriptors(daemon.pid().context("the daemon runs")?)?;
    let terminals = start_terminals(&programs, folder.path(), &scene)?;
    beats::register(&scene)?;
    let seen = watch_and_beat(&scene, &mut daemon)?;
    let shown = terminals
        .iter()
        .filter_map(|terminal| terminal.text_with("LIVE").err())
        .map(|error| format!("{error:#}"))
        .collect::<Vec<_>>();
    drop(terminals);
    let at_end = gauge::forgotten_sockets(&daemon, &at_start)?;
    let stopped = daemon.end();

    let mut verdict = Verdict::default();
    seen.beats.judge(&scene, &mut verdict);
    seen.churn.judge(&scene, &mut verdict);
    seen.silent.judge(&mut verdict);
    seen.events.judge(&seen.beats, &mut verdict);
    seen.views.judge(&scene, &mut verdict);
    verdict.none("terminals that do not show LIVE at the end", &shown);
    seen.gauge.judge(&scene, &mut verdict);
    verdict.none("sockets still open when all clients have left", &at_end);
    let faults: Vec<String> = [seen.chaos, stopped]
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    verdict.none("daemon ended by itself, or not as asked", &faults);
    daemon::judge_log(folder.path(), &mut verdict)?;
    verdict.print();
    if !verdict.holds() {
        let kept = folder.keep();
        anyhow::bail!("a bound is broken; everything stays in {}", kept.display());
    }
    Ok(())
}

/// Starts all threads, ends them in an order that leaves nothing half seen, and collects.
fn watch_and_beat(scene: &Scene, daemon: &mut Daemon) -> Result<Seen> {
    thread::scope(|scope| {
        let gauge = scope.spawn(|| Gauge::watch(scene));
        let events = scope.spawn(|| Events::watch(scene));
        let views = scope.spawn(|| Views::watch(scene));
        let beats = scope.spawn(|| Beats::beat(scene));
        let churn = scope.spawn(|| Churn::go_on(scene));
        let silent = scope.spawn(|| Silent::watch(scene));
        let chaos = scope.spawn(|| chaos::go_on(scene, daemon));
        // Whoever panics, the others are told to end before it is said.
        let chaos = joined(chaos);
        scene.enter(Stage::NoMoreChanges);
        let churn = joined(churn);
        let silent = joined(silent);
        scene.enter(Stage::Over);
        Ok(Seen {
            beats: joined(beats)?,
            churn: churn?,
            silent: silent?,
            views: joined(views)?,
            events: joined(events)?,
            gauge: joined(gauge)?,
            chaos: chaos?,
        })
    })
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> Result<T> {
    thread
        .join()
        .map_err(|_panic| anyhow::anyhow!("a thread of the soak panicked, see above"))
}

/// What the threads of one part have seen. Where one panicked, the part does so, too: what that one
/// should have found must not pass for nothing found.
fn all_of<T>(workers: Vec<thread::ScopedJoinHandle<'_, T>>) -> Vec<T> {
    let ended: Vec<thread::Result<T>> = workers
        .into_iter()
        .map(thread::ScopedJoinHandle::join)
        .collect();
    ended
        .into_iter()
        .map(|seen| seen.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        .collect()
}

fn start_terminals(programs: &Path, folder: &Path, scene: &Scene) -> Result<Vec<Terminal>> {
    let client = programs.join("lastbeat");
    let client = client.to_str().context("the path is not UTF-8")?;
    let url = format!("http://{}", scene.address);
    (0..TERMINALS)
        .map(|number| {
            let home = folder.join(format!("home-{number}"));
            std::fs::create_dir(&home)?;
            Terminal::start(&home, 100, 40, &[client, "--url", &url])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panicked_breaks_the_run_and_is_not_left_out() {
        let run = |fails: bool| {
            thread::scope(|scope| {
                let part = scope.spawn(move || {
                    thread::scope(|scope| {
                        let workers = (0..3).map(|number| {
                            scope.spawn(move || {
                                assert!(!fails || number != 1, "this one is lost");
                                number
                            })
                        });
                        all_of(workers.collect())
                    })
                });
                joined(part)
            })
        };

        assert_eq!(run(false).unwrap(), [0, 1, 2]);
        assert!(run(true).is_err());
    }
}
