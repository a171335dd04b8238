//! The link between a phone and the office, and everything that goes wrong on it.
//!
//! A request or reply is lost, arrives twice, arrives later than others, or arrives cut
//! short. The oracle listens here: what it calls acknowledged is what a phone took in.

use std::collections::BTreeSet;

use louan_schema::doc::Descriptor;
use louan_schema::doc::scan::{record_put, scan};
use louan_schema::id::ChangeHash;
use louan_schema::wire::{CommandVerdict, SyncReply, SyncRequest, Taken, Verdict, frame};

use super::World;
use super::life::Late;
use crate::oracle::{Edit, LifeId};

/// What happens to one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// The request is lost.
    RequestLost,
    /// The request is taken, the reply never comes (half-open).
    ReplyLost,
    /// The request arrives twice; the first reply is taken in.
    Twice,
    /// The request arrives twice; the second reply is taken in.
    TwiceSecondReply,
    /// The request arrives after others.
    RequestLate,
    /// The reply arrives after other acts.
    ReplyLate,
    /// The request arrives cut short.
    RequestCut,
    /// The reply arrives cut short.
    ReplyCut,
    /// The reply is taken in twice.
    ReplyTwice,
}

impl Trouble {
    /// Every kind of trouble.
    pub const ALL: [Self; 9] = [
        Self::RequestLost,
        Self::ReplyLost,
        Self::Twice,
        Self::TwiceSecondReply,
        Self::RequestLate,
        Self::ReplyLate,
        Self::RequestCut,
        Self::ReplyCut,
        Self::ReplyTwice,
    ];
}

/// What came of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exchange {
    /// There is more to do at once.
    pub more: bool,
    /// Something moved: sent and settled, or received.
    pub moved: bool,
    /// The reply was taken in.
    pub done: bool,
}

impl World {
    /// One exchange of a phone with the office.
    pub fn exchange(&mut self, life: LifeId, trouble: Trouble) -> Exchange {
        let now = self.now;
        let (prepared, body) = match self.lives[life].request(now) {
            Ok(made) => made,
            Err(why) => return self.nothing(life, &why),
        };
        self.watch_cursor(life, &body);
        if trouble != Trouble::None {
            self.scribe.count(format!("link {trouble:?}"));
        }
        match trouble {
            Trouble::RequestLost => return self.lost(life, "the request is lost"),
            Trouble::RequestLate => {
                self.later(life, Late { due: 0, prepared, body, reply: None });
                return self.lost(life, "the request will arrive later");
            }
            Trouble::RequestCut => {
                let cut = self.cut(&body);
                let answer = self.office.answer(self.lives[life].device, &cut, now);
                if answer.is_ok() && cut.len() < body.len() {
                    self.breach(format!("{} was answered on half a request", self.lives[life].name));
                }
                return self.lost(life, "the request is cut short");
            }
            _ => {}
        }
        let Some(mut reply) = self.answered(life, &body) else {
            return self.lost(life, "the office does not answer");
        };
        if matches!(trouble, Trouble::Twice | Trouble::TwiceSecondReply) {
            let Some(second) = self.answered(life, &body) else {
                return self.lost(life, "the office does not answer");
            };
            if trouble == Trouble::TwiceSecondReply {
                reply = second;
            }
        }
        match trouble {
            Trouble::ReplyLost => self.lost(life, "the reply is lost"),
            Trouble::ReplyLate => {
                self.later(life, Late { due: 0, prepared, body, reply: Some(reply) });
                self.lost(life, "the reply will arrive later")
            }
            Trouble::ReplyCut => {
                let cut = self.cut(&reply);
                if cut.len() < reply.len() && self.lives[life].absorb(prepared, &cut, now).is_ok() {
                    self.breach(format!("{} took in half a reply", self.lives[life].name));
                }
                self.lost(life, "the reply is cut short")
            }
            Trouble::ReplyTwice => {
                self.taken_in(life, prepared.clone(), &body, &reply);
                self.taken_in(life, prepared, &body, &reply)
            }
            _ => self.taken_in(life, prepared, &body, &reply),
        }
    }

    /// Within one epoch a cursor only rises; it starts over when the phone asks from the beginning.
    fn watch_cursor(&mut self, life: LifeId, body: &[u8]) {
        let Ok(request) = frame::decode::<SyncRequest>(body) else {
            return self.breach(format!("{} sends what nobody can read", self.lives[life].name));
        };
        let (before, now) = (self.lives[life].cursor, request.cursor);
        if let (Some(before), Some(now)) = (before, now)
            && before.epoch == now.epoch
            && now.pos < before.pos
        {
            self.breach(format!(
                "{}: the cursor went from {} back to {}",
                self.lives[life].name, before.pos, now.pos
            ));
        }
        self.lives[life].cursor = now;
    }

    /// What was late and is due arrives.
    pub fn arrivals(&mut self) {
        for life in 0..self.lives.len() {
            let step = self.step;
            let (due, rest) =
                std::mem::take(&mut self.lives[life].late).into_iter().partition(|l| l.due <= step);
            self.lives[life].late = rest;
            for late in due {
                self.arrives(life, late);
            }
        }
    }

    fn arrives(&mut self, life: LifeId, late: Late) {
        let Late { prepared, body, reply, .. } = late;
        match reply {
            Some(reply) if !self.lives[life].destroyed => {
                self.tell(format!("{}: a late reply arrives", self.lives[life].name));
                self.taken_in(life, prepared, &body, &reply);
            }
            Some(_) => {}
            None => {
                self.tell(format!("{}: a late request arrives", self.lives[life].name));
                // Whoever sent it has long given up: the reply goes nowhere.
                self.answered(life, &body);
            }
        }
    }

    fn later(&mut self, life: LifeId, mut late: Late) {
        late.due = self.step + 1 + usize::try_from(self.dice.below(12)).unwrap_or(0);
        self.lives[life].late.push(late);
    }

    fn lost(&mut self, life: LifeId, why: &str) -> Exchange {
        self.tell(format!("{}: {why}", self.lives[life].name));
        if !self.lives[life].disk.is_silent() {
            self.lives[life].phone().lost();
        }
        Exchange::default()
    }

    fn nothing(&mut self, life: LifeId, why: &str) -> Exchange {
        self.tell(format!("{}: {why}", self.lives[life].name));
        if !self.lives[life].disk.is_silent() {
            self.breach(format!("{} {why}", self.lives[life].name));
        }
        Exchange::default()
    }

    /// The office's answer; without one it was being killed.
    fn answered(&mut self, life: LifeId, body: &[u8]) -> Option<Vec<u8>> {
        match self.office.answer(self.lives[life].device, body, self.now) {
            Ok(reply) => Some(reply),
            Err(why) => {
                self.tell(format!("office: no answer to {}: {why}", self.lives[life].name));
                // A device that a backup lacks is a stranger until it is entered again.
                if !self.office.disk.is_silent() && !self.office.owes(self.lives[life].device) {
                    self.breach(format!("the office does not answer {}: {why}", self.lives[life].name));
                }
                None
            }
        }
    }

    /// A phone takes a reply in; the oracle hears what it acknowledges.
    fn taken_in(
        &mut self,
        life: LifeId,
        prepared: louan_client_core::Prepared,
        body: &[u8],
        reply: &[u8],
    ) -> Exchange {
        let absorbed = match self.lives[life].absorb(prepared, reply, self.now) {
            Ok(absorbed) => absorbed,
            Err(why) => return self.nothing(life, &why),
        };
        self.tell(format!("{}: {absorbed:?}", self.lives[life].name));
        if absorbed.epoch_changed {
            self.scribe.count("phone: epoch changed");
            self.found_out.insert(life);
        }
        self.listen(life, body, reply);
        let moved = absorbed.accepted + absorbed.held + absorbed.returned + absorbed.rewritten;
        let moved =
            moved + absorbed.received + absorbed.missing + absorbed.relayed > 0 || absorbed.epoch_changed;
        Exchange { more: absorbed.more, moved, done: true }
    }

    fn listen(&mut self, life: LifeId, body: &[u8], reply: &[u8]) {
        let (Ok(request), Ok(SyncReply::Taken(taken))) =
            (frame::decode::<SyncRequest>(body), frame::decode(reply))
        else {
            return;
        };
        for Judged { edit, hash, verdict, relayed } in judged(&request, &taken) {
            let what = edit.map_or_else(|| "a sheet".to_owned(), |edit| edit.to_string());
            self.tell(format!("{}: change {} with {what}: {verdict:?}", self.lives[life].name, short(hash)));
            match (verdict, edit) {
                (Verdict::NotTaken(code), _) => self.scribe.count(format!("not taken {}", code.name())),
                (_, Some(edit)) if relayed => self.oracle.brought_back(edit, self.step),
                (_, Some(edit)) => self.oracle.acknowledged(edit, life, self.step),
                (_, None) => self.oracle.sheet_acknowledged(hash, self.step),
            }
        }
        let own = request.batches.iter().filter(|batch| batch.relayed_for.is_none());
        if own.map(|batch| batch.person).collect::<BTreeSet<_>>().len() > 1 {
            self.scribe.count("link: two people's work in one request");
        }
        for (batch, verdicts) in request.batches.iter().zip(&taken.commands) {
            for (command, verdict) in batch.commands.iter().zip(verdicts) {
                match verdict {
                    CommandVerdict::Done(_) | CommandVerdict::Duplicate(_) => {
                        self.oracle.acknowledged(Edit::Command(command.id), life, self.step);
                    }
                    CommandVerdict::Refused(code, _) => self.scribe.count(format!("refused {}", code.name())),
                }
            }
        }
    }

    fn cut(&mut self, bytes: &[u8]) -> Vec<u8> {
        let len = usize::try_from(self.dice.below(bytes.len() as u64)).unwrap_or(0);
        bytes[..len].to_vec()
    }
}

/// What a reply says about one change of a request.
pub(crate) struct Judged {
    /// The record it puts; nothing for a change of a sheet.
    pub edit: Option<Edit>,
    pub hash: ChangeHash,
    pub verdict: Verdict,
    /// Whether it was brought back for a colleague.
    pub relayed: bool,
}

/// What a reply says about each change of a request.
pub(crate) fn judged(request: &SyncRequest, taken: &Taken) -> Vec<Judged> {
    let mut found = Vec::new();
    for (batch, verdicts) in request.batches.iter().zip(&taken.changes) {
        for (change, verdict) in batch.changes.iter().zip(verdicts) {
            let Ok(scanned) = scan(&change.raw) else { continue };
            let doc = usize::try_from(change.doc).ok().and_then(|doc| batch.docs.get(doc));
            let is_book = doc.is_some_and(Descriptor::is_book);
            let put = record_put(&change.raw).ok().filter(|_| is_book);
            let (edit, relayed) = (put.map(|put| Edit::Record(put.id)), batch.relayed_for.is_some());
            found.push(Judged { edit, hash: scanned.hash, verdict: *verdict, relayed });
        }
    }
    found
}

/// A hash as stories print it.
fn short(hash: ChangeHash) -> String {
    hash.to_string()[..8].to_owned()
}
