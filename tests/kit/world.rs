//! A world for stories: one street's people, a hub, and a clock that only stories move.

use std::sync::Arc;

use louan_client_core::StorePlace;
use louan_schema::code::Outcome;
use louan_schema::code::{BuildingUse, HeightSource, Management, RegistryState};
use louan_schema::id::{BuildingId, CommandId, Epoch, PersonId, SiteId, derived};
use louan_schema::policy::Policy;
use louan_schema::record::Answer;
use louan_schema::registry::{Building, Person, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::{Day, Timestamp};
use louan_schema::wire::CommandVerdict;
use louan_server::hub::{Hub, Limits};
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;

use crate::cast::{Cast, StreetCast};
use crate::dice::Dice;
use crate::handset::{Handset, both};

/// One street, its people, the hub.
pub struct World {
    /// The hub.
    pub hub: Hub,
    /// Everyone in the district.
    pub cast: Cast,
    /// Chance.
    pub dice: Dice,
    /// The present instant.
    pub now: Timestamp,
}

impl World {
    /// A world on the campaign's second day, everybody known to the hub.
    pub async fn new() -> Self {
        Self::with_hub(hub_in_memory().await).await
    }

    /// A world around a given hub.
    pub async fn with_hub(hub: Hub) -> Self {
        let cast = Cast::of_the_district();
        let now = "2020-01-22T08:00:00+08:00".parse().expect("an instant");
        introduce(&hub, &cast, now).await;
        Self { hub, cast, dice: Dice::seeded(1), now }
    }

    /// The street the story plays in.
    #[must_use]
    pub fn street(&self) -> &StreetCast {
        &self.cast.streets[0]
    }

    /// Lets time pass.
    pub fn wait_hours(&mut self, hours: i64) {
        self.now = self.now.plus_ms(hours * 3_600_000);
    }

    /// Moves to the morning of a day.
    pub fn on(&mut self, day: &str) {
        let day: Day = day.parse().expect("a day");
        self.now = day.start().plus_ms(9 * 3_600_000);
    }

    /// A phone in the hands of `person`, enrolled, its first bootstrap done.
    pub async fn phone(&mut self, person: &Person) -> Handset {
        let seed = u64::from_be_bytes(self.dice.bytes());
        let mut handset = Handset::new(StorePlace::Memory, seed);
        let enrolment = crate::enrolment(&self.cast, person, handset.device);
        handset.enrol(&self.hub, enrolment, self.now).await;
        handset.sync(&self.hub, self.now).await;
        handset
    }

    /// A ruling at the console; its verdict.
    pub async fn command(&mut self, by: PersonId, expected_version: u64, act: Act) -> CommandVerdict {
        let id = CommandId::mint(self.now, self.dice.bytes());
        let command = Command { id, expected_version, at: self.now, act };
        self.hub.command(by, command, both(self.now)).await.expect("the hub answers")
    }

    /// Registers a compound of one building on the story's street.
    pub async fn site(&mut self, name: &str) -> (SiteId, BuildingId) {
        let site = SiteId(derived("louan/kit/site/1", &[name.as_bytes()]));
        let building = BuildingId(derived("louan/kit/building/1", &[name.as_bytes()]));
        let street = self.street().clone();
        let row = Site {
            id: site,
            name: name.to_owned(),
            street: street.street,
            community: None,
            grid: None,
            address: format!("{name}示例路1号"),
            management: Management::PropertyCompany,
            managed_by: Some(street.property.id),
            supervised_by: street.police.id,
            position: None,
        };
        let house = Building {
            id: building,
            site,
            code: format!("{}-000001", street.street),
            name: "1栋".to_owned(),
            building_use: BuildingUse::Residential,
            height_cm: Some(5_400),
            height_source: HeightSource::Drawing,
            storeys: Some(18),
            floors: Vec::new(),
            state: RegistryState::Registered,
            footprint: None,
        };
        let verdict = self.command(street.clerk.id, 0, Act::RegisterSite(row, vec![house])).await;
        assert!(matches!(verdict, CommandVerdict::Done(_)), "{verdict:?}");
        (site, building)
    }
}

/// All sixteen items answered alike, for the first building of a round.
#[must_use]
pub fn sixteen(outcome: Outcome, day: Day) -> Vec<Answer> {
    let mut codes: Vec<_> = Policy::qijiang_2020().completing_items(day).map(|item| item.code).collect();
    codes.sort_unstable();
    codes.into_iter().map(|code| Answer::plain(code, outcome, Some(1))).collect()
}

/// Makes organisations and people known to a hub.
pub async fn introduce(hub: &Hub, cast: &Cast, now: Timestamp) {
    for org in cast.orgs() {
        hub.add_org(org.clone(), None, both(now)).await.expect("a new organisation");
    }
    for person in cast.people() {
        hub.add_person(person.clone(), None, both(now)).await.expect("a new person");
    }
}

/// A hub whose store lives and dies with the test, judging in process.
pub async fn hub_in_memory() -> Hub {
    let storage = Sqlite::in_memory(crate::DISTRICT_STREAM, EPOCH).expect("memory opens");
    Hub::open(Arc::new(storage), Arc::new(InProcess), generous()).await.expect("a fresh hub opens")
}

/// A hub on a file, with the writer thread and the durability of service, judging in process.
pub async fn hub_on_disk(path: &std::path::Path) -> Hub {
    let options =
        Options { stream: crate::DISTRICT_STREAM, fresh_epoch: EPOCH, mode: Mode::Service { readers: 2 } };
    let storage = Sqlite::open(path, options).expect("a new file opens");
    Hub::open(Arc::new(storage), Arc::new(InProcess), generous()).await.expect("a fresh hub opens")
}

const EPOCH: Epoch = Epoch([7; 16]);

/// Limits that a replay of a year in a minute does not run into.
fn generous() -> Limits {
    Limits { changes_per_day: u32::MAX, ..Limits::default() }
}
