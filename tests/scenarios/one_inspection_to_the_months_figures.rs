//! A real inspection travels from an offline phone to the ledger and the month's figures.

use kit::world::{World, sixteen};
use louan_client_core::HazardFilter;
use louan_schema::code::{DiscoveryMethod, HazardState, Outcome, Severity};
use louan_schema::fold::month::Figures;
use louan_schema::record::{Fix, Hazard, Place, Recheck};
use louan_schema::ruling::Act;
use louan_schema::time::Day;
use louan_schema::wire::{Code, CommandVerdict};

use crate::story;

#[test]
#[allow(clippy::too_many_lines, reason = "a story is told in one piece")]
fn an_offline_inspection_reaches_the_ledger_and_the_month() {
    story(async {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, building) = world.site("示例花园").await;
        let mut inspector = world.phone(&street.inspectors[0]).await;
        let mut officer = world.phone(&street.officer).await;

        // The stairwell has no signal: everything below happens on the phone alone.
        world.wait_hours(1);
        let me = street.inspectors[0].id;
        let found = inspector.phone.search_buildings("示例花园1号楼", 10).expect("reads");
        assert_eq!(
            found.first().map(|b| b.building.id),
            Some(building),
            "an office's 1栋 is a resident's 1号楼"
        );
        let acting = inspector.acting(me, world.now);
        let round = inspector.phone.start_round(&acting, site, vec![building]).expect("starts");
        for answer in sixteen(Outcome::Pass, world.now.day()) {
            let acting = inspector.acting(me, world.now);
            inspector.phone.answer(&acting, round, answer).expect("saves");
        }
        let acting = inspector.acting(me, world.now);
        inspector.phone.submit_round(&acting, round).expect("all sixteen are answered");
        let hazard = Hazard {
            code: "H1.06".parse().expect("a leaf"),
            place: Place {
                buildings: vec![building],
                shared: false,
                floor: Some("平街层".to_owned()),
                spot: Some("东侧楼梯口".to_owned()),
            },
            text: "楼梯间堆放纸箱".to_owned(),
            found_at: world.now,
            method: DiscoveryMethod::ThreeChecks,
            severity: Severity::Severe,
            round: Some(round),
            count: None,
            fixed_on_the_spot: false,
            synthetic: false,
        };
        let acting = inspector.acting(me, world.now);
        let id = inspector.phone.report_hazard(&acting, site, hazard, Vec::new()).expect("saves");
        assert_eq!(
            inspector.phone.outbox().expect("reads").len(),
            2,
            "a round and a hazard wait on the phone"
        );

        // Signal again.
        world.wait_hours(5);
        inspector.sync(&world.hub, world.now).await;
        assert!(inspector.phone.outbox().expect("reads").is_empty(), "the office has everything");

        officer.sync(&world.hub, world.now).await;
        let seen =
            officer.phone.hazards(HazardFilter::InState(HazardState::Reported), world.now).expect("reads");
        assert_eq!(seen.iter().map(|h| h.id).collect::<Vec<_>>(), vec![id]);
        let act = Act::ConfirmHazard { hazard: id, severity: Severity::Severe, due_on: world.now.day() };
        let verdict = world.command(street.officer.id, seen[0].version, act.clone()).await;
        assert!(matches!(verdict, CommandVerdict::Done(_)), "{verdict:?}");
        let verdict = world.command(street.officer.id, seen[0].version, act).await;
        assert!(matches!(verdict, CommandVerdict::Refused(Code::VersionMoved, _)), "{verdict:?}");

        world.wait_hours(24);
        inspector.sync(&world.hub, world.now).await;
        let mine = inspector.phone.hazards(HazardFilter::Open, world.now).expect("reads");
        assert!(mine[0].overdue, "what must go at once is overdue the next day");
        let fix = Fix {
            hazard: id,
            fixed_at: world.now,
            fixed_by: me,
            measures: "已清走".to_owned(),
            cost_fen: None,
        };
        let acting = inspector.acting(me, world.now);
        inspector.phone.report_fix(&acting, fix, Vec::new()).expect("saves");
        let mine = inspector.phone.hazards(HazardFilter::Open, world.now).expect("reads");
        assert_eq!(mine[0].state, HazardState::FixReported, "the phone shows its own pending fact on top");
        inspector.sync(&world.hub, world.now).await;

        world.wait_hours(2);
        officer.sync(&world.hub, world.now).await;
        let recheck = Recheck {
            hazard: id,
            checked_at: world.now,
            checked_by: street.officer.id,
            passed: true,
            text: String::new(),
        };
        let acting = officer.acting(street.officer.id, world.now);
        officer.phone.recheck(&acting, recheck, Vec::new()).expect("saves");
        officer.sync(&world.hub, world.now).await;
        let version = world.hub.find_hazard(id).await.expect("answers").expect("in the ledger").version;
        let verdict = world.command(street.officer.id, version, Act::CloseHazard { hazard: id }).await;
        assert!(matches!(verdict, CommandVerdict::Done(_)), "{verdict:?}");

        world.wait_hours(1);
        inspector.sync(&world.hub, world.now).await;
        let closed =
            inspector.phone.hazards(HazardFilter::InState(HazardState::Closed), world.now).expect("reads");
        assert_eq!(closed.iter().map(|h| h.id).collect::<Vec<_>>(), vec![id]);

        let month = world.hub.month("2020-01-31".parse::<Day>().expect("a day").end()).await.expect("folds");
        let expected = Figures { rounds: 1, hazards_found: 1, disposed: 1, closed: 1, ..Figures::default() };
        assert_eq!((month.rows[0].1, month.total), (expected, expected));
        let first_day = month_on(&world, "2020-01-22").await;
        assert_eq!(first_day, Figures { rounds: 1, hazards_found: 1, overdue: 1, ..Figures::default() });
    });
}

async fn month_on(world: &World, day: &str) -> Figures {
    world.hub.month(day.parse::<Day>().expect("a day").end()).await.expect("folds").total
}
