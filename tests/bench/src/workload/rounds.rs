//! W1, W1d and saving: one company's rounds, filled offline and brought in.
//!
//! Setting fills the rounds tap by tap on a real phone. W1 sends them, W1d shares them as
//! drafts between two phones before they are submitted, saving only submits.

use std::collections::BTreeMap;

use louan_schema::time::Timestamp;
use serde_json::{Value, json};

use super::watch::ms;
use super::{Players, Watch};
use crate::answers::ITEMS;
use crate::district::{District, Premises, first_morning};
use crate::outcome::Spread;
use crate::rig::{Rig, Scene, answer_some, open_round, submit};

/// Minutes between two rounds of one phone.
const EVERY_MIN: i64 = 12;
/// Minutes from opening a round to submitting it.
const ROUND_MIN: i64 = 11;

/// A district and phones that know it; with `rounds`, the first phone has filled so many, and submitted them or not.
pub(super) async fn set(rig: &Rig, buildings: usize, phones: usize, rounds: Option<(usize, bool)>) -> Scene {
    let district = District::of(buildings, phones);
    district.enter(&rig.hub).await;
    let now = first_morning();
    let mut seats = Vec::new();
    for (n, person) in district.crew.iter().enumerate() {
        let mut seat = rig.phone(&district, person, &format!("phone{n}"), 100 + n as u64).await;
        seat.handset().sync(&rig.hub, now).await;
        seats.push(seat);
    }
    if let (Some((count, submitted)), Some(seat)) = (rounds, seats.first_mut()) {
        let person = seat.person.id;
        for n in 0..count {
            let opened_at = opened_at(n);
            let premises = premises_of(&district, n);
            let round = open_round(seat.handset(), person, premises, opened_at, 0..ITEMS);
            if submitted {
                submit(seat.handset(), person, round, opened_at.plus_ms(ROUND_MIN * 60_000));
            } else {
                seat.open_rounds.push(round);
            }
        }
    }
    let now = opened_at(rounds.map_or(0, |(count, _)| count) + 1);
    Scene { district, seats, pens: Vec::new(), now }
}

fn opened_at(n: usize) -> Timestamp {
    first_morning().plus_ms(i64::try_from(n).unwrap_or(0) * EVERY_MIN * 60_000)
}

fn premises_of(district: &District, n: usize) -> &Premises {
    &district.premises[n % district.premises.len()]
}

/// W1: the phone sends what it has.
pub(super) async fn send(
    scene: &Scene,
    players: &mut Players,
    watch: &mut Watch,
    records: usize,
) -> BTreeMap<String, Value> {
    let station = &mut players.stations[0];
    watch.start();
    let accepted = station.sync(scene.now).await;
    watch.stop();
    assert_eq!(accepted, records, "every record is received");
    BTreeMap::from([("records".to_owned(), json!(records))])
}

/// W1d: the first phone opens rounds and answers half, the second the other half, the first submits.
pub(super) async fn share(
    scene: &Scene,
    players: &mut Players,
    watch: &mut Watch,
    records: usize,
) -> BTreeMap<String, Value> {
    let mut more = BTreeMap::from([("rounds".to_owned(), json!(records))]);
    let mut phases = Vec::new();
    let district = &scene.district;
    let (first, second) = (district.crew[0].id, district.crew[1].id);
    let rounds: Vec<_> = (0..records)
        .map(|n| {
            let handset = &mut players.stations[0].handset;
            open_round(handset, first, premises_of(district, n), opened_at(n), 0..ITEMS / 2)
        })
        .collect();
    let now = opened_at(records + 1);
    phases.push(phase(players, watch, "drafts up, first phone", 0, now).await);
    phases.push(phase(players, watch, "drafts down, second phone", 1, now).await);
    for (n, round) in rounds.iter().enumerate() {
        let handset = &mut players.stations[1].handset;
        let at = opened_at(n).plus_ms(60_000);
        let acting = handset.acting(second, at);
        handset.phone.join_round(&acting, *round).expect("a round that came down is joined");
        answer_some(handset, second, *round, at, ITEMS / 2..ITEMS);
    }
    phases.push(phase(players, watch, "other half up, second phone", 1, now).await);
    phases.push(phase(players, watch, "other half down, first phone", 0, now).await);
    for (n, round) in rounds.iter().enumerate() {
        submit(&mut players.stations[0].handset, first, *round, opened_at(n).plus_ms(ROUND_MIN * 60_000));
    }
    phases.push(phase(players, watch, "submissions up, first phone", 0, now).await);
    phases.push(phase(players, watch, "submissions down, second phone", 1, now).await);
    more.insert("phases".to_owned(), json!(phases));
    more
}

async fn phase(players: &mut Players, watch: &mut Watch, name: &str, who: usize, now: Timestamp) -> Value {
    let station = &mut players.stations[who];
    let before = station.trips;
    watch.start();
    station.sync(now).await;
    let (wall, cpu) = watch.stop();
    let after = station.trips;
    json!({
        "phase": name,
        "trips": after.trips - before.trips,
        "up_body_bytes": after.up_bytes - before.up_bytes,
        "down_body_bytes": after.down_bytes - before.down_bytes,
        "wall_ms": ms(wall),
        "client_cpu_ms": ms(cpu),
    })
}

/// Saving: every open round is submitted, each call measured by itself.
pub(super) fn save(scene: &Scene, players: &mut Players, watch: &mut Watch) -> BTreeMap<String, Value> {
    let (seat, station) = (&scene.seats[0], &mut players.stations[0]);
    let (mut cpu_us, mut wall_us) = (Vec::new(), Vec::new());
    for (n, round) in seat.open_rounds.iter().enumerate() {
        let at = opened_at(n).plus_ms(ROUND_MIN * 60_000);
        watch.start();
        submit(&mut station.handset, seat.person.id, *round, at);
        let (wall, cpu) = watch.stop();
        cpu_us.push(ms(cpu) * 1_000.0);
        wall_us.push(ms(wall) * 1_000.0);
    }
    BTreeMap::from([
        ("submit_cpu_us".to_owned(), json!(Spread::of(cpu_us))),
        ("submit_wall_us".to_owned(), json!(Spread::of(wall_us))),
        ("submissions".to_owned(), json!(seat.open_rounds.len())),
    ])
}
