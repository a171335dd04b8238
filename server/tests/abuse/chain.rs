//! Ten thousand lines of the audit, and every byte of them changed by hand once (A21).

use louan_server::audit::{AuditCheck, Entry, Line, Verifier};
use louan_server::hub::{Hub, Limits};
use louan_server::storage::commit::Commit;
use louan_server::storage::{AuditStore, Storage};
use louan_server::worker::InProcess;
use std::sync::Arc;

use super::edge_kit::{noon, person_id, store};

const LINES: u64 = 10_000;

#[tokio::test]
async fn every_byte_changed_in_ten_thousand_lines_is_found_and_its_line_named() {
    let store = store().await;
    let entry = |n: u64| Entry {
        at: noon().plus_ms(i64::try_from(n).expect("small")),
        person: Some(person_id(5)),
        device: None,
        act: "confirm_hazard".to_owned(),
        subject: format!("{n:026}"),
        outcome: "done".to_owned(),
    };
    for block in 0..LINES / 1_000 {
        let audit = (0..1_000).map(|n| entry(block * 1_000 + n)).collect();
        store.commit(Commit { audit, ..Commit::default() }).await.expect("written");
    }
    let lines = store.audit_lines(0, usize::MAX >> 1).await.expect("the audit");
    assert_eq!(lines.len() as u64, LINES);
    let hub = Hub::open(Arc::clone(&store) as Arc<dyn Storage>, Arc::new(InProcess), Limits::default()).await;
    assert_eq!(hub.expect("opens").verify_audit().await.expect("a check"), AuditCheck::Whole(LINES));
    let mut before = Verifier::default();
    let mut changed = 0_u64;
    for line in &lines {
        let found = |altered: Line| before.clone().check(&[altered]);
        for at in 0..line.bytes.len() + line.chain.len() {
            let mut altered = line.clone();
            match altered.bytes.get_mut(at) {
                Some(byte) => *byte ^= 1 << (at % 8),
                None => altered.chain[at - line.bytes.len()] ^= 1 << (at % 8),
            }
            assert_eq!(found(altered), Err(line.seq), "byte {at}");
            changed += 1;
        }
        assert_eq!(found(Line { seq: line.seq + 1, ..line.clone() }), Err(line.seq));
        before.check(std::slice::from_ref(line)).expect("whole");
    }
    assert!(changed > 100 * LINES, "{changed} bytes");
}
