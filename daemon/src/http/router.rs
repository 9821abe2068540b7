//! From method and path to an endpoint of the table; what is not in the table does not exist.
//!
//! Pure. What an endpoint does is left to [`super::api`].

use hyper::Method;
use lastbeat_proto::endpoint::{self, Endpoint, Route, Scope};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination<'path> {
    /// What to do.
    pub(super) route: Route,
    /// What the caller must be allowed to do.
    pub(super) scope: Scope,
    /// Its place in the table of endpoints.
    pub(super) index: usize,
    /// What stands for `<name>` in the path, still encoded; empty where the path has none.
    pub(super) name: &'path str,
}

/// Why a request goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RouteError {
    /// No endpoint has this path.
    #[error("there is no such path here; GET / is the dashboard, GET /services the list")]
    NoPath,
    /// The path exists, the method does not.
    #[error("the path answers to {allow}, not to this method")]
    NoMethod {
        /// The methods it has, as `Allow` lists them.
        allow: String,
    },
}

/// Finds what `method` on `path` (without query) asks for. HEAD is GET without the body.
///
/// # Errors
/// [`RouteError`] when the table has no such path, or the path no such method.
pub(super) fn route<'path>(
    method: &Method,
    path: &'path str,
) -> Result<Destination<'path>, RouteError> {
    let found = endpoint::find(path).ok_or(RouteError::NoPath)?;
    let word = match method.as_str() {
        "HEAD" => "GET",
        word => word,
    };
    let chosen = found
        .endpoints()
        .find(|(_, endpoint)| endpoint.method.word() == word);
    match chosen {
        Some((index, endpoint)) => Ok(Destination {
            route: endpoint.route,
            scope: endpoint.scope,
            index,
            name: found.name.unwrap_or_default(),
        }),
        None => Err(RouteError::NoMethod {
            allow: allow(found.endpoints().map(|(_, endpoint)| endpoint)),
        }),
    }
}

fn allow(endpoints: impl Iterator<Item = &'static Endpoint>) -> String {
    let words: Vec<&str> = endpoints
        .map(|endpoint| match endpoint.method {
            endpoint::Method::Get => "GET, HEAD",
            other => other.word(),
        })
        .collect();
    words.join(", ")
}

/// The way from `path` (as the browser sees it, without query) to the root, as a relative
/// reference: behind a proxy that strips a prefix the daemon cannot know its own absolute URL.
pub(super) fn root_of(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        slashes => "../".repeat(slashes - 1),
    }
}

#[cfg(test)]
mod tests {
    use lastbeat_proto::endpoint::ENDPOINTS;

    use super::*;

    fn no_method(method: &Method, path: &str) -> String {
        match route(method, path) {
            Err(RouteError::NoMethod { allow }) => allow,
            other => panic!("{method} {path}: {other:?}"),
        }
    }

    #[test]
    fn every_endpoint_of_the_table_is_reached_by_its_method_and_path() {
        for (index, endpoint) in ENDPOINTS.iter().enumerate() {
            let path = endpoint.path.replace("<name>", "a%2Fb");
            let method = Method::from_bytes(endpoint.method.word().as_bytes()).unwrap();

            let found = route(&method, &path).unwrap();
            assert_eq!((found.route, found.index), (endpoint.route, index));
        }
    }

    #[test]
    fn head_goes_wherever_get_goes() {
        for endpoint in ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.method == endpoint::Method::Get)
        {
            let path = endpoint.path.replace("<name>", "a");

            assert_eq!(route(&Method::HEAD, &path), route(&Method::GET, &path));
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        assert_eq!(no_method(&Method::GET, "/register"), "POST");
        assert_eq!(no_method(&Method::HEAD, "/register"), "POST");
        assert_eq!(no_method(&Method::DELETE, "/services"), "GET, HEAD");
        assert_eq!(no_method(&Method::PUT, "/services/a"), "GET, HEAD, DELETE");
        assert_eq!(no_method(&Method::OPTIONS, "/register"), "POST");
        let propfind = Method::from_bytes(b"PROPFIND").unwrap();
        assert_eq!(no_method(&propfind, "/"), "GET, HEAD");
        // Methods are compared with case (RFC 9110 §9.1).
        let lower = Method::from_bytes(b"post").unwrap();
        assert_eq!(no_method(&lower, "/register"), "POST");
    }

    #[test]
    fn an_unknown_path_is_none_of_ours_whatever_the_method() {
        for path in [
            "/nope",
            "//register",
            "/refresh",
            "*",
            "",
            "/Services",
            "/register/x",
        ] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                assert_eq!(
                    route(&method, path),
                    Err(RouteError::NoPath),
                    "{method} {path}"
                );
            }
        }
    }

    #[test]
    fn a_name_is_everything_behind_the_prefix_and_still_encoded() {
        for (path, name) in [
            ("/refresh/team/api", "team/api"),
            ("/refresh/team%2Fapi", "team%2Fapi"),
            ("/refresh/a/", "a"),
            ("/refresh_all", ""),
        ] {
            assert_eq!(route(&Method::POST, path).unwrap().name, name, "{path}");
        }
    }

    #[test]
    fn the_root_is_reached_without_knowing_the_prefix_of_a_proxy() {
        for (path, root) in [
            ("/", "./"),
            ("/register", "./"),
            ("/register/", "../"),
            ("/refresh/a", "../"),
            ("/refresh/team/api", "../../"),
            ("/refresh/team%2Fapi", "../"),
            ("*", "./"),
        ] {
            assert_eq!(root_of(path), root, "{path}");
        }
    }
}
