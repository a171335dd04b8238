//! A round through two buildings is complete when both are: the phone says what each lacks, and a visit that leaves
//! something open counts as a visit and as nothing more (A-140, ADR 0026).

use kit::world::{World, sixteen};
use louan_client_core::view::RoundView;
use louan_schema::code::Outcome;
use louan_schema::id::{BuildingId, RoundId, SiteId, derived};
use louan_schema::record::Answer;
use louan_schema::registry::{Building, FloorName};
use louan_schema::ruling::Act;
use louan_schema::wire::CommandVerdict;
use louan_server::hub::RoundQuery;

use crate::story;

/// A slope: street level is the third floor from below.
fn floors() -> Vec<FloorName> {
    let name = |index: i16, name: &str| FloorName { index, name: name.to_owned(), street_level: index == 2 };
    vec![name(0, "吊2"), name(1, "吊1"), name(2, "平街层")]
}

/// A compound of two buildings, the second with local floor names.
async fn compound(world: &mut World) -> (SiteId, [BuildingId; 2]) {
    let street = world.street().clone();
    let (site, first) = world.site("双栋示例苑").await;
    let row = world.hub.find_site(site).await.expect("answers").expect("was registered");
    let mut clerk = world.phone(&street.inspectors[0]).await;
    clerk.sync(&world.hub, world.now).await;
    let known = clerk.phone.site(site).expect("reads").expect("came down");
    let second = Building {
        id: BuildingId(derived("louan/kit/building/1", &[b"two"])),
        code: format!("{}-000002", street.street),
        name: "2栋".to_owned(),
        floors: floors(),
        ..known.buildings[0].clone()
    };
    let id = second.id;
    let buildings = known.buildings.into_iter().chain([second]).collect();
    let verdict = world.command(street.clerk.id, row.version, Act::RegisterSite(row.site, buildings)).await;
    assert!(matches!(verdict, CommandVerdict::Done(_)), "{verdict:?}");
    (site, [first, id])
}

/// How many sub-items each of the buildings lacks.
fn lacks(view: &RoundView, buildings: [BuildingId; 2]) -> [usize; 2] {
    let of = |building| view.missing.iter().filter(|lacking| lacking.building == Some(building)).count();
    let counts = buildings.map(of);
    assert_eq!(counts.iter().sum::<usize>(), view.missing.len(), "each belongs to one of the two");
    counts
}

#[test]
#[allow(clippy::too_many_lines, reason = "a story is told in one piece")]
fn a_round_through_two_buildings_is_complete_when_both_are() {
    story(async {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, buildings) = compound(&mut world).await;
        let [a, b] = [&street.inspectors[0], &street.inspectors[1]];
        let (mut inspector, mut colleague) = (world.phone(a).await, world.phone(b).await);
        let second = inspector.phone.building(buildings[1]).expect("reads").expect("came down").building;
        assert_eq!(second.floors, floors(), "what people call a floor came from the registry to the phone");

        let sixteen = sixteen(Outcome::Pass, world.now.day());
        let at = |n: usize, place: Option<u8>| Answer { place, ..sixteen[n].clone() };
        let acting = inspector.acting(a.id, world.now);
        let round = inspector.phone.start_round(&acting, site, buildings.to_vec()).expect("starts");
        let view = |handset: &kit::handset::Handset, round: RoundId| {
            handset.phone.round(round).expect("reads").expect("is on the phone")
        };
        assert_eq!(lacks(&view(&inspector, round), buildings), [16, 16]);
        for n in 0..16 {
            let acting = inspector.acting(a.id, world.now);
            inspector.phone.answer(&acting, round, at(n, Some(1))).expect("saves");
        }
        assert_eq!(
            lacks(&view(&inspector, round), buildings),
            [0, 16],
            "sixteen answers, one building of two"
        );
        let acting = inspector.acting(a.id, world.now);
        inspector.phone.answer(&acting, round, at(0, Some(2))).expect("saves");
        let acting = inspector.acting(a.id, world.now);
        inspector.phone.submit_round(&acting, round).expect("he had to leave; what he saw is handed in");
        inspector.sync(&world.hub, world.now).await;
        colleague.sync(&world.hub, world.now).await;
        for handset in [&inspector, &colleague] {
            let view = view(handset, round);
            assert_eq!(lacks(&view, buildings), [0, 15], "what is open is told after handing in, too");
            assert!(!view.summary.reading.expect("is read").complete);
        }

        world.wait_hours(1);
        let acting = colleague.acting(b.id, world.now);
        let again = colleague.phone.start_round(&acting, site, buildings.to_vec()).expect("starts");
        for n in 0..16 {
            // The first, whether the fire lane is clear, is looked at once for the compound.
            let places: &[Option<u8>] = if n == 0 { &[None] } else { &[Some(1), Some(2)] };
            for place in places {
                let acting = colleague.acting(b.id, world.now);
                colleague.phone.answer(&acting, again, at(n, *place)).expect("saves");
            }
        }
        assert_eq!(lacks(&view(&colleague, again), buildings), [0, 0]);
        let acting = colleague.acting(b.id, world.now);
        colleague.phone.submit_round(&acting, again).expect("all is answered");
        colleague.sync(&world.hub, world.now).await;

        let query = RoundQuery { site: Some(site), ..RoundQuery::default() };
        let rows = world.hub.list_rounds(query).await.expect("answers").rows;
        let told: Vec<_> = rows.iter().map(|row| (row.id, row.buildings.len(), row.complete)).collect();
        assert_eq!(told.len(), 2);
        assert!(told.contains(&(round, 2, false)) && told.contains(&(again, 2, true)), "{told:?}");
        let visits = world.hub.month(world.now.day().end()).await.expect("folds").total.rounds;
        assert_eq!(visits, 2, "检查次数 counts visits, complete or not");
    });
}

#[test]
fn whoever_looks_on_is_told_what_the_buildings_lack_that_were_entered() {
    story(async {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, buildings) = compound(&mut world).await;
        let [a, b] = [&street.inspectors[0], &street.inspectors[1]];
        let (mut inspector, mut colleague) = (world.phone(a).await, world.phone(b).await);
        let acting = inspector.acting(a.id, world.now);
        let round = inspector.phone.start_round(&acting, site, vec![buildings[1]]).expect("starts");
        for answer in sixteen(Outcome::Pass, world.now.day()).into_iter().skip(1) {
            let acting = inspector.acting(a.id, world.now);
            inspector.phone.answer(&acting, round, answer).expect("saves");
        }
        inspector.sync(&world.hub, world.now).await;
        colleague.sync(&world.hub, world.now).await;
        let view = colleague.phone.round(round).expect("reads").expect("came down");
        assert_eq!(lacks(&view, buildings), [0, 1], "by the answers; nobody has joined on this phone");
        let acting = colleague.acting(b.id, world.now);
        colleague.phone.join_round(&acting, round).expect("joins");
        let view = colleague.phone.round(round).expect("reads").expect("is here");
        assert_eq!(lacks(&view, buildings), [0, 1]);
    });
}
