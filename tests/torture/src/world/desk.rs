//! The office's desk: what is entered in the registry, and the backups.
//!
//! Backups are made, proven and put back by the product's own code. What the desk enters is
//! remembered, because after a restore it is entered again, as the operator's handbook says,
//! at once or after a while; what phones pushed is not, because getting that back is the
//! phones' business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kit::DISTRICT_STREAM;
use louan_schema::id::{DeviceId, Epoch, PersonId};
use louan_schema::registry::{Building, Org, Person, Site};
use louan_schema::ruling::Act;
use louan_schema::time::Timestamp;
use louan_schema::wire::{Code, CommandVerdict};
use louan_server::backup::{self, BackupFolder, DATABASE};
use louan_server::hub::Clocks;
use louan_server::restore;

use super::office::{FILE, Office};

/// Something entered at the desk.
#[derive(Debug, Clone)]
pub enum Entry {
    /// An organisation.
    Org(Org),
    /// A person, or what a person is from now on.
    Person(Person),
    /// A person's right to act was taken away.
    Revoke(PersonId),
    /// A device with its key and people.
    Device(DeviceId, Vec<u8>, Vec<PersonId>),
    /// Who uses a device from now on.
    DevicePeople(DeviceId, Vec<PersonId>),
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

/// When people and devices that a backup lacks are entered again after it was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entering {
    /// Before anybody asks for anything.
    AtOnce,
    /// When somebody gets to it: until then the office serves with what the backup knew.
    Later,
}

impl Office {
    /// Enters something at the desk, and remembers it.
    ///
    /// # Panics
    /// When the hub refuses what it must take.
    pub fn enter(&mut self, entry: Entry, now: Timestamp) {
        // Whoever sits at the desk sees what is missing there.
        self.enter_owed(now);
        self.apply(&entry, now);
        self.entries.push(entry);
    }

    /// Enters again what a backup that was put back lacked; whether there was anything.
    ///
    /// # Panics
    /// When the hub refuses what it must take.
    pub fn enter_owed(&mut self, now: Timestamp) -> bool {
        let owed = std::mem::take(&mut self.owed);
        owed.iter().for_each(|entry| self.apply(entry, now));
        !owed.is_empty()
    }

    /// Whether a device is still to be entered again.
    #[must_use]
    pub fn owes(&self, device: DeviceId) -> bool {
        self.owed.iter().any(|entry| matches!(entry, Entry::Device(owed, ..) if *owed == device))
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
            Entry::DevicePeople(device, people) => {
                let set = hub.set_device_people(*device, people.clone(), None, clocks);
                run.block_on(set).expect("a device's people are set");
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

    /// Makes a backup while the office is open, and tells phones of it once it is proven.
    ///
    /// # Panics
    /// When there is none.
    pub fn back_up(&mut self, now: Timestamp) {
        self.enter_owed(now);
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

    /// Puts the last backup back; then the desk enters again what it had entered since, compounds at once, people
    /// and devices when it is told to.
    ///
    /// # Panics
    /// When the restored store does not open, or gives back a right that was taken away since.
    pub fn restore(&mut self, how: Restoring, entering: Entering, now: Timestamp) {
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
        self.owed.clear();
        for entry in later {
            if entering == Entering::Later && self.waits(&entry) {
                self.owed.push(entry);
            } else {
                self.apply(&entry, now);
            }
        }
    }

    /// Whether an entry is one of those that come later, or rests on one.
    fn waits(&self, entry: &Entry) -> bool {
        let owed = |of: &dyn Fn(&Entry) -> bool| self.owed.iter().any(of);
        match entry {
            Entry::Person(_) | Entry::Device(..) | Entry::DevicePeople(..) => true,
            Entry::Revoke(id) => owed(&|e| matches!(e, Entry::Person(person) if person.id == *id)),
            Entry::LostDevice(id) => owed(&|e| matches!(e, Entry::Device(device, ..) if device == id)),
            Entry::Org(_) | Entry::Site(..) => false,
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

    /// A right taken away since the backup does not come back with it; whom the backup does not know has none.
    fn must_stay_withdrawn(&self, entry: &Entry) {
        let hub = self.hub();
        match entry {
            Entry::Revoke(person) => {
                let row = self.runtime.block_on(hub.find_person(*person)).expect("the registry reads");
                assert!(row.is_none_or(|row| !row.active), "{person} may act again");
            }
            Entry::LostDevice(device) => {
                let state = self.runtime.block_on(hub.find_device(*device)).expect("the registry reads");
                assert!(state.is_none_or(|state| state.revoked), "{device} is trusted again");
            }
            Entry::Org(_)
            | Entry::Person(_)
            | Entry::Device(..)
            | Entry::DevicePeople(..)
            | Entry::Site(..) => {}
        }
    }
}

/// What was set aside is nobody's business here, and every kill would copy it.
fn remove(aside: &Path) {
    std::fs::remove_file(aside).expect("it is there");
}
