//! The plain pages, as a browser without scripts sees them.

mod edge_kit;

use bytes::Bytes;
use edge_kit::house::{House, code, house, json, request};
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
    assert_eq!(page.matches("<tr ").count(), 1 + 21 + 1, "head, 21 街镇, 合计");
    assert!(
        page.contains("古南街道")
            && page.contains("自整治开始累计，截至 2020-03-20 24时")
            && page.contains("共 0 条")
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
    assert!(page.contains(r#"type="text" value="a" "#), "the account need not be typed again: {page}");
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

#[tokio::test]
async fn an_account_that_is_shut_is_told_so_and_how_long() {
    let house = house().await;
    account(&house.identity, 2, noon()).await;
    let typed = || form("/login", "account=user-2&password=Wrong-word+99");
    for wait_ms in [1_000, 2_000, 4_000, 8_000, 1_000] {
        let wrong = send(&house, typed()).await;
        assert_eq!(wrong.status().as_u16(), 401);
        house.hands.advance_ms(wait_ms);
    }
    let shut = send(&house, typed()).await;
    assert_eq!(shut.status().as_u16(), 429);
    let page = text(&shut);
    let told = "登录已暂停。</strong>密码连续五次不正确，数据未受影响。请在约 15 分钟后重试；忘记密码的，请联系系统运行单位。";
    assert!(page.contains(told) && !page.contains("操作过于频繁") && !page.contains("可再试"), "{page}");
    assert!(page.contains(r#"value="user-2""#), "{page}");

    let asked = json(request("POST", "/api/v1/session", 1), r#"{"account":"user-2","password":"x"}"#);
    let refused = send(&house, asked).await;
    assert_eq!((refused.status().as_u16(), code(&refused).as_str()), (429, "sign_in_paused"));
    assert_eq!(refused.headers()["retry-after"], "899");
}

#[tokio::test]
async fn the_account_that_comes_back_to_the_form_is_text_and_nothing_else() {
    let house = house().await;
    let wrong = send(&house, form("/login", "account=%22%3E%3Cscript%3E1&password=b")).await;
    let page = text(&wrong);
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;1\"") && !page.contains("<script"), "{page}");
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
    assert!(page.contains("您的岗位无权查看统计和台账") && !page.contains("<table"));
    let manager = house.browser(4).await;
    let page = text(&send(&house, request("GET", "/", 1).header("cookie", &manager)).await);
    assert!(page.contains("<h1>火灾隐患台账</h1>") && !page.contains("整治情况累计统计"), "{page}");
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
