//! Enrolment codes: one device each, a day long, and what happens the second time.

mod edge_kit;

use std::sync::Arc;

use edge_kit::{address, audit, identity, last_audit, noon, person_id, store};
use louan_schema::time::Timestamp;
use louan_server::auth::code::Code;
use louan_server::auth::{AuthError, CODE_MS, Enrolled, Enrolment, Identity};
use louan_server::storage::Storage;
use louan_server::storage::commit::{Commit, Write};
use louan_server::storage::registry::RegistryStore;
use p256::ecdsa::SigningKey;

fn public(number: u8) -> Vec<u8> {
    let key = SigningKey::from_slice(&[number; 32]).expect("a scalar");
    key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

async fn enrol(identity: &Identity, code: &str, key: u8, now: Timestamp) -> Result<Enrolled, AuthError> {
    let enrolment = Enrolment { code: code.to_owned(), public_key: public(key), from: address(key) };
    identity.enrol(enrolment, now).await
}

async fn code(identity: &Identity) -> String {
    let (code, expires_at) =
        identity.new_code(vec![person_id(1), person_id(3)], None, noon()).await.expect("a code");
    assert_eq!(expires_at, noon().plus_ms(CODE_MS));
    code.text()
}

#[tokio::test]
async fn a_code_enrols_one_device_for_its_people() {
    let store = store().await;
    let identity = identity(&store);
    let code = code(&identity).await;
    let enrolled = enrol(&identity, &code.to_lowercase(), 1, noon()).await.expect("a device");
    assert_eq!(enrolled.people, [person_id(1), person_id(3)]);
    let device = store.find_device(enrolled.device).await.expect("a read").expect("a device");
    let people: Vec<_> = device.people.iter().map(|row| row.person.id).collect();
    assert_eq!((device.public_key, people, device.revoked), (public(1), enrolled.people, false));
    let caller = identity.recognise(&enrolled.issued.access, false, noon()).await.expect("a session");
    assert_eq!((caller.device(), caller.person()), (Some(enrolled.device), None));
}

#[tokio::test]
async fn the_second_use_by_another_phone_is_refused_and_written_down() {
    let store = store().await;
    let identity = identity(&store);
    let code = code(&identity).await;
    let first = enrol(&identity, &code, 1, noon()).await.expect("a device");
    let error = enrol(&identity, &code, 2, noon()).await.expect_err("spent");
    assert!(matches!(error, AuthError::CodeSpent));
    assert_eq!(last_audit(&store).await, ("enrol".to_owned(), "refused".to_owned()));
    assert!(
        identity.recognise(&first.issued.access, false, noon()).await.is_ok(),
        "the first phone is not concerned"
    );
    assert_eq!(store.list_devices().await.expect("a list").len(), 1);
}

#[tokio::test]
async fn a_phone_that_lost_the_reply_asks_again_and_stays_the_same_device() {
    let store = store().await;
    let identity = identity(&store);
    let code = code(&identity).await;
    let lost = enrol(&identity, &code, 1, noon()).await.expect("a device");
    let again = enrol(&identity, &code, 1, noon().plus_ms(60_000)).await.expect("the same device");
    assert_eq!(again.device, lost.device);
    assert!(
        identity.recognise(&lost.issued.access, false, noon()).await.is_err(),
        "the lost tokens are worth nothing"
    );
    assert!(identity.recognise(&again.issued.access, false, noon()).await.is_ok());
}

#[tokio::test]
async fn a_code_is_worth_nothing_after_a_day_used_or_not() {
    let store = store().await;
    let identity = identity(&store);
    let (unused, used) = (code(&identity).await, code(&identity).await);
    enrol(&identity, &used, 1, noon().plus_ms(CODE_MS - 1)).await.expect("the last moment");
    for (code, key) in [(unused, 2), (used, 1)] {
        let error = enrol(&identity, &code, key, noon().plus_ms(CODE_MS)).await.expect_err("too old");
        assert!(matches!(error, AuthError::CodeSpent));
    }
}

#[tokio::test]
async fn a_phone_the_server_knows_keeps_its_id_with_a_new_code() {
    let store = store().await;
    let identity = identity(&store);
    let first = enrol(&identity, &code(&identity).await, 1, noon()).await.expect("a device");
    let second = enrol(&identity, &code(&identity).await, 1, noon()).await.expect("the same phone");
    assert_eq!(second.device, first.device);
    let other = enrol(&identity, &code(&identity).await, 2, noon()).await.expect("another phone");
    assert_ne!(other.device, first.device);
}

#[tokio::test]
async fn a_device_given_up_as_lost_is_not_woken_by_a_new_code() {
    let store = store().await;
    let identity = identity(&store);
    let first = enrol(&identity, &code(&identity).await, 1, noon()).await.expect("a device");
    let commit = Commit { writes: vec![Write::RevokeDevice(first.device)], ..Commit::default() };
    store.commit(commit).await.expect("given up");
    let second =
        enrol(&identity, &code(&identity).await, 1, noon()).await.expect("the phone was found again");
    assert_ne!(second.device, first.device);
}

#[tokio::test]
async fn what_is_no_code_or_no_key_enrols_nobody() {
    let store = store().await;
    let identity = identity(&store);
    let code = code(&identity).await;
    let made_up = Code::new([5; 16]).text();
    for text in ["", "ABCD", &made_up, &code[1..]] {
        assert!(matches!(enrol(&identity, text, 1, noon()).await, Err(AuthError::CodeUnknown)), "{text}");
    }
    for public_key in [vec![], vec![4; 65], public(1)[..33].to_vec(), vec![0]] {
        let enrolment = Enrolment { code: code.clone(), public_key, from: address(1) };
        assert!(matches!(identity.enrol(enrolment, noon()).await, Err(AuthError::PublicKey)));
    }
    enrol(&identity, &code, 1, noon()).await.expect("the code is unspent after all that");
}

#[tokio::test]
async fn guessing_codes_is_capped_by_address_before_the_store_is_asked() {
    let store = store().await;
    let identity = identity(&store);
    let before = audit(&store).await.len();
    let mut capped = 0;
    for n in 0..40 {
        let guess = Code::new([n; 16]).text();
        let enrolment = Enrolment { code: guess, public_key: public(1), from: address(9) };
        let error = identity.enrol(enrolment, noon()).await.expect_err("a guess");
        capped += usize::from(matches!(error, AuthError::TooOften(_)));
    }
    assert_eq!((capped, audit(&store).await.len() - before), (10, 30));
}

#[tokio::test]
async fn of_two_phones_with_one_code_at_the_same_moment_one_is_enrolled() {
    let store = store().await;
    let identity = Arc::new(identity(&store));
    let code = code(&identity).await;
    let (one, two) = tokio::join!(enrol(&identity, &code, 1, noon()), enrol(&identity, &code, 2, noon()));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert_eq!(store.list_devices().await.expect("a list").len(), 1);
}
