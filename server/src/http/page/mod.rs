//! The plain pages: sign in, the month's table, the first lines of the ledger.
//!
//! For a browser without scripts, and for the day on which the console does not load. Every
//! text goes through the template's escaping; nothing is put together by hand. No script, no
//! style in the page, colour never alone.

mod login;
mod overview;

use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use maud::{DOCTYPE, Markup, html};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::{Reply, Response};

use super::api_error::ApiError;
use super::{Desk, Mount};

/// What stands above every page.
pub(super) const TITLE: &str = "高层建筑消防安全突出问题专项整治 · 楼安";
const STYLE: &str = include_str!("../../../web/plain.css");

pub(super) fn routes(desk: &Desk) -> BoxedFilter<(Response,)> {
    let style = warp::path!("assets" / "plain.css").and(warp::get()).map(|| {
        let mut response = STYLE.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
        response
    });
    overview::routes(desk).or(login::routes(desk)).unify().or(style).unify().boxed()
}

/// A whole page. `head` stands beside the title: who is signed in.
fn layout(mount: &Mount, subject: &str, head: Option<Markup>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (subject) " · " (TITLE) }
                // No picture beside the name; without this line a browser asks for one and is refused.
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(mount.path("/assets/plain.css"));
            }
            body {
                a class="skip" href="#main" { "跳到正文" }
                header {
                    p class="name" { (TITLE) }
                    @if let Some(head) = head { (head) }
                }
                main id="main" { (main) }
            }
        }
    }
}

fn page(markup: Markup) -> Response {
    warp::reply::html(markup.into_string()).into_response()
}

/// A refusal as a page: what happened, is data safe, what next, and the number to quote.
pub(super) fn problem(error: &ApiError, request_id: &str, mount: &Mount) -> String {
    let main = html! {
        h1 { (error.problem.title()) }
        p { (error.detail()) }
        @if let Some(wait) = error.wait() {
            p { "请在 " (wait) "后重试。" }
        }
        p { a class="button" href=(mount.path("/")) { "返回首页" } }
        p class="small" { "代码 " (error.code()) "，请求编号 " (request_id) }
    };
    layout(mount, error.problem.title(), None, &main).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::api_error::Problem;

    #[test]
    fn every_problem_has_a_page_that_escapes_what_a_caller_chose() {
        for problem in Problem::ALL {
            let text = super::problem(&(*problem).into(), "<script>alert(1)</script>", &Mount::at("/louan"));
            assert!(text.contains(problem.title()) && text.contains("&lt;script&gt;"));
            assert!(!text.contains("<script"), "{text}");
            assert!(text.contains("href=\"/louan/\"") && text.contains("/louan/assets/plain.css"), "{text}");
        }
    }

    #[test]
    fn the_style_keeps_text_at_eighteen_pixels_or_more() {
        assert!(STYLE.contains("font-size: 18px"));
        let sizes = STYLE.split("font-size:").skip(1).map(|rest| rest.split(';').next().unwrap_or("").trim());
        for size in sizes {
            let pixels = match (size.strip_suffix("px"), size.strip_suffix("rem")) {
                (Some(px), _) => px.parse::<f64>().expect("a number"),
                (None, Some(rem)) => rem.parse::<f64>().expect("a number") * 18.0,
                _ => panic!("`{size}` is neither px nor rem"),
            };
            assert!(pixels >= 18.0, "{size}");
        }
    }
}
