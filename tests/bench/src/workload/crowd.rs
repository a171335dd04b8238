//! W2: a company's whole crew comes back online at once.
//!
//! Everybody has records on the same buildings, so every book has as many writers as there
//! are devices, and everybody ends with everybody's records.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Players, Watch};
use crate::answers::ITEMS;
use crate::district::{District, first_morning};
use crate::rig::{Rig, Scene, open_round, submit};

/// Phones that know the district, each with its submitted records.
pub(super) async fn set(rig: &Rig, devices: usize, records: usize, buildings: usize) -> Scene {
    let district = District::of(buildings, devices);
    district.enter(&rig.hub).await;
    let now = first_morning();
    let mut seats = Vec::new();
    for (d, person) in district.crew.iter().enumerate() {
        let mut seat = rig.phone(&district, person, &format!("phone{d}"), 1_000 + d as u64).await;
        seat.handset().sync(&rig.hub, now).await;
        for n in 0..records {
            let minutes = i64::try_from(n * 15 + d).unwrap_or(0);
            let at = now.plus_ms(minutes * 60_000);
            let premises = &district.premises[(n + d) % buildings];
            let round = open_round(seat.handset(), person.id, premises, at, 0..ITEMS);
            submit(seat.handset(), person.id, round, at.plus_ms(11 * 60_000));
        }
        seats.push(seat);
    }
    Scene { district, seats, pens: Vec::new(), now: now.plus_ms(2 * 86_400_000) }
}

/// Everybody syncs until nobody has anything to send or to fetch.
pub(super) async fn act(
    scene: &Scene,
    players: &mut Players,
    watch: &mut Watch,
    records: usize,
) -> BTreeMap<String, Value> {
    watch.start();
    let accepted: usize =
        join_all(players.stations.iter_mut().map(|s| s.sync(scene.now))).await.into_iter().sum();
    let (pushed, _) = watch.stop();
    assert_eq!(accepted, records, "every record is received");
    watch.start();
    // The first to finish have not seen what the last have sent.
    join_all(players.stations.iter_mut().map(|s| s.sync(scene.now))).await;
    watch.stop();
    BTreeMap::from([
        ("records".to_owned(), json!(records)),
        ("first_pass_ms".to_owned(), json!(super::watch::ms(pushed))),
    ])
}
