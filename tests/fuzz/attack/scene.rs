//! Fixed states in which a change is attacked: what the log knows of a document, whose phone sends, what it would
//! have sent honestly.
//!
//! Everything is written by the writers that phones use and judged by the judge; nothing here is hostile. A state is
//! made once and never changed, so that an input means the same in every run.

use std::sync::LazyLock;

use louan_schema::code::Role;
use louan_schema::doc::judge::{Case, judge};
use louan_schema::doc::scan::{record_put, scan};
use louan_schema::doc::write::Tap;
use louan_schema::doc::{Descriptor, Document};
use louan_schema::fold::Fact;
use louan_schema::id::RecordId;
use louan_schema::record::{Body, Record};
use louan_schema::wire::Code;
use louan_server::storage::log::{ActorState, DocumentState, HeldVerdict, Known, RecordHead};
use p256::ecdsa::SigningKey;

use crate::kit::{
    COLLEAGUE, COMPANY, MANAGER, OFFICER, POLICE, Phone, fix, hazard, recheck, round, sheet, tap,
};

/// A document, its log, and three changes of one phone: the second is what is attacked.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) doc: Descriptor,
    pub(crate) phone: Phone,
    pub(crate) public_key: Vec<u8>,
    pub(crate) role: Role,
    pub(crate) barred: Option<Code>,
    pub(crate) state: DocumentState,
    /// An honest change of the attacked one's own actor, before it.
    pub(crate) before: Vec<u8>,
    /// The honest change in whose place the attack stands.
    pub(crate) honest: Vec<u8>,
    /// An honest change of another actor of the same phone, behind it.
    pub(crate) after: Vec<u8>,
    /// What the honest ones must be answered, whatever stands between them.
    pub(crate) expected: [Result<(), Code>; 2],
    /// The last change of the victim, who is somebody else.
    pub(crate) victim: Vec<u8>,
    /// What the victim writes next; in a sheet it depends on what he sees.
    pub(crate) victims_next: Next,
}

/// How the victim goes on.
pub(crate) enum Next {
    Change(Vec<u8>),
    Tap(Box<Phone>, Tap),
}

/// Every scene; the first byte of an input chooses.
pub(crate) static SCENES: LazyLock<Vec<Scene>> = LazyLock::new(|| {
    vec![
        book(false),
        book(true),
        closed(),
        Scene {
            name: "a book on a site that left the scope",
            barred: Some(Code::ScopeLost),
            expected: [Err(Code::ScopeLost); 2],
            ..book(true)
        },
        burnt(),
        rechecks(),
        open_sheet(false),
        open_sheet(true),
    ]
});

fn id(n: u8) -> RecordId {
    RecordId([n; 16])
}

/// Seeds of the sending phones' keys.
const ME: u8 = 1;
const SHE: u8 = 3;

fn phones() -> [Phone; 2] {
    [Phone::unknown(ME, MANAGER, COMPANY), Phone::unknown(2, COLLEAGUE, COMPANY)]
}

fn public_key(seed: u8) -> Vec<u8> {
    let key = SigningKey::from_slice(&[seed; 32]).expect("a key");
    key.verifying_key().to_sec1_bytes().to_vec()
}

/// A company's book: empty, or with records of two people in it.
fn book(history: bool) -> Scene {
    let [mut me, mut colleague] = phones();
    let doc = me.book();
    let mut log = Vec::new();
    let mut victim = colleague.clone().write(13, Body::Hazard(hazard("乙")));
    if history {
        log.push(me.write(10, Body::Hazard(hazard("甲"))));
        log.push(me.write(11, round(1)));
        log.push(colleague.write(12, fix(id(10), COLLEAGUE)));
        victim = colleague.write(13, Body::Hazard(hazard("乙")));
        log.push(victim.clone());
    }
    let before = me.write(20, round(2));
    let honest = me.write(21, fix(id(10), MANAGER));
    me.n = 2;
    Scene {
        name: if history { "a book of two people" } else { "a book that nobody has opened yet" },
        doc,
        after: me.write(22, round(3)),
        public_key: public_key(ME),
        phone: me,
        role: Role::PropertyManager,
        barred: None,
        state: state_of(&doc, &log),
        before,
        honest,
        expected: [Ok(()); 2],
        victim,
        victims_next: Next::Change(colleague.write(14, round(4))),
    }
}

fn closed() -> Scene {
    let mut scene = Scene { name: "a closed book", expected: [Err(Code::Frozen); 2], ..book(true) };
    scene.state.frozen = true;
    scene
}

/// A change of the actor was refused for good; what follows it follows.
fn burnt() -> Scene {
    let mut scene = book(true);
    let refused = HeldVerdict { code: Code::ScopeLost, decided: Some(false) };
    let own = scan(&scene.before).expect("honest").actor;
    scene.state.actors.entry(own).and_modify(|actor| actor.burnt = Some((3, refused)));
    scene.expected = [Err(Code::Follows), Ok(())];
    Scene { name: "a book with a burnt actor", ..scene }
}

/// The police's book on the same site: rechecks of what the company found and fixed.
fn rechecks() -> Scene {
    let company = book(true);
    let [mut officer, mut colleague] = [SHE, 4].map(|seed| Phone::unknown(seed, OFFICER, POLICE));
    let doc = officer.book();
    let log = vec![
        officer.write(30, recheck(id(10), OFFICER, false)),
        colleague.write(31, recheck(id(13), OFFICER, false)),
    ];
    let mut state = state_of(&doc, &log);
    for (key, head) in company.state.records {
        state.records.insert(key, head);
    }
    for (hazard, mut facts) in company.state.hazards {
        facts.append(state.hazards.entry(hazard).or_default());
        state.hazards.insert(hazard, facts);
    }
    state.roles.insert(OFFICER, Role::Police);
    state.roles.insert(MANAGER, Role::PropertyManager);
    let before = officer.write(32, recheck(id(10), OFFICER, true));
    let honest = officer.write(33, recheck(id(13), OFFICER, true));
    officer.n = 2;
    Scene {
        name: "rechecks in the police's book",
        doc,
        after: officer.write(34, recheck(id(10), OFFICER, true)),
        public_key: public_key(SHE),
        phone: officer,
        role: Role::Police,
        barred: None,
        state,
        before,
        honest,
        expected: [Ok(()); 2],
        victim: log[1].clone(),
        victims_next: Next::Change(colleague.write(35, recheck(id(13), OFFICER, true))),
    }
}

/// A sheet: fresh, or filled by two people who contradict each other.
fn open_sheet(history: bool) -> Scene {
    let [mut me, colleague] = phones();
    let doc = sheet();
    let fresh = || Document::fresh(doc.doc_id());
    let victim = colleague.tap(&doc, &mut fresh(), &[tap("1", 0), tap("2", 1)]);
    let log = match history {
        true => vec![me.tap(&doc, &mut fresh(), &[Tap::Template(1), tap("1", 1)]), victim.clone()],
        false => Vec::new(),
    };
    let state = state_of(&doc, &log);
    let mut open = state.snapshot.as_ref().map_or_else(fresh, |bytes| Document::load(bytes).expect("judged"));
    let before = me.tap(&doc, &mut open, &[tap("2", 2)]);
    let mut aside = open.clone();
    let honest = me.tap(&doc, &mut open, &[tap("3", 1)]);
    me.n = 2;
    Scene {
        name: if history { "a sheet in dispute" } else { "a sheet that nobody has opened yet" },
        doc,
        after: me.tap(&doc, &mut aside, &[tap("4", 1)]),
        public_key: public_key(ME),
        phone: me,
        role: Role::PropertyManager,
        barred: None,
        state,
        before,
        honest,
        expected: [Ok(()); 2],
        victim,
        victims_next: Next::Tap(Box::new(colleague), tap("5", 1)),
    }
}

/// What the gate is told of a document with these changes.
fn state_of(doc: &Descriptor, log: &[Vec<u8>]) -> DocumentState {
    let mut state = DocumentState::default();
    if log.is_empty() {
        return state;
    }
    let judged = judge(&Case { descriptor: *doc, snapshot: None, changes: log }).expect("judged");
    assert!(judged.verdicts.iter().all(Result::is_ok), "{:?}", judged.verdicts);
    state.snapshot = Some(judged.snapshot);
    // The first change is the attacked phone's: its actor number 0 has been seen.
    state.n_max = Some(0);
    for (pos, raw) in (1..).zip(log) {
        let s = scan(raw).expect("honest");
        state.head_pos = pos;
        state.known.insert(s.hash, Known { pos, max_op: s.max_op() });
        let tip = Some((s.seq, s.hash, s.max_op()));
        state.actors.insert(s.actor, ActorState { tip, burnt: None });
        if doc.is_book() {
            remember(&mut state, doc, raw);
        }
    }
    state
}

fn remember(state: &mut DocumentState, doc: &Descriptor, raw: &[u8]) {
    let put = record_put(raw).expect("a record");
    let record = Record::from_bytes(&put.bytes).expect("a record");
    let subject = match &record.body {
        Body::Round(visit) => visit.round.0,
        body => body.target().unwrap_or(put.id).0,
    };
    let head = RecordHead { org: doc.org(), site: doc.site(), kind: put.kind, subject };
    state.records.insert(put.id, head);
    let fact = Fact { id: put.id, org: doc.org(), record };
    state.hazards.entry(RecordId(subject)).or_default().push(fact);
}
