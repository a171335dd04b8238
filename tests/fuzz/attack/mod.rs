//! One attack on ingest: a change's bytes on the way that the server and its worker give every change.
//!
//! Batch opened, changes measured, gate, judge, settlement: the very functions, over fixed states ([`scene`]). The
//! first three bytes of an input say which state, how the bytes behind them become a change, and what the envelope
//! claims. Length and checksum are made true, because a mutated checksum would hide everything behind it. Panics
//! inside automerge are expected and caught by the judge. A finding is anything else: an honest change beside the
//! attacked one that is answered otherwise than it should be, a claim taken that is not true, a document called
//! sound that does not load, a victim who cannot go on. It stores nothing.

pub(crate) mod scene;
pub(crate) mod seed;

use louan_schema::doc::judge::{Case, judge};
use louan_schema::doc::scan::scan;
use louan_schema::doc::write::sheet_change;
use louan_schema::doc::{ActorLife, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, Document};
use louan_schema::wire::{Batch, Code, Proof, PushedChange};
use louan_server::storage::commit::Sender;
use louan_server::sync::batch::{Group, opened, portions, signed_list};
use louan_server::sync::settle::{Outcome, settle};
use louan_server::sync::{Gate, Rights, Stage1};

use crate::kit::craft::{Parts, chunk};
use crate::kit::noon;
use scene::{Next, SCENES, Scene};

/// What became of the attacked change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Taken into the log.
    Accepted,
    /// Not taken.
    NotTaken(Code),
    /// Known before: nothing is to be done.
    Known,
    /// It named no document and was not even measured.
    Nowhere,
}

/// How the bytes become a change: the three low bits of the second byte, modulo five.
const EDITS: u8 = 0;
const EDITS_BEHIND_HEADER: u8 = 1;
const BODY: u8 = 2;
const CHUNK: u8 = 3;
const BEHIND_HEADER: u8 = 4;
/// The batch carries a true signature; else one of nobody, and the batch must be refused as a whole.
const SIGNED: u8 = 1 << 3;
/// A colleague's phone brings it, with the signed list to show.
const RELAYED: u8 = 1 << 4;
/// It was held, and the office wants it taken.
const DECIDED: u8 = 1 << 5;
/// The same bytes stand in the batch twice.
const TWICE: u8 = 1 << 6;
/// It names no document of the batch.
const NOWHERE: u8 = 1 << 7;
/// Third byte: which actor of its life the envelope names, and whether it claims to have been taken before.
const NUMBERS: [u32; 4] = [0, 1, 7, u32::MAX];
const TAKEN_BEFORE: u8 = 1 << 2;

/// Runs one input.
///
/// # Errors
/// The finding, in words.
pub(crate) fn attack(input: &[u8]) -> Result<Fate, String> {
    let [which, how, claims, data @ ..] = input else { return Ok(Fate::Nowhere) };
    let scene = &SCENES[usize::from(*which) % SCENES.len()];
    // What is no chunk at all must be survived, too.
    drop(scan(data));
    let mut batch = batch(scene, change(&scene.honest, how & 7, data), (*how, *claims));
    let sender = sender_of(scene, &mut batch, how & SIGNED != 0)?;
    let portions = portions(&batch);
    let Some(portion) = portions.first() else { return Err("honest changes without a document".to_owned()) };
    let group = portion.measured(&batch);
    drop(group.state_query(&sender));
    // The office that decides is asked about its own rights; the author's no longer stand in the way.
    let barred = scene.barred.filter(|_| how & DECIDED == 0);
    let rights = Rights { person: sender.person, role: Some(scene.role), own_book: true, barred };
    let mut gate = Gate::new(scene.doc, &sender, rights, scene.state.clone());
    if how & DECIDED != 0 {
        gate = gate.by_decision(Code::Revoked);
    }
    let mut quota = 100;
    let stage1 = gate.judge(&group.pushed, &mut quota);
    claims_true(&sender, scene, &group, &stage1)?;
    let (outcomes, snapshot) = settled(scene, &group, stage1)?;
    let last = outcomes.len() - 1;
    let fate = if how & NOWHERE == 0 { fate(&outcomes[1]) } else { Fate::Nowhere };
    let [before, after] = if how & DECIDED == 0 { scene.expected } else { [Ok(()); 2] };
    expected("before", &outcomes[0], before, false)?;
    // One that was taken may have used up a record's id or an actor's number that the other had chosen.
    expected("behind", &outcomes[last], after, fate == Fate::Accepted)?;
    if let Some(snapshot) = snapshot {
        goes_on(scene, &snapshot)?;
    }
    Ok(fate)
}

/// The bytes of an input as a change.
fn change(honest: &[u8], how: u8, data: &[u8]) -> Vec<u8> {
    let parts = Parts::of(honest);
    let body = |parts: &Parts| {
        let raw = parts.raw();
        let length = raw[9..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        raw[9 + length..].to_vec()
    };
    let whole = body(&parts);
    let (others, columns, extra) = (Vec::new(), Vec::new(), Vec::new());
    // Without actors, columns and extra bytes two zeros are left behind the header.
    let header = body(&Parts { others, columns, extra, ..parts }).len() - 2;
    match how % 5 {
        EDITS => chunk(1, &edited(&whole, data)),
        EDITS_BEHIND_HEADER => chunk(1, &[&whole[..header], &edited(&whole[header..], data)].concat()),
        BODY => chunk(1, data),
        BEHIND_HEADER => chunk(1, &[&whole[..header], data].concat()),
        _ => data.to_vec(),
    }
}

/// Edits of three bytes each: what to do and where, and with which byte.
fn edited(honest: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = honest.to_vec();
    for edit in edits.chunks_exact(3) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(u16::from_be_bytes([edit[0] & 0x3f, edit[1]])) % bytes.len();
        match edit[0] >> 6 {
            0 => bytes[at] = edit[2],
            1 => bytes.insert(at, edit[2]),
            2 => drop(bytes.remove(at)),
            _ => bytes[at] = bytes[at].wrapping_add(edit[2]),
        }
    }
    bytes
}

/// The attacked change between two honest ones.
fn batch(scene: &Scene, attacked: Vec<u8>, (how, claims): (u8, u8)) -> Batch {
    let push = |doc, n, raw: Vec<u8>| PushedChange { doc, n, raw: raw.into(), taken_before: None };
    let attacked = PushedChange {
        taken_before: (claims & TAKEN_BEFORE != 0).then_some(9),
        ..push(u32::from(how & NOWHERE), NUMBERS[usize::from(claims & 3)], attacked)
    };
    let mut changes = vec![push(0, 0, scene.before.clone()), attacked.clone()];
    if how & TWICE != 0 {
        changes.push(attacked);
    }
    changes.push(push(0, 2, scene.after.clone()));
    let mut batch = Batch {
        person: scene.phone.person,
        relayed_for: None,
        incarnation: scene.phone.incarnation,
        docs: vec![scene.doc],
        changes,
        commands: Vec::new(),
        signature: vec![0; 64].into(),
        proof: None,
    };
    if how & RELAYED != 0 {
        let commands = Batch::digest_of_commands(&[]).into();
        batch.proof = Some(Proof { list: signed_list(&batch), commands });
        batch.relayed_for = Some(scene.phone.device);
    }
    batch
}

/// Who sends, as the opened batch says; a batch that nobody signed does not open.
fn sender_of(scene: &Scene, batch: &mut Batch, signed: bool) -> Result<Sender, String> {
    let (device, key) = (scene.phone.device, &scene.public_key);
    if signed {
        *batch = scene.phone.signed(batch.clone());
        return opened(batch, device, key, noon())
            .map(|(sender, _)| sender)
            .map_err(|code| format!("a truly signed batch is refused: {code:?}"));
    }
    match opened(batch, device, key, noon()) {
        Err(Code::BadSignature) => Ok(Sender {
            device,
            incarnation: batch.incarnation,
            person: batch.person,
            upload: [0; 32],
            received_at: noon(),
        }),
        other => Err(format!("nobody signed, and the batch is answered {:?}", other.err())),
    }
}

/// What the gate hands on is bounded and true, and one verdict stands for each change.
fn claims_true(sender: &Sender, scene: &Scene, group: &Group, stage1: &[Stage1]) -> Result<(), String> {
    if stage1.len() != group.pushed.len() {
        return Err(format!("{} verdicts for {} changes", stage1.len(), group.pushed.len()));
    }
    for (place, (said, pushed)) in stage1.iter().zip(&group.pushed).enumerate() {
        let Stage1::Candidate(candidate) = said else { continue };
        let s = &candidate.scanned;
        let life = ActorLife { device: sender.device, incarnation: sender.incarnation, n: pushed.n };
        let tip = scene.state.actors.get(&s.actor).and_then(|actor| actor.tip).map_or(0, |tip| tip.0);
        let earlier = stage1[..place]
            .iter()
            .filter(|other| matches!(other, Stage1::Candidate(c) if c.actor == s.actor))
            .count();
        let bounded = pushed.raw.len() <= CHANGE_BYTES_MAX
            && s.ops <= CHANGE_OPS_MAX
            && s.deps.len() <= CHANGE_DEPS_MAX
            && s.start_op > 0;
        let own = s.actor == life.actor(scene.doc.doc_id()) && s.actor == candidate.actor;
        if !bounded || !own || s.seq != tip + 1 + earlier as u64 || s.hash != pushed.hash {
            return Err(format!("the gate let pass {s:?}, {} bytes, number {}", pushed.raw.len(), pushed.n));
        }
        if scene.doc.is_book() != candidate.record.is_some() {
            return Err(format!("a book's change without its record, or a sheet's with one: {s:?}"));
        }
    }
    Ok(())
}

type Settled = (Vec<Outcome>, Option<Vec<u8>>);

/// The judge's word on what the gate handed on, and again without what must not stand.
fn settled(scene: &Scene, group: &Group, stage1: Vec<Stage1>) -> Result<Settled, String> {
    let judged = |places: &[usize]| {
        let changes: Vec<Vec<u8>> = places.iter().map(|place| group.pushed[*place].raw.clone()).collect();
        let snapshot = scene.state.snapshot.as_deref();
        judge(&Case { descriptor: scene.doc, snapshot, changes: &changes })
            .map_err(|code| format!("the document itself is called {code:?}"))
    };
    let places: Vec<usize> =
        (0..stage1.len()).filter(|place| matches!(stage1[*place], Stage1::Candidate(_))).collect();
    if places.is_empty() {
        return Ok((settle(stage1, &[]).0, None));
    }
    let spoken = judged(&places)?;
    let (outcomes, too_much) = settle(stage1, &spoken.verdicts);
    if !too_much {
        return Ok((outcomes, Some(spoken.snapshot)));
    }
    let standing: Vec<usize> =
        places.into_iter().filter(|place| matches!(outcomes[*place], Outcome::Accepted(_))).collect();
    let again = judged(&standing)?;
    if again.verdicts.iter().any(Result::is_err) {
        return Err(format!("accepted, and not without its neighbour: {:?}", again.verdicts));
    }
    Ok((outcomes, Some(again.snapshot)))
}

fn fate(outcome: &Outcome) -> Fate {
    match outcome {
        Outcome::Accepted(_) => Fate::Accepted,
        Outcome::NotTaken(refused) => Fate::NotTaken(refused.code),
        Outcome::Said(louan_schema::wire::Verdict::NotTaken(code)) => Fate::NotTaken(*code),
        Outcome::Said(_) | Outcome::Repeat(_) => Fate::Known,
    }
}

fn expected(which: &str, outcome: &Outcome, said: Result<(), Code>, displaced: bool) -> Result<(), String> {
    let found = fate(outcome);
    let wanted = said.map_or_else(Fate::NotTaken, |()| Fate::Accepted);
    let gave_way =
        matches!(found, Fate::NotTaken(Code::KeyExists | Code::ActorNumber | Code::SamePerson) | Fate::Known);
    if found == wanted || (displaced && gave_way) {
        return Ok(());
    }
    Err(format!("the honest change {which} it is answered {found:?}, not {wanted:?}"))
}

/// What was called sound loads, and its victim writes on.
fn goes_on(scene: &Scene, snapshot: &[u8]) -> Result<(), String> {
    let mut document =
        Document::load(snapshot).map_err(|e| format!("called sound, and does not load: {e}"))?;
    let next = match &scene.victims_next {
        Next::Change(raw) => raw.clone(),
        Next::Tap(phone, tap) => {
            let actor = phone.life().actor(scene.doc.doc_id());
            let change = sheet_change(&mut document, actor, std::slice::from_ref(tap));
            let change = change.map_err(|e| format!("the victim cannot write on: {e}"))?;
            change.ok_or("the victim's next tap changes nothing")?.raw
        }
    };
    let case = Case { descriptor: scene.doc, snapshot: Some(snapshot), changes: &[next] };
    let judged = judge(&case).map_err(|code| format!("called sound, and then {code:?}"))?;
    match judged.verdicts[0] {
        Ok(()) => Ok(()),
        Err(code) => Err(format!("the victim's next honest change is answered {code:?}")),
    }
}
