//! The rig: a hub with its people, phones with their stores, made ready before anything is measured.
//!
//! In memory for tests; in a folder for the program, which closes it, copies it and lets a
//! server process and reopened phones play on the copy, as often as there are links to try.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::dice::Dice;
use kit::handset::{Handset, both};
use louan_client_core::{Acting, StorePlace};
use louan_schema::id::{DeviceId, Epoch, PersonId, RoundId};
use louan_schema::registry::Person;
use louan_schema::time::Timestamp;
use louan_server::auth::{Enrolment, Ground, Identity};
use louan_server::clock::SystemRandom;
use louan_server::hub::{Hub, Limits};
use louan_server::storage::Storage;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;

use crate::answers;
use crate::district::{District, Premises, first_morning};
use crate::pen::Pen;

/// The server's database within its folder.
pub const DATABASE: &str = "louan.sqlite";
/// The server's folder within a rig.
pub const SERVER: &str = "server";
/// The phones' folder within a rig.
pub const PHONES: &str = "phones";
const EPOCH: Epoch = Epoch([7; 16]);
const READERS: usize = 2;

/// A hub to make things ready on.
pub struct Rig {
    /// The hub.
    pub hub: Hub,
    storage: Arc<dyn Storage>,
    folder: Option<PathBuf>,
}

/// A phone's place in a workload: enough to open its store again.
pub struct Seat {
    /// Names its store.
    pub name: String,
    /// Where its key and chance come from.
    pub seed: u64,
    /// Who holds it.
    pub person: Person,
    /// Rounds opened on it and not submitted.
    pub open_rounds: Vec<RoundId>,
    /// The phone while it is open.
    pub handset: Option<Handset>,
}

/// Everything ready.
pub struct Scene {
    /// The district.
    pub district: District,
    /// The phones.
    pub seats: Vec<Seat>,
    /// Devices that only write.
    pub pens: Vec<Pen>,
    /// The present instant.
    pub now: Timestamp,
}

impl Rig {
    /// A rig that lives and dies with the test.
    pub async fn in_memory() -> Self {
        let storage = Sqlite::in_memory(kit::DISTRICT_STREAM, EPOCH).expect("memory opens");
        Self::on(Arc::new(storage), None).await
    }

    /// A rig in an empty folder.
    pub async fn at(folder: &Path) -> Self {
        let server = folder.join(SERVER);
        fs::create_dir_all(&server).expect("the folder can be made");
        fs::create_dir_all(folder.join(PHONES)).expect("the folder can be made");
        let mode = Mode::Service { readers: READERS };
        let options = Options { stream: kit::DISTRICT_STREAM, fresh_epoch: EPOCH, mode };
        let storage = Sqlite::open(&server.join(DATABASE), options).expect("a new database opens");
        Self::on(Arc::new(storage), Some(folder.to_owned())).await
    }

    async fn on(storage: Arc<dyn Storage>, folder: Option<PathBuf>) -> Self {
        // A pen stands for many phones: the day's quota of one device is not what is measured.
        let limits = Limits { changes_per_day: u32::MAX, ..Limits::default() };
        let hub =
            Hub::open(Arc::clone(&storage), Arc::new(InProcess), limits).await.expect("a new hub opens");
        Self { hub, storage, folder }
    }

    /// A new phone in the hands of a person, enrolled, nothing fetched yet.
    pub async fn phone(&self, district: &District, person: &Person, name: &str, seed: u64) -> Seat {
        let place = match &self.folder {
            None => StorePlace::Memory,
            Some(folder) => store_of(&folder.join(PHONES), name),
        };
        let mut handset = Handset::new(place, seed);
        let enrolment = kit::enrolment(&district.cast, person, handset.device);
        handset.enrol(&self.hub, enrolment, first_morning()).await;
        Seat {
            name: name.to_owned(),
            seed,
            person: person.clone(),
            open_rounds: Vec::new(),
            handset: Some(handset),
        }
    }

    /// A pen in the hands of a person, enrolled.
    pub async fn pen(&self, person: &Person, seed: u64) -> Pen {
        let now = first_morning();
        let pen = Pen::new(person.clone(), seed, now);
        let enrolled = self.hub.enrol_device(pen.device, pen.public_key(), vec![person.id], None, both(now));
        enrolled.await.expect("a new device is enrolled");
        pen
    }

    /// An access token for each device, issued at `now` by the system's clock.
    ///
    /// # Panics
    /// When a device is not enrolled.
    pub async fn tokens(&self, devices: &[(DeviceId, Vec<u8>, PersonId)], now: Timestamp) -> Vec<String> {
        let identity = Identity::new(Ground {
            storage: Arc::clone(&self.storage),
            random: Arc::new(SystemRandom),
            pepper: Vec::new(),
            hashes_at_once: 1,
            sign_in_per_minute: u32::MAX,
            codes_per_hour: u32::MAX,
        });
        let mut tokens = Vec::new();
        for (device, public_key, person) in devices {
            let (code, _) = identity.new_code(vec![*person], None, now).await.expect("a code");
            let enrolment = Enrolment {
                code: code.text(),
                public_key: public_key.clone(),
                from: IpAddr::V4(Ipv4Addr::LOCALHOST),
            };
            let enrolled = identity.enrol(enrolment, now).await.expect("the key is known");
            assert_eq!(enrolled.device, *device, "a known key keeps its device");
            tokens.push(enrolled.issued.access.text());
        }
        tokens
    }
}

impl Seat {
    /// The phone while it is open.
    ///
    /// # Panics
    /// When it is closed.
    pub fn handset(&mut self) -> &mut Handset {
        self.handset.as_mut().expect("the phone is open")
    }

    /// Opens the phone again, its store below `folder`.
    #[must_use]
    pub fn reopened(&self, folder: &Path) -> Handset {
        let mut handset = Handset::new(store_of(&folder.join(PHONES), &self.name), self.seed);
        // The seed gave the key once more; chance already used must not come again.
        handset.dice = Dice::seeded(self.seed ^ u64::MAX);
        handset
    }
}

impl Scene {
    /// What every phone and pen enrols with: device, public key, person. Phones first.
    pub fn devices(&mut self) -> Vec<(DeviceId, Vec<u8>, PersonId)> {
        let phones = self.seats.iter_mut().map(|seat| {
            let person = seat.person.id;
            let handset = seat.handset();
            (handset.device, handset.public_key(), person)
        });
        let mut devices: Vec<_> = phones.collect();
        devices.extend(self.pens.iter().map(|pen| (pen.device, pen.public_key(), pen.person.id)));
        devices
    }

    /// Closes every phone, so that its files can be copied.
    pub fn close(&mut self) {
        self.seats.iter_mut().for_each(|seat| seat.handset = None);
    }
}

/// Opens a round on a building and answers the items of `share` of them, from 0 to 20, as taps.
pub fn open_round(
    handset: &mut Handset,
    person: PersonId,
    premises: &Premises,
    at: Timestamp,
    share: std::ops::Range<usize>,
) -> RoundId {
    let acting = handset.acting(person, at);
    let buildings = vec![premises.building.id];
    let round = handset.phone.start_round(&acting, premises.site.id, buildings).expect("a round opens");
    answer_some(handset, person, round, at, share);
    round
}

/// Answers some items of an open round, half a minute each.
pub fn answer_some(
    handset: &mut Handset,
    person: PersonId,
    round: RoundId,
    at: Timestamp,
    share: std::ops::Range<usize>,
) {
    let items = answers::items_on(at.day());
    let items = items.get(share).unwrap_or_default();
    let mut moment = at;
    for answer in answers::round_of(&mut handset.dice, items) {
        moment = moment.plus_ms(30_000);
        let acting = handset.acting(person, moment);
        handset.phone.answer(&acting, round, answer).expect("an answer is saved");
    }
}

/// Submits an open round.
pub fn submit(handset: &mut Handset, person: PersonId, round: RoundId, at: Timestamp) {
    let acting: Acting = handset.acting(person, at);
    handset.phone.submit_round(&acting, round).expect("a complete round is submitted");
}

/// Copies a closed rig.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn store_of(phones: &Path, name: &str) -> StorePlace {
    let folder = phones.join(name);
    fs::create_dir_all(&folder).expect("the folder can be made");
    StorePlace::File(folder.join("phone.sqlite"))
}
