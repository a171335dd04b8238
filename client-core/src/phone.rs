//! The one object a screen talks to.
//!
//! It owns one store and knows who is enrolled. Acts come with the person, the instant
//! and ten random bytes; the phone has no clock and no dice of its own. Who may act is
//! asked here, once; what an act does stands in `usecase`.

use louan_schema::code::{Action, may};
use louan_schema::id::{DeviceId, Incarnation, OrgId, PersonId};
use louan_schema::registry::{Org, Person};
use louan_schema::time::Timestamp;
use louan_schema::wire::{Scope, StreamId};

use crate::error::{Error, OpenError};
use crate::shelf::{DatabaseShelf, MemoryShelf, PHOTOS, Shelf};
#[cfg(not(target_arch = "wasm32"))]
use crate::shelf::{FolderShelf, beside};
use crate::store::{Meta, Reader, Salvage, Store, StorePlace};
use crate::sync::{self, allowance::Allowance, photo::Later};

/// A field worker's phone (现场手机): the store, the drafts, the outbox and the sync engine.
#[derive(Debug)]
pub struct Phone {
    pub(crate) store: Store,
    /// Where photo bytes lie; nothing where the host keeps none.
    pub(crate) shelf: Option<Box<dyn Shelf>>,
    /// How much the next request may carry.
    pub(crate) allowance: Allowance,
    /// Of which kinds of photo files the office takes no more just now.
    pub(crate) later: Later,
}

/// Who acts when (操作人): handed in by the driver for each act, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// The person, one of those enrolled.
    pub person: PersonId,
    /// The business clock's instant.
    pub at: Timestamp,
    /// Fresh chance for the id the act may mint.
    pub random: [u8; 10],
}

/// What enrolling a device gives (设备注册): its id, its people, their organisations and the district.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The device.
    pub device: DeviceId,
    /// The people who share it.
    pub people: Vec<Person>,
    /// Their organisations.
    pub orgs: Vec<Org>,
    /// The district's stream.
    pub stream: StreamId,
}

impl Phone {
    /// Opens the store at `place`, checked as a whole; `random` names this life of the store if it is new.
    ///
    /// A damaged store is put aside whole, what can be read of the outbox is carried into a new one, and
    /// [`Phone::salvage`] tells so.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is ever deleted.
    pub fn open(place: StorePlace, random: [u8; 16]) -> Result<Self, OpenError> {
        let shelf = shelf_of(&place);
        let mut store = Store::open(&place)?;
        let known: Option<Incarnation> = store.read().meta(Meta::Incarnation).map_err(OpenError::Store)?;
        if known.is_none() {
            store.write(|w| w.set_meta(Meta::Incarnation, &Incarnation(random))).map_err(OpenError::Store)?;
        }
        Ok(Self { store, shelf, allowance: Allowance::START, later: Later::default() })
    }

    /// Takes another place for photo bytes than the one that belongs to the store's.
    #[must_use]
    pub fn with_shelf(mut self, shelf: Box<dyn Shelf>) -> Self {
        self.shelf = Some(shelf);
        self
    }

    /// What came of a damaged store found at opening; nothing when there was none.
    #[must_use]
    pub const fn salvage(&self) -> Option<&Salvage> {
        self.store.salvage.as_ref()
    }

    /// Takes an enrolment. A phone enrolled again as another device writes anew, under that device,
    /// whatever it has not sent yet.
    ///
    /// # Errors
    /// [`Error`] when the store refuses; nothing is changed then.
    pub fn enrol(&mut self, enrolment: Enrolment) -> Result<(), Error> {
        self.store.write(|w| {
            let before: Option<DeviceId> = w.meta(Meta::Device)?;
            let people: Vec<PersonId> = enrolment.people.iter().map(|person| person.id).collect();
            let orgs: Vec<OrgId> = enrolment.orgs.iter().map(|org| org.id).collect();
            w.set_meta(Meta::Device, &enrolment.device)?;
            w.set_meta(Meta::People, &people)?;
            w.set_meta(Meta::Orgs, &orgs)?;
            w.set_meta(Meta::Stream, &enrolment.stream)?;
            enrolment.people.iter().try_for_each(|person| w.upsert_person(person))?;
            enrolment.orgs.iter().try_for_each(|org| w.upsert_org(org))?;
            if before.is_some_and(|device| device != enrolment.device) {
                for key in [Meta::Cursor, Meta::Page, Meta::Scope, Meta::Sealed] {
                    w.unset_meta(key)?;
                }
                sync::reauthor::everything_pending(w)?;
            }
            Ok(())
        })
    }

    /// The enrolment, when there is one.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn enrolment(&self) -> Result<Option<Enrolment>, Error> {
        let r = self.store.read();
        let (Some(device), Some(stream)) = (r.meta(Meta::Device)?, r.meta(Meta::Stream)?) else {
            return Ok(None);
        };
        let mut orgs = Vec::new();
        for org in r.meta::<Vec<OrgId>>(Meta::Orgs)?.unwrap_or_default() {
            orgs.extend(r.find_org(org)?);
        }
        Ok(Some(Enrolment { device, people: self.people()?, orgs, stream }))
    }

    /// The people enrolled on this phone, as their rows say now.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn people(&self) -> Result<Vec<Person>, Error> {
        let r = self.store.read();
        let mut people = Vec::new();
        for person in r.meta::<Vec<PersonId>>(Meta::People)?.unwrap_or_default() {
            people.extend(r.find_person(person)?);
        }
        Ok(people)
    }

    /// Whether the phone is sealed: it may still send, it shows nothing.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn is_sealed(&self) -> Result<bool, Error> {
        Ok(self.store.read().meta(Meta::Sealed)?.unwrap_or(false))
    }

    /// What the office last said the phone may see; until when it may show it without having been in touch
    /// stands in it, and is for the screen to keep.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn scope(&self) -> Result<Option<Scope>, Error> {
        Ok(self.store.read().meta(Meta::Scope)?)
    }

    /// The office's clock less the phone's at the last contact, in milliseconds.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn clock_offset_ms(&self) -> Result<Option<i64>, Error> {
        Ok(self.store.read().meta(Meta::ClockOffset)?)
    }

    /// How the store is journalled and how it waits for the disk (2 is FULL): a promise a support page can show.
    ///
    /// # Errors
    /// [`Error`] when the store cannot be read.
    pub fn durability(&self) -> Result<(String, i64), Error> {
        Ok(self.store.read().durability()?)
    }

    /// Starts a new life of this store, and writes anew what was never sent: for the host that finds the
    /// device key missing after a restore or a move to another phone (F15).
    ///
    /// # Errors
    /// [`Error`] when the store refuses; nothing is changed then.
    pub fn renew_incarnation(&mut self, random: [u8; 16]) -> Result<(), Error> {
        self.store.write(|w| {
            w.set_meta(Meta::Incarnation, &Incarnation(random))?;
            sync::reauthor::everything_unsent(w)
        })
    }

    /// Rows to show; refused once the phone is sealed.
    pub(crate) fn showing(&self, doing: &'static str) -> Result<Reader<'_>, Error> {
        if self.is_sealed()? {
            return Err(Error::ask_admin(doing, "this phone's access has ended; it shows nothing any more"));
        }
        Ok(self.store.read())
    }
}

/// Where the photos of a store lie, when that follows from where the store does.
fn shelf_of(place: &StorePlace) -> Option<Box<dyn Shelf>> {
    match place {
        #[cfg(not(target_arch = "wasm32"))]
        StorePlace::File(path) => Some(Box::new(FolderShelf::new(beside(path)))),
        StorePlace::Memory => Some(Box::new(MemoryShelf::default())),
        StorePlace::Named { vfs, name } => {
            Some(Box::new(DatabaseShelf::new(vfs.clone(), format!("{name}{PHOTOS}"))))
        }
        // A browser has no files but those.
        #[cfg(target_arch = "wasm32")]
        StorePlace::File(_) => None,
    }
}

impl Acting {
    /// The person's row, when he may do this here and now.
    pub(crate) fn permitted(
        &self,
        r: &Reader<'_>,
        action: Action,
        doing: &'static str,
    ) -> Result<Person, Error> {
        let person = self.enrolled(r, doing)?;
        if !may(person.role, action) {
            return Err(Error::ask_admin(doing, format!("the role {} does not {}", person.role, action)));
        }
        Ok(person)
    }

    /// The person's row, when he may write at all here and now.
    pub(crate) fn enrolled(&self, r: &Reader<'_>, doing: &'static str) -> Result<Person, Error> {
        let enrolled: Vec<PersonId> = r.meta(Meta::People)?.unwrap_or_default();
        if !enrolled.contains(&self.person) {
            return Err(Error::ask_admin(doing, "the person is not enrolled on this phone"));
        }
        if let Some(scope) = r.meta::<Scope>(Meta::Scope)? {
            if scope.push_only {
                return Err(Error::ask_admin(doing, "this phone may only send what it holds"));
            }
            if !scope.people.contains(&self.person) {
                return Err(Error::ask_admin(doing, "the person may no longer write"));
            }
        }
        let person = r.find_person(self.person)?;
        person.ok_or_else(|| Error::bug(doing, "an enrolled person has no row"))
    }
}
