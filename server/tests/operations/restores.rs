//! A restore: whole or not at all, nothing removed, no right given back that was taken away.

use louan_schema::code::{OrgKind, Role};
use louan_schema::id::{DeviceId, OrgId, PersonId};
use louan_schema::registry::{Org, Person};
use louan_schema::wire::{SyncReply, Verdict};
use louan_server::audit::{AuditCheck, Entry};
use louan_server::backup::{self, BackupError, DATABASE, Plan, path_of};
use louan_server::restore::{self, RestoreError};
use louan_server::storage::accounts::{Account, AccountStore};
use louan_server::storage::commit::{Commit, Write};
use louan_server::storage::sessions::{
    EnrolmentCode, Family, FamilyEnding, Holder, IdentityWrite, SessionStore, TokenKind, TokenRow,
};
use louan_server::storage::sqlite::{Sqlite, Withdrawn};
use louan_server::storage::{AuditStore, Storage};
use rusqlite::Connection;

use super::kit::{BRIGADIER, CLERK, COLLEAGUE, COMPANY, EPOCH, MANAGER, OFFICER, Phone, clocks, noon, round};
use super::place::{NEXT_EPOCH, Place, later, names};

fn storage(place: &Place) -> Sqlite {
    place.storage()
}

#[tokio::test]
async fn what_stood_there_is_set_aside_and_phones_find_out_and_bring_back() {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    place.work(&mut phone, 1).await;
    let made = place.back_up();
    place.work(&mut phone, 11).await;
    let raw = phone.write(21, round(21));
    phone.push(&place.hub().await, std::slice::from_ref(&raw)).await;
    phone.pull(&place.hub().await, 0).await;
    let before = place.hub().await.head().await.expect("stands");

    let report = place.restore().await.expect("put back");
    let hub = place.hub().await;
    let head = hub.head().await.expect("stands");
    assert_eq!(
        (head.epoch, head.pos, head.backed_up_pos),
        (NEXT_EPOCH, made.manifest.pos, made.manifest.pos)
    );
    assert_eq!(hub.verify_audit().await.expect("reads"), AuditCheck::Whole(made.manifest.counts.audit + 1));
    let apart = report.apart.expect("something stood there").expect("readable");
    assert_eq!((apart.changes, apart.rulings.len()), (3, 1), "three changes come back, one ruling does not");

    let reply = hub.sync(phone.device, phone.request(Vec::new()), clocks()).await.expect("answers");
    assert!(matches!(reply, SyncReply::EpochChanged { epoch: NEXT_EPOCH, .. }), "{reply:?}");
    phone.cursor = None;
    let verdict = phone.push(&hub, &[raw]).await;
    assert!(matches!(verdict[..], [Verdict::NotTaken(_)]), "what it depends on comes first: {verdict:?}");

    // The old store is whole where it is now.
    let aside = report.aside.expect("it stood there");
    drop(hub);
    std::fs::rename(&aside, place.store()).expect("put back by hand");
    assert_eq!(place.hub().await.head().await.expect("stands"), before);
}

#[tokio::test]
async fn a_store_killed_with_its_log_beside_it_goes_aside_with_the_log() {
    let place = Place::new().await;
    place.back_up();
    let mut phone = place.phone(41).await;
    place.work(&mut phone, 1).await;
    // As a killed process leaves it: the newest commits only in the log beside the file.
    let connection = Connection::open(place.store()).expect("a database");
    connection
        .execute_batch("PRAGMA wal_autocheckpoint = 0; UPDATE stream SET backed_up_pos = 0")
        .expect("writes");
    let killed = tempfile::tempdir().expect("a folder");
    for part in ["louan.sqlite", "louan.sqlite-wal"] {
        std::fs::copy(place.folder().join(part), killed.path().join(part)).expect("a copy");
    }
    drop(connection);
    std::fs::remove_file(place.store()).expect("gone");
    for part in ["louan.sqlite", "louan.sqlite-wal"] {
        std::fs::copy(killed.path().join(part), place.folder().join(part)).expect("put there");
    }
    let report = place.restore().await.expect("put back");
    let aside = report.aside.expect("it stood there");
    let name = aside.file_name().expect("a name").to_string_lossy().into_owned();
    let there = place.names();
    assert!(there.contains(&name) && there.contains(&format!("{name}-wal")), "{there:?}");
    assert!(
        !there.contains(&"louan.sqlite-wal".to_owned()),
        "the restored store has no foreign log: {there:?}"
    );
    assert_eq!(report.apart.expect("stood").expect("the log was read, too").changes, 2);
    place.hub().await;
}

/// What is done to rights between backup and restore.
async fn withdraw(place: &Place, phone: &Phone) {
    let hub = place.hub().await;
    hub.set_person_active(COLLEAGUE, false, None, clocks()).await.expect("disabled");
    hub.erase_person(CLERK, None, clocks()).await.expect("erased");
    hub.revoke_device(phone.device, None, clocks()).await.expect("revoked");
    hub.set_device_people(DeviceId([43; 16]), vec![MANAGER], None, clocks()).await.expect("set");
    let storage = storage(place);
    let mut account = storage.find_account_of(OFFICER).await.expect("reads").expect("an account");
    "a newer hash".clone_into(&mut account.password);
    account.changed_at = later();
    let closed = storage.find_account_of(BRIGADIER).await.expect("reads").expect("an account");
    let closed = Account { active: false, ..closed };
    let writes = [account, closed].map(|a| Write::Identity(IdentityWrite::Account(a)));
    storage.commit(Commit { writes: writes.into(), ..Commit::default() }).await.expect("written");
}

async fn with_accounts_and_phones(place: &Place) -> Phone {
    let phone = place.phone(41).await;
    let shared = Phone::unknown(43, MANAGER, COMPANY);
    let hub = place.hub().await;
    shared.enrol(&hub).await;
    hub.set_device_people(shared.device, vec![MANAGER, COLLEAGUE], None, clocks()).await.expect("set");
    let account = |person: PersonId, login: &str| {
        let (login, password) = (login.to_owned(), "a hash".to_owned());
        Write::Identity(IdentityWrite::Account(Account {
            person,
            login,
            password,
            active: true,
            changed_at: noon(),
        }))
    };
    let writes = vec![account(OFFICER, "officer"), account(BRIGADIER, "brigadier"), account(CLERK, "clerk")];
    storage(place).commit(Commit { writes, ..Commit::default() }).await.expect("written");
    phone
}

#[tokio::test]
async fn rights_taken_away_since_the_backup_stay_taken_away() {
    let place = Place::new().await;
    let phone = with_accounts_and_phones(&place).await;
    place.back_up();
    withdraw(&place, &phone).await;
    let report = place.restore().await.expect("put back");
    let withdrawn = report.apart.expect("stood").expect("readable").withdrawn;
    assert_eq!(withdrawn.len(), 6, "{withdrawn:?}");
    assert!(withdrawn.contains(&Withdrawn::Erased(CLERK)));

    let hub = place.hub().await;
    let standing = async |id| hub.find_person(id).await.expect("reads").expect("a person");
    assert!(!standing(COLLEAGUE).await.active);
    let clerk = standing(CLERK).await;
    assert!(clerk.erased && clerk.person.name.is_empty());
    assert!(standing(MANAGER).await.active, "who kept his right has it");
    assert!(hub.find_device(phone.device).await.expect("reads").expect("a device").revoked);
    let shared = hub.find_device(DeviceId([43; 16])).await.expect("reads").expect("a device");
    assert_eq!(shared.people.iter().map(|row| row.person.id).collect::<Vec<_>>(), [MANAGER]);
    let storage = storage(&place);
    let account = async |id| storage.find_account_of(id).await.expect("reads");
    assert_eq!(account(OFFICER).await.expect("kept").password, "a newer hash");
    assert!(!account(BRIGADIER).await.expect("kept").active);
    assert!(account(CLERK).await.is_none());
    let bytes = std::fs::read(place.store()).expect("a file");
    let name = "人员15".as_bytes();
    assert!(!bytes.windows(name.len()).any(|w| w == name), "an erased name is not in the restored file");
}

#[tokio::test]
async fn a_right_that_was_given_since_the_backup_is_not_given_by_the_restore() {
    let place = Place::new().await;
    let hub = place.hub().await;
    hub.set_person_active(COLLEAGUE, false, None, clocks()).await.expect("disabled");
    place.back_up();
    hub.set_person_active(COLLEAGUE, true, None, clocks()).await.expect("enabled");
    drop(hub);
    place.restore().await.expect("put back");
    assert!(!place.hub().await.find_person(COLLEAGUE).await.expect("reads").expect("a person").active);
}

#[tokio::test]
async fn sessions_and_codes_of_the_backup_are_worth_nothing() {
    let place = Place::new().await;
    let store = storage(&place);
    let family = |id, holder| {
        let (started_at, public_key) = (noon(), None);
        IdentityWrite::Begin(Family { id, holder, public_key, started_at, ends_at: None, ended: None })
    };
    let token = |hash, family| {
        let (kind, expires_at) = (TokenKind::Refresh, later().plus_ms(1_000));
        IdentityWrite::Issue(TokenRow { hash, family, kind, salt: None, expires_at, exchanged_at: None })
    };
    let code = EnrolmentCode {
        hash: [5; 32],
        people: vec![MANAGER],
        made_at: noon(),
        expires_at: later().plus_ms(1_000),
        used: None,
    };
    let writes = vec![
        family([1; 16], Holder::Console(OFFICER)),
        family([2; 16], Holder::Device(DeviceId([41; 16]))),
        token([3; 32], [1; 16]),
        token([4; 32], [2; 16]),
        IdentityWrite::Code(code),
    ];
    let writes = writes.into_iter().map(Write::Identity).collect();
    store.commit(Commit { writes, ..Commit::default() }).await.expect("written");
    drop(store);
    place.back_up();
    place.restore().await.expect("put back");
    let store = storage(&place);
    for hash in [[3; 32], [4; 32]] {
        let (_, family) = store.find_token(hash).await.expect("reads").expect("a token");
        assert_eq!(family.ended, Some((later(), FamilyEnding::Restored)));
    }
    let code = store.find_code([5; 32]).await.expect("reads").expect("a code");
    assert!(code.expires_at <= later());
}

#[tokio::test]
async fn what_only_the_office_knew_is_listed() {
    let place = Place::new().await;
    place.back_up();
    let hub = place.hub().await;
    let org =
        Org { id: OrgId([77; 16]), kind: OrgKind::Police, name: "示例派出所".to_owned(), street: None };
    hub.add_org(org.clone(), None, clocks()).await.expect("added");
    let person =
        Person { id: PersonId([78; 16]), org: org.id, role: Role::Police, name: "示例民警".to_owned() };
    hub.add_person(person.clone(), None, clocks()).await.expect("added");
    drop(hub);
    let phone = place.phone(45).await;
    let (login, password) = ("officer".to_owned(), "a hash".to_owned());
    let account = Account { person: OFFICER, login, password, active: true, changed_at: noon() };
    let writes = vec![Write::Identity(IdentityWrite::Account(account))];
    storage(&place).commit(Commit { writes, ..Commit::default() }).await.expect("written");
    let id = person.id.to_string();
    let apart = place.restore().await.expect("put back").apart.expect("stood").expect("readable");
    let lines = storage(&place).audit_lines(0, 1_000).await.expect("reads");
    let told = lines.iter().map(|line| minicbor::decode::<Entry>(&line.bytes).expect("an entry"));
    let named: Vec<String> = told.filter(|e| e.act == "read_name").map(|e| e.subject).collect();
    assert_eq!(named, [id], "whose name the list shows");
    assert_eq!((apart.orgs, apart.people, apart.devices), (vec![org], vec![person], vec![phone.device]));
    assert_eq!(apart.logins, ["officer"]);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_goes_aside_and_that_is_said() {
    let place = Place::new().await;
    place.back_up();
    std::fs::write(place.store(), vec![7; 10_000]).expect("rubbish");
    let report = place.restore().await.expect("put back");
    assert!(matches!(report.apart, Some(Err(_))));
    assert_eq!(std::fs::read(report.aside.expect("stood")).expect("kept"), vec![7; 10_000]);
    let line = storage(&place).audit_lines(0, 1_000).await.expect("reads").pop().expect("a line");
    let entry: Entry = minicbor::decode(&line.bytes).expect("an entry");
    assert_eq!((entry.act.as_str(), entry.at), ("restore", later()));
    assert!(entry.outcome.contains("unknown"), "{}", entry.outcome);
}

#[tokio::test]
async fn a_machine_with_nothing_on_it_is_restored_with_its_photos() {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    place.work(&mut phone, 1).await;
    let hash = place.photo("a staircase");
    let made = place.back_up();
    for part in names(place.folder()).iter().filter(|name| name.starts_with("louan.sqlite")) {
        std::fs::remove_file(place.folder().join(part)).expect("gone");
    }
    std::fs::remove_dir_all(place.photos()).expect("gone");
    let report = place.restore().await.expect("put back");
    assert!(report.aside.is_none() && report.apart.is_none());
    assert_eq!(report.photos_added, 1);
    assert_eq!(std::fs::read_to_string(path_of(&place.photos(), hash)).expect("a photo"), "a staircase");
    let head = place.hub().await.head().await.expect("stands");
    assert_eq!((head.pos, head.chain), (made.manifest.pos, made.manifest.chain));
}

#[tokio::test]
async fn photos_are_added_and_mended_and_none_is_removed() {
    let place = Place::new().await;
    let hash = place.photo("a staircase");
    place.back_up();
    let since = place.photo("taken since");
    std::fs::write(path_of(&place.photos(), hash), "rot").expect("a photo");
    let report = place.restore().await.expect("put back");
    assert_eq!((report.photos_added, report.photos_lost.len()), (1, 0));
    let read = |hash| std::fs::read_to_string(path_of(&place.photos(), hash)).expect("a photo");
    assert_eq!((read(hash), read(since)), ("a staircase".to_owned(), "taken since".to_owned()));
    let shelf = names(path_of(&place.photos(), hash).parent().expect("a shelf"));
    assert!(shelf.iter().any(|name| name.contains(".damaged-")), "the broken one is set aside: {shelf:?}");
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_the_store_is_as_it_was() {
    let place = Place::new().await;
    let made = place.back_up();
    let path = made.folder.join(DATABASE);
    let mut bytes = std::fs::read(&path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("a file");
    let before = place.names();
    let said = place.restore().await;
    assert!(matches!(said, Err(RestoreError::Backup(BackupError::Differs(_)))), "{said:?}");
    assert_eq!(place.names(), before);
    assert_eq!(place.hub().await.head().await.expect("stands").epoch, EPOCH);
}

#[tokio::test]
async fn an_older_backup_than_phones_were_told_of_needs_a_word() {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    let first = place.back_up();
    place.work(&mut phone, 1).await;
    let second = place.back_up();
    let hub = place.hub().await;
    hub.set_backed_up(second.manifest.epoch, second.manifest.pos, [], later()).await.expect("told");
    drop(hub);
    let plan = place.restoring(&first.folder);
    let said = restore::restore(&plan, &mut |_| {}).await;
    assert!(matches!(said, Err(RestoreError::NotNewest(_))), "{said:?}");
    // Also when the newer one has been lost: phones were told.
    std::fs::remove_dir_all(&second.folder).expect("lost");
    assert!(matches!(place.restore().await, Err(RestoreError::NotNewest(_))));
    assert!(!place.names().iter().any(|name| name.contains("ready")), "{:?}", place.names());
    let plan = restore::Plan { older: true, ..plan };
    restore::restore(&plan, &mut |_| {}).await.expect("put back");
    assert_eq!(place.hub().await.head().await.expect("stands").pos, first.manifest.pos);
}

#[tokio::test]
async fn the_watermark_rises_only_within_the_life_of_the_log_it_speaks_of_and_never_falls() {
    let place = Place::new().await;
    let hub = place.hub().await;
    hub.set_backed_up(EPOCH, 5, [], later()).await.expect("told");
    hub.set_backed_up(EPOCH, 3, [], later()).await.expect("told before");
    assert_eq!(hub.head().await.expect("stands").backed_up_pos, 5);
    assert!(hub.set_backed_up(NEXT_EPOCH, 9, [], later()).await.is_err(), "a backup of another life");
    assert_eq!(hub.head().await.expect("stands").backed_up_pos, 5);
}

#[tokio::test]
async fn a_second_restore_of_the_same_backup_is_another_life_of_the_log() {
    let place = Place::new().await;
    place.back_up();
    place.restore().await.expect("put back");
    let again =
        restore::Plan { epoch: louan_schema::id::Epoch([9; 16]), ..place.restoring(&place.backups()) };
    let report = restore::restore(&again, &mut |_| {}).await.expect("put back again");
    assert!(report.aside.expect("stood").to_string_lossy().ends_with("-2"), "both are kept");
    assert_eq!(place.hub().await.head().await.expect("stands").epoch.0, [9; 16]);
    // And what is backed up afterwards is of the new life.
    let plan = Plan { keep: Some(2), ..place.plan() };
    let made = backup::make(&plan, &mut |_| {}).expect("a backup");
    assert_eq!(made.manifest.epoch.0, [9; 16]);
}
