//! A phone's life: one folder of files, the core that has them open, and who carries it.
//!
//! A life can be killed at any write and opened again, its files can be copied into another
//! life that goes on beside it. It carries bytes and signs; it knows no rule of the domain.

use std::path::PathBuf;

use kit::dice::Dice;
use louan_client_core::shelf::FolderShelf;
use louan_client_core::{Absorbed, Acting, Phone, Prepared, StorePlace};
use louan_schema::id::{DeviceId, PersonId};
use louan_schema::registry::Person;
use louan_schema::time::Timestamp;
use louan_schema::wire::Cursor;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

use crate::oracle::{LifeId, Step};
use crate::vfs::{Disk, Fate, Files, WATCHED};

/// The name of a phone's file.
pub const FILE: &str = "phone.db";

/// A request or reply under way.
#[derive(Debug, Clone)]
pub struct Late {
    /// When it arrives.
    pub due: Step,
    /// What the phone matches the reply with.
    pub prepared: Prepared,
    /// The request.
    pub body: Vec<u8>,
    /// The reply, when it is that which is late.
    pub reply: Option<Vec<u8>>,
}

/// A phone's life.
pub struct Life {
    /// Which.
    pub id: LifeId,
    /// For people.
    pub name: String,
    /// Who carries it.
    pub people: Vec<Person>,
    /// The device it says it is.
    pub device: DeviceId,
    /// How far its clock is off, in milliseconds.
    pub skew_ms: i64,
    /// No link before this step.
    pub offline_until: Step,
    /// Its files are gone for good.
    pub destroyed: bool,
    /// Requests and replies that arrive later.
    pub late: Vec<Late>,
    /// It keeps its store as a browser does: no log beside the file, the file held exclusively.
    pub browser: bool,
    /// The cursor of its last request.
    pub cursor: Option<Cursor>,
    /// The folder with its files.
    pub folder: PathBuf,
    /// Where it keeps photos, which no blow to the disk reaches: their own instrument does that.
    pub shelf: Option<PathBuf>,
    /// The disk under it.
    pub disk: Disk,
    /// Its chance.
    pub dice: Dice,
    key: SigningKey,
    phone: Option<Phone>,
}

impl Life {
    /// A new phone in a folder of its own.
    ///
    /// # Panics
    /// When the folder cannot be made or the store does not open.
    #[must_use]
    pub fn new(id: LifeId, name: &str, people: Vec<Person>, folder: PathBuf, seed: u64) -> Self {
        let mut dice = Dice::seeded(seed);
        let key = loop {
            if let Ok(key) = SigningKey::from_slice(&dice.bytes::<32>()) {
                break key;
            }
        };
        let device = DeviceId(dice.bytes());
        std::fs::create_dir_all(&folder).expect("room for a folder");
        let disk = Disk::watch(&folder).expect("the folder was just made");
        let mut life = Self {
            id,
            name: format!("{name} #{id}"),
            people,
            device,
            skew_ms: 0,
            offline_until: 0,
            destroyed: false,
            late: Vec::new(),
            browser: false,
            cursor: None,
            folder,
            shelf: None,
            disk,
            dice,
            key,
            phone: None,
        };
        life.open().expect("a new store opens");
        life
    }

    /// Another life with a copy of these files, the same device and the same key.
    ///
    /// # Panics
    /// When the folder cannot be made or the copy does not open.
    #[must_use]
    pub fn copy(&mut self, id: LifeId, folder: PathBuf) -> Self {
        self.close();
        let files = self.disk.files().expect("its own files");
        std::fs::create_dir_all(&folder).expect("room for a folder");
        let disk = Disk::watch(&folder).expect("the folder was just made");
        disk.put(files).expect("a folder takes files");
        let mut copy = Self {
            id,
            name: format!("{} copy #{id}", self.name),
            people: self.people.clone(),
            device: self.device,
            skew_ms: self.skew_ms,
            offline_until: self.offline_until,
            destroyed: false,
            late: Vec::new(),
            browser: self.browser,
            cursor: None,
            folder,
            shelf: None,
            disk,
            dice: Dice::seeded(u64::from_be_bytes(self.dice.bytes())),
            key: self.key.clone(),
            phone: None,
        };
        self.open().expect("its own store opens again");
        copy.open().expect("a copy of a closed store opens");
        copy
    }

    /// The core.
    ///
    /// # Panics
    /// When the life is closed: the world opens it before anybody uses it.
    pub fn phone(&mut self) -> &mut Phone {
        self.phone.as_mut().expect("an open phone")
    }

    /// Opens the store; a store put aside as damaged counts as a failure.
    ///
    /// # Errors
    /// Why it did not open as it was left.
    pub fn open(&mut self) -> Result<(), String> {
        let phone =
            Phone::open(self.place(), self.dice.bytes()).map_err(|e| format!("does not open: {e}"))?;
        if let Some(salvage) = phone.salvage() {
            return Err(format!("was put aside as damaged: {salvage:?}"));
        }
        self.phone = Some(match &self.shelf {
            Some(shelf) => phone.with_shelf(Box::new(FolderShelf::new(shelf.clone()))),
            None => phone,
        });
        Ok(())
    }

    fn place(&self) -> StorePlace {
        let file = self.folder.join(FILE);
        if self.browser {
            StorePlace::Named { vfs: WATCHED.to_owned(), name: file.display().to_string() }
        } else {
            StorePlace::File(file)
        }
    }

    /// Closes the store as an app that is closed does.
    pub fn close(&mut self) {
        self.phone = None;
    }

    /// The process dies now, or the power goes with it: what was not written is gone, and
    /// with the power what was not synced meets `fate`.
    ///
    /// # Panics
    /// When the folder cannot be read or written.
    pub fn die(&mut self, power_gone: Option<Fate>) {
        self.disk.silence();
        self.phone = None;
        match power_gone {
            Some(fate) => self.disk.cut(fate, &mut self.dice).expect("the folder takes files"),
            None => {
                let files: Files = self.disk.files().expect("its own files");
                self.disk.put(files).expect("the folder takes files");
            }
        }
    }

    /// The public key, SEC1 uncompressed.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        self.key.verifying_key().to_sec1_bytes().to_vec()
    }

    /// The time by its own clock.
    #[must_use]
    pub const fn clock(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(self.skew_ms)
    }

    /// Who acts when, with fresh chance.
    pub fn acting(&mut self, person: PersonId, now: Timestamp) -> Acting {
        Acting { person, at: self.clock(now), random: self.dice.bytes() }
    }

    /// The signed request it would send now.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn request(&mut self, now: Timestamp) -> Result<(Prepared, Vec<u8>), String> {
        let at = self.clock(now);
        let prepared = self.phone().prepare(at).map_err(|e| format!("cannot prepare: {e}"))?;
        let sign = |digest: &[u8; 32]| {
            let signature: Signature = self.key.sign(digest);
            signature.to_bytes().into()
        };
        let signatures = prepared.digests().iter().map(sign).collect();
        let phone = self.phone.as_ref().ok_or("closed")?;
        let body = phone.seal(&prepared, signatures).map_err(|e| format!("cannot seal: {e}"))?;
        Ok((prepared, body))
    }

    /// Takes a reply in.
    ///
    /// # Errors
    /// Why it was not taken, in words.
    pub fn absorb(&mut self, prepared: Prepared, reply: &[u8], now: Timestamp) -> Result<Absorbed, String> {
        let (at, random) = (self.clock(now), self.dice.bytes());
        self.phone().absorb(prepared, reply, at, random).map_err(|e| format!("cannot take the reply in: {e}"))
    }
}
