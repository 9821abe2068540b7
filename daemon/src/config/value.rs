//! Values of settings: found in the strongest source, read, or refused with the words that name
//! where they were given.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use lastbeat_proto::{NetworkEndpoint, Span};

use super::{ConfigError, Given, LogFormat, SETTINGS};

/// Longest of all durations.
const MAX_SPAN: Span = Span::from_secs(3_660 * 86_400);

/// The sources of settings, the strongest first.
pub(super) struct Sources<'given> {
    pub(super) sources: &'given [Given],
}

impl Sources<'_> {
    fn find(&self, key: &str) -> Option<&(String, Vec<String>)> {
        self.sources.iter().find_map(|given| given.get(key))
    }

    pub(super) fn optional(&self, key: &str) -> Option<String> {
        self.find(key)
            .and_then(|(_, values)| values.last().cloned())
    }

    /// Two settings of which neither means anything alone.
    pub(super) fn pair(
        &self,
        first: &str,
        second: &str,
    ) -> Result<Option<(String, String)>, ConfigError> {
        let (lonely, absent) = match (self.optional(first), self.optional(second)) {
            (None, None) => return Ok(None),
            (Some(one), Some(other)) => return Ok(Some((one, other))),
            (Some(_), None) => (first, second),
            (None, Some(_)) => (second, first),
        };
        let given = self
            .find(lonely)
            .and_then(|(origin, values)| Some((origin.clone(), values.last()?.clone())));
        let (origin, value) = given.unwrap_or_default();
        Err(ConfigError::Value {
            origin,
            value,
            detail: format!("needs --{absent} beside it; give both or neither"),
        })
    }

    pub(super) fn one<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let given = self
            .find(key)
            .and_then(|(origin, values)| Some((origin.clone(), values.last()?)));
        let default = SETTINGS
            .iter()
            .find(|s| s.key == key)
            .and_then(|s| s.default);
        let (origin, value) = match given {
            Some((origin, value)) => (origin, value.as_str()),
            None => (
                format!("the default of --{key}"),
                default.unwrap_or_default(),
            ),
        };
        parse(value).map_err(|detail| ConfigError::Value {
            origin,
            value: value.to_owned(),
            detail,
        })
    }

    pub(super) fn list<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some((origin, values)) = self.find(key) else {
            return Ok(Vec::new());
        };
        let wrong = |value: &str, detail| ConfigError::Value {
            origin: origin.clone(),
            value: value.to_owned(),
            detail,
        };
        values
            .iter()
            .map(|value| parse(value).map_err(|detail| wrong(value, detail)))
            .collect()
    }

    pub(super) fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        let Some((origin, values)) = self.find(key) else {
            return Ok(false);
        };
        match values.last().map(String::as_str) {
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            value => Err(ConfigError::Value {
                origin: origin.clone(),
                value: value.unwrap_or_default().to_owned(),
                detail: "is not true or false".to_owned(),
            }),
        }
    }
}

pub(super) fn parse_span(text: &str, least: Span) -> Result<Span, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if (least..=MAX_SPAN).contains(&span) {
        Ok(span)
    } else {
        Err(format!("is not between {least} and {MAX_SPAN}"))
    }
}

pub(super) fn parse_count(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=10_000_000).contains(count));
    count.ok_or_else(|| "is not a whole number from 1 to 10000000".to_owned())
}

pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_not_an_address| {
        "is not an address with a port; write it as 127.0.0.1:5001 or [::1]:5001".to_owned()
    })
}

/// A host as clients name it, in one spelling and without a port.
pub(super) fn parse_host(text: &str) -> Result<String, String> {
    let host = NetworkEndpoint::parse(text).map_err(|error| error.to_string())?;
    match host.port {
        None => Ok(host.address.to_string()),
        Some(_) => Err(format!(
            "names a port, and a host counts with every port; write {}",
            host.address
        )),
    }
}

/// A network, or one address as the network of itself. Never all of them: then everybody could say
/// for whom he asks.
pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    let network: IpNet = one
        .or_else(|_no_address| text.parse())
        .map_err(|_no_network| {
            "is not an address or network; write it as 192.0.2.7, 10.0.0.0/8 or fd00::/8".to_owned()
        })?;
    if network.prefix_len() == 0 {
        return Err(
            "is every address there is, so that anyone could pretend to be anyone by a header; \
             name the proxy's own address or network, such as 192.0.2.7 or 10.0.0.0/8"
                .to_owned(),
        );
    }
    Ok(network)
}

pub(super) fn parse_level(text: &str) -> Result<tracing::Level, String> {
    text.parse()
        .map_err(|_not_a_level| "is not one of error, warn, info, debug, trace".to_owned())
}

pub(super) fn parse_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is not one of text, json".to_owned()),
    }
}
