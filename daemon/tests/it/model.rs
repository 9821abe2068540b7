//! Liveness against a model that is small enough to be read in one go: random heartbeats, ticks,
//! steps of the wall clock, stalls, restarts and crashes.
//!
//! The model knows nothing of queues, flags or counters. It keeps when everything was heard and
//! when listening began, and works the rule of ADR 0004 out anew at every look.

use std::collections::BTreeMap;

use lastbeat_proto::{Span, Status};
use proptest::prelude::*;

use crate::figure::figure;
use crate::world::{RULES, Seen, World};

const SECOND_US: i64 = 1_000_000;
const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
enum Command {
    Register { whom: usize, ttl_s: Option<u64> },
    Heartbeat { whom: usize },
    Deregister { whom: usize },
    Pass { us: i64 },
    Stall { us: i64 },
    StepWall { us: i64 },
    Restart { is_clean: bool, off_us: i64 },
}

fn command() -> impl Strategy<Value = Command> {
    let whom = 0..NAMES.len();
    // Times that meet deadlines exactly are worth more than random ones.
    let time = prop_oneof![
        3 => (1_i64..130).prop_map(|s| s * SECOND_US),
        1 => (1_i64..130).prop_map(|s| s * SECOND_US + 1),
        2 => 1_i64..130 * SECOND_US,
    ];
    let ttl = prop_oneof![Just(None), Just(Some(60)), (2_u64..200).prop_map(Some)];
    prop_oneof![
        4 => (whom.clone(), ttl).prop_map(|(whom, ttl_s)| Command::Register { whom, ttl_s }),
        3 => whom.clone().prop_map(|whom| Command::Heartbeat { whom }),
        1 => whom.prop_map(|whom| Command::Deregister { whom }),
        6 => time.clone().prop_map(|us| Command::Pass { us }),
        1 => (1_i64..4_000 * SECOND_US).prop_map(|us| Command::Stall { us }),
        1 => (-10_i64..10).prop_map(|years| Command::StepWall { us: years * 31_536_000 * SECOND_US }),
        2 => (any::<bool>(), time).prop_map(|(is_clean, off_us)| Command::Restart { is_clean, off_us }),
    ]
}

/// How an instance stands in the model.
#[derive(Debug, Clone, Copy)]
struct Known {
    heard_l: i64,
    ttl_us: i64,
    is_deregistered: bool,
}

#[derive(Debug, Default)]
struct Model {
    l: i64,
    /// Of each stretch: listening time right before the absence, and at its begin.
    starts: Vec<(i64, i64)>,
    known: BTreeMap<usize, Known>,
}

impl Model {
    fn begin(&mut self, is_clean: bool) {
        let before = self.l;
        if !is_clean {
            self.l += SECOND_US;
        }
        // Time goes on behind everything that was stored with a time.
        let heard = self.known.values().map(|known| known.heard_l);
        let down = self
            .known
            .values()
            .filter_map(|known| self.down_since(*known));
        let starts = self.starts.last().map(|(_, start)| *start);
        if let Some(newest) = heard.chain(down).chain(starts).max() {
            self.l = self.l.max(newest + 1);
        }
        self.starts.push((before, self.l));
    }

    fn stall(&mut self, us: i64) {
        let before = self.l;
        self.l += us.min(SECOND_US);
        if 5 * SECOND_US < us {
            self.starts.push((before, self.l));
        }
    }

    /// The moment behind which it is DOWN, if that has passed.
    fn down_since(&self, known: Known) -> Option<i64> {
        let first = self.starts.iter().find(|(_, start)| known.heard_l < *start);
        let grace_us = RULES.start_grace.as_signed_micros();
        let allowance = match first {
            // An absence excuses nobody who was DOWN before it.
            Some((before, start)) if *before <= known.heard_l + known.ttl_us => {
                known.ttl_us.max(start - known.heard_l + grace_us)
            }
            _ => known.ttl_us,
        };
        let deadline = known.heard_l + allowance;
        (deadline < self.l).then_some(deadline)
    }

    fn status(&self, known: Known) -> Status {
        if known.is_deregistered {
            return Status::Gone;
        }
        match self.down_since(known) {
            None => Status::Up,
            Some(since) if self.l - since <= RULES.remove_after.as_signed_micros() => Status::Down,
            Some(_) => Status::Gone,
        }
    }

    fn is_confirmed(&self, known: Known) -> bool {
        let newest = self.starts.last();
        newest.is_none_or(|(_, start)| *start <= known.heard_l)
    }
}

fn run(commands: &[Command]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    world.flushes = false;
    let mut model = Model::default();
    world.start();
    model.starts.push((0, 0));
    for command in commands {
        apply(&mut world, &mut model, command)?;
        compare(&mut world, &model, command)?;
    }
    Ok(())
}

fn apply(world: &mut World, model: &mut Model, command: &Command) -> Result<(), TestCaseError> {
    match *command {
        Command::Register { whom, ttl_s } => {
            world
                .register(NAMES[whom], ttl_s.map(Span::from_secs))
                .unwrap();
            let old = model
                .known
                .get(&whom)
                .filter(|known| !known.is_deregistered);
            let kept_us = old.map_or(RULES.ttl.as_signed_micros(), |known| known.ttl_us);
            let ttl_us = ttl_s.map_or(kept_us, |s| Span::from_secs(s).as_signed_micros());
            model.known.insert(
                whom,
                Known {
                    heard_l: model.l,
                    ttl_us,
                    is_deregistered: false,
                },
            );
        }
        Command::Heartbeat { whom } => {
            let is_heard = world.heartbeat(NAMES[whom]).is_ok();
            let known = model
                .known
                .get_mut(&whom)
                .filter(|known| !known.is_deregistered);
            prop_assert_eq!(is_heard, known.is_some());
            if let Some(known) = known {
                known.heard_l = model.l;
            }
        }
        Command::Deregister { whom } => {
            let is_known = world.deregister(NAMES[whom]).is_ok();
            prop_assert_eq!(is_known, model.known.contains_key(&whom));
            let status = model.known.get(&whom).map(|known| model.status(*known));
            if let Some(known) = model.known.get_mut(&whom) {
                // One that timed out is dismissed: out of sight, but a heartbeat brings it back.
                known.is_deregistered |= status != Some(Status::Gone);
            }
        }
        Command::Pass { us } => {
            let until_us = world.time_us + us;
            world.run_until(until_us);
            model.l += us;
        }
        Command::Stall { us } => {
            world.stall(us);
            model.stall(us);
        }
        Command::StepWall { us } => world.wall_steps_us += us,
        Command::Restart { is_clean, off_us } => {
            world.restart(is_clean, off_us);
            model.begin(is_clean);
        }
    }
    Ok(())
}

fn compare(world: &mut World, model: &Model, command: &Command) -> Result<(), TestCaseError> {
    for (whom, known) in &model.known {
        let seen = world.see(NAMES[*whom]);
        let expected = model.status(*known);
        let context = format!(
            "{} after {command:?}: {seen:?}, {known:?}, {model:?}",
            NAMES[*whom]
        );
        match seen {
            Seen::Registered(row) => {
                prop_assert_eq!(row.status, expected, "{}", context);
                let silence = model.l - known.heard_l;
                let is_late = expected == Status::Up && 3 * known.ttl_us < 4 * silence;
                prop_assert_eq!(row.late, is_late, "{}", &context);
                let is_confirmed = expected == Status::Down || model.is_confirmed(*known);
                prop_assert_eq!(row.confirmed, is_confirmed, "{}", &context);
                prop_assert!(row.since <= world.now().wall, "{}", &context);
                prop_assert!(row.last_heartbeat <= world.now().wall, "{}", &context);
            }
            // A dismissed tombstone, or one older than a day, is not shown.
            Seen::Gone(_) | Seen::Nowhere => prop_assert_eq!(expected, Status::Gone, "{}", context),
        }
    }
    Ok(())
}

#[test]
fn liveness_is_what_the_model_says() {
    let cases = u32::try_from(figure("model", 2_000)).unwrap();
    let config = ProptestConfig {
        max_shrink_iters: 2_000,
        ..ProptestConfig::with_cases(cases)
    };
    proptest!(config, |(commands in proptest::collection::vec(command(), 1..25))| {
        run(&commands)?;
    });
}
