//! The environment variables of both programs: one that neither knows is rather a slip of the pen
//! than a wish, so each names what was probably meant. What a variable says is left to the programs.

use std::ffi::OsString;

/// What every variable of ours begins with.
pub const PREFIX: &str = "LASTBEAT_";

/// Those of the daemon, in the order of its settings.
pub const DAEMON: [&str; 24] = [
    "LASTBEAT_LISTEN",
    "LASTBEAT_DB",
    "LASTBEAT_TTL",
    "LASTBEAT_REMOVE_AFTER",
    "LASTBEAT_START_GRACE",
    "LASTBEAT_GONE_FOR",
    "LASTBEAT_TOMBSTONES_FOR",
    "LASTBEAT_TOMBSTONES_MAX",
    "LASTBEAT_FLUSH",
    "LASTBEAT_STORAGE_WAIT",
    "LASTBEAT_MAX_INSTANCES",
    "LASTBEAT_MAX_CONNECTIONS",
    "LASTBEAT_ALLOWED_HOST",
    "LASTBEAT_TRUSTED_PROXY",
    "LASTBEAT_TOKENS",
    "LASTBEAT_ANONYMOUS_READ",
    "LASTBEAT_MAX_WRITE_RATE",
    "LASTBEAT_INSECURE_NO_AUTH",
    "LASTBEAT_TLS_CERT",
    "LASTBEAT_TLS_KEY",
    "LASTBEAT_THEME_CSS",
    "LASTBEAT_CONFIG",
    "LASTBEAT_LOG_LEVEL",
    "LASTBEAT_LOG_FORMAT",
];

/// Those of the terminal client.
pub const CLIENT: [&str; 4] = [
    "LASTBEAT_URL",
    "LASTBEAT_CA_FILE",
    "LASTBEAT_TOKEN_FILE",
    "LASTBEAT_THEME",
];

/// Those of our own tests, which the programs that they start inherit.
const TESTS: [&str; 2] = ["LASTBEAT_SEED", "LASTBEAT_FIGURE"];

/// What Kubernetes and Docker set for a service that is called `lastbeat`
/// (kubernetes.io, "Discovering services").
const OF_CONTAINERS: [&str; 2] = ["LASTBEAT_SERVICE_", "LASTBEAT_PORT_"];

/// Most variables that are told of, and the longest that is.
const MOST: usize = 10;
const MAX_BYTES: usize = 64;

/// A sentence for each variable of an environment that begins as ours do and is none of them.
pub fn unknown(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<String> {
    let ours: Vec<(String, String)> = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .collect();
    complaints(
        ours.iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

fn complaints<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut unknown: Vec<&str> = variables
        .into_iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && !is_known(name, value))
        .map(|(name, _)| name)
        .filter(|name| name.len() <= MAX_BYTES)
        .collect();
    unknown.sort_unstable();
    unknown.truncate(MOST);
    unknown
        .into_iter()
        .map(|name| {
            let nearest = nearest(name);
            format!(
                "the variable {name} is none of ours and changes nothing; the nearest is {nearest}"
            )
        })
        .collect()
}

fn is_known(name: &str, value: &str) -> bool {
    let mut known = DAEMON.iter().chain(&CLIENT).chain(&TESTS);
    let is_of_containers = OF_CONTAINERS.iter().any(|start| name.starts_with(start))
        || (name == "LASTBEAT_PORT" && value.contains("://"));
    is_of_containers || known.any(|known| *known == name)
}

fn nearest(name: &str) -> &'static str {
    let known = DAEMON.iter().chain(&CLIENT);
    let nearest = known.min_by_key(|known| distance(known, name));
    nearest.copied().unwrap_or_default()
}

/// How many characters to add, drop or replace make one text of the other (Levenshtein).
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let mut costs: Vec<usize> = (0..=other.chars().count()).collect();
    for (row, a) in one.chars().enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        let Some((first, rest)) = costs.split_first_mut() else {
            return 0;
        };
        *first = left;
        for (b, cost) in other.chars().zip(rest) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cost;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cost = left;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_variable_is_told_with_the_nearest_known_one() {
        let found = complaints([
            ("LASTBEAT_TTL", "60s"),
            ("LASTBEAT_URL", "http://127.0.0.1:5001"),
            ("LASTBEAT_REMOVEAFTER", "5m"),
            ("LASTBEAT_TOKEN", "secret"),
            ("LASTBEATS", "x"),
            ("PATH", "/bin"),
        ]);

        assert_eq!(
            found,
            [
                "the variable LASTBEAT_REMOVEAFTER is none of ours and changes nothing; the \
                 nearest is LASTBEAT_REMOVE_AFTER",
                "the variable LASTBEAT_TOKEN is none of ours and changes nothing; the nearest is \
                 LASTBEAT_TOKENS",
            ]
        );
    }

    #[test]
    fn what_tests_and_containers_set_is_no_slip() {
        let found = complaints([
            ("LASTBEAT_SEED", "1"),
            ("LASTBEAT_SERVICE_HOST", "10.0.0.1"),
            ("LASTBEAT_PORT", "tcp://10.0.0.1:5001"),
            ("LASTBEAT_PORT_5001_TCP_ADDR", "10.0.0.1"),
        ]);
        let port = complaints([("LASTBEAT_PORT", "5001")]);

        assert!(found.is_empty(), "{found:?}");
        assert_eq!(port.len(), 1, "{port:?}");
    }

    #[test]
    fn what_is_told_is_bounded() {
        let names: Vec<String> = (0..99).map(|n| format!("LASTBEAT_X{n}")).collect();
        let long = format!("LASTBEAT_{}", "X".repeat(100_000));

        assert_eq!(
            complaints(names.iter().map(|n| (n.as_str(), ""))).len(),
            MOST
        );
        assert!(complaints([(long.as_str(), "")]).is_empty());
    }

    #[test]
    fn a_distance_counts_what_was_added_dropped_and_replaced() {
        for (one, other, expected) in [
            ("", "", 0),
            ("ttl", "ttl", 0),
            ("ttl", "tll", 1),
            ("ttl", "", 3),
            ("", "ttl", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
