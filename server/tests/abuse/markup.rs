//! Scripts in every free text that the pages show (A12): two hundred payloads, and not one tag more than without them.

use std::collections::BTreeSet;

use louan_schema::area::StreetCode;
use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{CommandId, RecordId};
use louan_schema::record::Body;
use louan_schema::registry::{Org, Person};
use louan_schema::ruling::{Act, Command};
use louan_schema::wire::CommandVerdict;
use louan_server::hub::Clocks;

use super::edge_kit::house::{House, house, patient_house, request};
use super::edge_kit::{STREET, noon, org_id, person_id};
use super::kit::{self, Phone, accepted, hazard, record};
use super::photo_kit::cited;

/// What a browser would run, if it came to be part of a page.
const SCRIPTS: [&str; 25] = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.test></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<math><mi xlink:href=javascript:alert(1)>",
    "<style>@import '//x.test'</style>",
    "<link rel=stylesheet href=//x.test>",
    "<meta http-equiv=refresh content=0;url=//x.test>",
    "<base href=//x.test>",
    "<form action=//x.test><button>",
    "<object data=//x.test>",
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "＜script＞alert(1)＜/script＞",
];

/// What would end the place a text stands in, so that the script stands beside it.
const ENDS: [&str; 8] = ["", "\">", "'>", "</td></tr></table>", "</title>", "</p>", "-->", "]]>"];

fn payloads() -> Vec<String> {
    ENDS.iter().flat_map(|end| SCRIPTS.map(|script| format!("{end}{script}"))).collect()
}

/// The tags of a page, as they stand.
fn tags(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for piece in page.split('<').skip(1) {
        found.insert(piece.split_once('>').map_or(piece, |(tag, _)| tag).to_owned());
    }
    found
}

/// A text as a page shows it, in an attribute, too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

async fn page(house: &House, path: &str, cookie: &str) -> String {
    let asked = request("GET", path, 1).header("cookie", cookie).header("accept", "text/html");
    let reply = asked.reply(&house.routes).await;
    String::from_utf8(reply.body().to_vec()).expect("a page")
}

/// Names the person who looks, his organisation and the compound like this, and finds a hazard there that says so.
async fn written_everywhere(house: &House, phone: &mut Phone, (n, text): (u8, &str)) {
    let org = Org {
        id: org_id("street-1"),
        kind: OrgKind::Street,
        name: text.to_owned(),
        street: StreetCode::new(STREET),
    };
    house.hub.add_org(org, None, Clocks::both(noon())).await.expect("renamed");
    let person =
        Person { id: person_id(1), org: org_id("street-1"), role: Role::Street, name: text.to_owned() };
    house.hub.add_person(person, None, Clocks::both(noon())).await.expect("renamed");
    let (mut site, buildings) = kit::site(kit::SITE, org_id("property"), STREET);
    (site.name, site.supervised_by) = (text.to_owned(), org_id("street-1"));
    let expected_version = house.hub.find_site(kit::SITE).await.expect("reads").expect("stands").version;
    let act = Act::RegisterSite(site, buildings);
    let command = Command { id: CommandId([n; 16]), expected_version, at: noon(), act };
    let verdict = house.hub.command(person_id(1), command, Clocks::both(noon())).await.expect("answers");
    assert!(matches!(verdict, CommandVerdict::Done(_)), "{text}: {verdict:?}");
    let (book, id) = (phone.book(), RecordId([n; 16]));
    // The page shows the last ones found.
    let mut found = hazard(text);
    found.found_at = noon().plus_ms(i64::from(n));
    let mut said = record(person_id(4), Body::Hazard(found));
    said.written_at = noon().plus_ms(i64::from(n));
    let raw = phone.write_in(book, id, &said);
    assert!(accepted(&phone.push(&house.hub, &[raw]).await), "{text}");
}

#[tokio::test]
async fn two_hundred_scripts_in_every_text_of_the_overview_add_no_tag() {
    let house = patient_house().await;
    cited(&house, Vec::new()).await;
    let mut phone = Phone::enrolled(&house.hub, 78, person_id(4), org_id("property")).await;
    let cookie = house.browser(1).await;
    written_everywhere(&house, &mut phone, (20, "无害")).await;
    let honest = page(&house, "/", &cookie).await;
    assert!(honest.matches("无害").count() >= 4, "person, organisation, compound and hazard: {honest}");
    let known = tags(&honest);
    let payloads = payloads();
    assert_eq!(payloads.iter().collect::<BTreeSet<_>>().len(), 200);
    for (n, payload) in (21..).zip(&payloads) {
        written_everywhere(&house, &mut phone, (n, payload)).await;
        let shown = page(&house, "/", &cookie).await;
        let new: Vec<String> = tags(&shown).difference(&known).cloned().collect();
        assert!(new.is_empty(), "{payload}: {new:?}");
        let escaped = escaped(payload);
        assert!(shown.matches(&escaped).count() >= 4, "{payload} is shown as it was written: {shown}");
    }
}

#[tokio::test]
async fn two_hundred_scripts_in_what_is_asked_for_add_no_tag() {
    let house = house().await;
    let cookie = house.browser(1).await;
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let places: [(&str, &str); 4] = [("/nothing/", ""), ("/?cut_off=", ""), ("/?", "=1"), ("/login/", "")];
    for (before, after) in places {
        let known = tags(&page(&house, &format!("{before}x{after}"), &cookie).await);
        for payload in payloads() {
            let shown = page(&house, &format!("{before}{}{after}", encoded(&payload)), &cookie).await;
            let new: Vec<String> = tags(&shown).difference(&known).cloned().collect();
            assert!(new.is_empty(), "{before}{payload}: {new:?}");
        }
    }
    // The account typed comes back as text for a second try, the password not at all.
    let mut known = None;
    for payload in std::iter::once("somebody".to_owned()).chain(payloads()) {
        let typed =
            format!("account={}&password={}", encoded(&payload), encoded(&format!("{payload}-secret")));
        let form = request("POST", "/login", 2)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://louan.test")
            .body(typed);
        let reply = form.reply(&house.routes).await;
        let shown = String::from_utf8_lossy(reply.body()).into_owned();
        assert!(!shown.contains("-secret"), "{payload}");
        let value = format!("value=\"{}\"", escaped(&payload));
        assert_eq!(shown.matches(&value).count(), 1, "{payload} is shown as it was typed: {shown}");
        let tags = tags(&shown.replace(&value, ""));
        let new: Vec<&String> = tags.difference(known.get_or_insert_with(|| tags.clone())).collect();
        assert!(new.is_empty(), "{payload}: {new:?}");
    }
}
