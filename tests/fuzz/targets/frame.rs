//! The bodies on the wire and everything decoded from them: no panic, no memory beyond the bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use louan_schema::record::Record;
use louan_schema::wire::{SyncReply, SyncRequest, frame};

fuzz_target!(|data: &[u8]| {
    let _ = frame::decode::<SyncRequest>(data);
    let _ = frame::decode::<SyncReply>(data);
    let _ = Record::from_bytes(data);
});
