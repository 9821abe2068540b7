//! The command line of `beat`: its flags, and the plan they make.

use std::ffi::OsString;
use std::fmt::Display;

use clap::{Arg, ArgMatches, Command, value_parser};
use lastbeat_proto::name::check_line;
use lastbeat_proto::register::{MAX_TAG_BYTES, MAX_TTL, MIN_TTL};
use lastbeat_proto::{InstanceId, NetworkEndpoint, ServiceName, Span};

use super::flag;
use crate::beat::Plan;
use crate::client::RegisterBody;
use crate::config::{BEAT_SETTINGS, ConfigError, span};

/// Shortest and longest interval between heartbeats.
const EVERY_LIMITS: (Span, Span) = (Span::from_micros(250_000), MAX_TTL.third());

/// The subcommand as clap sees it.
pub(super) fn command() -> Command {
    let name = Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("name of the service");
    let command = Arg::new("command")
        .value_name("COMMAND")
        .last(true)
        .num_args(1..)
        .value_parser(value_parser!(OsString))
        .help("run this meanwhile; its exit code becomes ours");
    Command::new("beat")
        .about("Register, beat while a command runs or until stopped, deregister at the end")
        .arg(name)
        .args(BEAT_SETTINGS.iter().map(|setting| flag(setting, false)))
        .arg(command)
}

/// What to beat for, each value checked here so that a slip is told before anything starts.
pub(super) fn plan(matches: &ArgMatches) -> Result<Plan, ConfigError> {
    let name = checked(matches, "name", |text| {
        ServiceName::parse(text).map(|name| name.to_string())
    })?;
    let body = RegisterBody {
        name: name.unwrap_or_default(),
        ip: checked(matches, "ip", |text| {
            NetworkEndpoint::parse(text).map(|_| text.to_owned())
        })?,
        port: checked(matches, "port", |text| {
            let port = text.parse::<u16>().ok().filter(|port| 0 < *port);
            port.ok_or("is not a number from 1 to 65535")
        })?,
        instance: checked(matches, "instance", |text| {
            InstanceId::parse(text).map(|instance| instance.to_string())
        })?,
        ttl_s: checked(matches, "ttl", |text| span(text, (MIN_TTL, MAX_TTL)))?,
        tags: checked(matches, "tag", |text| {
            let tags = text.split(',').map(str::trim);
            tags.map(|tag| check_line(tag, MAX_TAG_BYTES).map(|()| tag.to_owned()))
                .collect::<Result<Vec<_>, _>>()
        })?
        .unwrap_or_default(),
    };
    let every = checked(matches, "every", |text| {
        let every = span(text, EVERY_LIMITS)?;
        match body.ttl_s {
            Some(ttl) if ttl < every => Err(format!(
                "is longer than --ttl {ttl}, so the service would be DOWN most of the time; a \
                 third of it, {}, is a good choice",
                ttl.third()
            )),
            _ => Ok(every),
        }
    })?;
    let command = matches
        .get_many("command")
        .map(|words| words.cloned().collect());
    Ok(Plan {
        body,
        every,
        command: command.unwrap_or_default(),
    })
}

fn checked<T, E: Display>(
    matches: &ArgMatches,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = matches.get_one::<String>(name) else {
        return Ok(None);
    };
    parse(text).map(Some).map_err(|error| ConfigError::Value {
        from: match name {
            "name" => "the service name".to_owned(),
            _ => format!("--{name}"),
        },
        value: text.clone(),
        expected: error.to_string(),
    })
}
