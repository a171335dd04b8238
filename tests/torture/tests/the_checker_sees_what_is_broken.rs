//! Every rule of the checker is shown a world that breaks it, and only it.
//!
//! A checker that cannot fail proves nothing: here it is handed pictures with one thing
//! wrong each. The whole picture comes first and must pass.

use std::collections::{BTreeMap, BTreeSet};

use louan_schema::id::{ChangeHash, CommandId, DocId, Epoch, OrgId, RecordId, SiteId};
use louan_schema::wire::Code;
use torture::check::{
    Breach, Document, EditPicture, Fate, OfficePicture, PhonePicture, Picture, RowKey, breaches,
};
use torture::oracle::Edit;

const SITE: SiteId = SiteId([1; 16]);
const OTHER_SITE: SiteId = SiteId([2; 16]);
const ORG: OrgId = OrgId([3; 16]);
const OTHER_ORG: OrgId = OrgId([4; 16]);
const DOC: DocId = DocId([5; 16]);
const EPOCH: Epoch = Epoch([6; 16]);
const RECORD: Edit = Edit::Record(RecordId([7; 16]));
const COMMAND: Edit = Edit::Command(CommandId([8; 16]));
const SHEET: ChangeHash = ChangeHash([9; 32]);
const ROW: RowKey = RowKey::Hazard(SITE, [7; 16]);

fn document(head: u8) -> Document {
    Document {
        name: "a book".into(),
        site: SITE,
        org: ORG,
        frozen: false,
        heads: vec![ChangeHash([head; 32])],
    }
}

fn whole() -> Picture {
    let rows = BTreeMap::from([(RowKey::Site(SITE), vec![1]), (ROW, vec![2])]);
    let phone = PhonePicture {
        name: "phone 0".into(),
        life: 0,
        orgs: BTreeSet::from([ORG]),
        visible: BTreeSet::from([SITE]),
        unsettled: BTreeSet::new(),
        sealed: false,
        push_only: false,
        cursor: Some((EPOCH, 12)),
        edits: BTreeMap::from([(RECORD, Fate::Acknowledged), (COMMAND, Fate::Acknowledged)]),
        documents: BTreeMap::from([(DOC, document(1))]),
        rows: rows.clone(),
    };
    let edit = |edit| EditPicture { edit, acknowledged: true, heard: true, carriers: vec![0] };
    Picture {
        edits: vec![edit(RECORD), edit(COMMAND)],
        known: BTreeSet::from([RECORD, COMMAND]),
        refused: BTreeSet::new(),
        sheets_acknowledged: BTreeSet::from([SHEET]),
        phones: vec![phone],
        office: OfficePicture {
            epoch: EPOCH,
            head: 12,
            was_restored: false,
            edits: BTreeSet::from([RECORD, COMMAND]),
            held: BTreeSet::new(),
            changes: BTreeSet::from([SHEET]),
            documents: BTreeMap::from([(DOC, document(1))]),
            rows,
            rebuilt_differs: Vec::new(),
            audit_broken: None,
        },
        story: Vec::new(),
    }
}

#[track_caller]
fn broken(break_it: impl FnOnce(&mut Picture), expected: &[Breach]) {
    let mut world = whole();
    break_it(&mut world);
    assert_eq!(breaches(&world), expected);
}

fn phone() -> String {
    "phone 0".into()
}

#[test]
fn a_whole_world_has_no_breach() {
    assert_eq!(breaches(&whole()), []);
}

#[test]
fn an_acknowledged_record_missing_at_the_office_is_seen() {
    broken(
        |w| {
            w.office.edits.remove(&RECORD);
        },
        &[Breach::AcknowledgedLost(RECORD), Breach::FalselyAcknowledged(phone(), RECORD)],
    );
}

#[test]
fn an_acknowledged_record_lost_by_a_restore_is_seen_while_a_phone_that_had_it_lives() {
    broken(
        |w| {
            w.office.was_restored = true;
            w.office.edits.remove(&RECORD);
            w.phones[0].edits.insert(RECORD, Fate::Held);
        },
        &[Breach::AcknowledgedLost(RECORD)],
    );
    broken(
        |w| {
            w.office.was_restored = true;
            w.office.edits.remove(&RECORD);
            w.edits[0].carriers = Vec::new();
            w.phones[0].edits.remove(&RECORD);
        },
        // Its author is gone, and a colleague can prove it.
        &[Breach::AcknowledgedLost(RECORD)],
    );
    broken(
        |w| {
            w.office.was_restored = true;
            w.office.edits.remove(&RECORD);
            w.edits[0].heard = false;
            w.phones[0].edits.insert(RECORD, Fate::Returned(Code::NotPermitted));
        },
        &[],
    );
}

#[test]
fn what_a_human_refused_in_a_log_that_is_no_more_may_be_gone_if_its_author_knows() {
    for (fate, expected) in
        [(Fate::Returned(Code::TakenBefore), &[][..]), (Fate::Held, &[Breach::AcknowledgedLost(RECORD)][..])]
    {
        broken(
            |w| {
                w.office.was_restored = true;
                w.office.edits.remove(&RECORD);
                w.refused = BTreeSet::from([RECORD]);
                w.phones[0].edits.insert(RECORD, fate);
            },
            expected,
        );
    }
}

#[test]
fn a_saved_record_that_is_on_no_living_phone_is_seen() {
    broken(
        |w| {
            w.phones[0].edits.remove(&RECORD);
        },
        &[Breach::EditGone(RECORD)],
    );
    broken(
        |w| {
            w.edits[0].acknowledged = false;
            w.phones[0].edits.remove(&RECORD);
            w.office.edits.remove(&RECORD);
        },
        &[Breach::EditGone(RECORD)],
    );
}

#[test]
fn a_saved_record_whose_every_phone_was_destroyed_is_no_breach() {
    broken(
        |w| {
            w.edits[0] =
                EditPicture { edit: RECORD, acknowledged: false, heard: false, carriers: Vec::new() };
            w.phones[0].edits.remove(&RECORD);
            w.office.edits.remove(&RECORD);
        },
        &[],
    );
}

#[test]
fn an_edit_in_no_state_and_one_that_never_leaves_are_seen() {
    broken(
        |w| {
            w.phones[0].edits.insert(COMMAND, Fate::Unknown);
        },
        &[Breach::EditStateless(phone(), COMMAND)],
    );
    broken(
        |w| {
            w.phones[0].edits.insert(COMMAND, Fate::Pending);
        },
        &[Breach::Stuck(phone(), COMMAND)],
    );
}

#[test]
fn a_reason_that_no_honest_phone_gives_is_seen_and_an_honest_one_is_not() {
    let returned = |code| {
        move |w: &mut Picture| {
            w.edits[1].acknowledged = false;
            w.phones[0].edits.insert(COMMAND, Fate::Returned(code));
        }
    };
    broken(returned(Code::BadPred), &[Breach::Returned(phone(), COMMAND, Code::BadPred)]);
    broken(returned(Code::Follows), &[Breach::Returned(phone(), COMMAND, Code::Follows)]);
    broken(returned(Code::CloneDetected), &[Breach::Returned(phone(), COMMAND, Code::CloneDetected)]);
    broken(returned(Code::VersionMoved), &[]);
}

#[test]
fn a_record_shown_as_returned_while_the_office_has_it_is_seen() {
    broken(
        |w| {
            w.phones[0].edits.insert(RECORD, Fate::Returned(Code::OutOfScope));
        },
        &[Breach::Returned(phone(), RECORD, Code::OutOfScope)],
    );
}

#[test]
fn an_acknowledged_record_that_is_sent_back_after_a_restore_is_seen_unless_a_human_refused_it() {
    for code in [Code::NotPermitted, Code::OutOfScope, Code::TakenBefore] {
        let sent_back = |refused: bool| {
            move |w: &mut Picture| {
                w.office.was_restored = true;
                w.office.edits.remove(&RECORD);
                w.office.held.insert(RECORD);
                w.refused.extend(refused.then_some(RECORD));
                w.phones[0].edits.insert(RECORD, Fate::Returned(code));
            }
        };
        broken(sent_back(false), &[Breach::Returned(phone(), RECORD, code)]);
        broken(sent_back(true), &[]);
    }
}

#[test]
fn a_sheet_change_missing_from_the_log_is_seen_unless_the_log_was_restored() {
    broken(|w| w.office.changes.clear(), &[Breach::SheetLost(SHEET.to_string())]);
    broken(
        |w| {
            w.office.was_restored = true;
            w.office.changes.clear();
        },
        &[],
    );
}

#[test]
fn a_record_nobody_wrote_is_seen() {
    let stranger = Edit::Record(RecordId([77; 16]));
    broken(
        |w| {
            w.office.edits.insert(stranger);
        },
        &[Breach::FromNowhere(stranger)],
    );
}

#[test]
fn a_document_that_differs_and_one_that_is_missing_are_seen() {
    broken(
        |w| {
            w.phones[0].documents.insert(DOC, document(2));
        },
        &[Breach::Divergent(phone(), "a book, heads [02020202], there heads [01010101]".into())],
    );
    broken(
        |w| {
            w.phones[0].documents.clear();
        },
        &[Breach::DocumentMissing(phone(), "a book".into())],
    );
}

#[test]
fn a_row_that_differs_and_one_that_is_missing_are_seen() {
    broken(
        |w| {
            w.phones[0].rows.insert(ROW, vec![99]);
        },
        &[Breach::RowDiffers(phone(), ROW)],
    );
    broken(
        |w| {
            w.phones[0].rows.remove(&ROW);
        },
        &[Breach::RowMissing(phone(), ROW)],
    );
}

#[test]
fn a_row_of_another_compound_and_a_book_of_another_organisation_are_leaks() {
    let foreign = RowKey::Building(OTHER_SITE, [1; 16]);
    broken(
        |w| {
            w.phones[0].rows.insert(foreign, vec![1]);
        },
        &[Breach::Leaked(phone(), foreign.to_string())],
    );
    let book = Document { name: "their book".into(), org: OTHER_ORG, ..document(1) };
    broken(
        |w| {
            w.phones[0].documents.insert(DocId([55; 16]), book);
        },
        &[Breach::Leaked(phone(), "their book".into())],
    );
}

#[test]
fn rows_of_a_lost_compound_may_stay_only_while_something_of_ones_own_hangs_on_it() {
    let foreign = RowKey::Site(OTHER_SITE);
    broken(
        |w| {
            w.phones[0].rows.insert(foreign, vec![1]);
            w.phones[0].unsettled.insert(OTHER_SITE);
        },
        &[],
    );
}

#[test]
fn a_sealed_phone_is_not_asked_for_rows_and_a_cursor_behind_is_seen() {
    broken(
        |w| {
            w.phones[0].sealed = true;
            w.phones[0].push_only = true;
            w.phones[0].cursor = None;
            w.phones[0].rows.clear();
            w.phones[0].documents.clear();
        },
        &[],
    );
    broken(|w| w.phones[0].cursor = Some((EPOCH, 11)), &[Breach::CursorBehind(phone(), Some(11), 12)]);
    broken(
        |w| w.phones[0].cursor = Some((Epoch([0; 16]), 12)),
        &[Breach::CursorBehind(phone(), Some(12), 12)],
    );
}

#[test]
fn a_ledger_that_differs_when_rebuilt_and_a_broken_audit_are_seen() {
    broken(
        |w| w.office.rebuilt_differs.push("hazard_row".into()),
        &[Breach::RebuiltDiffers("hazard_row".into())],
    );
    broken(|w| w.office.audit_broken = Some("row 3".into()), &[Breach::AuditBroken("row 3".into())]);
    broken(|w| w.story.push("a cursor went back".into()), &[Breach::Story("a cursor went back".into())]);
}
