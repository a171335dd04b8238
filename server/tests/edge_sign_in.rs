//! Signing in: who gets a session, who does not, and how long it lasts.

mod edge_kit;

use edge_kit::{
    PASSWORD, account, address, audit, credentials, identity, last_audit, noon, person_id, store,
};
use louan_server::auth::throttle::{LOCK_MS, TryLater};
use louan_server::auth::token::Token;
use louan_server::auth::{ACCESS_MS, AuthError, CONSOLE_MS, COOKIE_IDLE_MS, NewAccount};
use louan_server::storage::Storage;
use louan_server::storage::accounts::AccountStore;
use louan_server::storage::commit::{Commit, Write};
use louan_server::storage::registry::RegistryStore;

fn refused<T: std::fmt::Debug>(result: Result<T, AuthError>) -> AuthError {
    result.expect_err("must be refused")
}

#[tokio::test]
async fn a_session_lasts_a_quarter_of_an_hour_and_belongs_to_its_person() {
    let store = store().await;
    let identity = identity(&store);
    let login = account(&identity, 1, noon()).await;
    let signed_in =
        identity.sign_in(credentials(&login, PASSWORD, address(1)), noon()).await.expect("a session");
    let access = &signed_in.issued.access;
    let caller = identity.recognise(access, false, noon().plus_ms(ACCESS_MS - 1)).await.expect("still good");
    assert_eq!(
        (signed_in.person, caller.person(), caller.device()),
        (person_id(1), Some(person_id(1)), None)
    );
    assert!(matches!(
        refused(identity.recognise(access, false, noon().plus_ms(ACCESS_MS)).await),
        AuthError::NoSession
    ));
    assert_eq!(last_audit(&store).await, ("sign_in".to_owned(), "done".to_owned()));
}

#[tokio::test]
async fn unknown_wrong_off_and_inactive_are_refused_alike_and_written_down() {
    let store = store().await;
    let identity = identity(&store);
    let good = account(&identity, 1, noon()).await;
    let off = account(&identity, 2, noon()).await;
    identity.disable_account(&off, noon()).await.expect("switched off");
    let inactive = account(&identity, 3, noon()).await;
    let row = store.find_person(person_id(3)).await.expect("a read").expect("a person");
    let commit = Commit { writes: vec![Write::Person(row.person, false)], ..Commit::default() };
    store.commit(commit).await.expect("made inactive");
    let too_long = "x".repeat(10_000);
    for (login, word) in [
        ("nobody", PASSWORD),
        (&good, "Wrong-word 99"),
        (&off, PASSWORD),
        (&inactive, PASSWORD),
        ("", ""),
        ("n2", &too_long),
    ] {
        let before = audit(&store).await.len();
        let error = refused(identity.sign_in(credentials(login, word, address(1)), noon()).await);
        assert!(matches!(error, AuthError::Credentials), "{login}: {error:?}");
        let lines = audit(&store).await;
        assert_eq!(lines.len(), before + 1, "{login}");
        assert_eq!(lines.last(), Some(&("sign_in".to_owned(), "refused".to_owned())));
    }
}

#[tokio::test]
async fn the_fifth_failure_shuts_the_account_for_a_quarter_of_an_hour_even_for_the_right_password() {
    let store = store().await;
    let identity = identity(&store);
    let login = account(&identity, 1, noon()).await;
    let mut now = noon();
    for wait_ms in [1_000, 2_000, 4_000, 8_000] {
        let error = refused(identity.sign_in(credentials(&login, "Wrong-word 99", address(1)), now).await);
        assert!(matches!(error, AuthError::Credentials));
        let error = refused(identity.sign_in(credentials(&login, PASSWORD, address(2)), now).await);
        assert!(
            matches!(error, AuthError::TooOften(TryLater { after_ms }) if after_ms == wait_ms),
            "{error:?}"
        );
        now = now.plus_ms(wait_ms);
    }
    refused(identity.sign_in(credentials(&login, "Wrong-word 99", address(1)), now).await);
    assert_eq!(last_audit(&store).await.1, "refused, account shut");
    let almost = now.plus_ms(LOCK_MS - 1);
    let error = refused(identity.sign_in(credentials(&login, PASSWORD, address(3)), almost).await);
    assert!(matches!(error, AuthError::TooOften(TryLater { after_ms: 1 })));
    identity.sign_in(credentials(&login, PASSWORD, address(3)), almost.plus_ms(1)).await.expect("open again");
}

#[tokio::test]
async fn spelling_of_the_login_does_not_give_more_tries() {
    let store = store().await;
    let identity = identity(&store);
    account(&identity, 1, noon()).await;
    refused(identity.sign_in(credentials("user-1", "Wrong-word 99", address(1)), noon()).await);
    let error = refused(identity.sign_in(credentials(" USER-1 ", "Wrong-word 99", address(1)), noon()).await);
    assert!(matches!(error, AuthError::TooOften(_)));
}

#[tokio::test]
async fn one_address_tries_thirty_times_a_minute_whatever_accounts_it_names() {
    let store = store().await;
    let identity = identity(&store);
    // Not one password is computed for the ones over the cap, so only the cap answers quickly.
    let mut capped = 0;
    for n in 0..32 {
        let error =
            refused(identity.sign_in(credentials(&format!("made-up-{n}"), "x", address(1)), noon()).await);
        capped += usize::from(matches!(error, AuthError::TooOften(_)));
    }
    assert_eq!(capped, 2);
    let error = refused(identity.sign_in(credentials("made-up", "x", address(2)), noon()).await);
    assert!(matches!(error, AuthError::Credentials), "another address is not concerned");
}

#[tokio::test]
async fn a_browsers_session_is_prolonged_by_use_and_ends_after_a_working_day() {
    let store = store().await;
    let identity = identity(&store);
    let login = account(&identity, 2, noon()).await;
    let (token, ends_at) =
        identity.sign_in_browser(credentials(&login, PASSWORD, address(1)), noon()).await.expect("a session");
    assert_eq!(ends_at, noon().plus_ms(CONSOLE_MS));
    let mut now = noon();
    while now.plus_ms(COOKIE_IDLE_MS - 1) < ends_at {
        now = now.plus_ms(COOKIE_IDLE_MS - 1);
        identity.recognise(&token, true, now).await.expect("used in time");
    }
    assert!(matches!(refused(identity.recognise(&token, true, ends_at).await), AuthError::NoSession));

    let (idle, _) =
        identity.sign_in_browser(credentials(&login, PASSWORD, address(1)), now).await.expect("a session");
    let error = refused(identity.recognise(&idle, true, now.plus_ms(COOKIE_IDLE_MS)).await);
    assert!(matches!(error, AuthError::NoSession));
}

#[tokio::test]
async fn a_token_is_good_for_its_own_purpose_only() {
    let store = store().await;
    let identity = identity(&store);
    let login = account(&identity, 1, noon()).await;
    let issued =
        identity.sign_in(credentials(&login, PASSWORD, address(1)), noon()).await.expect("a session").issued;
    let (cookie, _) =
        identity.sign_in_browser(credentials(&login, PASSWORD, address(1)), noon()).await.expect("another");
    for (token, by_cookie, good) in [
        (&issued.access, false, true),
        (&issued.access, true, false),
        (&issued.refresh, false, false),
        (&issued.refresh, true, false),
        (&cookie, true, true),
        (&cookie, false, false),
        (&Token::new([1; 32]), false, false),
    ] {
        assert_eq!(
            identity.recognise(token, by_cookie, noon()).await.is_ok(),
            good,
            "by cookie: {by_cookie}"
        );
    }
    for token in [&issued.access, &cookie] {
        assert!(
            identity.refresh(token, None, address(1), noon()).await.is_err(),
            "only a refresh token is exchanged"
        );
    }
}

#[tokio::test]
async fn signing_out_and_changing_the_account_end_sessions_on_the_server() {
    let store = store().await;
    let identity = identity(&store);
    let login = account(&identity, 1, noon()).await;
    let sign_in = || identity.sign_in(credentials(&login, PASSWORD, address(1)), noon());
    let one = sign_in().await.expect("a session").issued;
    let two = sign_in().await.expect("a second session").issued;
    let caller = identity.recognise(&one.access, false, noon()).await.expect("good");
    identity.sign_out(&caller, noon()).await.expect("signed out");
    assert!(identity.recognise(&one.access, false, noon()).await.is_err());
    assert!(identity.refresh(&one.refresh, None, address(1), noon()).await.is_err());
    assert!(identity.recognise(&two.access, false, noon()).await.is_ok(), "the other session goes on");

    let password = edge_kit::password("Another-word 7");
    let changed = NewAccount { person: person_id(1), login: login.clone(), password };
    identity.put_account(changed, noon()).await.expect("changed");
    assert!(
        identity.recognise(&two.access, false, noon()).await.is_err(),
        "a new password ends every session"
    );
}

#[tokio::test]
async fn two_people_cannot_have_one_login() {
    let store = store().await;
    let identity = identity(&store);
    account(&identity, 1, noon()).await;
    let password = edge_kit::password(PASSWORD);
    let second = NewAccount { person: person_id(2), login: "User-1".to_owned(), password };
    assert!(identity.put_account(second, noon()).await.is_err());
    assert_eq!(store.list_accounts().await.expect("a list").len(), 1);
}
