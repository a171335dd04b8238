//! Work without a permit is stopped on the spot and reported (立即制止并报告, A-147): said on a phone without signal, read
//! at the office and on everybody's phone, open until both instants are known.

use kit::handset::Handset;
use kit::world::World;
use louan_schema::code::{DiscoveryMethod, HazardState, Severity};
use louan_schema::fold::hazard::StopStanding;
use louan_schema::id::{HazardId, SiteId};
use louan_schema::record::{Hazard, Place, StopReport};
use louan_schema::time::Timestamp;
use louan_server::hub::HazardQuery;

use crate::story;

fn works(building: louan_schema::id::BuildingId, found_at: Timestamp) -> Hazard {
    Hazard {
        code: "H3.04".parse().expect("a leaf"),
        place: Place { buildings: vec![building], shared: false, floor: Some("6".to_owned()), spot: None },
        text: "未办理手续擅自拆改隔墙".to_owned(),
        found_at,
        method: DiscoveryMethod::ThreeChecks,
        severity: Severity::Serious,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    }
}

/// What a phone tells of it: how it stands, whether that is all, and in how many records.
fn told(handset: &Handset, id: HazardId, now: Timestamp) -> (Option<StopStanding>, bool, usize) {
    let view = handset.phone.hazard(id, now).expect("reads").expect("is on the phone");
    assert_eq!(view.state, HazardState::Reported, "the danger is as it was");
    let standing = view.reading.stop_standing();
    (standing, standing.is_some_and(|stop| stop.is_complete()), view.reading.stops.len())
}

async fn at_the_office(world: &World, site: SiteId, id: HazardId) -> Option<StopStanding> {
    let query = HazardQuery { site: Some(site), ..HazardQuery::default() };
    let rows = world.hub.list_hazards(query).await.expect("answers").rows;
    rows.iter().find(|row| row.reading.id == id).expect("is in the ledger").reading.stop_standing()
}

#[test]
#[allow(clippy::too_many_lines, reason = "a story is told in one piece")]
fn work_stopped_without_signal_is_known_at_the_office_and_to_colleagues() {
    story(async {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, building) = world.site("施工示例苑").await;
        let [a, b] = [&street.inspectors[0], &street.inspectors[1]];
        let (mut inspector, mut colleague) = (world.phone(a).await, world.phone(b).await);
        let mut officer = world.phone(&street.officer).await;
        world.wait_hours(1);
        let (reported_at, stopped_at) = (world.now, world.now.plus_ms(600_000));

        // No signal. He telephones the police first, then the work is stopped.
        let acting = inspector.acting(a.id, world.now);
        let id = inspector.phone.report_hazard(&acting, site, works(building, world.now), Vec::new());
        let id = id.expect("saves");
        assert_eq!(told(&inspector, id, world.now), (None, false, 0));
        let report = StopReport {
            hazard: id,
            stopped_at: None,
            reported_at: Some(reported_at),
            reported_to: Some(street.police.id),
            text: "已电话报告".to_owned(),
        };
        let acting = inspector.acting(a.id, world.now);
        let call = inspector.phone.stop_and_report(&acting, report, Vec::new()).expect("saves");
        let half = StopStanding {
            stopped_at: None,
            reported_at: Some(reported_at),
            reported_to: Some(street.police.id),
        };
        assert_eq!(told(&inspector, id, world.now), (Some(half), false, 1), "half of it is open");
        let stopped = StopReport {
            hazard: id,
            stopped_at: Some(stopped_at),
            reported_at: None,
            reported_to: None,
            text: "已责令停工".to_owned(),
        };
        let acting = inspector.acting(a.id, stopped_at);
        inspector.phone.stop_and_report(&acting, stopped, Vec::new()).expect("saves");
        let whole = StopStanding { stopped_at: Some(stopped_at), ..half };
        assert_eq!(told(&inspector, id, world.now), (Some(whole), true, 2), "reported before it was stopped");

        // Signal again.
        world.wait_hours(2);
        inspector.sync(&world.hub, world.now).await;
        assert_eq!(at_the_office(&world, site, id).await, Some(whole));
        inspector.sync(&world.hub, world.now).await;
        assert_eq!(
            told(&inspector, id, world.now),
            (Some(whole), true, 2),
            "the office's row doubles nothing"
        );
        for handset in [&mut colleague, &mut officer] {
            handset.sync(&world.hub, world.now).await;
            assert_eq!(told(handset, id, world.now), (Some(whole), true, 2));
        }

        // The call was never made: taken back without signal, gone at once here and everywhere after the next trip.
        let acting = inspector.acting(a.id, world.now);
        inspector.phone.withdraw(&acting, call, "电话未接通").expect("saves");
        let left = StopStanding { stopped_at: Some(stopped_at), reported_at: None, reported_to: None };
        assert_eq!(told(&inspector, id, world.now), (Some(left), false, 1));
        world.wait_hours(1);
        inspector.sync(&world.hub, world.now).await;
        assert_eq!(at_the_office(&world, site, id).await, Some(left));
        for handset in [&mut inspector, &mut colleague, &mut officer] {
            handset.sync(&world.hub, world.now).await;
            assert_eq!(told(handset, id, world.now), (Some(left), false, 1));
        }
    });
}
