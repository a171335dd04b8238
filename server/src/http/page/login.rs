//! Signing in and out with a form and a cookie.
//!
//! The cookie is bound to this host, to TLS and to our own pages, and no script can read it.
//! A form sent from somebody else's page is refused, the sign-in form too (A11).

use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Uri};
use maud::{Markup, html};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};
use zeroize::Zeroizing;

use super::super::api_error::{ApiError, Problem};
use super::super::body::{Read, read};
use super::super::context::{Context, context};
use super::super::refused::not_signed_in;
use super::super::route::Body;
use super::super::{Desk, Mount, at, reply};
use super::layout;
use crate::auth::Credentials;

const LOGIN: &str = "/login";

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let form = warp::path!("login")
        .and(warp::get())
        .and(at(desk))
        .map(|desk: Desk| super::page(form(desk.mount(), "", None)));
    let sign_in = warp::path!("login")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(read(Body::Form))
        .then(sign_in)
        .map(reply);
    let sign_out = warp::path!("logout")
        .and(warp::post())
        .and(at(desk))
        .and(context(desk))
        .and(read(Body::Form))
        .then(sign_out)
        .map(reply);
    form.or(sign_in).unify().or(sign_out).unify().boxed()
}

/// Sends a browser to the sign-in page.
pub(super) fn to_login(mount: &Mount) -> Result<Response, Problem> {
    see_other(mount, LOGIN)
}

fn see_other(mount: &Mount, path: &str) -> Result<Response, Problem> {
    let uri: Uri = mount.path(path).parse().map_err(|_| Problem::Internal)?;
    Ok(warp::redirect::see_other(uri).into_response())
}

async fn sign_in(desk: Desk, context: Context, body: Read) -> Result<Response, ApiError> {
    if !context.is_same_origin() {
        return Err(Problem::CrossOrigin.into());
    }
    let (login, password) = fields(&body?)?;
    let now = desk.now().system;
    let credentials = Credentials { login: login.clone(), password, from: context.from };
    match desk.identity().sign_in_browser(credentials, now).await.map_err(not_signed_in) {
        Ok((token, ends_at)) => {
            let seconds = (ends_at.ms() - now.ms()) / 1_000;
            let cookie = cookie(desk.mount(), &token.text(), seconds)?;
            let home = see_other(desk.mount(), "/")?;
            Ok(warp::reply::with_header(home, SET_COOKIE, cookie).into_response())
        }
        // What a person can mend is said beside the form; the rest is a page of its own.
        Err(error) if is_beside_the_form(error.problem) => {
            let mut response = form(desk.mount(), &login, Some(&error)).into_string().into_response();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            *response.status_mut() = error.problem.status();
            Ok(response)
        }
        Err(error) => Err(error),
    }
}

const fn is_beside_the_form(problem: Problem) -> bool {
    matches!(problem, Problem::BadCredentials | Problem::SignInPaused | Problem::TooOften)
}

async fn sign_out(desk: Desk, context: Context, body: Read) -> Result<Response, ApiError> {
    body?;
    if !context.is_same_origin() {
        return Err(Problem::CrossOrigin.into());
    }
    if let Ok(caller) = desk.caller(&context).await {
        desk.identity().sign_out(&caller, desk.now().system).await?;
    }
    Ok(warp::reply::with_header(to_login(desk.mount())?, SET_COOKIE, cookie(desk.mount(), "", 0)?)
        .into_response())
}

fn cookie(mount: &Mount, token: &str, seconds: i64) -> Result<HeaderValue, ApiError> {
    let name = mount.cookie();
    let text = format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    HeaderValue::from_str(&text).map_err(|_| Problem::Internal.into())
}

/// Account and password, each exactly once, and nothing else.
fn fields(body: &[u8]) -> Result<(String, Zeroizing<String>), Problem> {
    let (mut login, mut password) = (None, None);
    for (name, value) in form_urlencoded::parse(body) {
        let slot = match name.as_ref() {
            "account" => &mut login,
            "password" => &mut password,
            _ => return Err(Problem::Malformed),
        };
        if slot.replace(Zeroizing::new(value.into_owned())).is_some() {
            return Err(Problem::Malformed);
        }
    }
    match (login, password) {
        (Some(login), Some(password)) => Ok((login.to_string(), password)),
        _ => Err(Problem::Malformed),
    }
}

/// The form; `login` is what was typed before, so that a wrong password costs no second typing of it.
fn form(mount: &Mount, login: &str, error: Option<&ApiError>) -> Markup {
    let main = html! {
        h1 { "登录" }
        @if let Some(error) = error {
            p class="notice" role="alert" {
                strong { (error.problem.title()) "。" } (error.detail())
                @if let Some(wait) = error.wait() { "（" (wait) "后可再试）" }
            }
        }
        form method="post" action=(mount.path(LOGIN)) class="login" {
            label for="account" { "账号" }
            input id="account" name="account" type="text" value=(login) autocomplete="username" maxlength="64"
                required;
            label for="password" { "密码" }
            input id="password" name="password" type="password" autocomplete="current-password"
                maxlength="256" required;
            button type="submit" { "登录" }
        }
        p class="small" { "连续五次不正确将暂停登录十五分钟。忘记密码的，请联系系统运行单位重设。" }
    };
    layout(mount, "登录", None, &main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_each_field_once_and_no_other() {
        let read =
            |body: &str| fields(body.as_bytes()).map(|(login, password)| (login, password.to_string()));
        assert_eq!(read("account=a%20b&password=%E6%A5%BC"), Ok(("a b".to_owned(), "楼".to_owned())));
        for bad in ["", "account=a", "account=a&password=b&password=c", "account=a&password=b&role=admin"] {
            assert_eq!(read(bad), Err(Problem::Malformed), "{bad}");
        }
    }
}
