//! W3 and W4: a new device fetches everything; a known one fetches the little that changed.
//!
//! What the office has was pushed by pens, two inspectors to a building. In W4 the phone knows
//! everything but the last record.

use std::collections::BTreeMap;

use louan_schema::time::Timestamp;
use louan_schema::wire::CHANGES_MAX;
use serde_json::{Value, json};

use super::watch::ms;
use super::{Players, Watch};
use crate::district::{District, first_morning};
use crate::line::{Line, Trips, send_all};
use crate::pen::Pen;
use crate::rig::{Rig, Scene};

/// Inspectors who wrote what is there.
const WRITERS: usize = 4;
const DAY_MS: i64 = 86_400_000;

/// A district whose books are full, and a phone that has fetched nothing.
pub(super) async fn set_new_device(rig: &Rig, buildings: usize, rounds: usize) -> Scene {
    let district = District::of(buildings, WRITERS + 1);
    district.enter(&rig.hub).await;
    let (pens, now) = fill(rig, &district, rounds).await;
    let seat = rig.phone(&district, &district.crew[WRITERS], "phone", 7).await;
    Scene { district, seats: vec![seat], pens, now }
}

/// A district with one record a building, a phone that knows them all, and one record more.
pub(super) async fn set(rig: &Rig, buildings: usize) -> Scene {
    let district = District::of(buildings, WRITERS + 1);
    district.enter(&rig.hub).await;
    let (mut pens, now) = fill(rig, &district, 1).await;
    let mut seat = rig.phone(&district, &district.crew[WRITERS], "phone", 7).await;
    seat.handset().sync(&rig.hub, now).await;
    // A pen of its own, so that the last record is the same whatever was written before.
    pens.push(rig.pen(&district.crew[0], 999).await);
    pens[WRITERS].write_round(&district.premises[0], now);
    push(rig, &mut pens, now).await;
    Scene { district, seats: vec![seat], pens, now: now.plus_ms(DAY_MS) }
}

/// Writes rounds on every building, one a day, and pushes them.
async fn fill(rig: &Rig, district: &District, rounds: usize) -> (Vec<Pen>, Timestamp) {
    let mut pens = Vec::new();
    for (n, person) in district.crew.iter().take(WRITERS).enumerate() {
        pens.push(rig.pen(person, 500 + n as u64).await);
    }
    let morning = first_morning();
    // Building by building, so that a document is judged once for many rounds; each pen's clock stays true for each.
    for (n, premises) in district.premises.iter().enumerate() {
        for round in 0..rounds {
            let (days, minutes) = (day(round), i64::try_from(n % 480).unwrap_or(0));
            let at = morning.plus_ms(days + minutes * 60_000);
            pens[(n + round % 2) % WRITERS].write_round(premises, at);
        }
    }
    let now = morning.plus_ms(day(rounds));
    push(rig, &mut pens, now).await;
    (pens, now)
}

fn day(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(0) * DAY_MS
}

async fn push(rig: &Rig, pens: &mut [Pen], now: Timestamp) {
    let line = Line::Hub(rig.hub.clone());
    for pen in pens {
        send_all(pen, &line, CHANGES_MAX, now, &mut Trips::default()).await;
    }
}

/// W3: the new phone fetches everything; when its list can be read is noted.
pub(super) async fn fetch(
    scene: &Scene,
    players: &mut Players,
    watch: &mut Watch,
    buildings: usize,
) -> BTreeMap<String, Value> {
    let station = &mut players.stations[0];
    let mut more = BTreeMap::new();
    let (mut list_ms, mut pages) = (None, Vec::new());
    let (mut documents, mut documents_before_list) = (0, None);
    loop {
        let before = station.trips;
        watch.start();
        let absorbed = station.sync_once(scene.now).await;
        let rows = station.handset.phone.search_buildings("", buildings + 1).expect("a list is shown").len();
        let (wall, cpu) = watch.stop();
        let brought = station.brought();
        documents += brought.documents;
        if rows >= buildings && list_ms.is_none() {
            (list_ms, documents_before_list) = (Some(ms(watch.wall)), Some(documents));
        }
        pages.push(json!({
            "rows": brought.rows,
            "documents": brought.documents,
            "down_body_bytes": station.trips.down_bytes - before.down_bytes,
            "items": absorbed.received,
            "wall_ms": ms(wall),
            "client_cpu_ms": ms(cpu),
        }));
        if !absorbed.more {
            assert_eq!(rows, buildings, "the phone ends with every building");
            break;
        }
    }
    more.insert("list_readable_ms".to_owned(), json!(list_ms));
    more.insert("documents".to_owned(), json!(documents));
    more.insert("documents_before_list".to_owned(), json!(documents_before_list));
    more.insert("pages".to_owned(), json!(pages));
    more
}

/// W4: one trip for what changed, then one for nothing.
pub(super) async fn act(scene: &Scene, players: &mut Players, watch: &mut Watch) -> BTreeMap<String, Value> {
    let station = &mut players.stations[0];
    watch.start();
    let absorbed = station.sync_once(scene.now).await;
    watch.stop();
    assert!(absorbed.received > 0, "the changed building comes down: {absorbed:?}");
    let changed = station.trips;
    let idle = station.sync_once(scene.now).await;
    let all = station.trips;
    station.trips = changed;
    BTreeMap::from([
        ("items".to_owned(), json!(absorbed.received)),
        ("more".to_owned(), json!(absorbed.more)),
        ("idle_up_body_bytes".to_owned(), json!(all.up_bytes - changed.up_bytes)),
        ("idle_down_body_bytes".to_owned(), json!(all.down_bytes - changed.down_bytes)),
        ("idle_items".to_owned(), json!(idle.received)),
    ])
}
