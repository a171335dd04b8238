//! A phone that cannot send: its work goes to the office as a file, is judged there as if the phone had come, and when
//! the phone does come, it hears that all of it is known.

use kit::handset::{Handset, both};
use kit::world::{World, sixteen};
use louan_client_core::UnsentMark;
use louan_client_core::view::RoundState;
use louan_schema::code::Outcome;
use louan_schema::id::PersonId;
use louan_schema::time::Timestamp;
use louan_schema::unsent::{LENGTH_BYTES, UnsentPart, next_length};
use louan_schema::wire::{Batch, Verdict};
use louan_server::hub::Hub;

use crate::story;

/// The file, part after part, as the phone's host makes it.
fn file(handset: &mut Handset, now: Timestamp) -> Vec<u8> {
    let (mut file, mut mark) = (Vec::new(), UnsentMark::default());
    while let Some(draft) = handset.phone.next_unsent(mark, now).expect("plans") {
        mark = draft.next();
        let signatures: Vec<_> = draft.digests().iter().map(|digest| handset.sign(digest)).collect();
        file.extend(draft.seal(&signatures).expect("makes"));
    }
    file
}

/// What an office reads out of it.
fn batches(mut file: &[u8]) -> Vec<(louan_schema::id::DeviceId, u16, Vec<Batch>)> {
    let mut read = Vec::new();
    while !file.is_empty() {
        let (length, rest) = file.split_at(LENGTH_BYTES);
        let length = next_length(length).expect("a length").expect("a part");
        let (part, rest) = rest.split_at(length);
        match UnsentPart::read(part).expect("a part") {
            UnsentPart::Changes { device, protocol, batches } => read.push((device, protocol, batches)),
            UnsentPart::Photo { .. } => panic!("there are no photos in this story"),
        }
        file = rest;
    }
    read
}

async fn brought(hub: &Hub, file: &[u8], now: Timestamp) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (device, protocol, batches) in batches(file) {
        let (changes, _) = hub.take_carried(device, protocol, &batches, both(now)).await.expect("is read in");
        verdicts.extend(changes.into_iter().flatten());
    }
    verdicts
}

fn hazard(
    handset: &mut Handset,
    person: PersonId,
    site: louan_schema::id::SiteId,
    world_now: Timestamp,
    n: u8,
) {
    let found = louan_schema::record::Hazard {
        code: "H1.06".parse().expect("a leaf"),
        place: louan_schema::record::Place { buildings: Vec::new(), shared: true, floor: None, spot: None },
        text: format!("楼梯间堆放杂物{n}"),
        found_at: world_now,
        method: louan_schema::code::DiscoveryMethod::ThreeChecks,
        severity: louan_schema::code::Severity::General,
        round: None,
        count: None,
        fixed_on_the_spot: false,
        synthetic: false,
    };
    let acting = handset.acting(person, world_now);
    handset.phone.report_hazard(&acting, site, found, Vec::new()).expect("saves");
}

#[test]
fn what_a_phone_could_not_send_is_carried_in_judged_and_known_when_the_phone_comes() {
    story(async {
        let mut world = World::new().await;
        let street = world.street().clone();
        let (site, building) = world.site("手提示例苑").await;
        let person = street.inspectors[0].clone();
        let mut phone = world.phone(&person).await;
        let acting = phone.acting(person.id, world.now);
        let round = phone.phone.start_round(&acting, site, vec![building]).expect("starts");
        for answer in sixteen(Outcome::Pass, world.now.day()) {
            let acting = phone.acting(person.id, world.now);
            phone.phone.answer(&acting, round, answer).expect("saves");
        }
        let acting = phone.acting(person.id, world.now);
        phone.phone.submit_round(&acting, round).expect("complete");
        for n in 0..3 {
            hazard(&mut phone, person.id, site, world.now, n);
        }

        world.wait_hours(1);
        let carried = file(&mut phone, world.now);
        assert_eq!(
            file(&mut phone, world.now),
            carried,
            "nothing is settled by making it: it can be made again"
        );
        let verdicts = brought(&world.hub, &carried, world.now).await;
        assert!(
            verdicts.len() >= 4 && verdicts.iter().all(|v| matches!(v, Verdict::Accepted(_))),
            "{verdicts:?}"
        );
        let total = world.hub.month(world.now.day().end()).await.expect("folds").total;
        assert_eq!((total.rounds, total.unconfirmed), (1, 3));
        let again = brought(&world.hub, &carried, world.now).await;
        assert!(again.iter().all(|v| matches!(v, Verdict::Duplicate(_))), "{again:?}");

        // More is written before the phone comes.
        hazard(&mut phone, person.id, site, world.now, 9);
        phone.sync(&world.hub, world.now).await;
        let outbox = phone.phone.outbox().expect("reads");
        assert!(outbox.is_empty(), "all of it is acknowledged: {outbox:?}");
        assert_eq!(
            phone.phone.returned().expect("reads").len() + phone.phone.held().expect("reads").len(),
            0
        );
        let total = world.hub.month(world.now.day().end()).await.expect("folds").total;
        assert_eq!((total.rounds, total.unconfirmed), (1, 4), "once each");
        let view = phone.phone.round(round).expect("reads").expect("is on the phone");
        assert!(matches!(view.summary.state, RoundState::Submitted(_)), "{:?}", view.summary.state);
        assert_eq!(file(&mut phone, world.now), Vec::<u8>::new(), "nothing is left to carry");
    });
}

#[test]
fn a_part_that_was_altered_on_its_way_is_worth_nothing() {
    story(async {
        let mut world = World::new().await;
        let person = world.street().inspectors[0].clone();
        let (site, _) = world.site("改动示例苑").await;
        let mut phone = world.phone(&person).await;
        hazard(&mut phone, person.id, site, world.now, 1);
        let carried = file(&mut phone, world.now);
        let (device, protocol, batches) = batches(&carried).pop().expect("a part");
        let stranger = world.street().inspectors[1].id;
        let mut forged = batches.clone();
        forged[0].person = stranger;
        let (verdicts, _) =
            world.hub.take_carried(device, protocol, &forged, both(world.now)).await.expect("answers");
        assert!(verdicts.iter().flatten().all(|v| matches!(v, Verdict::NotTaken(_))), "{verdicts:?}");
        assert!(world.hub.take_carried(device, protocol + 1, &batches, both(world.now)).await.is_err());
        let total = world.hub.month(world.now.day().end()).await.expect("folds").total;
        assert_eq!(total.unconfirmed, 0);
    });
}
