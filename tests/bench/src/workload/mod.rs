//! Workloads: named things a district does, each set on a rig and then acted and measured.
//!
//! Setting may take short cuts (pens instead of thumbs); acting never does. The sizes are
//! parameters, so that a test can act a small one and the program the real one.

mod crowd;
mod ingest;
mod reconnect;
mod rounds;
mod watch;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::line::{Line, Station, Trips};
use crate::pen::Pen;
use crate::rig::{Rig, Scene};

pub use watch::Watch;

/// A workload with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// W1: submitted records of twenty items over some buildings, one phone, one sync.
    Records {
        /// How many records.
        records: usize,
        /// Over how many buildings.
        buildings: usize,
    },
    /// W1d: the same rounds shared as drafts by two phones, then submitted.
    Drafts {
        /// How many rounds.
        records: usize,
        /// Over how many buildings.
        buildings: usize,
    },
    /// W2: devices of one company, each with records on the same buildings, all syncing at once.
    Crowd {
        /// How many devices.
        devices: usize,
        /// Records of each device.
        records: usize,
        /// Over how many buildings.
        buildings: usize,
    },
    /// W3: a new device fetches everything.
    NewDevice {
        /// How many buildings.
        buildings: usize,
        /// Rounds on each.
        rounds: usize,
    },
    /// W4: one building changed among many.
    Reconnect {
        /// How many buildings.
        buildings: usize,
    },
    /// Submissions saved on a phone's disk, one after another.
    Save {
        /// How many.
        records: usize,
    },
    /// Many devices pushing at once: what the gate, the workers and the writer take.
    Ingest {
        /// How many devices.
        devices: usize,
        /// Records of each.
        records: usize,
        /// Records of one request.
        batch: usize,
    },
}

/// Who acts, and on which lines.
pub struct Players {
    /// The phones.
    pub stations: Vec<Station>,
    /// Devices that only write, with their lines.
    pub pens: Vec<(Pen, Line)>,
    /// What went over the pens' lines.
    pub pen_trips: Trips,
}

impl Players {
    /// What went over all lines.
    #[must_use]
    pub fn trips(&self) -> Trips {
        let mut all = self.pen_trips;
        self.stations.iter().for_each(|station| all.add(station.trips));
        all
    }
}

impl Workload {
    /// The workloads of `make bench`, at their real sizes.
    pub const ALL: [Self; 9] = [
        Self::Save { records: 1_000 },
        Self::Records { records: 1_000, buildings: 200 },
        Self::Drafts { records: 1_000, buildings: 200 },
        Self::Crowd { devices: 50, records: 100, buildings: 100 },
        Self::NewDevice { buildings: 500, rounds: 50 },
        Self::Reconnect { buildings: 100 },
        Self::Reconnect { buildings: 2_000 },
        Self::Reconnect { buildings: 10_000 },
        Self::Ingest { devices: 16, records: 1_000, batch: 250 },
    ];

    /// Its name in results.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Records { .. } => "W1".to_owned(),
            Self::Drafts { .. } => "W1d".to_owned(),
            Self::Crowd { .. } => "W2".to_owned(),
            Self::NewDevice { .. } => "W3".to_owned(),
            Self::Reconnect { buildings } => format!("W4-{buildings}"),
            Self::Save { .. } => "save".to_owned(),
            Self::Ingest { .. } => "ingest".to_owned(),
        }
    }

    /// Whether a slow link says anything about it.
    #[must_use]
    pub const fn is_about_links(&self) -> bool {
        !matches!(self, Self::Save { .. } | Self::Ingest { .. })
    }

    /// Makes everything ready.
    pub async fn set(&self, rig: &Rig) -> Scene {
        match *self {
            Self::Records { records, buildings } => {
                rounds::set(rig, buildings, 1, Some((records, true))).await
            }
            Self::Save { records } => rounds::set(rig, records, 1, Some((records, false))).await,
            Self::Drafts { buildings, .. } => rounds::set(rig, buildings, 2, None).await,
            Self::Crowd { devices, records, buildings } => crowd::set(rig, devices, records, buildings).await,
            Self::NewDevice { buildings, rounds } => reconnect::set_new_device(rig, buildings, rounds).await,
            Self::Reconnect { buildings } => reconnect::set(rig, buildings).await,
            Self::Ingest { devices, records, .. } => ingest::set(rig, devices, records).await,
        }
    }

    /// Acts; what only this workload has to say.
    pub async fn act(
        &self,
        scene: &Scene,
        players: &mut Players,
        watch: &mut Watch,
    ) -> BTreeMap<String, Value> {
        match *self {
            Self::Records { records, .. } => rounds::send(scene, players, watch, records).await,
            Self::Drafts { records, .. } => rounds::share(scene, players, watch, records).await,
            Self::Save { .. } => rounds::save(scene, players, watch),
            Self::Crowd { devices, records, .. } => {
                crowd::act(scene, players, watch, devices * records).await
            }
            Self::NewDevice { buildings, .. } => reconnect::fetch(scene, players, watch, buildings).await,
            Self::Reconnect { .. } => reconnect::act(scene, players, watch).await,
            Self::Ingest { batch, .. } => ingest::act(scene, players, watch, batch).await,
        }
    }
}
