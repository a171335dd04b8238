//! What a field worker does, one file an act.
//!
//! Every act asks who acts, checks everything at once, and saves in one transaction. A
//! record is written with the actor's tip alone; no document is opened for it.

pub(crate) mod correct;
pub(crate) mod fix;
#[cfg(test)]
mod full_disk;
pub(crate) mod hazard;
pub(crate) mod outbox;
pub(crate) mod overlay;
pub(crate) mod photo;
pub(crate) mod recheck;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod round;
pub(crate) mod search;
pub(crate) mod sheet;
pub(crate) mod submit;
