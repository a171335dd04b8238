//! Photos that the store speaks of and that are nowhere: a backup names them, the restore of it tells phones nothing, and
//! who asks for one hears that it is not here.

use std::collections::BTreeSet;
use std::path::Path;

use louan_schema::id::BlobHash;
use louan_server::backup::{
    BackupError, BackupFolder, Made, Manifest, PHOTOS, Proven, Reread, path_of, prove,
};
use louan_server::storage::photos::PhotoStore;

use super::commands::run;
use super::place::{CAMERA, Place, later};

async fn watermark(place: &Place) -> u64 {
    place.hub().await.head().await.expect("stands").backed_up_pos
}

/// What the phone that has sent a photo hears when it asks whether it is here.
async fn is_here(place: &Place, photo: BlobHash) -> bool {
    place.storage().find_sent_photo(photo, CAMERA).await.expect("reads").is_some()
}

fn proven(folder: &Path, place: &Place) -> Result<Proven, BackupError> {
    prove(folder, &place.backups().join(PHOTOS), place.folder(), &Reread::All)
}

/// Changes the manifest of a backup.
fn rewrite(made: &Made, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::read(&made.folder).expect("a manifest");
    change(&mut manifest);
    let text = serde_json::to_string(&manifest).expect("JSON");
    std::fs::write(made.folder.join("manifest.json"), text).expect("a manifest");
}

#[tokio::test]
async fn a_photo_whose_file_is_gone_is_named_and_a_phone_that_asks_hears_that_it_is_not_here() {
    let place = Place::new().await;
    let to = place.backups();
    let to = to.to_str().expect("a plain name");
    place.sent_photo("a staircase").await;
    let (code, said) = run(place.folder(), &["backup", "--to", to]);
    assert_eq!(code, 0, "{said}");
    let told = watermark(&place).await;
    assert!(told > 0);
    let gone = place.sent_photo("a fire door").await;
    place.lose(gone);
    let (code, said) = run(place.folder(), &["backup", "--to", to]);
    let named = format!("有 1 张照片缺失或损坏，备份中没有完好的副本：\n  · {gone}");
    assert!(code == 1 && said.contains(&named), "{said}");
    assert!(watermark(&place).await > told && !is_here(&place, gone).await);
    let (_, manifest) = BackupFolder::find(&place.backups()).expect("the newest");
    assert_eq!((manifest.photos.count, manifest.photos.lacking), (1, Some(BTreeSet::from([gone]))));
    let (code, said) = run(place.folder(), &["backup", "--verify", to]);
    assert!(code == 1 && said.contains(&gone.to_string()), "{said}");
    // A phone sends it again: nothing is missing any more.
    place.photo("a fire door");
    let (code, said) = run(place.folder(), &["backup", "--to", to]);
    assert_eq!(code, 0, "{said}");
}

#[tokio::test]
async fn what_the_store_has_lost_an_earlier_backup_may_still_have() {
    let place = Place::new().await;
    let photo = place.sent_photo("a staircase").await;
    place.back_up();
    place.lose(photo);
    let made = place.back_up();
    assert_eq!((made.broken.len(), made.manifest.photos.count), (0, 1), "the pool has a good copy");
    assert_eq!(place.restore().await.expect("put back").photos_added, 1);
    assert!(is_here(&place, photo).await);
    // A rotten copy of the same length is none, and is not listed.
    place.lose(photo);
    std::fs::write(path_of(&place.backups().join(PHOTOS), photo), "a stairCase").expect("rot");
    let made = place.back_up();
    assert_eq!((made.broken, made.manifest.photos.count), ([photo].into(), 0));
}

#[tokio::test]
async fn what_the_proof_finds_rotten_and_cannot_replace_stands_in_the_manifest() {
    let place = Place::new().await;
    let photo = place.sent_photo("a staircase").await;
    place.back_up();
    for folder in [place.photos(), place.backups().join(PHOTOS)] {
        std::fs::write(path_of(&folder, photo), "a stairCase").expect("rot of the same length");
    }
    // Each night a sixteenth is read again.
    let made = (0..16).map(|_| place.back_up()).find(|made| !made.broken.is_empty()).expect("found");
    assert_eq!(made.broken, [photo].into());
    let manifest = Manifest::read(&made.folder).expect("a manifest");
    assert_eq!((&manifest.photos.lacking, &manifest), (&Some(made.broken), &made.manifest));
}

#[tokio::test]
async fn a_backup_that_lists_less_than_its_database_speaks_of_must_say_so() {
    let place = Place::new().await;
    let photo = place.sent_photo("a staircase").await;
    let made = place.back_up();
    assert_eq!(proven(&made.folder, &place).expect("whole").lacking, BTreeSet::new());
    std::fs::write(made.folder.join("photos.txt"), "").expect("a list of none");
    let none = BlobHash(<sha2::Sha256 as sha2::Digest>::digest("").into());
    rewrite(&made, |manifest| (manifest.photos.count, manifest.photos.inventory_sha256) = (0, none));
    assert!(matches!(proven(&made.folder, &place), Err(BackupError::Differs(_))));
    rewrite(&made, |manifest| manifest.photos.lacking = Some([photo].into()));
    assert_eq!(proven(&made.folder, &place).expect("it said so").lacking, [photo].into());
    first_format(&made);
    assert_eq!(proven(&made.folder, &place).expect("it could not say so").lacking, [photo].into());
}

/// As the builds before wrote it.
fn first_format(made: &Made) {
    rewrite(made, |manifest| (manifest.format, manifest.photos.lacking) = (1, None));
    let text = std::fs::read_to_string(made.folder.join("manifest.json")).expect("a manifest");
    assert!(!text.contains("lacking"), "{text}");
}

#[tokio::test]
async fn a_restore_tells_phones_of_a_backup_only_if_it_lacked_nothing() {
    for old in [false, true] {
        let place = Place::new().await;
        let whole = place.sent_photo("a staircase").await;
        let made = place.back_up();
        if old {
            first_format(&made);
        }
        let report = place.restore().await.expect("put back");
        assert_eq!((report.photos_lost.len(), watermark(&place).await), (0, made.manifest.pos), "{old}");
        assert!(is_here(&place, whole).await, "{old}");

        let place = Place::new().await;
        let whole = place.sent_photo("a staircase").await;
        let gone = place.sent_photo("a fire door").await;
        place.lose(gone);
        let made = place.back_up();
        assert_eq!(made.broken, [gone].into());
        if old {
            first_format(&made);
        }
        let report = place.restore().await.expect("put back");
        assert_eq!((report.photos_lost, watermark(&place).await), (vec![gone], 0), "{old}");
        assert!(is_here(&place, whole).await && !is_here(&place, gone).await, "{old}");
        let row = place.storage().find_photo(gone).await.expect("reads").expect("a row");
        assert_eq!(row.broken_at, Some(later()), "{old}");
    }
}

#[tokio::test]
async fn a_photo_that_backup_and_store_have_lost_since_is_not_here_after_the_restore() {
    let place = Place::new().await;
    let photo = place.sent_photo("a staircase").await;
    place.back_up();
    place.lose(photo);
    std::fs::remove_file(path_of(&place.backups().join(PHOTOS), photo)).expect("a copy");
    let report = place.restore().await.expect("put back");
    assert_eq!((report.photos_lost, watermark(&place).await), (vec![photo], 0));
    assert!(!is_here(&place, photo).await);
}

#[tokio::test]
async fn what_a_backup_lacks_a_later_one_may_have() {
    let place = Place::new().await;
    let photo = place.sent_photo("a staircase").await;
    place.lose(photo);
    let first = place.back_up();
    // It comes again, is backed up, and is lost again with the later backup.
    place.photo("a staircase");
    let second = place.back_up();
    std::fs::remove_dir_all(second.folder).expect("lost");
    place.lose(photo);
    let report = place.restore().await.expect("put back");
    assert_eq!((report.photos_added, report.photos_lost.len()), (1, 0));
    assert!(is_here(&place, photo).await);
    assert_eq!(watermark(&place).await, 0, "phones were not told of {}", first.folder.display());
}

#[tokio::test]
async fn what_a_backup_lacks_is_not_here_unless_it_has_come_again_since() {
    let place = Place::new().await;
    let photo = place.sent_photo("a staircase").await;
    let head = place.hub().await.head().await.expect("stands");
    place.hub().await.set_backed_up(head.epoch, head.pos - 1, [photo], later()).await.expect("told");
    assert!(is_here(&place, photo).await, "it came after that backup");
    place.hub().await.set_backed_up(head.epoch, head.pos, [photo], later()).await.expect("told");
    assert!(!is_here(&place, photo).await);
}
