//! Where the routes are mounted: at the root of the host, or under a path that a proxy shares with others.
//!
//! A request may come with the path or, from a proxy that takes it off, without; what a page links to always has it.
//! The cookie stays a `__Host-` cookie with `Path=/`: bound to this host, it cannot be set by a neighbour's subdomain,
//! which is worth more than a narrower path, for paths of one host are no border between pages anyway. Its name
//! carries the mount, so that two installations on one host do not take each other's.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Request, Uri};

/// The console's cookie. The prefix binds it to this host and to TLS.
const COOKIE: &str = "__Host-louan";

/// The path everything stands under (挂载路径); empty at the root of the host.
#[derive(Debug, Clone)]
pub struct Mount {
    base: Arc<str>,
    cookie: Arc<str>,
}

impl Mount {
    /// Mounted at this path, which the configuration has checked.
    #[must_use]
    pub fn at(base: &str) -> Self {
        let name = format!("{COOKIE}{}", base.replace('/', "."));
        Self { base: base.into(), cookie: name.into() }
    }

    /// A path of ours as a browser asks for it.
    #[must_use]
    pub fn path(&self, inner: &str) -> String {
        format!("{}{inner}", self.base)
    }

    /// The name of the console's cookie.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// A request as the routes know it.
    #[must_use]
    pub fn unmounted<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(uri) = self.inner(request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    }

    fn inner(&self, uri: &Uri) -> Option<Uri> {
        if self.base.is_empty() {
            return None;
        }
        let rest = uri.path().strip_prefix(&*self.base)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        let path = if rest.is_empty() { "/" } else { rest };
        let text = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(text.parse::<PathAndQuery>().ok()?);
        Uri::from_parts(parts).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_taken_off_once_and_only_where_it_is_a_whole_segment() {
        let mount = Mount::at("/fire/louan");
        for (given, inner) in [
            ("/fire/louan", "/"),
            ("/fire/louan/", "/"),
            ("/fire/louan?cut_off=2020-03-20", "/?cut_off=2020-03-20"),
            ("/fire/louan/api/v1/sync", "/api/v1/sync"),
            ("/fire/louan/fire/louan/x", "/fire/louan/x"),
            ("https://louan.test/fire/louan/healthz", "https://louan.test/healthz"),
            ("/healthz", "/healthz"),
            ("/fire/louanx", "/fire/louanx"),
            ("/fire", "/fire"),
        ] {
            let request = Request::builder().uri(given).body(()).expect("a request");
            assert_eq!(mount.unmounted(request).uri().to_string(), inner, "{given}");
        }
        assert_eq!(
            (mount.path("/login"), mount.cookie()),
            ("/fire/louan/login".to_owned(), "__Host-louan.fire.louan")
        );
        let root = Mount::at("");
        assert_eq!((root.path("/login"), root.cookie()), ("/login".to_owned(), "__Host-louan"));
    }
}
