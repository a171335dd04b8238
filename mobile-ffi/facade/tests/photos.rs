//! Photos over the facade, as a foreign app takes them: plain bytes and texts in, plain rows out.

use louan_client_core::schema::area::streets;
use louan_client_core::schema::code::Management;
use louan_client_core::schema::id::{Chain, Epoch, OrgId, SiteId};
use louan_client_core::schema::registry::Site;
use louan_client_core::schema::time::Timestamp;
use louan_client_core::schema::wire::{Cursor, Item, Row, SyncReply, Taken, frame};
use louan_facade::{Desk, Failure, Host, InputFault, PhotoSettingsRow, Place, SensorDraft, ShotDraft};

const ANNA: &str = "01DZ3Q8ZJ0000000000000000A";
const COMPANY: &str = "01DZ3Q8ZJ0000000000000000B";
const SITE: SiteId = SiteId([0x51; 16]);
/// A small photo of the darkroom's samples.
const SAMPLE: &[u8] = include_bytes!("../../../schema/photo/tests/samples/orientation_1.jpg");

struct Pocket;

impl Host for Pocket {
    fn now_ms(&self) -> i64 {
        1_579_654_800_000
    }
    fn random(&self, count: u32) -> Vec<u8> {
        (0..count).map(|n| u8::try_from(n % 251).expect("a byte")).collect()
    }
}

/// A phone that knows one compound.
fn desk(folder: &tempfile::TempDir) -> Desk<Pocket> {
    let place = Place::File(folder.path().join("phone.sqlite").display().to_string());
    let mut desk = Desk::open(place, Pocket).expect("a new store");
    let enrolment = format!(
        r#"{{"device":"01DZ3Q8ZJ0000000000000000C","stream":500110,"access_token":"{0}","refresh_token":"{0}",
            "people":[{{"id":"{ANNA}","org":"{COMPANY}","role":"property_manager","name":"巡查员甲"}}],
            "orgs":[{{"id":"{COMPANY}","kind":"property_manager","name":"示例物业","street":null}}]}}"#,
        "A".repeat(43)
    );
    desk.enrol(&enrolment).expect("enrols");
    let company: OrgId = COMPANY.parse().expect("an id");
    let site = Site {
        id: SITE,
        name: "翠屏示例苑".to_owned(),
        street: streets()[0].code,
        community: None,
        grid: None,
        address: "滨河路8号".to_owned(),
        management: Management::PropertyCompany,
        managed_by: Some(company),
        supervised_by: company,
        position: None,
    };
    desk.prepare().expect("plans");
    let taken = Taken {
        changes: Vec::new(),
        commands: Vec::new(),
        items: vec![Item::Row(Row::Site(site))],
        cursor: Some(Cursor { stream: 500_110, epoch: Epoch([9; 16]), pos: 1, chain: Chain([0; 16]) }),
        more: false,
        page: None,
        scope: None,
        now: Timestamp::from_ms(Pocket.now_ms()),
        backed_up_pos: 0,
        missing: Vec::new(),
        answered_at: None,
    };
    let reply = frame::encode(SyncReply::Taken(Box::new(taken))).expect("encodes");
    desk.absorb(&reply).expect("takes it");
    desk
}

fn shot(file: &[u8]) -> ShotDraft {
    let sensor = SensorDraft {
        longitude: 106.65,
        latitude: 29.02,
        accuracy_m: 8.0,
        fixed_at_ms: Pocket.now_ms(),
        mock: false,
    };
    ShotDraft {
        file: file.to_vec(),
        site: SITE.to_string(),
        building: None,
        sensor: Some(sensor),
        signed: "0012".to_owned(),
    }
}

#[test]
fn a_photo_is_taken_listed_and_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = desk(&folder);
    let row = desk.attach_photo(ANNA, &shot(SAMPLE)).expect("is taken");
    assert_eq!((row.state.as_str(), row.taken_by.as_str(), row.here), ("kept", "phone", true));
    assert_eq!((row.unproven.as_deref(), row.site), (Some("no_ground"), SITE.to_string()));
    assert_eq!(desk.draft_photos().expect("reads").len(), 1);
    let counted = desk.photo_count().expect("reads");
    assert_eq!((counted.waiting, counted.refused), (0, 0), "nothing cites it");
    assert!(desk.photo_file(&row.hash, false).expect("reads").is_some_and(|b| b.len() == row.bytes as usize));
    assert!(desk.photo_file(&row.hash, true).expect("reads").is_some());
    assert!(desk.discard_photo(ANNA, &row.hash).expect("decides"));
    assert_eq!(desk.photos().expect("reads"), []);
}

#[test]
fn originals_are_kept_when_somebody_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = desk(&folder);
    let nothing = PhotoSettingsRow { keep_originals: false, send_originals: false };
    assert_eq!(desk.photo_settings().expect("reads"), nothing);
    let both = PhotoSettingsRow { keep_originals: true, send_originals: true };
    desk.set_photo_settings(both).expect("saves");
    assert_eq!(desk.photo_settings().expect("reads"), both);
    let row = desk.attach_photo(ANNA, &shot(SAMPLE)).expect("is taken");
    desk.retry_photo(&row.hash).expect("nothing was refused, nothing is done");
    assert_eq!(desk.photos().expect("reads"), [row]);
}

#[test]
fn a_file_that_is_none_says_which_rule_it_breaks() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = desk(&folder);
    for (file, rule) in [(&b"GIF89a"[..], "photo_format"), (&SAMPLE[..SAMPLE.len() - 9], "photo_damaged")] {
        let failure = desk.attach_photo(ANNA, &shot(file)).expect_err("is refused");
        let Failure::FixInput { faults, .. } = failure else { panic!("{failure}") };
        assert_eq!(faults, [InputFault { pointer: "/photo".into(), rule: rule.into() }]);
    }
}

#[cfg(feature = "http")]
#[test]
fn a_host_that_hands_in_a_font_gets_its_letters_on_the_photo() {
    let font = std::fs::read("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc");
    let font = font.expect("fonts-noto-cjk is installed: tests/setup/setup.sh test");
    let [plain, lettered] = [None, Some(font)].map(|font| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = desk(&folder);
        if let Some(font) = font {
            desk.use_font(font, 2).expect("a font");
        }
        let row = desk.attach_photo(ANNA, &shot(SAMPLE)).expect("is taken");
        desk.photo_file(&row.hash, false).expect("reads").expect("lies here")
    });
    assert_ne!(plain, lettered);
}

#[cfg(feature = "http")]
#[test]
fn a_host_that_hands_in_no_font_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = desk(&folder);
    assert!(matches!(desk.use_font(b"no font".to_vec(), 0), Err(Failure::Bug { .. })));
}
