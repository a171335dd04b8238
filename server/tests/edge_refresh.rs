//! Refresh tokens: what rotation gives, and what it takes away.

mod edge_kit;

use edge_kit::{
    PASSWORD, account, address, audit, credentials, identity, last_audit, noon, person_id, store,
};
use louan_server::auth::token::Token;
use louan_server::auth::{AuthError, CONSOLE_MS, DEVICE_REFRESH_MS, Enrolment, Identity, Issued};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

/// A phone's key.
fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).expect("a scalar")
}

fn public(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(true).as_bytes().to_vec()
}

fn proof(key: &SigningKey, token: &Token) -> Vec<u8> {
    let signature: Signature = key.sign(&token.proof_message());
    signature.to_bytes().to_vec()
}

async fn enrolled(identity: &Identity, key: &SigningKey) -> Issued {
    let (code, _) = identity.new_code(vec![person_id(1)], None, noon()).await.expect("a code");
    let enrolment = Enrolment { code: code.text(), public_key: public(key), from: address(1) };
    identity.enrol(enrolment, noon()).await.expect("a device").issued
}

#[tokio::test]
async fn the_same_token_again_gives_the_same_successor_until_that_is_exchanged() {
    let store = store().await;
    let identity = identity(&store);
    let key = key(7);
    let first = enrolled(&identity, &key).await;
    let exchange = |token: Token, later_ms: i64| {
        let proof = proof(&key, &token);
        let identity = identity.clone();
        async move { identity.refresh(&token, Some(&proof), address(1), noon().plus_ms(later_ms)).await }
    };
    let second = exchange(first.refresh.clone(), 0).await.expect("the next pair");
    // The reply was lost; an hour later the phone asks again with what it has.
    let again = exchange(first.refresh.clone(), 3_600_000).await.expect("the same pair goes on");
    assert_eq!(again.refresh, second.refresh);
    assert_ne!(again.access, second.access, "an access token is fresh, not an hour old");
    assert_eq!(again.refresh_until, second.refresh_until, "asking again does not prolong");
    assert_eq!(last_audit(&store).await, ("refresh".to_owned(), "done again".to_owned()));

    let third = exchange(second.refresh.clone(), 3_600_000).await.expect("the successor was received");
    assert!(identity.recognise(&third.access, false, noon().plus_ms(3_600_000)).await.is_ok());
    let error = exchange(first.refresh, 3_600_001).await.expect_err("a copy");
    assert!(matches!(error, AuthError::NoSession));
    assert_eq!(last_audit(&store).await.1, "spent token presented again, family ended");
    for dead in [second.refresh, third.refresh.clone()] {
        assert!(exchange(dead, 3_600_002).await.is_err(), "the whole family is over");
    }
    assert!(identity.recognise(&third.access, false, noon().plus_ms(3_600_000)).await.is_err());
}

#[tokio::test]
async fn a_device_token_without_the_devices_key_ends_the_family() {
    let other = key(8);
    for case in 0..4 {
        let store = store().await;
        let identity = identity(&store);
        let own = key(7);
        let issued = enrolled(&identity, &own).await;
        let proof = match case {
            0 => None,
            1 => Some(proof(&other, &issued.refresh)),
            2 => Some(proof(&own, &issued.access)),
            _ => Some(vec![0; 64]),
        };
        let error = identity
            .refresh(&issued.refresh, proof.as_deref(), address(1), noon())
            .await
            .expect_err("no proof");
        assert!(matches!(error, AuthError::NoSession), "{case}");
        assert_eq!(last_audit(&store).await.1, "no proof by the device's key, family ended", "{case}");
        assert!(identity.recognise(&issued.access, false, noon()).await.is_err(), "{case}");
    }
}

#[tokio::test]
async fn a_device_goes_on_for_thirty_days_after_each_exchange() {
    let store = store().await;
    let identity = identity(&store);
    let key = key(7);
    let mut issued = enrolled(&identity, &key).await;
    let mut now = noon();
    for _ in 0..5 {
        now = now.plus_ms(DEVICE_REFRESH_MS - 1);
        let proof = proof(&key, &issued.refresh);
        issued = identity.refresh(&issued.refresh, Some(&proof), address(1), now).await.expect("in time");
    }
    let late = now.plus_ms(DEVICE_REFRESH_MS);
    let proof = proof(&key, &issued.refresh);
    assert!(identity.refresh(&issued.refresh, Some(&proof), address(1), late).await.is_err());
}

#[tokio::test]
async fn a_console_session_cannot_be_refreshed_beyond_its_day() {
    let store = store().await;
    let identity = identity(&store);
    let login = account(&identity, 2, noon()).await;
    let signed_in =
        identity.sign_in(credentials(&login, PASSWORD, address(1)), noon()).await.expect("a session");
    let end = noon().plus_ms(CONSOLE_MS);
    assert_eq!(signed_in.issued.refresh_until, end);
    let next = identity
        .refresh(&signed_in.issued.refresh, None, address(1), end.plus_ms(-1))
        .await
        .expect("the last moment");
    assert_eq!((next.access_until, next.refresh_until), (end, end));
    assert!(identity.refresh(&next.refresh, None, address(1), end).await.is_err());
}

#[tokio::test]
async fn tokens_that_are_worth_nothing_are_written_down_until_the_address_is_capped() {
    let store = store().await;
    let identity = identity(&store);
    let before = audit(&store).await.len();
    for n in 0..40 {
        let error =
            identity.refresh(&Token::new([n; 32]), None, address(9), noon()).await.expect_err("made up");
        assert_eq!(matches!(error, AuthError::NoSession), n < 30, "{n}");
    }
    assert_eq!(audit(&store).await.len() - before, 30);
    let key = key(7);
    let mut issued = enrolled(&identity, &key).await;
    for _ in 0..40 {
        let proof = proof(&key, &issued.refresh);
        issued =
            identity.refresh(&issued.refresh, Some(&proof), address(9), noon()).await.expect("a good token");
    }
}
