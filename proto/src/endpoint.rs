//! The endpoints of the daemon: one table from which the router routes, the client asks and the
//! docs are tested.

/// Method of a request that some endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads; answers HEAD too.
    Get,
    /// Changes.
    Post,
    /// Takes away.
    Delete,
}

impl Method {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What a caller must be allowed to do; enforced where tokens are configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Anyone.
    Public,
    /// Look.
    Read,
    /// Register, beat, refresh, and deregister one instance.
    Register,
    /// Everything.
    Admin,
}

/// The scopes that a token can have, with the words for them.
pub const TOKEN_SCOPES: [(Scope, &str); 3] = [
    (Scope::Read, "read"),
    (Scope::Register, "register"),
    (Scope::Admin, "admin"),
];

impl Scope {
    /// The word for it.
    pub fn word(self) -> &'static str {
        let found = TOKEN_SCOPES.iter().find(|(scope, _)| *scope == self);
        found.map_or("public", |(_, word)| word)
    }

    /// A token's scope by its word.
    pub fn of_token(word: &str) -> Option<Self> {
        let found = TOKEN_SCOPES.iter().find(|(_, known)| *known == word);
        found.map(|(scope, _)| *scope)
    }
}

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Register, or beat.
    Register,
    /// Beat without a body.
    Heartbeat,
    /// All instances.
    Services,
    /// The instances of one service.
    Service,
    /// Take a service or one instance out.
    Deregister,
    /// Judge one service now.
    Refresh,
    /// Judge everything now.
    RefreshAll,
    /// What happened.
    Events,
    /// What left.
    Gone,
    /// How one service was in the last days.
    Uptime,
    /// Whether the daemon lives.
    Health,
    /// Whether the daemon serves.
    Ready,
    /// What the daemon counts about itself, for Prometheus.
    Metrics,
    /// What the API is, for programs.
    OpenApi,
    /// The dashboard.
    Page,
    /// The dashboard's live part.
    Rows,
    /// The dashboard's page of one service.
    ServicePage,
    /// The form that asks for a token.
    SignInPage,
    /// Begin a session of the dashboard.
    SignIn,
    /// End it.
    SignOut,
    /// Style sheet, script and icon of the dashboard.
    Asset,
}

/// One endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// What it does.
    pub route: Route,
    /// Its method.
    pub method: Method,
    /// Its path; `<name>` takes everything behind the prefix, slashes too.
    pub path: &'static str,
    /// What a caller must be allowed to do.
    pub scope: Scope,
    /// One line for the docs.
    pub summary: &'static str,
}

const fn endpoint(
    route: Route,
    method: Method,
    path: &'static str,
    scope: Scope,
    summary: &'static str,
) -> Endpoint {
    Endpoint {
        route,
        method,
        path,
        scope,
        summary,
    }
}

/// All of them. What is not here does not exist.
pub const ENDPOINTS: [Endpoint; 22] = [
    endpoint(
        Route::Register,
        Method::Post,
        "/register",
        Scope::Register,
        "register an instance; repeated, it is the heartbeat",
    ),
    endpoint(
        Route::Heartbeat,
        Method::Post,
        "/heartbeat/<name>",
        Scope::Register,
        "heartbeat without a body, `?instance=` where a name has several",
    ),
    endpoint(
        Route::Services,
        Method::Get,
        "/services",
        Scope::Read,
        "all instances; `?name= &status= &tag= &q= &sort= &page= &size=`, or `?since= &wait=`",
    ),
    endpoint(
        Route::Service,
        Method::Get,
        "/services/<name>",
        Scope::Read,
        "the instances of one service",
    ),
    endpoint(
        Route::Deregister,
        Method::Delete,
        "/services/<name>",
        Scope::Register,
        "deregister one `?instance=`, or, with the scope admin, the whole service",
    ),
    endpoint(
        Route::Deregister,
        Method::Post,
        "/deregister/<name>",
        Scope::Register,
        "the same for forms and small devices",
    ),
    endpoint(
        Route::Refresh,
        Method::Post,
        "/refresh/<name>",
        Scope::Register,
        "judge a service again now; never a heartbeat",
    ),
    endpoint(
        Route::RefreshAll,
        Method::Post,
        "/refresh_all",
        Scope::Register,
        "judge all services again now",
    ),
    endpoint(
        Route::Events,
        Method::Get,
        "/events",
        Scope::Read,
        "what happened, newest first; `?name= &before= &limit=`",
    ),
    endpoint(
        Route::Gone,
        Method::Get,
        "/gone",
        Scope::Read,
        "what left, newest first; `?name= &limit=`",
    ),
    endpoint(
        Route::Uptime,
        Method::Get,
        "/uptime/<name>",
        Scope::Read,
        "how a service was in the last 24 hours, 7 and 30 days, with what nobody knows",
    ),
    endpoint(
        Route::Health,
        Method::Get,
        "/healthz",
        Scope::Public,
        "whether the daemon lives; store trouble stands in the body",
    ),
    endpoint(
        Route::Ready,
        Method::Get,
        "/readyz",
        Scope::Public,
        "503 until loaded and while stopping",
    ),
    endpoint(
        Route::Metrics,
        Method::Get,
        "/metrics",
        Scope::Read,
        "what the daemon counts about itself, for Prometheus",
    ),
    endpoint(
        Route::OpenApi,
        Method::Get,
        "/openapi.json",
        Scope::Public,
        "the whole API as an OpenAPI document",
    ),
    endpoint(Route::Page, Method::Get, "/", Scope::Read, "the dashboard"),
    endpoint(
        Route::Rows,
        Method::Get,
        "/rows",
        Scope::Read,
        "the dashboard's live part",
    ),
    endpoint(
        Route::ServicePage,
        Method::Get,
        "/s/<name>",
        Scope::Read,
        "the dashboard's page of one service",
    ),
    endpoint(
        Route::SignInPage,
        Method::Get,
        "/sign-in",
        Scope::Public,
        "the dashboard's form for a token, where tokens are asked for",
    ),
    endpoint(
        Route::SignIn,
        Method::Post,
        "/sign-in",
        Scope::Public,
        "begin a session of the dashboard with a token",
    ),
    endpoint(
        Route::SignOut,
        Method::Post,
        "/sign-out",
        Scope::Public,
        "end that session",
    ),
    endpoint(
        Route::Asset,
        Method::Get,
        "/assets/<name>",
        Scope::Public,
        "style sheet, script and icon of the dashboard",
    ),
];

/// What a path may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match<'path> {
    /// The path as it stands in the table.
    pub path: &'static str,
    /// What stands for `<name>`, still encoded.
    pub name: Option<&'path str>,
}

impl Match<'_> {
    /// The endpoints of this path, one per method, each behind its place in the table.
    pub fn endpoints(&self) -> impl Iterator<Item = (usize, &'static Endpoint)> {
        let all = ENDPOINTS.iter().enumerate();
        all.filter(|(_, endpoint)| endpoint.path == self.path)
    }
}

/// Finds the endpoints of `path` (without query). One trailing slash is dropped.
pub fn find(path: &str) -> Option<Match<'_>> {
    let path = match path.strip_suffix('/') {
        Some("") | None => path,
        Some(shorter) => shorter,
    };
    ENDPOINTS.iter().find_map(|endpoint| {
        let name = match endpoint.path.strip_suffix("<name>") {
            None if endpoint.path == path => None,
            None => return None,
            Some(prefix) => Some(path.strip_prefix(prefix).filter(|rest| !rest.is_empty())?),
        };
        Some(Match {
            path: endpoint.path,
            name,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(path: &str) -> Vec<(Method, Route)> {
        find(path).map_or_else(Vec::new, |found| {
            found
                .endpoints()
                .map(|(_, e)| (e.method, e.route))
                .collect()
        })
    }

    #[test]
    fn a_path_leads_to_its_endpoints() {
        assert_eq!(routes("/"), [(Method::Get, Route::Page)]);
        assert_eq!(routes("/register"), [(Method::Post, Route::Register)]);
        assert_eq!(routes("/register/"), [(Method::Post, Route::Register)]);
        assert_eq!(
            routes("/services/a"),
            [
                (Method::Get, Route::Service),
                (Method::Delete, Route::Deregister)
            ]
        );
        assert_eq!(routes("/services"), [(Method::Get, Route::Services)]);
        assert_eq!(routes("/refresh_all"), [(Method::Post, Route::RefreshAll)]);
    }

    #[test]
    fn a_name_is_everything_behind_the_prefix() {
        assert_eq!(find("/refresh/team/api").unwrap().name, Some("team/api"));
        assert_eq!(
            find("/refresh/team%2Fapi/").unwrap().name,
            Some("team%2Fapi")
        );
    }

    #[test]
    fn what_is_not_in_the_table_does_not_exist() {
        for path in [
            "/nope",
            "/refresh",
            "/refresh/",
            "/Register",
            "/s",
            "",
            "/register/x",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn no_path_is_two_of_the_table() {
        for endpoint in &ENDPOINTS {
            let path = endpoint.path.replace("<name>", "a/b");

            assert_eq!(find(&path).map(|found| found.path), Some(endpoint.path));
        }
    }

    #[test]
    fn no_method_and_path_stand_twice() {
        for (index, a) in ENDPOINTS.iter().enumerate() {
            assert!(
                ENDPOINTS
                    .iter()
                    .skip(index + 1)
                    .all(|b| (a.method, a.path) != (b.method, b.path))
            );
        }
    }
}
