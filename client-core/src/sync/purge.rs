//! What a phone may no longer have goes, and not before all that hangs on it is sent.
//!
//! Compounds and organisations that left the scope; with the right to do anything but
//! send, the view of everything. No edit ever goes: the outbox is for ever.

use louan_schema::wire::Scope;

use crate::error::Error;
use crate::store::{EditState, Meta, Writer};

/// Compounds out of scope, and what is of organisations out of it, go once nothing unsent hangs on them.
pub(super) fn purge(w: &Writer<'_>) -> Result<(), Error> {
    if let Some(scope) = w.meta::<Scope>(Meta::Scope)?.filter(|scope| !scope.push_only) {
        for doc in w.docs_of_others(&scope.orgs)? {
            w.delete_doc(doc)?;
        }
    }
    for site in w.list_gone()? {
        if w.pending_count(Some(site))? > 0 || w.open_tap_count(Some(site))? > 0 || w.is_in_doubt(site)? {
            continue;
        }
        for doc in w.docs_of_site(site)? {
            w.delete_doc(doc)?;
        }
        w.delete_rounds_of(site)?;
        w.delete_site(site)?;
    }
    Ok(())
}

/// A phone told to do nothing but send seals itself once nothing unsent is left.
pub(super) fn seal(w: &Writer<'_>) -> Result<bool, Error> {
    let push_only = w.meta::<Scope>(Meta::Scope)?.is_some_and(|scope| scope.push_only);
    let sealed = push_only && unsent(w)? == 0 && w.photos_waiting()?.0 == 0;
    w.set_meta(Meta::Sealed, &sealed)?;
    Ok(sealed)
}

pub(super) fn unsent(w: &Writer<'_>) -> Result<u64, Error> {
    let commands = w.list_commands(EditState::Pending)?.len();
    Ok(w.pending_count(None)? + w.open_tap_count(None)? + u64::try_from(commands).unwrap_or(u64::MAX))
}
