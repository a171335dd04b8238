//! Dressing replies: header fields on every one of them, a body on those that refuse, one
//! line in the log.
//!
//! Three sets of headers: the field app may use camera and position, the console may not, a picture may do nothing.
//! A refusal is told to a program as problem+json and to a person as a page.

use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use warp::reply::Response;

use super::api_error::{ApiError, FieldError, Problem};
use super::context::{Context, REQUEST_ID};
use super::page;

/// Paths of the field app.
const FIELD: &str = "/field";

const CONSOLE_CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob: data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
    require-trusted-types-for 'script'";
const FIELD_CSP: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    font-src 'self' data:; img-src 'self' data: blob:; worker-src 'self' blob:; connect-src 'self'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// A picture opened by itself may do nothing at all (P03).
const PICTURE_CSP: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// RFC 9457, with our extensions at the end.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>)]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    trace_id: &'a str,
}

/// Puts on what every reply wears.
pub(super) fn dress(context: &Context, mut reply: Response) -> Response {
    if let Some(error) = reply.extensions_mut().remove::<ApiError>() {
        write_problem(context, &error, &mut reply);
    }
    write_headers(context, reply.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        reply.headers_mut().insert(REQUEST_ID, id);
    }
    note(context, &reply);
    reply
}

impl Context {
    fn found_field(&self) -> bool {
        let path = self.route_name();
        path == FIELD || path.starts_with("/field/")
    }
}

fn write_headers(context: &Context, headers: &mut HeaderMap) {
    let (csp, permissions) = if context.found_field() {
        (FIELD_CSP, "camera=(self), geolocation=(self), microphone=()")
    } else if context.shows_picture() {
        (PICTURE_CSP, "camera=(), geolocation=(), microphone=()")
    } else {
        (CONSOLE_CSP, "camera=(), geolocation=(self), microphone=()")
    };
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, csp),
        (PERMISSIONS, permissions),
        (STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (OPENER, "same-origin"),
        (RESOURCE, "same-origin"),
        (CONTENT_LANGUAGE, "zh-CN"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What depends on a session or a moment is kept by nobody; a style sheet says otherwise itself.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(VARY).or_insert(HeaderValue::from_static("Authorization, Cookie"));
}

fn write_problem(context: &Context, error: &ApiError, reply: &mut Response) {
    metrics::counter!("louan_refused_total", "code" => error.code()).increment(1);
    let (body, media_type) = if context.wants_page() {
        (page::problem(error, &context.request_id, &context.mount).into_bytes(), "text/html; charset=utf-8")
    } else {
        (document(error, &context.request_id), "application/problem+json")
    };
    *reply.body_mut() = body.into();
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Some(seconds) = error.retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(Ok(allow)) = error.allow.as_deref().map(HeaderValue::from_str) {
        headers.insert(ALLOW, allow);
    }
    match error.problem {
        Problem::SignInAgain | Problem::BadCredentials => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // What is left of the body is not waited for.
        Problem::SlowBody => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
}

fn document(error: &ApiError, trace_id: &str) -> Vec<u8> {
    let detail = error.detail();
    let document = Document {
        r#type: format!("urn:louan:problem:{}", error.code()),
        title: error.problem.title(),
        status: error.problem.status().as_u16(),
        code: error.code(),
        detail: &detail,
        errors: &error.errors,
        version: error.version,
        trace_id,
    };
    // Plain texts and numbers: writing them cannot fail.
    serde_json::to_vec(&document).unwrap_or_default()
}

/// One line and one count a request: route, method, status; never a path as sent, an address or a body.
fn note(context: &Context, reply: &Response) {
    let (route, status) = (context.route_name(), reply.status().as_u16());
    let method = match context.method.as_str() {
        known @ ("GET" | "POST" | "DELETE" | "PATCH" | "HEAD" | "OPTIONS") => known.to_owned(),
        _ => "OTHER".to_owned(),
    };
    metrics::counter!("louan_requests_total", "route" => route, "method" => method.clone(), "status" => status.to_string())
        .increment(1);
    tracing::info!(request.id = context.request_id, route, method, status, "answered");
}
