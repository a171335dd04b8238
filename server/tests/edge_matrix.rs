//! The access matrix: every route × every role × state of the account, as a golden; and every route with an id of somebody
//! else's, which is the same 404 as one that never was.
//!
//! A new route has no row in the golden and fails until somebody has looked at what it answers to whom. `ACCESS=write` writes
//! the golden anew.

mod edge_kit;
mod kit;
mod photo_kit;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use bytes::Bytes;
use edge_kit::house::{House, house, request};
use edge_kit::{OTHER_STREET, STREET, noon, org_id};
use http::Response;
use louan_schema::area::StreetCode;
use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{BlobHash, CommandId, DeviceId, OrgId, PersonId, RecordId, RoundId, SiteId};
use louan_schema::registry::{Org, Person};
use louan_server::auth::NewAccount;
use louan_server::http::route::{self, ROUTES, Route};
use louan_server::hub::{Clocks, ImportId};
use louan_server::import::Defaults;
use photo_kit::{begin, cited, enrolled, picture, send, walked};
use serde_json::{Value, json as value};

const HAZARD: RecordId = RecordId([5; 16]);
const ROUND: RoundId = RoundId([1; 16]);
const IMPORT: ImportId = ImportId([7; 16]);
/// Routes that end the very session that asks: each caller has one to spend on each of them.
const ENDING: [(&str, &str); 2] = [("DELETE", "/api/v1/session"), ("POST", "/logout")];

/// How people stand who are not simply what they are: suspended, erased, of an office elsewhere, moved there.
const STANDINGS: [&str; 4] = ["suspended", "erased", "elsewhere", "moved_away"];

struct Caller {
    /// One of [`STANDINGS`]; nothing for whoever is what he is.
    standing: &'static str,
    name: &'static str,
    /// The one that stays, and those to be spent, in the order of [`ENDING`].
    tokens: Option<[String; 1 + ENDING.len()]>,
}

impl Caller {
    fn token(&self, route: &Route) -> Option<&String> {
        let spent = ENDING.iter().position(|ending| *ending == (route.method.name(), route.path));
        self.tokens.as_ref().map(|tokens| &tokens[spent.map_or(0, |at| at + 1)])
    }

    fn label(&self) -> String {
        format!("{}:{}", self.standing, self.name).trim_start_matches(':').to_owned()
    }
}

/// What the matrix is about: a compound, a hazard and a round on it that cite a photo, an import of the street's, an
/// upload that its device has not finished.
struct Furnished {
    photo: BlobHash,
    upload: String,
    /// The token of the device that sent the photo.
    sender: String,
}

fn now() -> Clocks {
    Clocks::both(noon())
}

async fn person(house: &House, number: u8, role: Role, org: OrgId) -> PersonId {
    let id = PersonId([number; 16]);
    let person = Person { id, org, role, name: format!("人员{number}") };
    house.hub.add_person(person, None, now()).await.expect("a new person");
    let new = NewAccount {
        person: id,
        login: format!("caller-{number}"),
        password: edge_kit::password(edge_kit::PASSWORD),
    };
    house.identity.put_account(new, noon()).await.expect("an account");
    id
}

async fn org(house: &House, code: &str, kind: OrgKind, street: Option<u32>) -> OrgId {
    let street = street.and_then(StreetCode::new);
    let org = Org { id: org_id(code), kind, name: format!("单位{code}"), street };
    house.hub.add_org(org, None, now()).await.expect("a new organisation");
    org_id(code)
}

async fn signed_in(house: &House, number: u8) -> String {
    let from = edge_kit::address(number);
    let credentials = edge_kit::credentials(&format!("caller-{number}"), edge_kit::PASSWORD, from);
    house.identity.sign_in(credentials, noon()).await.expect("a session").issued.access.text()
}

async fn sessions(house: &House, number: u8) -> Option<[String; 3]> {
    Some([signed_in(house, number).await, signed_in(house, number).await, signed_in(house, number).await])
}

/// Three devices of the same person: a device has one session.
async fn devices(house: &House, seeds: [u8; 3]) -> [(String, DeviceId); 3] {
    let person = edge_kit::person_id(4);
    let [first, second, third] = seeds;
    [
        enrolled(house, first, person).await,
        enrolled(house, second, person).await,
        enrolled(house, third, person).await,
    ]
}

async fn furnish(house: &House) -> Furnished {
    let (sender, _) = enrolled(house, 61, edge_kit::person_id(4)).await;
    let shown = picture(1);
    send(house, &sender, &shown).await;
    let place = begin(house, &sender, &picture(2)).await;
    let upload = place.rsplit('/').next().expect("an id").to_owned();
    let photo = shown.hash;
    assert_eq!(cited(house, vec![photo]).await, HAZARD);
    assert_eq!(walked(house, vec![photo]).await, ROUND);
    let table = louan_server::table::read("小区,栋号\n示例花园,2栋\n".as_bytes()).expect("a table");
    let asked = (&table, Defaults::default());
    house.hub.preview_import(edge_kit::person_id(1), IMPORT, asked, now()).await.expect("a plan");
    Furnished { photo, upload, sender }
}

/// Where a role belongs that sees the compound.
async fn home(house: &House, role: Role) -> OrgId {
    let kind = OrgKind::ALL.iter().find(|kind| kind.appoints(role)).expect("somebody appoints");
    match kind {
        // The property company and the street are those of the compound.
        OrgKind::PropertyManager => org_id("property"),
        OrgKind::Street => org_id("street-1"),
        _ => org(house, kind.as_str(), *kind, None).await,
    }
}

/// Where a role belongs that works in one place, and that place is another; nothing for one that works everywhere.
async fn elsewhere(house: &House, role: Role) -> Option<OrgId> {
    let kind = OrgKind::ALL.iter().find(|kind| kind.appoints(role)).expect("somebody appoints");
    let code = match kind {
        OrgKind::Police => "police-2",
        OrgKind::Street => "street-2",
        OrgKind::PropertyManager => "property-2",
        _ => return None,
    };
    Some(org(house, code, *kind, Some(OTHER_STREET)).await)
}

/// A person of each role, in each standing it can have.
async fn people(house: &House) -> Vec<Caller> {
    let mut callers = Vec::new();
    let mut numbers = 100..;
    for (standing, role) in
        [""].iter().chain(&STANDINGS).flat_map(|s| Role::ALL.iter().map(move |r| (*s, *r)))
    {
        let (home, away) = (home(house, role).await, elsewhere(house, role).await);
        let org = match (standing, away) {
            ("elsewhere" | "moved_away", None) => continue,
            ("elsewhere", Some(away)) => away,
            _ => home,
        };
        let number = numbers.next().expect("a number");
        let id = person(house, number, role, org).await;
        let tokens = sessions(house, number).await;
        match (standing, away) {
            ("suspended", _) => house.hub.set_person_active(id, false, None, now()).await.expect("suspends"),
            ("erased", _) => house.hub.erase_person(id, None, now()).await.expect("erases"),
            ("moved_away", Some(away)) => {
                let moved = Person { id, org: away, role, name: format!("人员{number}") };
                house.hub.add_person(moved, None, now()).await.expect("moves");
            }
            _ => {}
        }
        callers.push(Caller { standing, name: role.as_str(), tokens });
    }
    callers
}

/// Everybody who might call: nobody, people, devices.
async fn callers(house: &House, sender: &str) -> Vec<Caller> {
    let mut callers = vec![Caller { standing: "", name: "nobody", tokens: None }];
    callers.extend(people(house).await);
    let mut add = |name, tokens| callers.push(Caller { standing: "", name, tokens: Some(tokens) });
    let [_, second, third] = devices(house, [70, 71, 72]).await.map(|(token, _)| token);
    add("device", [sender.to_owned(), second, third]);
    add("other_device", devices(house, [65, 66, 67]).await.map(|(token, _)| token));
    let tokens = devices(house, [64, 73, 74]).await.map(|(token, _)| token);
    tokens.iter().for_each(|token| house.lose_key(token));
    add("found_token", tokens);
    let lost = devices(house, [62, 75, 76]).await;
    for (_, device) in &lost {
        house.hub.revoke_device(*device, None, now()).await.expect("revokes");
    }
    add("lost_device", lost.map(|(token, _)| token));
    callers
}

/// Who got the same answer; those who are all of a standing by its name alone.
fn names(got: &[&Caller], callers: &[Caller]) -> String {
    if got.len() == callers.len() {
        return "everybody".to_owned();
    }
    let whole = |standing: &str| {
        let of = |one: &Caller| one.standing == standing;
        got.iter().filter(|one| of(one)).count() == callers.iter().filter(|one| of(one)).count()
    };
    let mut names: Vec<String> = Vec::new();
    for caller in got {
        let all = STANDINGS.contains(&caller.standing) && whole(caller.standing);
        let name = if all { format!("every:{}", caller.standing) } else { caller.label() };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" ")
}

impl Furnished {
    /// A route's path with the ids of what is there.
    fn path(&self, route: &Route) -> String {
        route
            .path
            .replace("{hazard}", &HAZARD.to_string())
            .replace("{round}", &ROUND.to_string())
            .replace("{hash}", &self.photo.to_string())
            .replace("{import}", &IMPORT.to_string())
            .replace("{upload}", &self.upload)
            .replace("{cut_off}", "2020-03-20")
    }
}

/// Asks; what is new in it has this number, so that no answer depends on who asked before.
async fn ask(
    house: &House,
    route: &Route,
    path: &str,
    (number, token): (u8, Option<&String>),
) -> Response<Bytes> {
    // Well-formed and empty: how far it is looked at is what the cell says.
    let body = match route.body {
        _ if route.path == "/api/v1/commands" => registration(number),
        route::Body::Json => "{}".to_owned(),
        _ => String::new(),
    };
    let method = route.method.name();
    let mut asked = match token {
        Some(token) => house.bearing((method, path, 250), token, body.as_bytes()),
        None => request(method, path, 250).body(&body),
    };
    if let Some(media_type) = route.body.media_type() {
        asked = asked.header("content-type", media_type).header("content-length", body.len());
    }
    if route.body == route::Body::Form {
        // As one of our own pages sends it.
        asked = asked.header("origin", "https://louan.test");
    }
    asked.header("tus-resumable", "1.0.0").reply(&house.routes).await
}

#[test]
#[should_panic(expected = "GET /api/v1/hazards answered 418")]
fn a_status_that_is_not_described_is_seen_by_whatever_test_gets_it() {
    edge_kit::house::must_be_listed(&http::Method::GET, "/api/v1/hazards", 418);
}

/// A command that whoever registers buildings may give, for a new compound of the street.
fn registration(number: u8) -> String {
    let id = std::array::from_fn(|at| if at == 0 { 8 } else { number });
    let site = value!({
        "id": SiteId(id).to_string(), "name": "示例小院", "street": STREET.to_string(), "management": "unmanaged",
        "supervised_by": org_id("street-1").to_string(),
    });
    let act = value!({ "register_site": { "site": site, "buildings": [] } });
    value!({ "id": CommandId(id).to_string(), "expected_version": 0, "act": act }).to_string()
}

/// Whether a route changes anything but who is signed in.
fn writes(route: &Route) -> bool {
    const SIGNING: [&str; 5] =
        ["/api/v1/enrol", "/api/v1/session", "/api/v1/session/refresh", "/login", "/logout"];
    let asks = matches!(route.method, route::Verb::Get | route::Verb::Options);
    !asks && !SIGNING.contains(&route.path)
}

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/access.txt")
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_golden_says() {
    let house = house().await;
    let furnished = furnish(&house).await;
    let callers = callers(&house, &furnished.sender).await;
    // Events are told until the server stops: told to stop, it says the first one and ends.
    house.stop.send_replace(true);
    let mut table = String::new();
    for route in ROUTES {
        writeln!(table, "{} {}", route.method.name(), route.path).expect("writes");
        let mut cells: BTreeMap<u16, Vec<&Caller>> = BTreeMap::new();
        for (number, caller) in (0..).zip(&callers) {
            let asked = (number, caller.token(route));
            let status = ask(&house, route, &furnished.path(route), asked).await.status().as_u16();
            assert!(status < 500, "{} {} {}: {status}", caller.label(), route.method.name(), route.path);
            if caller.label() == "leading_group" && writes(route) {
                assert_eq!(status, 403, "A08: {}", route.path);
            }
            cells.entry(status).or_default().push(caller);
        }
        for (status, got) in cells {
            writeln!(table, "  {status} {}", names(&got, &callers)).expect("writes");
        }
    }
    if std::env::var("ACCESS").is_ok_and(|wish| wish == "write") {
        std::fs::create_dir_all(golden().parent().expect("a folder")).expect("makes");
        std::fs::write(golden(), &table).expect("writes");
    }
    let known = std::fs::read_to_string(golden()).unwrap_or_default();
    assert!(
        table == known,
        "who may do what has changed; look at every line, then run with ACCESS=write:\n{table}"
    );
}

#[tokio::test]
async fn what_is_somebody_elses_is_the_same_as_what_never_was() {
    let house = house().await;
    let furnished = furnish(&house).await;
    let mut strangers = Vec::new();
    for (number, role) in (200..).zip(Role::ALL) {
        if let Some(away) = elsewhere(&house, *role).await {
            let id = person(&house, number, *role, away).await;
            strangers.extend([signed_in(&house, number).await, enrolled(&house, number, id).await.0]);
        }
    }
    let mut asked = 0;
    for route in ROUTES.iter().filter(|route| route.path.contains('{') && !route.path.contains("{cut_off}")) {
        let there = furnished.path(route);
        let never = there
            .replace(&HAZARD.to_string(), &RecordId([9; 16]).to_string())
            .replace(&ROUND.to_string(), &RoundId([9; 16]).to_string())
            .replace(&furnished.photo.to_string(), &BlobHash([9; 32]).to_string())
            .replace(&IMPORT.to_string(), &ImportId([9; 16]).to_string())
            .replace(&furnished.upload, &"9".repeat(32));
        assert_ne!(there, never, "{} names an id this test does not know", route.path);
        for token in &strangers {
            let replies = [
                ask(&house, route, &there, (0, Some(token))).await,
                ask(&house, route, &never, (0, Some(token))).await,
            ];
            let [(status, body), (nothing, empty)] =
                replies.map(|reply| (reply.status().as_u16(), told(&reply)));
            assert_eq!((status, &body), (nothing, &empty), "{} {there}", route.method.name());
            assert!([204, 401, 403, 404, 422].contains(&status), "{} {there}: {status}", route.method.name());
            assert!(status != 204 || route.method == route::Verb::Options, "{} {there}", route.method.name());
            asked += 1;
        }
    }
    assert!(asked >= 60, "{asked} cells");
}

#[tokio::test]
async fn a_suspended_account_is_nobody_whatever_its_role_was() {
    let house = house().await;
    let furnished = furnish(&house).await;
    let mut suspended = Vec::new();
    for (number, role) in (100..).zip(Role::ALL) {
        let kind = OrgKind::ALL.iter().find(|kind| kind.appoints(*role)).expect("somebody appoints");
        let org = org(&house, kind.as_str(), *kind, Some(STREET)).await;
        let id = person(&house, number, *role, org).await;
        let token = signed_in(&house, number).await;
        house.hub.set_person_active(id, false, None, now()).await.expect("suspends");
        suspended.push((role.as_str(), token));
    }
    for route in ROUTES.iter().filter(|route| route.path.starts_with("/api/v1/")) {
        for (role, token) in &suspended {
            let reply = ask(&house, route, &furnished.path(route), (0, Some(token))).await;
            let status = reply.status().as_u16();
            // What needs nobody answers everybody; what is for devices is not for people.
            let open = ["/api/v1/session", "/api/v1/session/refresh", "/api/v1/enrol"].contains(&route.path);
            let fine = match route.method {
                route::Verb::Options => status == 204,
                // To end his session is all that is left to him.
                route::Verb::Delete if route.path == "/api/v1/session" => status == 200,
                _ if open => [401, 422, 400].contains(&status),
                _ => [401, 403].contains(&status),
            };
            assert!(fine, "{role} {} {}: {status}", route.method.name(), route.path);
        }
    }
}

/// A reply's body without the number of its request.
fn told(reply: &Response<Bytes>) -> Value {
    let mut body: Value = serde_json::from_slice(reply.body()).unwrap_or(Value::Null);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("trace_id");
    }
    body
}
