//! Asking the office for a ruling.
//!
//! A command is queued with the version the person saw. It is shown as *requested* until
//! the office has answered; nothing on this phone changes because of it.

use louan_schema::code::Action;
use louan_schema::id::CommandId;
use louan_schema::ruling::{Act, Command};

use crate::error::Error;
use crate::phone::{Acting, Phone};

impl Phone {
    /// Requests a ruling (请求裁定).
    ///
    /// # Errors
    /// [`Error`] when the person may not ask for it, or the store refuses.
    pub fn request(&mut self, a: &Acting, act: Act) -> Result<CommandId, Error> {
        let doing = "requesting a ruling";
        self.store.write(|w| {
            let action = match &act {
                Act::RegisterSite(..) => Action::RegisterBuilding,
                Act::ConfirmHazard { .. } => Action::ConfirmHazard,
                Act::CloseHazard { .. } => Action::CloseHazard,
            };
            a.permitted(w, action, doing)?;
            let target = target(&act);
            let expected_version = match &act {
                Act::RegisterSite(..) => w.version_told(&target)?.unwrap_or(0),
                Act::ConfirmHazard { hazard, .. } | Act::CloseHazard { hazard } => {
                    w.find_hazard(*hazard)?.map_or(0, |status| status.version)
                }
            };
            let id = CommandId::mint(a.at, a.random);
            if w.find_command(id)?.is_some() {
                return Err(Error::bug(doing, "the same chance was handed in for two acts"));
            }
            w.insert_command(a.person, &target, &Command { id, expected_version, at: a.at, act })?;
            Ok(id)
        })
    }
}

/// What a command is about, as its sixteen bytes.
pub(crate) const fn target(act: &Act) -> [u8; 16] {
    match act {
        Act::RegisterSite(site, _) => site.id.0,
        Act::ConfirmHazard { hazard, .. } | Act::CloseHazard { hazard } => hazard.0,
    }
}
