//! A made-up district of any size: one company's compounds, all of one building, and its inspectors.
//!
//! Sizes are parameters, everything else is the same in every run. Entering it at the hub is
//! what an office clerk would do, command by command.

use futures_util::future::join_all;
use kit::cast::{Cast, person_id};
use kit::handset::both;
use louan_schema::code::{BuildingUse, Datum, HeightSource, Management, RegistryState, Role};
use louan_schema::id::{BuildingId, CommandId, SiteId, derived};
use louan_schema::registry::{Building, Person, Position, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Timestamp;
use louan_schema::wire::CommandVerdict;
use louan_server::hub::Hub;

/// Compounds registered side by side, so that one disk write carries many.
const AT_ONCE: usize = 256;
/// Day on which every workload begins, Asia/Shanghai.
const FIRST_MORNING: &str = "2020-01-22T08:00:00+08:00";

/// A compound of one building.
#[derive(Debug, Clone)]
pub struct Premises {
    /// The compound.
    pub site: Site,
    /// Its building.
    pub building: Building,
}

/// The district of one workload.
#[derive(Debug, Clone)]
pub struct District {
    /// Organisations and the people of the stories.
    pub cast: Cast,
    /// The company's inspectors, as many as the workload needs.
    pub crew: Vec<Person>,
    /// The company's compounds.
    pub premises: Vec<Premises>,
}

impl District {
    /// A district of `buildings` compounds and `crew` inspectors of the company that manages them.
    #[must_use]
    pub fn of(buildings: usize, crew: usize) -> Self {
        let cast = Cast::of_the_district();
        let street = &cast.streets[0];
        let crew = (0..crew)
            .map(|n| Person {
                id: person_id(&format!("bench/crew/{n}")),
                org: street.property.id,
                role: Role::PropertyManager,
                name: format!("示例巡查员{n}"),
            })
            .collect();
        let premises = (0..buildings).map(|n| premises(&cast, n)).collect();
        Self { cast, crew, premises }
    }

    /// Everybody and everything entered at the hub.
    pub async fn enter(&self, hub: &Hub) {
        let now = first_morning();
        kit::world::introduce(hub, &self.cast, now).await;
        for person in &self.crew {
            hub.add_person(person.clone(), None, both(now)).await.expect("a new person is taken");
        }
        let clerk = self.cast.streets[0].clerk.id;
        for (block, some) in self.premises.chunks(AT_ONCE).enumerate() {
            let acts = some.iter().enumerate().map(|(n, one)| {
                let mut chance = [0; 10];
                chance[..8].copy_from_slice(&((block * AT_ONCE + n) as u64).to_be_bytes());
                let act = Act::RegisterSite(one.site.clone(), vec![one.building.clone()]);
                let command = Command { id: CommandId::mint(now, chance), expected_version: 0, at: now, act };
                hub.command(clerk, command, both(now))
            });
            for verdict in join_all(acts).await {
                let verdict = verdict.expect("the hub answers");
                assert!(matches!(verdict, CommandVerdict::Done(_)), "a compound was refused: {verdict:?}");
            }
        }
    }
}

/// When every workload begins.
#[must_use]
pub fn first_morning() -> Timestamp {
    FIRST_MORNING.parse().expect("an instant")
}

fn premises(cast: &Cast, n: usize) -> Premises {
    let street = &cast.streets[0];
    let number = (n as u64).to_be_bytes();
    let id = SiteId(derived("louan/bench/site/1", &[&number]));
    let small = i32::try_from(n).unwrap_or(0);
    let site = Site {
        id,
        name: format!("示例花园{}号院", n + 1),
        street: street.street,
        community: None,
        grid: Some(format!("{:03}", n % 40)),
        address: format!("示例大道{}号", 2 * n + 1),
        management: Management::PropertyCompany,
        managed_by: Some(street.property.id),
        supervised_by: street.police.id,
        position: Some(Position {
            lon_e7: 1_066_500_000 + small * 1_371 % 1_000_000,
            lat_e7: 290_200_000 + small * 2_113 % 1_000_000,
            datum: Datum::Wgs84,
            synthetic: true,
        }),
    };
    let storeys = 11 + u16::try_from(n % 23).unwrap_or(0);
    let building = Building {
        id: BuildingId(derived("louan/bench/building/1", &[&number])),
        site: id,
        code: format!("{}-{:06}", street.street, n + 1),
        name: format!("{}栋", n % 9 + 1),
        building_use: BuildingUse::Residential,
        height_cm: Some(u32::from(storeys) * 300),
        height_source: HeightSource::Drawing,
        storeys: Some(storeys),
        floors: Vec::new(),
        state: RegistryState::Registered,
        footprint: None,
    };
    Premises { site, building }
}
