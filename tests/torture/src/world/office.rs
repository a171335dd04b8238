//! The office: the real hub on real files.
//!
//! Killed at any write, it is opened again from its files. What stands in the registry and in
//! backups is entered, made and put back at its desk ([`super::desk`]); it knows no phone.

use std::path::PathBuf;
use std::sync::Arc;

use kit::DISTRICT_STREAM;
use kit::dice::Dice;
use louan_schema::id::{CommandId, DeviceId, Epoch, HazardId, PersonId, SiteId};
use louan_schema::ruling::{Act, Command};
use louan_schema::time::Timestamp;
use louan_schema::wire::{CommandVerdict, HazardStatus, frame};
use louan_server::audit::AuditCheck;
use louan_server::hub::{Clocks, Hub, Limits};
use louan_server::storage::Storage;
use louan_server::storage::log::Held;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use louan_server::worker::InProcess;

use super::desk::Entry;
use crate::vfs::{Disk, Fate};

/// The name of the office's file.
pub const FILE: &str = "office.db";

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
    pub(super) dice: Dice,
    pub(super) entries: Vec<Entry>,
    /// What a backup that was put back lacks of them, and the desk has not entered again.
    pub(super) owed: Vec<Entry>,
    /// How much had been entered at the desk by the last backup.
    pub(super) backup: Option<usize>,
    pub(super) runtime: tokio::runtime::Runtime,
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
            owed: Vec::new(),
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
        self.runtime.block_on(reply(self.hub(), device, body, now))
    }

    /// Answers two requests that arrive together.
    ///
    /// # Errors
    /// For each, why there is no answer, in words.
    pub fn answer_both(
        &self,
        [first, second]: [(DeviceId, &[u8]); 2],
        now: Timestamp,
    ) -> [Result<Vec<u8>, String>; 2] {
        let first = reply(self.hub(), first.0, first.1, now);
        let second = reply(self.hub(), second.0, second.1, now);
        self.runtime.block_on(async { tokio::join!(first, second) }).into()
    }

    /// Whether reading goes on, whatever became of writing.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn reads(&self) -> Result<(), String> {
        self.runtime.block_on(self.hub().head()).map(drop).map_err(|e| format!("{e:?}"))
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
    ) -> Result<Held, String> {
        let hub = self.hub();
        let held = self.runtime.block_on(hub.list_held(8)).map_err(|e| format!("{e:?}"))?;
        let held = held.into_iter().next().ok_or("nothing waits")?;
        let by = supervisor(held.descriptor.site()).ok_or("nobody supervises")?;
        let decided = hub.decide_held(by, (held.hash, held.device), take, Clocks::both(now));
        self.runtime.block_on(decided).map_err(|e| e.to_string())?;
        Ok(held)
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

async fn reply(hub: Hub, device: DeviceId, body: &[u8], now: Timestamp) -> Result<Vec<u8>, String> {
    let request = frame::decode(body).map_err(|e| format!("cannot read the request: {e}"))?;
    let reply = hub.sync(device, request, Clocks::both(now)).await.map_err(|e| format!("{e:?}"))?;
    frame::encode(&reply).map_err(|e| e.to_string())
}
