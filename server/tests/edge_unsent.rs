//! The file of what a phone could not send, over HTTP: who may bring it, what it is worth, and what it never is.

mod edge_kit;
mod kit;
mod photo_kit;

use edge_kit::house::{House, code, house};
use edge_kit::{audit, person_id};
use louan_schema::id::{BlobHash, DeviceId};
use louan_schema::unsent::{PART_MEDIA_TYPE, UnsentPart, photo_digest};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use photo_kit::{card, cited, enrolled, get, picture, send};
use serde_json::Value;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a scalar")
}

/// A photo as the phone with this key puts it into the file.
fn photo_part(device: DeviceId, seed: u8, number: u8) -> (UnsentPart, BlobHash) {
    let photo = picture(number);
    let card = card(&photo).to_bytes();
    let signature: Signature = key(seed).sign(&photo_digest(device, &card, photo.hash));
    let part = UnsentPart::Photo {
        device,
        card: card.into(),
        bytes: photo.jpeg.clone().into(),
        signature: signature.to_bytes().to_vec().into(),
    };
    (part, photo.hash)
}

fn bytes(part: &UnsentPart) -> Vec<u8> {
    part.to_bytes().expect("fits").split_off(4)
}

async fn bring(house: &House, token: &str, part: &[u8]) -> (u16, Value) {
    let asked = house
        .bearing(("POST", "/api/v1/unsent", 1), token, part)
        .header("content-type", PART_MEDIA_TYPE)
        .header("content-length", part.len());
    let reply = asked.reply(&house.routes).await;
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).expect("JSON"))
}

#[tokio::test]
async fn a_photo_carried_in_is_the_devices_own_and_the_same_again_is_known() {
    let house = house().await;
    let (phone, device) = enrolled(&house, 41, person_id(4)).await;
    let clerk = house.sign_in(1).await;
    let (part, hash) = photo_part(device, 41, 1);
    let (status, read) = bring(&house, &clerk, &bytes(&part)).await;
    assert_eq!((status, &read["photos"], &read["known"]), (200, &1.into(), &0.into()), "{read}");
    let (status, read) = bring(&house, &clerk, &bytes(&part)).await;
    assert_eq!((status, &read["photos"], &read["known"]), (200, &0.into(), &1.into()), "{read}");
    cited(&house, vec![hash]).await;
    let shown = get(&house, &format!("/api/v1/photos/{hash}"), &phone).await;
    assert_eq!(shown.status().as_u16(), 200);
    // The phone itself, later: what it sends is there already.
    assert_ne!(send(&house, &phone, &picture(1)).await, 0);
    let lines = audit(&house.store).await;
    assert_eq!(lines.iter().filter(|(act, _)| act == "read_unsent").count(), 2, "{lines:?}");
}

#[tokio::test]
async fn what_the_device_did_not_sign_is_not_taken() {
    let house = house().await;
    let (_, device) = enrolled(&house, 41, person_id(4)).await;
    let (_, other) = enrolled(&house, 42, person_id(4)).await;
    let clerk = house.sign_in(1).await;
    let (good, hash) = photo_part(device, 41, 1);
    let UnsentPart::Photo { card, bytes: photo, signature, .. } = good.clone() else { unreachable!() };
    let (another, _) = photo_part(device, 41, 2);
    let UnsentPart::Photo { card: other_card, bytes: other_photo, .. } = another else { unreachable!() };
    let with = |device, card: &minicbor::bytes::ByteVec, photo: &minicbor::bytes::ByteVec| {
        UnsentPart::Photo { device, card: card.clone(), bytes: photo.clone(), signature: signature.clone() }
    };
    let stranger = DeviceId([99; 16]);
    for (case, part, wanted) in [
        ("another device's", with(other, &card, &photo), "signature"),
        ("nobody's", with(stranger, &card, &photo), "device"),
        ("another card", with(device, &other_card, &photo), "signature"),
        ("another photo", with(device, &card, &other_photo), "signature"),
    ] {
        let (status, told) = bring(&house, &clerk, &bytes(&part)).await;
        assert_eq!((status, told["errors"][0]["code"].as_str()), (422, Some(wanted)), "{case}: {told}");
    }
    for cut in [0, 1, 40, bytes(&good).len() - 1] {
        let (status, told) = bring(&house, &clerk, &bytes(&good)[..cut]).await;
        assert_eq!((status, told["errors"][0]["code"].as_str()), (422, Some("unsent")), "{cut}: {told}");
    }
    assert!(house.photos.sent(hash, device).await.expect("reads").is_none(), "nothing was taken");
}

#[tokio::test]
async fn who_enters_buildings_brings_it_and_nobody_else() {
    let house = house().await;
    let (phone, device) = enrolled(&house, 41, person_id(4)).await;
    let part = bytes(&photo_part(device, 41, 1).0);
    for (number, wanted) in [(3, 403), (4, 403), (5, 403), (6, 403), (2, 200)] {
        let token = house.sign_in(number).await;
        assert_eq!(bring(&house, &token, &part).await.0, wanted, "{number}");
    }
    assert_eq!(bring(&house, &phone, &part).await.0, 403, "a phone sends its own work itself");
    let asked = edge_kit::house::request("POST", "/api/v1/unsent", 1)
        .header("content-type", PART_MEDIA_TYPE)
        .header("content-length", part.len())
        .body(&part);
    let reply = asked.reply(&house.routes).await;
    assert_eq!((reply.status().as_u16(), code(&reply).as_str()), (401, "sign_in_again"));
}

#[tokio::test]
async fn a_revoked_phones_work_is_held_as_if_it_had_come_itself() {
    use kit::{COMPANY, MANAGER, Phone, hazard};
    use louan_schema::record::Body;
    use louan_schema::wire::PROTOCOL;
    let hub = kit::hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raw = phone.write(1, Body::Hazard(hazard("楼梯间堆放杂物")));
    let batch = phone.batch(phone.book(), &[raw]);
    hub.revoke_device(phone.device, None, kit::clocks()).await.expect("revokes");
    let (changes, _) =
        hub.take_carried(phone.device, PROTOCOL, &[batch], kit::clocks()).await.expect("answers");
    let held = changes.iter().flatten().all(|verdict| {
        matches!(verdict, louan_schema::wire::Verdict::NotTaken(code)
            if matches!(code.disposition(), louan_schema::wire::Disposition::Held))
    });
    assert!(held, "{changes:?}");
}
