//! A backup: made beside a running store, proven, counted only then; whatever is wrong with one is found.

use std::path::Path;

use louan_schema::id::BlobHash;
use louan_server::backup::{
    self, BackupError, BackupFolder, DATABASE, Manifest, PHOTOS, Plan, Reread, Step, inventory, path_of,
    prove,
};
use louan_server::storage::sqlite::Damage;
use rusqlite::Connection;

use super::place::{Place, later, names};

#[tokio::test]
async fn a_backup_beside_an_open_store_holds_everything_and_proves() {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    let hub = place.hub().await;
    place.work(&mut phone, 1).await;
    let photos = [place.photo("a staircase"), place.photo("a fire door")];
    let made = place.back_up();
    let head = hub.head().await.expect("stands");
    let Manifest { epoch, pos, chain, counts, number, .. } = made.manifest.clone();
    assert_eq!((epoch, pos, chain, number), (head.epoch, head.pos, head.chain, 1));
    assert_eq!((counts.changes, counts.rulings, counts.hazards), (2, 3, 1));
    assert_eq!((made.new_photos, made.broken.len(), made.manifest.photos.count), (2, 0, 2));
    let kept = inventory(&place.backups().join(PHOTOS)).expect("a pool");
    assert!(photos.iter().all(|hash| kept.contains_key(hash)));
    let (folder, manifest) = BackupFolder::find(&place.backups()).expect("the newest");
    assert_eq!((&folder, &manifest), (&made.folder, &made.manifest));
    let text = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    assert!(!text.contains("示例"), "nothing personal or of the registry stands in it: {text}");
    assert_eq!(head.backed_up_pos, 0, "who asked for the backup tells phones of it");
    assert!(!place.names().iter().any(|name| name.contains("proof")), "{:?}", place.names());
}

#[tokio::test]
async fn a_later_backup_copies_only_photos_that_are_new_and_each_has_its_own_inventory() {
    let place = Place::new().await;
    place.photo("one");
    assert_eq!(place.back_up().new_photos, 1);
    place.photo("two");
    let second = place.back_up();
    assert_eq!((second.new_photos, second.manifest.photos.count, second.manifest.number), (1, 2, 2));
    assert_eq!(place.back_up().new_photos, 0);
    let counts: Vec<u64> = BackupFolder::complete(&place.backups())
        .expect("three")
        .iter()
        .map(|(_, m)| m.photos.count)
        .collect();
    assert_eq!(counts, [1, 2, 2]);
}

#[tokio::test]
async fn a_store_without_photos_is_backed_up_too() {
    let place = Place::new().await;
    assert_eq!(place.back_up().manifest.photos.count, 0);
}

#[tokio::test]
async fn a_broken_photo_is_named_and_the_good_copy_of_an_earlier_backup_stays() {
    let place = Place::new().await;
    let kept = place.photo("kept");
    place.back_up();
    let broken = place.photo("broken");
    for hash in [kept, broken] {
        std::fs::write(path_of(&place.photos(), hash), "rot").expect("a photo");
    }
    let made = place.back_up();
    assert_eq!(made.broken, [broken].into(), "of the other one there is a good copy");
    assert_eq!(
        std::fs::read_to_string(path_of(&place.backups().join(PHOTOS), kept)).expect("a copy"),
        "kept"
    );
    assert!(!path_of(&place.backups().join(PHOTOS), broken).exists());
}

#[tokio::test]
async fn a_copy_that_rotted_in_the_pool_is_found_within_sixteen_turns_and_replaced() {
    let place = Place::new().await;
    let hash = place.photo("a staircase");
    let copy = path_of(&place.backups().join(PHOTOS), hash);
    place.back_up();
    std::fs::write(&copy, "a stairCase").expect("rot of the same length");
    let mended = (0..16).any(|_| {
        place.back_up();
        std::fs::read_to_string(&copy).expect("a copy") == "a staircase"
    });
    assert!(mended);
    std::fs::write(&copy, "cut").expect("another length");
    assert_eq!(place.back_up().new_photos, 1, "another length is seen at once");
}

#[tokio::test]
async fn the_newest_always_stays_whatever_is_to_be_kept_and_whatever_the_clock_says() {
    let place = Place::new().await;
    for keep in [5, 5, 5, 2, 1] {
        let plan = Plan { keep: Some(keep), ..place.plan() };
        backup::make(&plan, &mut |_| {}).expect("a backup");
    }
    let numbers = || -> Vec<u32> {
        BackupFolder::complete(&place.backups()).expect("some").iter().map(|(_, m)| m.number).collect()
    };
    assert_eq!(numbers(), [5]);
    // A clock put back by a year: the backup made now is the newest all the same.
    let earlier = later().plus_ms(-366 * 86_400_000);
    let plan = Plan { keep: Some(1), made_at: earlier, ..place.plan() };
    backup::make(&plan, &mut |_| {}).expect("a backup");
    assert_eq!(numbers(), [6]);
}

#[tokio::test]
async fn what_was_left_unfinished_is_cleared_and_nothing_else() {
    let place = Place::new().await;
    place.back_up();
    let strange = ["notes.txt", "000009_2020-01-01-000000.partial", "000008_2020-01-01-000000.removing"];
    std::fs::write(place.backups().join(strange[0]), "mine").expect("a file");
    for name in &strange[1..] {
        std::fs::create_dir(place.backups().join(name)).expect("a folder");
    }
    place.back_up();
    let left = names(&place.backups());
    assert!(
        left.contains(&strange[0].to_owned())
            && !left.iter().any(|n| n.ends_with("ing") || n.ends_with("ial"))
    );
}

fn proven(folder: &Path, place: &Place) -> Result<Vec<BlobHash>, BackupError> {
    let pool = place.backups().join(PHOTOS);
    prove(folder, &pool, place.folder(), &Reread::All).map(|proven| proven.rotten)
}

#[tokio::test]
async fn rot_in_any_file_of_a_backup_is_found() {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    place.work(&mut phone, 1).await;
    let hash = place.photo("a staircase");
    let folder = place.back_up().folder;
    assert_eq!(proven(&folder, &place).expect("whole"), []);
    let size = std::fs::metadata(folder.join(DATABASE)).expect("a file").len();
    let flips = (0..40).map(|n| (DATABASE, usize::try_from(n * (size - 1) / 39).expect("small")));
    let flips: Vec<_> = flips.chain([("manifest.json", 40), ("photos.txt", 3)]).collect();
    for (name, at) in flips {
        let path = folder.join(name);
        let whole = std::fs::read(&path).expect("a file");
        let mut rotten = whole.clone();
        rotten[at] ^= 1;
        std::fs::write(&path, rotten).expect("a file");
        assert!(proven(&folder, &place).is_err(), "{name} at {at}");
        std::fs::write(&path, whole).expect("a file");
    }
    std::fs::write(path_of(&place.backups().join(PHOTOS), hash), "a stairCase").expect("rot");
    assert_eq!(proven(&folder, &place).expect("the rest is whole"), [hash]);
    std::fs::remove_file(path_of(&place.backups().join(PHOTOS), hash)).expect("a photo");
    assert_eq!(proven(&folder, &place).expect("the rest is whole"), [hash]);
}

/// Does something to the copied database and makes the manifest fit, as whoever forges a backup would.
fn forge(folder: &Path, sql: &str) {
    let path = folder.join(DATABASE);
    let connection = Connection::open(&path).expect("a database");
    let triggers: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .expect("triggers");
    for name in triggers {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("gone");
    }
    connection.execute_batch(sql).expect("forged");
    drop(connection);
    let bytes = std::fs::read(&path).expect("a file");
    let mut manifest = Manifest::read(folder).expect("a manifest");
    manifest.database.bytes = bytes.len() as u64;
    manifest.database.sha256 = BlobHash(<sha2::Sha256 as sha2::Digest>::digest(&bytes).into());
    let text = serde_json::to_string(&manifest).expect("JSON");
    std::fs::write(folder.join("manifest.json"), text).expect("a manifest");
}

#[tokio::test]
async fn what_does_not_follow_is_found_though_every_hash_of_a_file_fits() {
    let place = Place::new().await;
    let mut phone = place.phone(41).await;
    place.work(&mut phone, 1).await;
    let whole = place.back_up().folder;
    let scene = |sql: &str| {
        let folder = place.backups().join("000099_2020-01-01-000000");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a folder");
        for name in names(&whole) {
            std::fs::copy(whole.join(&name), folder.join(&name)).expect("a copy");
        }
        forge(&folder, sql);
        proven(&folder, &place)
    };
    assert!(scene("").is_ok(), "taking triggers away alone changes nothing");
    let log = |found: &Damage| matches!(found, Damage::Log(_));
    let audit = |found: &Damage| matches!(found, Damage::Audit(2));
    let row = |found: &Damage| matches!(found, Damage::Row(_));
    let ledger = |found: &Damage| matches!(found, Damage::Ledger(_));
    type Kind = fn(&Damage) -> bool;
    let cases: [(&str, Kind); 11] = [
        ("UPDATE change SET raw = CAST(raw || x'00' AS BLOB) WHERE pos = (SELECT MAX(pos) FROM change)", log),
        ("UPDATE feed SET content = zeroblob(32) WHERE pos = 3", log),
        ("UPDATE feed SET chain = zeroblob(16) WHERE pos = 3", log),
        ("DELETE FROM feed WHERE pos = 3", log),
        ("DELETE FROM change WHERE pos = (SELECT MAX(pos) FROM change)", log),
        ("UPDATE audit SET bytes = (SELECT bytes FROM audit WHERE seq = 1) WHERE seq = 2", audit),
        ("DELETE FROM audit WHERE seq = 2", audit),
        (
            "UPDATE person SET bytes = CAST(bytes || x'00' AS BLOB) WHERE id = (SELECT MIN(id) FROM person)",
            row,
        ),
        ("UPDATE hazard_row SET state = state + 1", ledger),
        ("DELETE FROM round_row", ledger),
        ("UPDATE fact SET written_at = written_at + 1", ledger),
    ];
    for (sql, kind) in cases {
        let said = scene(sql);
        let Err(BackupError::Damaged(found)) = &said else { panic!("{sql}: {said:?}") };
        assert!(found.iter().any(kind), "{sql}: {found:?}");
    }
    // A log cut short with its head follows from its first row; the manifest knows better.
    let cut =
        "UPDATE stream SET backed_up_pos = 0; DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)";
    assert!(matches!(scene(cut), Err(BackupError::Differs(_))));
}

#[tokio::test]
async fn a_backup_of_a_newer_build_is_refused_and_one_of_an_older_format_of_the_store_is_not() {
    let place = Place::new().await;
    let folder = place.back_up().folder;
    let text = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    let newer = text.replace("\"format\": 2", "\"format\": 3");
    assert_ne!(newer, text);
    std::fs::write(folder.join("manifest.json"), newer).expect("a manifest");
    assert!(matches!(proven(&folder, &place), Err(BackupError::Format(3))));
    std::fs::write(folder.join("manifest.json"), text).expect("a manifest");
    assert!(proven(&folder, &place).is_ok());
}

#[tokio::test]
async fn photos_are_copied_after_the_database_and_the_name_comes_after_the_proof() {
    let place = Place::new().await;
    place.photo("one");
    let mut steps = Vec::new();
    backup::make(&place.plan(), &mut |step| steps.push(step)).expect("a backup");
    use Step as S;
    let order = [S::Clear, S::Database, S::Photos(1), S::Photo, S::Inventory, S::Manifest, S::Proof, S::Name];
    assert_eq!(steps, order);
}

#[tokio::test]
async fn two_backups_at_once_do_not_step_on_each_other() {
    let place = Place::new().await;
    let held = BackupFolder::open(&place.backups()).expect("free");
    let second = backup::make(&place.plan(), &mut |_| {});
    assert!(matches!(second, Err(BackupError::UnderWay(_))));
    drop(held);
    place.back_up();
}
