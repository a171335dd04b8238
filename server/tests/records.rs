//! What a record may say: the author, the year, the role, whose hazard, whose correction.
//!
//! Each refusal is a verdict of its own; what speaks of something that is not here yet waits.

mod kit;

use kit::{
    BRIGADE, BRIGADIER, COLLEAGUE, COMPANY, ELSEWHERE, MANAGER, OFFICER, OTHER_COMPANY, POLICE, Phone, SITE,
    STRANGER, accepted, fix, hazard, hub, noon, recheck, record, round,
};
use louan_schema::code::{Action, HazardState, Outcome, Role, may};
use louan_schema::doc::Descriptor;
use louan_schema::id::{PersonId, RecordId};
use louan_schema::record::{Answer, Body, Hazard, Record, Round, StopReport, Withdrawal};
use louan_schema::time::Day;
use louan_schema::wire::{Code, Verdict};
use louan_server::hub::Hub;
use louan_server::storage::log::DocumentState;
use louan_server::sync::fact::admit;

fn id(n: u8) -> RecordId {
    RecordId([n; 16])
}

fn withdrawal(target: RecordId) -> Body {
    Body::Withdrawal(Withdrawal { target, reason: "误报".to_owned() })
}

/// 不具备防灭火功能, which only the brigade may find (H4.14).
fn lost_function() -> Body {
    Body::Hazard(Hazard { code: "H4.14".parse().expect("a leaf"), ..hazard("甲") })
}

/// The same as an answer of a round (F-15).
fn brigades_question() -> Body {
    let Body::Round(visit) = round(9) else { panic!("a round") };
    let answers = vec![Answer::plain("F-15".parse().expect("an item"), Outcome::Fail, Some(1))];
    Body::Round(Round { answers, ..visit })
}

/// A record written by an honest phone into its own book, with something altered.
async fn sent(hub: &Hub, phone: &mut Phone, n: u8, record: Record) -> Verdict {
    let raw = phone.write_in(phone.book(), id(n), &record);
    let verdict = phone.push(hub, &[raw]).await.remove(0);
    // A refused actor is burnt; every line of a table gets an actor of its own.
    phone.n += 1;
    verdict
}

/// C11 C12 C13 C15 a record that is well formed and yet not his to write.
#[tokio::test]
async fn a_record_that_breaks_a_rule_is_returned_with_that_rule() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    stranger.org = OTHER_COMPANY;
    assert!(matches!(
        sent(&hub, &mut phone, 1, record(MANAGER, Body::Hazard(hazard("甲")))).await,
        Verdict::Accepted(_)
    ));
    assert!(matches!(sent(&hub, &mut officer, 2, record(OFFICER, round(2))).await, Verdict::Accepted(_)));
    let plain = |body| record(MANAGER, body);
    let correcting = |target, body| Record { replaces: Some(target), ..record(MANAGER, body) };
    let last_year = Record { written_at: noon().plus_ms(-40 * 86_400_000), ..plain(round(9)) };
    let turned = Record { body: Body::Hazard(hazard("a\u{202e}b")), ..plain(round(9)) };
    let table = [
        ("another's name", record(COLLEAGUE, round(9)), Code::AuthorMismatch),
        ("C15 another year's book", last_year, Code::Schema),
        ("C13 a text that turns its reader around", turned, Code::Schema),
        ("C11 a manager rechecks", plain(recheck(id(1), OFFICER, true)), Code::NotPermitted),
        ("C12 a record's key again", plain(round(1)), Code::KeyExists),
        ("a correction of another organisation's round", correcting(id(2), round(9)), Code::NotPermitted),
        ("a withdrawal of another organisation's round", plain(withdrawal(id(2))), Code::NotPermitted),
        ("a correction of another kind", correcting(id(1), round(9)), Code::Schema),
        ("a fix of what is no hazard", plain(fix(id(2), MANAGER)), Code::Schema),
        (
            "C11 A-166 a manager finds the facilities without function",
            plain(lost_function()),
            Code::NotPermitted,
        ),
        ("C11 A-166 and answers the brigade's question", plain(brigades_question()), Code::NotPermitted),
    ];
    for (n, (name, record, code)) in (101..).zip(table) {
        let n = if code == Code::KeyExists { 1 } else { n };
        assert_eq!(sent(&hub, &mut phone, n, record).await, Verdict::NotTaken(code), "{name}");
    }
    assert!(matches!(
        sent(&hub, &mut colleague, 120, record(COLLEAGUE, withdrawal(id(1)))).await,
        Verdict::Accepted(_)
    ));
}

/// C14 another's document, and a change filed under another one.
#[tokio::test]
async fn a_book_of_another_site_or_organisation_does_not_exist_for_a_stranger() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let year = 2020;
    let books = [
        Descriptor::Book { site: SITE, org: COMPANY, year },
        Descriptor::Book { site: SITE, org: OTHER_COMPANY, year },
        Descriptor::Book { site: ELSEWHERE, org: COMPANY, year },
        Descriptor::Book { site: louan_schema::id::SiteId([99; 16]), org: OTHER_COMPANY, year },
    ];
    for (n, book) in (1..).zip(books) {
        let raw = stranger.write_in(book, id(n), &record(STRANGER, round(n)));
        let batch = stranger.batch(book, &[raw]);
        let verdicts = stranger.send(&hub, vec![batch]).await.changes.remove(0);
        assert_eq!(verdicts, [Verdict::NotTaken(Code::OutOfScope)], "{book:?}");
    }
    let raw = phone.write(9, round(9));
    // C14: an honest change filed under another document of the batch.
    let filed = stranger.book();
    let batch = phone.batch_of(vec![phone.book(), filed], vec![(1, 0, raw.clone()), (7, 0, raw)], Vec::new());
    let verdicts = phone.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Code::ActorMismatch, Code::Malformed].map(Verdict::NotTaken));
}

#[tokio::test]
async fn who_removed_the_danger_may_not_say_that_it_is_gone() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let mut brigade = Phone::enrolled(&hub, 45, BRIGADIER, BRIGADE).await;
    let raws = [phone.write(1, Body::Hazard(hazard("甲"))), phone.write(2, fix(id(1), OFFICER))];
    assert!(accepted(&phone.push(&hub, &raws).await));
    let own = sent(&hub, &mut officer, 3, record(OFFICER, recheck(id(1), OFFICER, true))).await;
    assert_eq!(own, Verdict::NotTaken(Code::SamePerson));
    let typed_by_another =
        sent(&hub, &mut brigade, 4, record(BRIGADIER, recheck(id(1), OFFICER, true))).await;
    assert_eq!(typed_by_another, Verdict::NotTaken(Code::SamePerson), "who checked counts, not who typed");
    let nobody = sent(&hub, &mut officer, 5, record(OFFICER, recheck(id(1), PersonId([99; 16]), true))).await;
    assert_eq!(nobody, Verdict::NotTaken(Code::NotPermitted), "a made-up checker");
    let company = sent(&hub, &mut officer, 6, record(OFFICER, recheck(id(1), MANAGER, true))).await;
    assert_eq!(company, Verdict::NotTaken(Code::NotPermitted), "somebody who may not check");
    let other = sent(&hub, &mut brigade, 7, record(BRIGADIER, recheck(id(1), BRIGADIER, true))).await;
    assert!(matches!(other, Verdict::Accepted(_)));
    let row = hub.find_hazard(id(1)).await.expect("reads").expect("stands");
    assert_eq!((row.state, row.fixed_by), (HazardState::RecheckPassed, vec![OFFICER]));
}

#[tokio::test]
async fn a_fix_and_a_recheck_in_one_batch_are_held_against_each_other() {
    let hub = hub().await;
    let mut officer = Phone::enrolled(&hub, 45, BRIGADIER, BRIGADE).await;
    let raws =
        [officer.write(1, Body::Hazard(hazard("甲"))), officer.write(2, recheck(id(1), BRIGADIER, true))];
    assert!(accepted(&officer.push(&hub, &raws).await), "nobody has fixed it yet");
    let mut spot = hazard("乙");
    spot.fixed_on_the_spot = true;
    let mut found = record(BRIGADIER, Body::Hazard(spot));
    found.photos = vec![louan_schema::id::BlobHash([1; 32]), louan_schema::id::BlobHash([2; 32])];
    let raws =
        [officer.write_in(officer.book(), id(3), &found), officer.write(4, recheck(id(3), BRIGADIER, true))];
    let verdicts = officer.push(&hub, &raws).await;
    assert!(accepted(&verdicts[..1]));
    assert_eq!(verdicts[1], Verdict::NotTaken(Code::SamePerson));
}

#[tokio::test]
async fn what_speaks_of_a_record_that_is_not_here_waits_and_counts_when_it_comes() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let first = phone.write(10, Body::Hazard(hazard("甲")));
    let corrected = Record { replaces: Some(id(10)), ..record(MANAGER, Body::Hazard(hazard("乙"))) };
    let corrected = phone.write_in(phone.book(), id(11), &corrected);
    // The fix names the correction, and comes before both.
    let early = officer.write(20, withdrawal(id(30)));
    assert!(accepted(&officer.push(&hub, &[early]).await));
    let mut colleague = Phone::enrolled(&hub, 42, COLLEAGUE, COMPANY).await;
    let early = colleague.write(21, fix(id(11), COLLEAGUE));
    assert!(accepted(&colleague.push(&hub, &[early]).await));
    assert_eq!(hub.list_hazards(Default::default()).await.expect("reads").total, 0);
    assert!(accepted(&phone.push(&hub, &[first, corrected]).await));
    let page = hub.list_hazards(Default::default()).await.expect("reads");
    let [row] = &page.rows[..] else { panic!("{page:?}") };
    assert_eq!(
        (row.reading.id, row.reading.text.as_str(), row.state),
        (id(10), "乙", HazardState::FixReported)
    );
    assert_eq!(row.fixed_by, [COLLEAGUE]);
}

#[tokio::test]
async fn records_of_another_site_never_count_for_a_hazard() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let mut stranger = Phone::enrolled(&hub, 44, STRANGER, OTHER_COMPANY).await;
    let elsewhere = Descriptor::Book { site: ELSEWHERE, org: OTHER_COMPANY, year: 2020 };
    // Written before the hazard came, so the gate could not know where it stands.
    let early = stranger.write_in(elsewhere, id(20), &record(STRANGER, fix(id(1), STRANGER)));
    let batch = stranger.batch(elsewhere, &[early]);
    assert!(accepted(&stranger.send(&hub, vec![batch]).await.changes[0]));
    let raw = phone.write(1, Body::Hazard(hazard("甲")));
    assert!(accepted(&phone.push(&hub, &[raw]).await));
    let row = hub.find_hazard(id(1)).await.expect("reads").expect("stands");
    assert_eq!((row.state, row.fixed_by.len()), (HazardState::Reported, 0));
    let late = stranger.write_in(elsewhere, id(21), &record(STRANGER, fix(id(1), STRANGER)));
    let batch = stranger.batch(elsewhere, &[late]);
    let verdicts = stranger.send(&hub, vec![batch]).await.changes.remove(0);
    assert_eq!(verdicts, [Verdict::NotTaken(Code::OutOfScope)]);
}

#[tokio::test]
async fn the_month_counts_what_happened_before_the_cut_off_whenever_it_arrived() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws =
        [phone.write(1, round(1)), phone.write(2, round(1)), phone.write(3, Body::Hazard(hazard("甲")))];
    assert!(accepted(&phone.push(&hub, &raws).await));
    let day: Day = "2020-01-22".parse().expect("a day");
    let month = hub.month(day.end()).await.expect("folds");
    assert_eq!(month.rows.len(), 21);
    assert_eq!((month.total.rounds, month.total.unconfirmed), (1, 1), "two submissions are one visit");
    assert_eq!(hub.month(day.start()).await.expect("folds").total, Default::default());
}

#[tokio::test]
async fn a_withdrawal_is_not_withdrawn() {
    let hub = hub().await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let raws = [phone.write(1, round(1)), phone.write(2, withdrawal(id(1)))];
    assert!(accepted(&phone.push(&hub, &raws).await));
    let twice = sent(&hub, &mut phone, 3, record(MANAGER, withdrawal(id(2)))).await;
    assert_eq!(twice, Verdict::NotTaken(Code::Schema));
}

/// C13 the draft's rules hold at stage 1 too, without a worker.
#[test]
fn a_record_without_answers_is_refused_before_a_worker_is_asked() {
    let book = Descriptor::Book { site: SITE, org: COMPANY, year: 2020 };
    let Body::Round(visit) = round(1) else { panic!("a round") };
    let empty = record(MANAGER, Body::Round(Round { answers: Vec::new(), ..visit }));
    let who = (MANAGER, Some(Role::PropertyManager));
    let admitted = admit(&mut DocumentState::default(), &book, who, (id(1), &empty));
    assert_eq!(admitted, Err(Code::Schema));
}

#[tokio::test]
async fn what_is_the_brigades_to_find_is_taken_from_the_brigade() {
    let hub = hub().await;
    let mut brigade = Phone::enrolled(&hub, 45, BRIGADIER, BRIGADE).await;
    let mut officer = Phone::enrolled(&hub, 43, OFFICER, POLICE).await;
    let raws = [brigade.write(1, lost_function()), brigade.write(2, brigades_question())];
    assert!(accepted(&brigade.push(&hub, &raws).await));
    for (n, body) in (3..).zip([lost_function(), brigades_question()]) {
        let verdict = sent(&hub, &mut officer, n, record(OFFICER, body)).await;
        assert_eq!(
            verdict,
            Verdict::NotTaken(Code::NotPermitted),
            "the police supervise, yet do not judge this"
        );
    }
}

/// C11 every role with every kind of record: what the agreed matrix does not name is refused.
#[test]
fn no_role_writes_a_kind_of_record_that_the_matrix_does_not_give_it() {
    const MATRIX: &str = include_str!("../../schema/fixtures/permission_matrix.txt");
    let person = PersonId([1; 16]);
    let report = StopReport {
        hazard: id(50),
        stopped_at: Some(noon()),
        reported_at: None,
        reported_to: None,
        text: String::new(),
    };
    let kinds = [
        ("submit_round", round(1)),
        ("report_hazard", Body::Hazard(hazard("甲"))),
        ("report_hazard", Body::StopReport(report)),
        ("report_fix", fix(id(50), person)),
        ("recheck", recheck(id(50), PersonId([2; 16]), true)),
        ("withdraw", withdrawal(id(50))),
    ];
    let book = Descriptor::Book { site: SITE, org: COMPANY, year: 2020 };
    let mut cells = 0;
    for role in Role::ALL {
        let (_, of_role) = MATRIX.split_once(&format!("{} (", role.as_str())).expect("every role is in it");
        let of_role = of_role.split('(').next().expect("its lines");
        for (action, body) in &kinds {
            let given = of_role.lines().any(|line| line.trim() == format!("yes  {action}"));
            let mut state = DocumentState::default();
            state.roles.insert(PersonId([2; 16]), Role::Police);
            let admitted =
                admit(&mut state, &book, (person, Some(*role)), (id(1), &record(person, body.clone())));
            let expected = if given { Ok(()) } else { Err(Code::NotPermitted) };
            assert_eq!(admitted, expected, "{role} {action}");
            cells += 1;
        }
        let correction = Record { replaces: Some(id(51)), ..record(person, round(1)) };
        let admitted =
            admit(&mut DocumentState::default(), &book, (person, Some(*role)), (id(1), &correction));
        assert_eq!(
            admitted.is_ok(),
            may(*role, Action::SubmitRound) && may(*role, Action::Correct),
            "{role}"
        );
    }
    assert_eq!(cells, 16 * 6);
}
