//! The guard behind plain values, for the checks of `lastbeat-checks` alone: nothing of the
//! program calls this, and its form may change at any time.

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Version};

use super::guard::{self, KnownHosts};
use super::stream::Scheme;

/// A request's head as plain values.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The method's word.
    pub method: &'a str,
    /// Whether it is HTTP/1.1 and not 1.0.
    pub is_1_1: bool,
    /// The target: a path, an absolute URL, an authority or `*`.
    pub target: &'a str,
    /// Names and values of the header lines, in their order.
    pub lines: &'a [(&'a str, &'a [u8])],
}

/// Whether the guard of a daemon without TLS that also answers to `names` lets this head pass, or what it
/// says against it; none when this is no head that the HTTP library could have read.
#[doc(hidden)]
pub fn guard(head: &Head<'_>, names: &[&str]) -> Option<Result<(), String>> {
    let mut request = Request::builder()
        .method(Method::from_bytes(head.method.as_bytes()).ok()?)
        .version(if head.is_1_1 {
            Version::HTTP_11
        } else {
            Version::HTTP_10
        })
        .uri(head.target);
    for (name, value) in head.lines {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        request = request.header(name, HeaderValue::from_bytes(value).ok()?);
    }
    let (parts, ()) = request.body(()).ok()?.into_parts();
    let known = KnownHosts::new(names.iter().copied());
    Some(guard::check(&parts, Scheme::Http, &known).map_err(|error| error.to_string()))
}
