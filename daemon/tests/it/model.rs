//! Liveness against a model that is small enough to be read in one go: random heartbeats, ticks,
//! steps of the wall clock, stalls, restarts and crashes, which lose what was not stored.
//!
//! After each command everything that can be seen of every instance must be what the model says:
//! status, late, confirmed, all times and ages, counts, and at the end the whole history.

mod rule;

mod ask;

use lastbeat_proto::answer::{Row, Summary, Tombstone};
use lastbeat_proto::{Span, Status};
use lastbeatd::config::Rules;
use lastbeatd::instance::Life;
use proptest::prelude::*;

use self::rule::{Known, Model, SECOND_US};
use crate::figure::figure;
use crate::world::{Seen, WALL_START_US, World};

/// Enough for a mass loss.
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Tombstones leave within the time that a sequence covers.
pub(crate) const RULES: Rules = Rules {
    gone_for: Span::from_secs(100),
    tombstones_for: Span::from_secs(300),
    ..crate::world::RULES
};

#[derive(Debug, Clone)]
enum Command {
    Register { whom: usize, ttl_s: Option<u64> },
    RegisterAll,
    Heartbeat { whom: usize },
    Deregister { whom: usize },
    Pass { us: i64 },
    Stall { us: i64 },
    StepWall { us: i64 },
    Flush,
    Restart { off_us: i64 },
    Kill { off_us: i64 },
}

fn command() -> impl Strategy<Value = Command> {
    let whom = 0..NAMES.len();
    // Times that meet deadlines exactly are worth more than random ones.
    let time = prop_oneof![
        6 => (1_i64..130).prop_map(|s| s * SECOND_US),
        2 => (1_i64..130).prop_map(|s| s * SECOND_US + 1),
        4 => 1_i64..130 * SECOND_US,
        1 => (1_i64..4).prop_map(|quarters| quarters * 300 * SECOND_US),
    ];
    let stall = prop_oneof![
        1 => 5 * SECOND_US - 1..=5 * SECOND_US + 1,
        2 => 1..5 * SECOND_US,
        2 => 5 * SECOND_US..4_000 * SECOND_US,
    ];
    let step = prop_oneof![
        (-10_i64..=10).prop_map(|years| years * 31_536_000 * SECOND_US),
        -200 * SECOND_US..200 * SECOND_US,
    ];
    let ttl = prop_oneof![Just(None), Just(Some(60)), (2_u64..200).prop_map(Some)];
    prop_oneof![
        4 => (whom.clone(), ttl).prop_map(|(whom, ttl_s)| Command::Register { whom, ttl_s }),
        1 => Just(Command::RegisterAll),
        3 => whom.clone().prop_map(|whom| Command::Heartbeat { whom }),
        1 => whom.prop_map(|whom| Command::Deregister { whom }),
        6 => time.clone().prop_map(|us| Command::Pass { us }),
        1 => stall.prop_map(|us| Command::Stall { us }),
        1 => step.prop_map(|us| Command::StepWall { us }),
        1 => Just(Command::Flush),
        1 => time.clone().prop_map(|off_us| Command::Restart { off_us }),
        2 => time.prop_map(|off_us| Command::Kill { off_us }),
    ]
}

fn run(commands: &[Command]) -> Result<(), TestCaseError> {
    let mut world = World::with(RULES);
    world.flushes = false;
    let mut model = Model::new(WALL_START_US);
    world.start();
    model.start(true);
    for command in commands {
        apply(&mut world, &mut model, command)?;
        compare(&mut world, &model, command)?;
    }
    compare_histories(&mut world, &model)
}

fn apply(world: &mut World, model: &mut Model, command: &Command) -> Result<(), TestCaseError> {
    match *command {
        Command::Register { whom, ttl_s } => {
            let ttl = ttl_s.map(Span::from_secs);
            world.register(NAMES[whom], ttl).unwrap();
            model.register(whom, ttl.map(Span::as_signed_micros));
        }
        Command::RegisterAll => {
            for (whom, name) in NAMES.iter().enumerate() {
                world.register(name, None).unwrap();
                model.register(whom, None);
            }
        }
        Command::Heartbeat { whom } => {
            let is_heard = world.heartbeat(NAMES[whom]).is_ok();
            prop_assert_eq!(is_heard, model.heartbeat(whom));
        }
        Command::Deregister { whom } => {
            let is_known = world.deregister(NAMES[whom]).is_ok();
            prop_assert_eq!(is_known, model.deregister(whom));
        }
        Command::Pass { us } => {
            let until_us = world.time_us + us;
            while world.time_us < until_us {
                let before_us = world.time_us;
                world.tick(until_us);
                model.pass(world.time_us - before_us);
            }
        }
        Command::Stall { us } => {
            world.stall(us);
            model.pass(us);
        }
        Command::StepWall { us } => {
            world.wall_steps_us += us;
            model.wall += us;
        }
        Command::Flush => {
            world.flush();
            model.flush();
        }
        Command::Restart { off_us } => {
            world.stop();
            model.flush();
            start(world, model, true, off_us);
        }
        Command::Kill { off_us } => {
            world.kill();
            model.kill();
            start(world, model, false, off_us);
        }
    }
    Ok(())
}

fn start(world: &mut World, model: &mut Model, is_clean: bool, off_us: i64) {
    world.time_us += off_us;
    model.time_us += off_us;
    model.wall += off_us;
    world.start();
    model.start(is_clean);
}

fn compare(world: &mut World, model: &Model, command: &Command) -> Result<(), TestCaseError> {
    let mut expected = Summary::default();
    for known in model.known.values() {
        match known.life {
            Life::Up => expected.up += 1,
            Life::Down => expected.down += 1,
            _ => expected.gone += usize::from(model.is_shown(known)),
        }
        expected.late += usize::from(model.is_late(known));
    }
    expected.total = expected.up + expected.down;
    let context = format!("after {command:?}: {model:?}");
    // Before anyone looks at a row: what is due was done by the sweep.
    prop_assert_eq!(world.summary(), expected, "{}", &context);
    for (whom, name) in NAMES.iter().enumerate() {
        let known = model.known.get(&whom);
        let context = format!("{name} {context}");
        match (world.see(name), known) {
            (Seen::Registered(row), Some(known)) => {
                compare_row(&row, known, model, &context)?;
            }
            (Seen::Gone(stone), Some(known)) => {
                prop_assert!(model.is_shown(known), "{stone:?} is shown, {context}");
                compare_stone(&stone, known, model, &context)?;
            }
            (Seen::Nowhere, known) => {
                let is_seen = |known: &Known| known.life.is_registered() || model.is_shown(known);
                prop_assert!(!known.is_some_and(is_seen), "{context}");
            }
            (seen, None) => prop_assert!(false, "{seen:?} is unknown, {context}"),
        }
    }
    Ok(())
}

fn compare_row(
    row: &Row,
    known: &Known,
    model: &Model,
    context: &str,
) -> Result<(), TestCaseError> {
    let expected = (
        known.id,
        known.life.status(),
        model.is_late(known),
        model.is_confirmed(known),
        known.is_flapping,
    );
    let seen = (row.id, row.status, row.late, row.confirmed, row.flapping);
    prop_assert_eq!(seen, expected, "{:?}, {}", row, context);
    let heard = model.shown(known.heard);
    let expected = (model.shown(known.since), heard, known.first_wall.min(heard));
    let seen = (
        row.since.as_micros(),
        row.last_heartbeat.as_micros(),
        row.first_seen.as_micros(),
    );
    prop_assert_eq!(seen, expected, "{:?}, {}", row, context);
    let up_ms = (model.time_us - model.origin_us) / 1_000;
    let due_us = model.deadline(known) - model.l;
    let expected = (
        (known.heard_us - model.origin_us).div_euclid(1_000),
        up_ms + due_us.div_euclid(1_000),
    );
    prop_assert_eq!(
        (row.heard_ms, row.due_ms),
        expected,
        "{:?}, {}",
        row,
        context
    );
    prop_assert!(
        row.heard_ms <= up_ms,
        "it is heard in the future, {context}"
    );
    Ok(())
}

fn compare_stone(
    stone: &Tombstone,
    known: &Known,
    model: &Model,
    context: &str,
) -> Result<(), TestCaseError> {
    let heard = model.shown(known.heard);
    let expected = (
        known.id,
        Status::Gone,
        known.life == Life::Deregistered,
        model.shown(known.since),
        heard,
        known.first_wall.min(heard),
    );
    let seen = (
        stone.id,
        stone.status,
        stone.deregistered,
        stone.since.as_micros(),
        stone.last_heartbeat.as_micros(),
        stone.first_seen.as_micros(),
    );
    prop_assert_eq!(seen, expected, "{}", context);
    Ok(())
}

/// Of each instance and of the daemon itself: what happened, in order, each with its own time.
fn compare_histories(world: &mut World, model: &Model) -> Result<(), TestCaseError> {
    let seen = world.events();
    let everyone = NAMES
        .iter()
        .enumerate()
        .map(|(whom, name)| (Some(whom), Some(*name)));
    for (whom, name) in everyone.chain([(None, None)]) {
        let expected: Vec<(&str, i64)> = model
            .events
            .iter()
            .filter(|(subject, ..)| *subject == whom)
            .map(|(_, kind, stamp)| (*kind, model.shown(*stamp)))
            .collect();
        let seen: Vec<(&str, i64)> = seen
            .iter()
            .filter(|event| event.name.as_deref() == name)
            .map(|event| (event.kind.word(), event.at.as_micros()))
            .collect();
        prop_assert_eq!(seen, expected, "{:?} of {:?}", name, model);
    }
    Ok(())
}

#[test]
fn liveness_is_what_the_model_says() {
    let cases = u32::try_from(figure("model", 2_000)).unwrap();
    let config = ProptestConfig {
        // What is found becomes a timeline.
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    let config = ProptestConfig {
        // Shrinking may take as long as the search.
        max_shrink_iters: config.max_shrink_iters.min(cases),
        ..config
    };
    proptest!(config, |(commands in proptest::collection::vec(command(), 1..25))| {
        run(&commands)?;
    });
}
