//! A disk without room: the act that needs it fails as a whole, and nothing before it does.

use louan_schema::area::streets;
use louan_schema::code::{
    BuildingUse, DiscoveryMethod, HeightSource, Management, OrgKind, RegistryState, Role, Severity,
};
use louan_schema::id::{BuildingId, DeviceId, OrgId, PersonId, SiteId};
use louan_schema::record::{Hazard, Place};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::time::Timestamp;

use super::search;
use crate::error::{Error, ErrorKind};
use crate::phone::{Acting, Enrolment, Phone};
use crate::store::StorePlace;

const ORG: OrgId = OrgId([2; 16]);
const ANNA: PersonId = PersonId([3; 16]);
const SITE: SiteId = SiteId([4; 16]);
const HOUSE: BuildingId = BuildingId([5; 16]);
const START: Timestamp = Timestamp::from_ms(1_579_579_200_000);

fn furnished(phone: &mut Phone) {
    let street = streets()[0].code;
    let name = || "示例物业".to_owned();
    let person = Person { id: ANNA, org: ORG, role: Role::PropertyManager, name: "巡查员甲".to_owned() };
    let org = Org { id: ORG, kind: OrgKind::PropertyManager, name: name(), street: Some(street) };
    let enrolment =
        Enrolment { device: DeviceId([1; 16]), people: vec![person], orgs: vec![org], stream: 500_110 };
    phone.enrol(enrolment).expect("enrols");
    let site = Site {
        id: SITE,
        name: "满盘示例苑".to_owned(),
        street,
        community: None,
        grid: None,
        address: "示例路1号".to_owned(),
        management: Management::PropertyCompany,
        managed_by: Some(ORG),
        supervised_by: OrgId([9; 16]),
        position: None,
    };
    let house = Building {
        id: HOUSE,
        site: SITE,
        code: format!("{street}-000001"),
        name: "1栋".to_owned(),
        building_use: BuildingUse::Residential,
        height_cm: Some(5_400),
        height_source: HeightSource::Drawing,
        storeys: Some(18),
        floors: Vec::new(),
        state: RegistryState::Registered,
        footprint: None,
    };
    let stored = phone.store.write(|w| {
        search::store_site(w, &site)?;
        search::store_building(w, &house)
    });
    stored.expect("has room");
}

fn save(phone: &mut Phone, n: u8) -> Result<(), Error> {
    let a = Acting { person: ANNA, at: START.plus_ms(i64::from(n) * 1_000), random: [n; 10] };
    let hazard = Hazard {
        code: "H1.01".parse().expect("a leaf"),
        place: Place { buildings: vec![HOUSE], shared: false, floor: None, spot: None },
        text: format!("第{n}处楼道堆物"),
        found_at: a.at,
        method: DiscoveryMethod::ThreeChecks,
        severity: Severity::General,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    };
    phone.report_hazard(&a, SITE, hazard, Vec::new()).map(|_| ())
}

#[test]
fn on_a_full_disk_an_act_is_not_saved_what_was_saved_is_whole_and_with_room_again_it_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = StorePlace::File(folder.path().join("phone.sqlite"));
    let mut phone = Phone::open(place.clone(), [1; 16]).expect("opens");
    furnished(&mut phone);
    save(&mut phone, 0).expect("there is room");
    phone.store.set_full(true);
    let refused = (1..=u8::MAX).find_map(|n| save(&mut phone, n).err().map(|error| (n, error)));
    let (refused, error) = refused.expect("the room ends");
    assert_eq!(error.kind, ErrorKind::StorageFull);
    assert!(error.to_string().contains("this was not saved, earlier work is safe"), "{error}");
    let saved = phone.outbox().expect("reads");
    assert_eq!(saved.len(), usize::from(refused), "each that was called saved, and no other");
    assert_eq!(save(&mut phone, refused).expect_err("still no room").kind, ErrorKind::StorageFull);
    drop(phone);
    let mut phone = Phone::open(place, [2; 16]).expect("opens");
    assert!(phone.salvage().is_none(), "the store is whole");
    assert_eq!(phone.outbox().expect("reads"), saved);
    phone.store.set_full(false);
    save(&mut phone, refused).expect("there is room again");
    assert_eq!(phone.outbox().expect("reads").len(), saved.len() + 1);
}
