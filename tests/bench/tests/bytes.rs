//! Bytes and trips, which are the same on every machine: the targets of `make bench` that a test can hold.
//!
//! Everything runs in this process, in memory, over bodies encoded as on the wire.

use bench::line::{Line, Station, Trips};
use bench::rig::{Rig, Scene};
use bench::workload::{Players, Watch, Workload};
use serde_json::Value;

async fn acted(workload: Workload) -> (Trips, Value) {
    let rig = Rig::in_memory().await;
    let mut scene = workload.set(&rig).await;
    let mut players = players(&mut scene, &rig);
    let more = workload.act(&scene, &mut players, &mut Watch::default()).await;
    (players.trips(), serde_json::to_value(more).expect("plain values"))
}

fn players(scene: &mut Scene, rig: &Rig) -> Players {
    let line = Line::Hub(rig.hub.clone());
    let handsets = scene.seats.iter_mut().filter_map(|seat| seat.handset.take());
    Players {
        stations: handsets.map(|handset| Station::new(handset, line.clone())).collect(),
        pens: scene.pens.iter().map(|pen| (pen.clone(), line.clone())).collect(),
        pen_trips: Trips::default(),
    }
}

#[tokio::test]
async fn a_thousand_records_go_up_in_one_trip_of_150_kilobytes() {
    let (trips, _) = acted(Workload::Records { records: 1_000, buildings: 200 }).await;
    assert!(trips.up_bytes <= 150_000, "{trips:?}");
    assert_eq!(trips.trips, 1, "{trips:?}");
}

#[tokio::test]
async fn a_reconnect_costs_what_changed_and_not_what_exists() {
    let (among_100, more) = acted(Workload::Reconnect { buildings: 100 }).await;
    let (among_1000, _) = acted(Workload::Reconnect { buildings: 1_000 }).await;
    for trips in [among_100, among_1000] {
        assert_eq!(trips.trips, 1, "{trips:?}");
        assert!(trips.up_bytes + trips.down_bytes <= 1_000, "{trips:?}");
    }
    // Positions have more digits in a longer log; nothing else may grow.
    assert!(among_1000.down_bytes.abs_diff(among_100.down_bytes) <= 16, "{among_100:?} {among_1000:?}");
    assert_eq!(more["more"], false);
    assert_eq!(more["idle_items"], 0);
}

#[tokio::test]
async fn a_new_device_fetches_the_district_in_four_trips_and_its_rows_before_any_document() {
    let (trips, more) = acted(Workload::NewDevice { buildings: 500, rounds: 50 }).await;
    assert!(trips.down_bytes <= 2_800_000, "{trips:?} {more}");
    assert!(trips.trips <= 4, "{trips:?} {more}");
    assert_eq!(more["documents"], 500, "{more}");
    assert_eq!(more["documents_before_list"], 0, "the list is read while no document has come: {more}");
    println!("{trips:?} {more}");
}
