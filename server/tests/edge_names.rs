//! Whose names go where: whole to the phone of who is called so, masked to everybody else, and a line of the audit by his id
//! for each whole one.

mod edge_kit;
mod kit;

use edge_kit::house::{House, house, json, request};
use edge_kit::{noon, org_id, person_id};
use kit::Phone;
use louan_schema::code::Role;
use louan_schema::id::{DeviceId, PersonId};
use louan_schema::registry::Person;
use louan_schema::wire::{Item, Row};
use louan_server::audit::Entry;
use louan_server::hub::Clocks;
use louan_server::storage::AuditStore;

const OWN: &str = "王示例";
const COLLEAGUE: &str = "李示例";

async fn name(house: &House, number: u8, name: &str) {
    let (id, org) = (person_id(number), org_id("property"));
    let person = Person { id, org, role: Role::PropertyManager, name: name.to_owned() };
    house.hub.add_person(person, None, Clocks::both(noon())).await.expect("written");
}

/// Whose whole names the audit says were read, and by which device.
async fn read(house: &House) -> Vec<(String, Option<DeviceId>)> {
    let lines = house.store.audit_lines(0, 10_000).await.expect("the audit");
    let entries = lines.iter().map(|line| minicbor::decode::<Entry>(&line.bytes).expect("an entry"));
    entries.filter(|entry| entry.act == "read_name").map(|entry| (entry.subject, entry.device)).collect()
}

fn names(items: &[Item]) -> Vec<(PersonId, &str)> {
    let people = items.iter().filter_map(|item| match item {
        Item::Row(Row::Person(person)) => Some((person.id, person.name.as_str())),
        _ => None,
    });
    people.collect()
}

#[tokio::test]
async fn a_phone_is_told_the_names_of_its_own_people_and_of_a_colleague_only_that_there_is_one() {
    let house = house().await;
    name(&house, 4, OWN).await;
    name(&house, 9, COLLEAGUE).await;
    let mut phone = Phone::enrolled(&house.hub, 41, person_id(4), org_id("property")).await;
    let first = phone.pull(&house.hub, 4 << 20).await;
    assert_eq!(names(&first), [(person_id(4), OWN), (person_id(9), "李＊＊")]);
    let told = (person_id(4).to_string(), Some(phone.device));
    assert_eq!(read(&house).await, std::slice::from_ref(&told));

    // What comes later comes the same way, and what says no name leaves no line.
    name(&house, 9, "赵示例").await;
    assert_eq!(names(&phone.pull(&house.hub, 4 << 20).await), [(person_id(9), "赵＊＊")]);
    assert!(phone.pull(&house.hub, 4 << 20).await.is_empty());
    assert_eq!(read(&house).await.len(), 1);
    name(&house, 4, "钱示例").await;
    assert_eq!(names(&phone.pull(&house.hub, 4 << 20).await), [(person_id(4), "钱示例")]);
    assert_eq!(read(&house).await, [told.clone(), told]);
}

#[tokio::test]
async fn a_phone_that_another_shares_has_both_names_and_an_erased_one_is_nobodys() {
    let house = house().await;
    name(&house, 4, OWN).await;
    name(&house, 9, COLLEAGUE).await;
    let mut phone = Phone::enrolled(&house.hub, 41, person_id(4), org_id("property")).await;
    let both = vec![person_id(4), person_id(9)];
    house.hub.set_device_people(phone.device, both, None, Clocks::both(noon())).await.expect("set");
    let first = phone.pull(&house.hub, 4 << 20).await;
    assert_eq!(names(&first), [(person_id(4), OWN), (person_id(9), COLLEAGUE)]);
    assert_eq!(read(&house).await.len(), 2);
    house.hub.erase_person(person_id(9), None, Clocks::both(noon())).await.expect("erased");
    assert_eq!(names(&phone.pull(&house.hub, 4 << 20).await), [(person_id(9), "")]);
    assert_eq!(read(&house).await.len(), 2, "there is no name to be read");
}

#[tokio::test]
async fn an_enrolment_tells_a_phone_its_people_and_the_audit_says_so_by_their_ids() {
    let house = house().await;
    name(&house, 4, OWN).await;
    name(&house, 9, COLLEAGUE).await;
    let key = p256::ecdsa::SigningKey::from_slice(&[41; 32]).expect("a scalar");
    let point = key.verifying_key().to_sec1_point(true);
    let public_key = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(point.as_bytes());
    let (code, _) = house.identity.new_code(vec![person_id(4)], None, noon()).await.expect("a code");
    let body = serde_json::json!({ "code": code.text(), "public_key": public_key }).to_string();
    let reply = json(request("POST", "/api/v1/enrol", 1), &body).reply(&house.routes).await;
    let enrolment: serde_json::Value = serde_json::from_slice(reply.body()).expect("JSON");
    assert_eq!(enrolment["people"][0]["name"], OWN);
    assert!(!String::from_utf8_lossy(reply.body()).contains(COLLEAGUE));
    let device = enrolment["device"].as_str().expect("an id").parse().expect("an id");
    assert_eq!(read(&house).await, [(person_id(4).to_string(), Some(device))]);
}

#[tokio::test]
async fn a_page_tells_who_is_signed_in_his_own_name_and_nobody_elses() {
    let house = house().await;
    name(&house, 4, OWN).await;
    name(&house, 9, COLLEAGUE).await;
    let cookie = house.browser(4).await;
    let page = request("GET", "/", 1).header("cookie", cookie).reply(&house.routes).await;
    let text = String::from_utf8(page.body().to_vec()).expect("a page");
    assert!(text.contains(&format!("单位4 {OWN}（")) && !text.contains(COLLEAGUE), "{text}");
    assert!(read(&house).await.is_empty());
}
