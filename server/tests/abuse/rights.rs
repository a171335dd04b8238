//! Rights nobody may take (A06, A09), sessions nobody may plant (A10), protocols nobody speaks any more (R10).

use base64ct::{Base64UrlUnpadded, Encoding};
use louan_schema::id::{BuildingId, CommandId, RecordId, SiteId};
use louan_schema::wire::{MEDIA_TYPE, PROTOCOL};
use louan_server::http::route::{ROUTES, Verb};
use p256::ecdsa::SigningKey;
use serde_json::{Value, json as value};

use super::edge_kit::house::{House, code, house, json, patient_house, request};
use super::edge_kit::{PASSWORD, STREET, account, audit, empty_sync, noon, org_id, person_id};
use super::photo_kit::phone;
use louan_server::auth::NewAccount;

/// A body of each route that takes JSON, and of each act, with everything in it that may be.
fn bodies() -> Vec<(&'static str, Value)> {
    let key = SigningKey::from_slice(&[9; 32]).expect("a scalar");
    let public_key = Base64UrlUnpadded::encode_string(&key.verifying_key().to_sec1_bytes());
    let id = |n: u8| CommandId([n; 16]).to_string();
    let entry = value!({
        "site": {
            "id": SiteId([7; 16]).to_string(), "name": "古南花园", "street": STREET.to_string(), "community": null, "grid": "1",
            "address": "古南街道1号", "management": "property_company", "managed_by": org_id("property").to_string(),
            "supervised_by": org_id("street-1").to_string(),
            "position": { "lon_e7": 1_066_500_000, "lat_e7": 290_200_000, "datum": "wgs84" },
        },
        "buildings": [{
            "id": BuildingId([8; 16]).to_string(), "code": "1", "name": "1栋", "building_use": "residential", "height_cm": 9_900,
            "height_source": "drawing", "storeys": 33, "state": "registered",
            "floors": [{ "index": 0, "name": "负1", "street_level": true }],
        }],
    });
    let hazard = RecordId([5; 16]).to_string();
    let confirm = value!({ "hazard": hazard, "severity": "general", "due_on": "2020-03-31" });
    let command =
        |n: u8, act: Value| ("/api/v1/commands", value!({ "id": id(n), "expected_version": 0, "act": act }));
    vec![
        ("/api/v1/session", value!({ "account": "nobody", "password": "x" })),
        ("/api/v1/session/refresh", value!({ "refresh_token": "x", "signature": "y" })),
        ("/api/v1/enrol", value!({ "code": "x", "public_key": public_key })),
        command(1, value!({ "register_site": entry })),
        command(2, value!({ "confirm_hazard": confirm })),
        command(3, value!({ "close_hazard": { "hazard": hazard } })),
    ]
}

type Fields = serde_json::Map<String, Value>;
/// What is added to an object, by what it has.
type More<'a> = &'a dyn Fn(&Fields) -> String;

/// Writes JSON with something more in the object of this number, counted from the outermost.
fn with(body: &Value, number: &mut i32, more: More<'_>) -> String {
    match body {
        Value::Object(fields) => {
            let here = *number == 0;
            *number -= 1;
            let mut parts: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", with(value, number, more)))
                .collect();
            if here {
                parts.push(more(fields));
            }
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(all) => {
            format!("[{}]", all.iter().map(|value| with(value, number, more)).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

async fn post(house: &House, path: &str, token: &str, body: &str, last: u8) -> (u16, String) {
    let asked = json(request("POST", path, last), body).header("authorization", format!("Bearer {token}"));
    let reply = asked.reply(&house.routes).await;
    let status = reply.status().as_u16();
    (status, if status >= 400 { code(&reply) } else { String::new() })
}

#[tokio::test]
async fn no_field_is_taken_that_nobody_asked_for_in_any_object_of_any_body() {
    let house = patient_house().await;
    let token = house.sign_in(1).await;
    let takes_json = ROUTES.iter().filter(|route| route.body == louan_server::http::route::Body::Json);
    let bodies = bodies();
    assert!(
        takes_json.clone().all(|route| bodies.iter().any(|(path, _)| *path == route.path)),
        "a route without a body here"
    );
    let (mut tried, before) = (0, audit(&house.store).await.len());
    for (path, body) in &bodies {
        for number in 0.. {
            let mut end = number;
            with(body, &mut end, &|_| String::new());
            if end >= 0 {
                break;
            }
            let repeated = |fields: &Fields| {
                fields.iter().next().map_or_else(String::new, |(name, value)| format!("{name:?}:{value}"))
            };
            let more: [More<'_>; 5] = [
                &|_| r#""role":"system_admin""#.to_owned(),
                &|_| r#""is_admin":true"#.to_owned(),
                &|_| format!(r#""person":"{}""#, person_id(5)),
                &|_| r#""__proto__":{"role":"system_admin"}"#.to_owned(),
                &repeated,
            ];
            for more in more {
                let text = with(body, &mut number.clone(), more);
                assert_eq!(
                    post(&house, path, &token, &text, 9).await,
                    (400, "malformed".to_owned()),
                    "{path}: {text}"
                );
                tried += 1;
            }
        }
        let untouched = post(&house, path, &token, &body.to_string(), 8).await;
        assert_ne!(untouched.1, "malformed", "{path}: without it it is read");
    }
    assert!(tried >= 4 * 13, "{tried}");
    let role = house.hub.find_person(person_id(1)).await.expect("reads").expect("a person").person.role;
    assert_eq!(role, louan_schema::code::Role::Street);
    assert!(audit(&house.store).await.len() <= before + bodies.len(), "what is malformed reaches nobody");
}

/// What a route can end: one's own session, one's own upload. People, rights and the audit are no resource at all.
#[tokio::test]
async fn no_route_erases_a_person_changes_a_role_or_touches_the_audit() {
    let house = house().await;
    let ends: Vec<&str> =
        ROUTES.iter().filter(|route| route.method == Verb::Delete).map(|route| route.path).collect();
    assert_eq!(ends, ["/api/v1/session", "/api/v1/uploads/{upload}"]);
    for word in ["people", "person", "user", "account", "role", "audit", "device", "org"] {
        assert!(
            ROUTES.iter().all(|route| !route.path.contains(word)),
            "a route with `{word}` needs a look at A09"
        );
    }
    // Nor does the administrators' own account open anything else.
    let admin = house.sign_in(5).await;
    for act in ["erase_person", "set_role", "add_person", "revoke_device", "truncate_audit"] {
        let body =
            value!({ "id": CommandId([1; 16]).to_string(), "expected_version": 0, "act": { act: {} } });
        assert_eq!(
            post(&house, "/api/v1/commands", &admin, &body.to_string(), 1).await,
            (400, "malformed".to_owned()),
            "{act}"
        );
    }
}

#[tokio::test]
async fn a_cookie_somebody_planted_is_not_the_one_that_is_signed_in() {
    let house = house().await;
    let login = account(&house.identity, 2, noon()).await;
    let planted = house.browser(1).await;
    let typed = format!("account={login}&password={}", PASSWORD.replace(' ', "+"));
    let sign_in = |cookie: String| {
        request("POST", "/login", 1)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", "https://louan.test")
            .header("cookie", cookie)
            .body(typed.clone())
    };
    let mut seen = vec![planted.clone()];
    for cookie in [planted.clone(), "__Host-louan=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()] {
        let reply = sign_in(cookie.clone()).reply(&house.routes).await;
        assert_eq!(reply.status().as_u16(), 303);
        let fresh = reply.headers()["set-cookie"]
            .to_str()
            .expect("a text")
            .split(';')
            .next()
            .expect("a pair")
            .to_owned();
        assert!(!seen.contains(&fresh) && fresh != cookie, "a token of its own at each sign-in");
        seen.push(fresh);
    }
    let page = async |cookie: &str| {
        let reply = request("GET", "/", 1).header("cookie", cookie).reply(&house.routes).await;
        (reply.status().as_u16(), String::from_utf8(reply.body().to_vec()).expect("a page"))
    };
    assert!(page(&planted).await.1.contains("人员1"), "the planted one is still somebody else's");
    assert!(page(&seen[1]).await.1.contains("人员2"));
    // A new password ends what browsers hold, too.
    let password = super::edge_kit::password("Another-word 7");
    let changed = NewAccount { person: person_id(2), login, password };
    house.identity.put_account(changed, noon()).await.expect("changed");
    for cookie in &seen[1..] {
        assert_eq!(page(cookie).await.0, 303, "to the sign-in page");
    }
    assert_eq!(page(&planted).await.0, 200, "nobody else is signed out");
}

#[tokio::test]
async fn a_phone_of_another_protocol_is_told_to_update_and_nothing_of_it_is_taken() {
    let house = house().await;
    let token = phone(&house, 41).await;
    let before = house.hub.head().await.expect("a head").pos;
    for protocol in [0, PROTOCOL - 1, PROTOCOL + 1, PROTOCOL + 2, u16::MAX] {
        let reply = house
            .bearing(("POST", "/api/v1/sync", 1), &token, &empty_sync(protocol))
            .header("content-type", MEDIA_TYPE)
            .reply(&house.routes)
            .await;
        assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (426, "update_app"), "{protocol}");
    }
    assert_eq!(house.hub.head().await.expect("a head").pos, before);
}
