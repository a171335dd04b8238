//! The office: the real hub on real files, its desk, and its backups.
//!
//! Backups are made, proven and put back by the product's own code. What the desk enters is
//! remembered, because after a restore it is entered again, as the operator's handbook says;
//! what phones pushed is not, because getting that back is the phones' business. Killed at any
//! write, the office is opened again from its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::DISTRICT_STREAM;
use kit::dice::Dice;
use louan_schema::id::{CommandId, DeviceId, Epoch, HazardId, PersonId, SiteId};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Timestamp;
use louan_schema::wire::{Code, CommandVerdict, HazardStatus, frame};
use louan_server::audit::AuditCheck;
use louan_server::backup::{self, BackupFolder, DATABASE};
use louan_server::hub::{Clocks, Hub, Limits};
use louan_server::restore;
use louan_server::storage::Storage;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;

use crate::vfs::{Disk, Fate};

/// The name of the office's file.
pub const FILE: &str = "office.db";

/// Something entered at the desk.
#[derive(Debug, Clone)]
pub enum Entry {
    /// An organisation.
    Org(Org),
    /// A person.
    Person(Person),
    /// A person's right to act was taken away.
    Revoke(PersonId),
    /// A device with its key and people.
    Device(DeviceId, Vec<u8>, Vec<PersonId>),
    /// A device was reported lost.
    LostDevice(DeviceId),
    /// A compound was entered in the registry, by whom.
    Site(PersonId, Box<Site>, Vec<Building>),
}

/// How an older backup is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restoring {
    /// By the command.
    Command,
    /// Its file is copied over the store by hand: no new life of the log, no right taken away again.
    ByHand,
}

/// The office.
pub struct Office {
    /// The folder with its files.
    pub folder: PathBuf,
    /// The disk under it.
    pub disk: Disk,
    /// Whether an older backup was ever put back.
    pub was_restored: bool,
    /// How its database is used from the next opening on.
    pub mode: Mode,
    hub: Option<Hub>,
    pub(super) storage: Option<Arc<Sqlite>>,
    dice: Dice,
    entries: Vec<Entry>,
    /// How much had been entered at the desk by the last backup.
    backup: Option<usize>,
    runtime: tokio::runtime::Runtime,
}

/// Held changes looked at at once: more than any drill has.
const HELD_MAX: usize = 4_096;

impl Office {
    /// A new office in a folder of its own.
    ///
    /// # Panics
    /// When the folder cannot be made or the store does not open.
    #[must_use]
    pub fn new(folder: PathBuf, seed: u64) -> Self {
        std::fs::create_dir_all(&folder).expect("room for a folder");
        let disk = Disk::watch(&folder).expect("the folder was just made");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut office = Self {
            folder,
            disk,
            was_restored: false,
            mode: Mode::Inline,
            hub: None,
            storage: None,
            dice: Dice::seeded(seed),
            entries: Vec::new(),
            backup: None,
            runtime,
        };
        office.open().expect("a new store opens");
        office
    }

    /// Opens the store.
    ///
    /// # Errors
    /// Why it does not open, in words.
    pub fn open(&mut self) -> Result<(), String> {
        let options =
            Options { stream: DISTRICT_STREAM, fresh_epoch: Epoch(self.dice.bytes()), mode: self.mode };
        let storage = Sqlite::open(&self.folder.join(FILE), options).map_err(|e| format!("{e:?}"))?;
        let storage = Arc::new(storage);
        let opened =
            Hub::open(Arc::clone(&storage) as Arc<dyn Storage>, Arc::new(InProcess), Limits::default());
        self.hub = Some(self.runtime.block_on(opened).map_err(|e| format!("{e:?}"))?);
        self.storage = Some(storage);
        Ok(())
    }

    /// Closes the store in good order.
    pub fn close(&mut self) {
        self.hub = None;
        self.storage = None;
    }

    /// The process dies now, or the power goes with it.
    ///
    /// # Panics
    /// When the folder cannot be read or written.
    pub fn die(&mut self, power_gone: Option<Fate>) {
        self.disk.silence();
        self.close();
        match power_gone {
            Some(fate) => self.disk.cut(fate, &mut self.dice).expect("the folder takes files"),
            None => {
                let files = self.disk.files().expect("its own files");
                self.disk.put(files).expect("the folder takes files");
            }
        }
    }

    pub(super) fn hub(&self) -> Hub {
        self.hub.clone().expect("an open office")
    }

    /// Waits for something the office does.
    pub fn run<T>(&self, doing: impl Future<Output = T>) -> T {
        self.runtime.block_on(doing)
    }

    /// Answers a request as it came off the wire.
    ///
    /// # Errors
    /// Why there is no answer, in words; the phone sees a failed connection.
    pub fn answer(&self, device: DeviceId, body: &[u8], now: Timestamp) -> Result<Vec<u8>, String> {
        let request = frame::decode(body).map_err(|e| format!("cannot read the request: {e}"))?;
        let answer = self.runtime.block_on(self.hub().sync(device, request, Clocks::both(now)));
        let reply = answer.map_err(|e| format!("{e:?}"))?;
        frame::encode(&reply).map_err(|e| e.to_string())
    }

    /// Enters something at the desk, and remembers it.
    ///
    /// # Panics
    /// When the hub refuses what it must take.
    pub fn enter(&mut self, entry: Entry, now: Timestamp) {
        self.apply(&entry, now);
        self.entries.push(entry);
    }

    fn apply(&mut self, entry: &Entry, now: Timestamp) {
        let (hub, clocks) = (self.hub(), Clocks::both(now));
        let run = &self.runtime;
        match entry {
            Entry::Org(org) => run.block_on(hub.add_org(org.clone(), None, clocks)).expect("an organisation"),
            Entry::Person(person) => {
                run.block_on(hub.add_person(person.clone(), None, clocks)).expect("a person")
            }
            Entry::Revoke(person) => {
                run.block_on(hub.set_person_active(*person, false, None, clocks))
                    .expect("a person is revoked");
            }
            Entry::Device(device, key, people) => {
                let enrolled = hub.enrol_device(*device, key.clone(), people.clone(), None, clocks);
                run.block_on(enrolled).expect("a device is enrolled");
            }
            Entry::LostDevice(device) => {
                run.block_on(hub.revoke_device(*device, None, clocks)).expect("a device is revoked");
            }
            Entry::Site(by, site, buildings) => self.register(*by, site, buildings, now),
        }
    }

    /// Registers a compound over whatever version stands there.
    fn register(&mut self, by: PersonId, site: &Site, buildings: &[Building], now: Timestamp) {
        let mut version = 0;
        for _ in 0..4 {
            let act = Act::RegisterSite(site.clone(), buildings.to_vec());
            match self.command(by, version, act, now) {
                Ok(CommandVerdict::Done(_) | CommandVerdict::Duplicate(_)) => return,
                Ok(CommandVerdict::Refused(Code::VersionMoved, present)) => version = present,
                other => panic!("the desk cannot enter {}: {other:?}", site.name),
            }
        }
        panic!("a version that moves by itself");
    }

    /// A command at the console.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub fn command(
        &mut self,
        by: PersonId,
        expected_version: u64,
        act: Act,
        now: Timestamp,
    ) -> Result<CommandVerdict, String> {
        let id = CommandId::mint(now, self.dice.bytes());
        let command = Command { id, expected_version, at: now, act };
        let hub = self.hub();
        self.runtime.block_on(hub.command(by, command, Clocks::both(now))).map_err(|e| format!("{e:?}"))
    }

    /// A hazard as the ledger has it.
    #[must_use]
    pub fn hazard(&self, id: HazardId) -> Option<HazardStatus> {
        self.runtime.block_on(self.hub().find_hazard(id)).ok().flatten()
    }

    /// The oldest change that waits for the office, taken into the log or refused for good.
    ///
    /// # Errors
    /// Why nothing was decided, in words.
    pub fn decide(
        &mut self,
        supervisor: impl FnOnce(SiteId) -> Option<PersonId>,
        take: bool,
        now: Timestamp,
    ) -> Result<String, String> {
        let hub = self.hub();
        let held = self.runtime.block_on(hub.list_held(8)).map_err(|e| format!("{e:?}"))?;
        let held = held.into_iter().next().ok_or("nothing waits")?;
        let by = supervisor(held.descriptor.site()).ok_or("nobody supervises")?;
        let decided = hub.decide_held(by, (held.hash, held.device), take, Clocks::both(now));
        self.runtime.block_on(decided).map_err(|e| e.to_string())?;
        Ok(format!("{} of {}, taken: {take}", held.hash, held.device))
    }

    /// A supervisor takes whatever waits and can be taken, in the order in which it came, until nothing more fits; what
    /// is left, with the reason.
    pub fn take_all(
        &mut self,
        supervisor: impl Fn(SiteId, PersonId) -> Option<PersonId>,
        now: Timestamp,
    ) -> Vec<String> {
        loop {
            let hub = self.hub();
            let held = self.runtime.block_on(hub.list_held(HELD_MAX)).expect("the list reads");
            let mut left = Vec::new();
            let before = held.len();
            for one in held {
                let Some(by) = supervisor(one.descriptor.site(), one.person) else {
                    left.push(format!("{}: nobody supervises", one.hash));
                    continue;
                };
                let taken = hub.decide_held(by, (one.hash, one.device), true, Clocks::both(now));
                if let Err(why) = self.runtime.block_on(taken) {
                    left.push(format!("{} ({:?}): {why}", one.hash, one.verdict.code));
                }
            }
            // What waited for something else that waited fits now.
            if left.is_empty() || left.len() == before {
                return left;
            }
        }
    }

    /// Makes a backup while the office is open, and tells phones of it once it is proven.
    ///
    /// # Panics
    /// When there is none.
    pub fn back_up(&mut self, now: Timestamp) {
        let workshop = self.folder.join("workshop");
        std::fs::create_dir_all(&workshop).expect("room for a folder");
        let plan = backup::Plan {
            store: self.folder.join(FILE),
            photos: self.photo_folder(),
            to: self.backups(),
            workshop,
            made_at: now,
            keep: Some(2),
        };
        let made = backup::make(&plan, &mut |_| {}).expect("a backup is made and proven");
        self.backup = Some(self.entries.len());
        let hub = self.hub();
        let told = hub.set_backed_up(made.manifest.epoch, made.manifest.pos, made.broken, now);
        self.runtime.block_on(told).expect("the watermark is set");
    }

    fn backups(&self) -> PathBuf {
        self.folder.join("backups")
    }

    /// Whether there is a backup to put back.
    #[must_use]
    pub const fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    /// Puts the last backup back; then the desk enters again what it had entered since.
    ///
    /// # Panics
    /// When the restored store does not open, or gives back a right that was taken away since.
    pub fn restore(&mut self, how: Restoring, now: Timestamp) {
        let entered = self.backup.expect("a backup was made");
        self.close();
        match how {
            Restoring::Command => self.restore_by_command(now),
            Restoring::ByHand => {
                let (folder, _) = BackupFolder::find(&self.backups()).expect("a complete backup");
                let bytes = std::fs::read(folder.join(DATABASE)).expect("the copy");
                self.disk.put(BTreeMap::from([(FILE.into(), bytes)])).expect("the folder takes files");
            }
        }
        self.open().expect("a backup opens");
        self.was_restored = true;
        let later = self.entries[entered..].to_vec();
        if how == Restoring::Command {
            later.iter().for_each(|entry| self.must_stay_withdrawn(entry));
        }
        for entry in &later {
            self.apply(entry, now);
        }
    }

    fn restore_by_command(&mut self, now: Timestamp) {
        let plan = restore::Plan {
            from: self.backups(),
            store: self.folder.join(FILE),
            photos: self.photo_folder(),
            stream: DISTRICT_STREAM,
            epoch: Epoch(self.dice.bytes()),
            now,
            older: false,
        };
        let report =
            self.runtime.block_on(restore::restore(&plan, &mut |_| {})).expect("a backup is put back");
        let aside = report.aside.expect("a store stood there");
        assert!(matches!(report.apart, Some(Ok(_))), "what stood there can be read: {:?}", report.apart);
        remove(&aside);
        // Files were renamed behind the watcher's back.
        let files = self.disk.files().expect("its own files");
        self.disk.put(files).expect("the folder takes files");
    }

    /// A right taken away since the backup does not come back with it.
    fn must_stay_withdrawn(&self, entry: &Entry) {
        let hub = self.hub();
        match entry {
            Entry::Revoke(person) => {
                let row = self.runtime.block_on(hub.find_person(*person)).expect("the registry reads");
                assert!(row.is_some_and(|row| !row.active), "{person} may act again");
            }
            Entry::LostDevice(device) => {
                let state = self.runtime.block_on(hub.find_device(*device)).expect("the registry reads");
                assert!(state.is_some_and(|state| state.revoked), "{device} is trusted again");
            }
            Entry::Org(_) | Entry::Person(_) | Entry::Device(..) | Entry::Site(..) => {}
        }
    }

    /// Whether the audit's chain verifies.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn verify_audit(&self) -> Result<(), String> {
        match self.runtime.block_on(self.hub().verify_audit()) {
            Ok(AuditCheck::Whole(_)) => Ok(()),
            Ok(AuditCheck::Broken(seq)) => Err(format!("line {seq} does not follow")),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    /// Throws everything derived away and makes it again.
    ///
    /// # Panics
    /// When the hub cannot.
    pub fn rebuild(&self) {
        self.runtime.block_on(self.hub().rebuild()).expect("a ledger can always be rebuilt");
    }
}

/// What was set aside is nobody's business here, and every kill would copy it.
fn remove(aside: &Path) {
    std::fs::remove_file(aside).expect("it is there");
}
