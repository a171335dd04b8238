//! Ingest: many devices push at once; how many records a second become durable.
//!
//! Requests are written and signed before the clock starts, so that only the server works.
//! Each device has buildings of its own, as inspectors have.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use louan_schema::wire::{SyncReply, frame};
use serde_json::{Value, json};

use super::watch::ms;
use super::{Players, Watch};
use crate::district::{District, first_morning};
use crate::line::{Line, Trips, settle};
use crate::rig::{Rig, Scene};

/// Buildings of each device.
const BUILDINGS_EACH: usize = 40;

/// Devices with full pens.
pub(super) async fn set(rig: &Rig, devices: usize, records: usize) -> Scene {
    let district = District::of(devices * BUILDINGS_EACH, devices);
    district.enter(&rig.hub).await;
    let now = first_morning();
    let line = Line::Hub(rig.hub.clone());
    let mut pens = Vec::new();
    for (d, person) in district.crew.iter().enumerate() {
        let mut pen = rig.pen(person, 9_000 + d as u64).await;
        settle(&mut pen, &line, now).await;
        for n in 0..records {
            let premises = &district.premises[d * BUILDINGS_EACH + n % BUILDINGS_EACH];
            let minutes = i64::try_from(n * 12).unwrap_or(0);
            pen.write_round(premises, now.plus_ms(minutes * 60_000));
        }
        pens.push(pen);
    }
    Scene { district, seats: Vec::new(), pens, now: now.plus_ms(20 * 86_400_000) }
}

/// Everybody pushes, one request after the other on each device, all devices at once.
pub(super) async fn act(
    scene: &Scene,
    players: &mut Players,
    watch: &mut Watch,
    batch: usize,
) -> BTreeMap<String, Value> {
    let mut ready = Vec::new();
    for (pen, line) in &mut players.pens {
        let mut bodies = Vec::new();
        while !pen.is_dry() {
            bodies.push(frame::encode(pen.request(batch, scene.now)).expect("a request fits"));
        }
        ready.push((pen, line, bodies, Trips::default()));
    }
    watch.start();
    let pushes = ready.iter_mut().map(|(pen, line, bodies, trips)| async {
        let mut replies = Vec::new();
        for body in std::mem::take(bodies) {
            replies.push(line.carry(pen.device, body, scene.now, trips).await);
        }
        replies
    });
    let replies = join_all(pushes).await;
    let (wall, _) = watch.stop();
    let mut durable = 0;
    for ((pen, _, _, trips), replies) in ready.iter_mut().zip(replies) {
        for reply in replies {
            durable += pen.take(frame::decode::<SyncReply>(&reply).expect("a reply of ours"));
        }
        players.pen_trips.add(*trips);
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = durable as f64 / (ms(wall) / 1_000.0);
    BTreeMap::from([
        ("durable_records".to_owned(), json!(durable)),
        ("durable_records_per_s".to_owned(), json!(rate)),
    ])
}
