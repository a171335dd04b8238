//! Who has asked how often: one count for each kind of asking, by device or by person.
//!
//! Taken once it is known who asks and that he may, before anything is done for him and, but for what a device signed
//! together with its body, before anything he sends is read. Photos are counted, not requests: a thumbnail and an
//! original have counts of their own, so that what belongs to a photo costs it nothing, and its pieces are not counted at
//! all. Pictures looked at are counted apart from lists: a page of them is one list and fifty pictures.

use louan_schema::id::{DeviceId, PersonId};
use louan_schema::photo::UploadKind;
use louan_schema::time::Timestamp;

use super::api_error::{ApiError, Problem};
use crate::auth::throttle::{Rate, TryLater};
use crate::config::Allowances;

/// Who looks at photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Viewer {
    Person(PersonId),
    Device(DeviceId),
}

/// The counts.
#[derive(Debug)]
pub(super) struct Rates {
    sync: Rate<DeviceId>,
    photos: Rate<(DeviceId, UploadKind)>,
    commands: Rate<PersonId>,
    reads: Rate<PersonId>,
    device_reads: Rate<DeviceId>,
    pictures: Rate<Viewer>,
    imports: Rate<PersonId>,
    parts: Rate<PersonId>,
    exports: Rate<PersonId>,
}

fn later(later: TryLater) -> ApiError {
    ApiError::later(Problem::TooOften, later.after_ms)
}

impl Rates {
    pub(super) fn new(often: &Allowances) -> Self {
        Self {
            sync: Rate::new(often.sync_per_minute),
            photos: Rate::with_burst(often.photos_per_minute, often.photos_at_once),
            commands: Rate::new(often.commands_per_minute),
            reads: Rate::new(often.reads_per_minute),
            device_reads: Rate::new(often.reads_per_minute),
            pictures: Rate::new(often.pictures_per_minute),
            imports: Rate::per_hour(often.imports_per_hour),
            parts: Rate::new(often.parts_per_minute),
            exports: Rate::per_hour(often.exports_per_hour),
        }
    }

    /// A sync request.
    pub(super) fn sync(&self, device: DeviceId, now: Timestamp) -> Result<(), ApiError> {
        self.sync.take(device, now).map_err(later)
    }

    /// A photo, or what belongs to one, announced.
    pub(super) fn photo(&self, device: DeviceId, kind: UploadKind, now: Timestamp) -> Result<(), ApiError> {
        self.photos.take((device, kind), now).map_err(later)
    }

    /// A command.
    pub(super) fn command(&self, person: PersonId, now: Timestamp) -> Result<(), ApiError> {
        self.commands.take(person, now).map_err(later)
    }

    /// A page of a ledger, or figures.
    pub(super) fn read(&self, person: PersonId, now: Timestamp) -> Result<(), ApiError> {
        self.reads.take(person, now).map_err(later)
    }

    /// A list of photos, or of what looks alike: as a page of a ledger.
    pub(super) fn list(&self, viewer: Viewer, now: Timestamp) -> Result<(), ApiError> {
        match viewer {
            Viewer::Person(person) => self.read(person, now),
            Viewer::Device(device) => self.device_reads.take(device, now).map_err(later),
        }
    }

    /// A photo or its thumbnail, looked at.
    pub(super) fn picture(&self, viewer: Viewer, now: Timestamp) -> Result<(), ApiError> {
        self.pictures.take(viewer, now).map_err(later)
    }

    /// A part of a phone's file of unsent data.
    pub(super) fn part(&self, person: PersonId, now: Timestamp) -> Result<(), ApiError> {
        self.parts.take(person, now).map_err(later)
    }

    /// A step of an import.
    pub(super) fn import(&self, person: PersonId, now: Timestamp) -> Result<(), ApiError> {
        self.imports.take(person, now).map_err(later)
    }

    /// A ledger as a file.
    pub(super) fn export(&self, person: PersonId, now: Timestamp) -> Result<(), ApiError> {
        self.exports.take(person, now).map_err(later)
    }
}
