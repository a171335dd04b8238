//! Every route there is, as a table: what it is called with, what body it takes, which
//! headers its replies wear.
//!
//! The table is consulted before any handler: whether a path exists and which methods it has
//! is answered here, so a handler's refusal is never mistaken for "try the next route". A
//! test walks the table, so a new route is covered by body limits and headers at once.

use http::Method;

/// What body a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None.
    Empty,
    /// JSON, at most 64 KiB.
    Json,
    /// A form of a few short fields, at most 4 KiB.
    Form,
    /// A sync request, at most 1 MiB.
    Sync,
    /// A piece of a photo, at most 1 MiB.
    Piece,
    /// A list of buildings as a file.
    File,
    /// A part of the file of what a phone could not send.
    Unsent,
}

impl Body {
    /// Most bytes, as sent.
    #[must_use]
    pub const fn bytes_max(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Json => 64 * 1024,
            Self::Form => 4 * 1024,
            Self::Sync => louan_schema::wire::frame::SENT_BYTES_MAX as u64,
            Self::Piece => crate::photo::PIECE_BYTES_MAX,
            Self::File => crate::table::FILE_BYTES_MAX,
            Self::Unsent => louan_schema::unsent::PART_BYTES_MAX as u64,
        }
    }

    /// The one media type.
    #[must_use]
    pub const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Json => Some("application/json"),
            Self::Form => Some("application/x-www-form-urlencoded"),
            Self::Sync => Some(louan_schema::wire::MEDIA_TYPE),
            Self::Piece => Some("application/offset+octet-stream"),
            Self::File => Some("application/octet-stream"),
            Self::Unsent => Some(louan_schema::unsent::PART_MEDIA_TYPE),
        }
    }
}

/// Who reads the replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A program: problems are JSON.
    Program,
    /// A person in a browser: problems are pages.
    Person,
    /// A browser showing a picture: it may do nothing else with it.
    Picture,
}

/// One route (接口路由).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Verb,
    /// The path; `{x}` stands for one segment.
    pub path: &'static str,
    /// What it takes.
    pub body: Body,
    /// Who reads what it answers.
    pub reader: Reader,
}

/// The methods in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Acts.
    Post,
    /// Ends.
    Delete,
    /// Adds a piece.
    Patch,
    /// Asks how far something is.
    Head,
    /// Asks what can be done.
    Options,
}

impl Verb {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }
}

const fn route(method: Verb, path: &'static str, body: Body, reader: Reader) -> Route {
    Route { method, path, body, reader }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    route(Verb::Post, "/api/v1/enrol", Body::Json, Reader::Program),
    route(Verb::Post, "/api/v1/session", Body::Json, Reader::Program),
    route(Verb::Delete, "/api/v1/session", Body::Empty, Reader::Program),
    route(Verb::Post, "/api/v1/session/refresh", Body::Json, Reader::Program),
    route(Verb::Post, "/api/v1/sync", Body::Sync, Reader::Program),
    route(Verb::Post, "/api/v1/commands", Body::Json, Reader::Program),
    route(Verb::Get, "/api/v1/hazards", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/rounds", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/months/{cut_off}", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/events", Body::Empty, Reader::Program),
    route(Verb::Options, "/api/v1/uploads", Body::Empty, Reader::Program),
    route(Verb::Post, "/api/v1/uploads", Body::Empty, Reader::Program),
    route(Verb::Options, "/api/v1/uploads/{upload}", Body::Empty, Reader::Program),
    route(Verb::Head, "/api/v1/uploads/{upload}", Body::Empty, Reader::Program),
    route(Verb::Patch, "/api/v1/uploads/{upload}", Body::Piece, Reader::Program),
    route(Verb::Delete, "/api/v1/uploads/{upload}", Body::Empty, Reader::Program),
    route(Verb::Head, "/api/v1/blobs/{hash}", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/hazards/{hazard}/photos", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/rounds/{round}/photos", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/photos/{hash}", Body::Empty, Reader::Picture),
    route(Verb::Get, "/api/v1/photos/{hash}/thumbnail", Body::Empty, Reader::Picture),
    route(Verb::Get, "/api/v1/photos/{hash}/alike", Body::Empty, Reader::Program),
    route(Verb::Post, "/api/v1/unsent", Body::Unsent, Reader::Program),
    route(Verb::Post, "/api/v1/imports", Body::File, Reader::Program),
    route(Verb::Get, "/api/v1/imports/{import}", Body::Empty, Reader::Program),
    route(Verb::Post, "/api/v1/imports/{import}/commit", Body::Empty, Reader::Program),
    route(Verb::Post, "/api/v1/imports/{import}/undo", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/imports/{import}/errors", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/exports/hazards.xlsx", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/exports/rounds.xlsx", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/exports/buildings.xlsx", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/exports/buildings.geojson", Body::Empty, Reader::Program),
    route(Verb::Get, "/api/v1/exports/buildings.gpkg", Body::Empty, Reader::Program),
    route(Verb::Get, "/healthz", Body::Empty, Reader::Program),
    route(Verb::Get, "/readyz", Body::Empty, Reader::Program),
    route(Verb::Get, "/version", Body::Empty, Reader::Program),
    route(Verb::Get, "/metrics", Body::Empty, Reader::Program),
    route(Verb::Get, "/", Body::Empty, Reader::Person),
    route(Verb::Get, "/login", Body::Empty, Reader::Person),
    route(Verb::Post, "/login", Body::Form, Reader::Person),
    route(Verb::Post, "/logout", Body::Form, Reader::Person),
    route(Verb::Get, "/assets/plain.css", Body::Empty, Reader::Person),
];

/// What the table says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This route.
    Route(&'static Route),
    /// The path exists, with these methods only.
    OtherMethods(String),
    /// No such path.
    Nothing,
}

/// Looks a request up.
#[must_use]
pub fn find(method: &Method, path: &str) -> Found {
    let mut others = Vec::new();
    for route in ROUTES.iter().filter(|route| fits(route.path, path)) {
        if route.method.name() == method.as_str() {
            return Found::Route(route);
        }
        others.push(route.method.name());
    }
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others.join(", ")) }
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let all = pattern.split('/').all(|wanted| match given.next() {
        Some(segment) => wanted == segment || (wanted.starts_with('{') && !segment.is_empty()),
        None => false,
    });
    all && given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_exists_is_405_for_other_methods_and_everything_else_is_404() {
        let other = |methods: &str| Found::OtherMethods(methods.to_owned());
        for (method, path, found) in [
            (Method::PUT, "/api/v1/session", other("POST, DELETE")),
            (Method::GET, "/api/v1/session", other("POST, DELETE")),
            (Method::POST, "/api/v1/months/2020-03-20", other("GET")),
            (Method::GET, "/api/v1/months", Found::Nothing),
            (Method::GET, "/api/v1/months/", Found::Nothing),
            (Method::GET, "/api/v1/months/2020-03-20/x", Found::Nothing),
            (Method::GET, "/api/v1/hazards/", Found::Nothing),
            (Method::DELETE, "/api/v1/nothing", Found::Nothing),
            (Method::GET, "", Found::Nothing),
        ] {
            assert_eq!(find(&method, path), found, "{method} {path}");
        }
        for route in ROUTES {
            let method: Method = route.method.name().parse().expect("a method");
            assert_eq!(find(&method, &route.path.replace("{cut_off}", "2020-03-20")), Found::Route(route));
        }
    }

    #[test]
    fn no_route_stands_twice() {
        for (i, route) in ROUTES.iter().enumerate() {
            assert!(
                ROUTES[..i].iter().all(|r| (r.method, r.path) != (route.method, route.path)),
                "{}",
                route.path
            );
        }
    }
}
