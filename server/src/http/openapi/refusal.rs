//! What may be answered instead of what was asked for, by where it comes from.
//!
//! A route's refusals are put together from here: what every route may answer, what follows from who asks and what he
//! sends, and what the rooms behind it may say no with. Nothing here knows a status; that is the table of problems.

use crate::http::api_error::Problem;
use crate::http::route::Body;

/// The front's, before anybody looks at who asks: true of every route.
pub(super) const FRONT: &[Problem] = &[
    Problem::Malformed,
    Problem::LengthRequired,
    Problem::TooLarge,
    Problem::UnsupportedMediaType,
    Problem::Overloaded,
];
/// The store's.
pub(in crate::http) const STORE: &[Problem] = &[Problem::Overloaded, Problem::Unavailable, Problem::Internal];
/// Of a path with an id in it.
pub(in crate::http) const ABSENT: &[Problem] = &[Problem::NotFound];
/// Of a route that is not for everybody who is known, and counts how often somebody asks.
pub(in crate::http) const COUNTED: &[Problem] = &[Problem::NotPermitted, Problem::TooOften];
/// Of a file that is written on disk before it is sent.
pub(in crate::http) const FILE: &[Problem] = &[Problem::DiskFull, Problem::FileFailed];
/// Of an upload: it may be unknown or over, and another version of tus may be spoken.
pub(in crate::http) const UPLOAD: &[Problem] =
    &[Problem::TusVersion, Problem::NotPermitted, Problem::NotFound, Problem::UploadEnded];
/// Of bytes of a photo that are all here: what they are not, and where there is no room for them.
pub(in crate::http) const PICTURE: &[Problem] =
    &[Problem::OtherBytes, Problem::PictureRefused, Problem::DiskFull];

/// What follows from a body.
pub(super) const fn of_body(body: Body) -> &'static [Problem] {
    match body {
        Body::Empty => &[],
        _ => &[Problem::SlowBody],
    }
}
