//! The plain pages, as a browser without scripts sees them.

mod edge_kit;

use bytes::Bytes;
use edge_kit::house::{House, house, request};
use edge_kit::{PASSWORD, account, noon};
use http::Response;

async fn send(house: &House, request: warp::test::RequestBuilder) -> Response<Bytes> {
    request.reply(&house.routes).await
}

fn text(reply: &Response<Bytes>) -> String {
    String::from_utf8(reply.body().to_vec()).expect("a page")
}

fn form(path: &str, body: &str) -> warp::test::RequestBuilder {
    let request = request("POST", path, 1).header("content-type", "application/x-www-form-urlencoded");
    request.header("origin", "https://louan.test").body(body)
}

#[tokio::test]
async fn a_person_signs_in_looks_and_signs_out() {
    let house = house().await;
    let login = account(&house.identity, 2, noon()).await;
    let home = send(&house, request("GET", "/", 1)).await;
    assert_eq!(
        (home.status().as_u16(), &home.headers()["location"]),
        (303, &"/login".parse().expect("a value"))
    );
    let page = text(&send(&house, request("GET", "/login", 1)).await);
    assert!(page.contains("高层建筑消防安全突出问题专项整治 · 楼安") && page.contains("lang=\"zh-CN\""));

    let encoded = PASSWORD.replace(' ', "+");
    let signed_in = send(&house, form("/login", &format!("account={login}&password={encoded}"))).await;
    assert_eq!(signed_in.status().as_u16(), 303);
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("a text").to_owned();
    for part in
        ["__Host-louan=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"]
    {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let pair = cookie.split(';').next().expect("a pair").to_owned();
    let page = text(&send(&house, request("GET", "/?cut_off=2020-03-20", 1).header("cookie", &pair)).await);
    assert_eq!(page.matches("<tr>").count(), 1 + 21 + 1, "head, 21 街镇, 合计");
    assert!(
        page.contains("古南街道") && page.contains("统计截止 2020-03-20 24时") && page.contains("共 0 条")
    );

    let out = send(&house, form("/logout", "").header("content-length", "0").header("cookie", &pair)).await;
    assert_eq!(out.status().as_u16(), 303);
    assert!(out.headers()["set-cookie"].to_str().expect("a text").contains("Max-Age=0"));
    let after = send(&house, request("GET", "/", 1).header("cookie", &pair)).await;
    assert_eq!(after.status().as_u16(), 303, "the session is over on the server, too");
}

#[tokio::test]
async fn a_wrong_password_is_said_beside_the_form_and_a_foreign_form_is_refused() {
    let house = house().await;
    let wrong = send(&house, form("/login", "account=a&password=b")).await;
    assert_eq!(wrong.status().as_u16(), 401);
    let page = text(&wrong);
    assert!(
        page.contains("账号或密码不正确")
            && page.contains("<form")
            && wrong.headers().get("set-cookie").is_none()
    );
    let soon = send(&house, form("/login", "account=a&password=b")).await;
    assert_eq!(soon.status().as_u16(), 429);
    for path in ["/login", "/logout"] {
        let foreign = form(path, "account=a&password=b").header("origin", "https://evil.test");
        assert_eq!(send(&house, foreign).await.status().as_u16(), 403, "{path}");
    }
}

/// What browsers send with a form of a page whose referrer policy is `no-referrer`.
#[tokio::test]
async fn a_form_without_an_origin_is_ours_only_if_the_browser_says_so() {
    let house = house().await;
    let sent = |site: Option<&'static str>| {
        let request =
            request("POST", "/login", 1).header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("origin", "null").body("account=nobody&password=b");
        match site {
            Some(site) => request.header("sec-fetch-site", site),
            None => request,
        }
    };
    for (site, status) in
        [(Some("cross-site"), 403), (Some("same-site"), 403), (None, 403), (Some("same-origin"), 401)]
    {
        let reply = send(&house, sent(site)).await;
        assert_eq!(reply.status().as_u16(), status, "{site:?}");
    }
}

#[tokio::test]
async fn no_page_holds_a_script_a_style_or_a_foreign_address() {
    let house = house().await;
    let cookie = house.browser(2).await;
    for path in ["/", "/login", "/nothing"] {
        let request = request("GET", path, 1).header("cookie", &cookie).header("accept", "text/html");
        let page = text(&send(&house, request).await);
        for forbidden in ["<script", "<style", "style=", "onclick", "javascript:", "http://", "https://"] {
            assert!(!page.contains(forbidden), "{forbidden} in {path}");
        }
    }
}

#[tokio::test]
async fn who_may_read_neither_sees_a_page_that_says_so() {
    let house = house().await;
    let cookie = house.browser(5).await;
    let page = text(&send(&house, request("GET", "/", 1).header("cookie", &cookie)).await);
    assert!(page.contains("您的岗位不查看统计与台账") && !page.contains("<table"));
    let manager = house.browser(4).await;
    let page = text(&send(&house, request("GET", "/", 1).header("cookie", &manager)).await);
    assert!(page.contains("隐患台账") && !page.contains("月度情况统计"));
}

#[tokio::test]
async fn a_name_with_markup_stays_text() {
    use louan_schema::registry::Person;
    use louan_server::storage::Storage;
    use louan_server::storage::commit::{Commit, Write};
    use louan_server::storage::registry::RegistryStore;
    let house = house().await;
    let row = house.store.find_person(edge_kit::person_id(2)).await.expect("a read").expect("a person");
    let named = Person { name: "<b onmouseover=alert(1)>王</b>".to_owned(), ..row.person };
    let commit = Commit { writes: vec![Write::Person(named, true)], ..Commit::default() };
    house.store.commit(commit).await.expect("written");
    let cookie = house.browser(2).await;
    let page = text(&send(&house, request("GET", "/", 1).header("cookie", &cookie)).await);
    assert!(page.contains("&lt;b onmouseover=alert(1)&gt;王") && !page.contains("<b "), "{page}");
}
