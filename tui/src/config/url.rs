//! The daemon's base URL, checked once: HTTP with or without TLS, perhaps with a sub-path.

use std::fmt;
use std::net::IpAddr;

use lastbeat_proto::NetworkEndpoint;

/// Port of lastbeatd where the URL names no scheme and no port.
const DEFAULT_PORT: u16 = 5001;

/// Why a text is not a URL that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme.
    #[error("is neither http nor https; write it as http://host:5001 or https://host:5001")]
    Scheme,
    /// A name and password before the host.
    #[error("has a user name; leave it out")]
    User,
    /// The host or the port.
    #[error("has no usable host and port; write it as http://host:5001 or http://[::1]:5001")]
    Host,
    /// A character that has no place in a path.
    #[error(
        "has a path with a blank, control character, ? or #; leave it out or percent-encode it"
    )]
    Path,
}

/// What is spoken below HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Nothing.
    Http,
    /// TLS.
    Https,
}

/// Where the daemon serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl BaseUrl {
    /// Reads `http://host:port/sub/path`, with or without a final slash; without a scheme, `http`
    /// and port 5001 are meant.
    ///
    /// # Errors
    /// [`UrlError`] says what is expected instead.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest, default_port) = match text.split_once("://") {
            Some((word, rest)) if word.eq_ignore_ascii_case("http") => (Scheme::Http, rest, 80),
            Some((word, rest)) if word.eq_ignore_ascii_case("https") => (Scheme::Https, rest, 443),
            Some(_) => return Err(UrlError::Scheme),
            None => (Scheme::Http, text, DEFAULT_PORT),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::User);
        }
        let endpoint = NetworkEndpoint::parse(authority).map_err(|_address| UrlError::Host)?;
        if !path
            .bytes()
            .all(|byte| matches!(byte, b'!'..=b'~') && !b"?#".contains(&byte))
        {
            return Err(UrlError::Path);
        }
        let port = endpoint.port.unwrap_or(default_port);
        Ok(Self {
            scheme,
            host: endpoint.address.as_str().to_owned(),
            port,
            authority: endpoint.address.with_port(Some(port)),
            path: path.trim_end_matches('/').to_owned(),
        })
    }

    /// Whether TLS is spoken.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether what is sent can be read on the way: it goes without TLS to another machine.
    pub fn is_in_clear(&self) -> bool {
        let is_here = match self.host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_name) => self.host.eq_ignore_ascii_case("localhost"),
        };
        self.scheme == Scheme::Http && !is_here
    }

    /// Host name or address, IPv6 without brackets: what is connected to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as the `Host` header and people write them.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of a request: the sub-path and `rest`, which begins with a slash.
    pub fn path(&self, rest: &str) -> String {
        format!("{}{rest}", self.path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_path_with_and_without_its_slash_is_one() {
        for text in [
            "http://127.0.0.1:8088/registry",
            "http://127.0.0.1:8088/registry/",
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!(url.path("/services"), "/registry/services");
            assert_eq!(url.to_string(), "http://127.0.0.1:8088/registry");
        }
    }

    #[test]
    fn hosts_ports_and_defaults() {
        let cases = [
            ("http://registry.internal:5001", "registry.internal:5001"),
            ("HTTP://[::1]:5001/", "[::1]:5001"),
            ("http://registry", "registry:80"),
            ("https://registry.internal", "registry.internal:443"),
            ("HTTPS://registry.internal:5001", "registry.internal:5001"),
            ("registry.internal", "registry.internal:5001"),
            ("127.0.0.1:6000", "127.0.0.1:6000"),
        ];
        for (text, authority) in cases {
            assert_eq!(
                BaseUrl::parse(text).unwrap().authority(),
                authority,
                "{text}"
            );
        }
    }

    #[test]
    fn https_stays_https() {
        let url = BaseUrl::parse("https://[::1]:5001/x/").unwrap();

        assert_eq!(url.scheme(), Scheme::Https);
        assert_eq!(url.to_string(), "https://[::1]:5001/x");
    }

    #[test]
    fn what_goes_to_another_machine_without_tls_goes_in_clear() {
        for (text, is_in_clear) in [
            ("http://registry.lan:5001", true),
            ("http://192.0.2.1:5001", true),
            ("registry.lan", true),
            ("https://registry.lan:5001", false),
            ("http://localhost:5001", false),
            ("http://127.0.0.2:5001", false),
            ("http://[::1]:5001", false),
            ("http://[::ffff:127.0.0.1]:5001", false),
            ("http://localhost.evil.example", true),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!(url.is_in_clear(), is_in_clear, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_the_cure() {
        let cases = [
            ("ftp://x", UrlError::Scheme),
            ("http://a:b@x", UrlError::User),
            ("http://", UrlError::Host),
            ("http://x:0", UrlError::Host),
            ("", UrlError::Host),
            ("http://x/a b", UrlError::Path),
            ("http://x/?q=1", UrlError::Path),
        ];
        for (text, error) in cases {
            assert_eq!(BaseUrl::parse(text), Err(error), "{text}");
        }
    }
}
